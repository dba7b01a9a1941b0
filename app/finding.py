"""Finding regions with the segmenter that the person chose, or with another one where that cannot be used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.engine import EngineLike, Progress
from app.segmenter_names import title
from core.errors import InputError
from core.regions import RegionMap
from core.screenshot import Screenshot
from core.trace import Identity


@dataclass(frozen=True, slots=True)
class FellBack:
    """A checkpoint cannot be used: why, and which segmenter is used instead."""

    text: str
    segmenter: str


@dataclass(frozen=True, slots=True, eq=False)
class Glimpse:
    """Regions to look at until those that were asked for are found, and who found them."""

    region_map: RegionMap
    segmenter: Identity


def glimpse(
    engine: EngineLike, screenshot: Screenshot, segmenter: str, cancelled: Callable[[], bool]
) -> Glimpse | None:
    """What OpenCV sees in a moment, where SAM takes seconds, its libraries included; else None."""
    if segmenter.partition(":")[0] != "sam" or "opencv" not in engine.segmenters:
        return None
    return Glimpse(*engine.segment(screenshot, "opencv", lambda text, part: None, cancelled))


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
        instead = engine.segmenters[0]
        fell_back(FellBack(f"{error} Regions come from {title(instead)} instead.", instead))
        return engine.segment(screenshot, instead, progress, cancelled)
