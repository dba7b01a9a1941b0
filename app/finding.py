"""Finding regions with the segmenter that the person chose, or with another one where that cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.engine import EngineLike, Progress
from app.segmenter_names import preferred, title
from core.errors import InputError
from core.regions import RegionMap
from core.screenshot import Screenshot
from core.trace import Identity


@dataclass(frozen=True, slots=True)
class FellBack:
    """A checkpoint cannot be used: why, and which segmenter is used instead."""

    text: str
    segmenter: str


def find_regions(
    engine: EngineLike,
    screenshot: Screenshot,
    segmenter: str,
    progress: Progress,
    cancelled: Callable[[], bool],
    fell_back: Callable[[FellBack], None],
) -> tuple[RegionMap, Identity]:
    """The regions, and who found them.

    Raises:
        InputError: as ``EngineLike.segment``, for a segmenter without a checkpoint.
    """
    try:
        return engine.segment(screenshot, segmenter, progress, cancelled)
    except InputError as error:
        if ":" not in segmenter:
            raise
        instead = preferred(engine.segmenters)
        fell_back(FellBack(f"{error} Regions come from {title(instead)} instead.", instead))
        return engine.segment(screenshot, instead, progress, cancelled)
