"""The registry of segmenters, and one call from a screenshot to a region map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.errors import InputError
from core.regions import RegionMap
from core.screenshot import Screenshot
from core.trace import Identity
from models import sam_checkpoint

MAX_REGIONS = 64
"""How many regions a map has at most unless asked otherwise, background included."""

Progress = Callable[[str, float], None]
"""Called with what is being done and the fraction of it done, 0 to 1."""


class Cancelled(Exception):  # noqa: N818 - no error, an answer
    """The caller asked to stop before the map was made."""


class Segmenter(Protocol):
    """What finds regions. ``step`` is to be called often: it reports progress and raises ``Cancelled``."""

    identity: Identity

    def segment(self, screenshot: Screenshot, max_regions: int, step: Progress) -> RegionMap: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A segmenter that can be asked for.

    Attributes:
        description: one line for ``--help`` and the preferences.
        factory: loads it; takes the path of a checkpoint, or None where it has its own or needs none.
        takes_checkpoint: whether ``NAME:PATH`` is accepted.
    """

    description: str
    factory: Callable[[Path | None], Segmenter]
    takes_checkpoint: bool = False


def _opencv(checkpoint: Path | None) -> Segmenter:
    from models.opencv_segmenter import OpenCVSegmenter

    return OpenCVSegmenter()


def _grid(checkpoint: Path | None) -> Segmenter:
    from models.grid_segmenter import GridSegmenter

    return GridSegmenter()


def _sam(checkpoint: Path | None) -> Segmenter:
    from models.sam import load_sam

    return load_sam(checkpoint)


_OWN_SAM = sam_checkpoint.bundled()
DEFAULT = "sam" if _OWN_SAM else "opencv"
_SAM = Entry(
    f"Segment Anything: {'the bundled one, or ' if _OWN_SAM else ''}sam:CHECKPOINT",
    _sam,
    takes_checkpoint=True,
)

SEGMENTERS: dict[str, Entry] = {
    "opencv": Entry("edges, flat surfaces and text lines; fast, needs no model", _opencv),
    "grid": Entry("a regular grid, blind to the content; for comparison", _grid),
    **({"sam": _SAM} if _OWN_SAM else {}),
}
"""What can be asked for by name alone."""

WITH_CHECKPOINT = {"sam": _SAM}
"""What can be asked for with a checkpoint, also where none comes with Sightline."""

_loaded: dict[str, Segmenter] = {}


def load_segmenter(name: str) -> Segmenter:
    """The segmenter of that name, loaded once. ``NAME:PATH`` gives a checkpoint to one that takes it.

    Raises:
        InputError: no such segmenter, or a checkpoint that does not exist or is not wanted.
    """
    if name in _loaded:
        return _loaded[name]
    kind, _, path = name.partition(":")
    entry = SEGMENTERS.get(kind) or (WITH_CHECKPOINT.get(kind) if path else None)
    if entry is None:
        raise InputError(f"There is no segmenter called “{kind}”. Choose one of: {', '.join(SEGMENTERS)}.")
    if path and not entry.takes_checkpoint:
        raise InputError(f"The segmenter “{kind}” takes no checkpoint. Leave out “:{path}”.")
    _loaded[name] = entry.factory(sam_checkpoint.find_checkpoint(path) if path else None)
    return _loaded[name]


def let_go_of_others(name: str) -> None:
    """Forget checkpoints that were loaded for other names, when ``name`` takes one: two may not fit."""
    if name.partition(":")[0] in WITH_CHECKPOINT:
        for other in [loaded for loaded in _loaded if ":" in loaded and loaded != name]:
            _loaded.pop(other, None)


def load_or_default(name: str, tell: Callable[[str], None]) -> tuple[str, Segmenter]:
    """The segmenter of that name or, when its checkpoint cannot be used, the bundled SAM (the
    default one where none is bundled).

    Args:
        name: as in ``load_segmenter``.
        tell: told in a sentence or two what is wrong with the checkpoint and what is used instead.

    Returns:
        The name of what was loaded, and it.

    Raises:
        InputError: as ``load_segmenter``, for a name without a checkpoint.
    """
    try:
        return name, load_segmenter(name)
    except InputError as error:
        if ":" not in name:
            raise
        tell(f"{error} Regions come from “{DEFAULT}” instead.")
        return DEFAULT, load_segmenter(DEFAULT)


def segment(
    screenshot: Screenshot,
    segmenter: str | Segmenter = DEFAULT,
    *,
    max_regions: int = MAX_REGIONS,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> RegionMap:
    """Find the regions of a screenshot.

    Args:
        segmenter: a name as in ``load_segmenter``, or one that is loaded.
        max_regions: most regions in the map, the background included; 2 to 256.
        progress: called in this thread when there is something new to tell.
        cancelled: asked in this thread; the work ends soon after it returns True.

    Raises:
        InputError: an unknown segmenter, or a number of regions out of range.
        Cancelled: ``cancelled`` returned True.
    """
    if not 2 <= max_regions <= 256:
        raise InputError(f"A region map holds 2 to 256 regions, not {max_regions}. Choose a number between.")

    told: tuple[str, float] | None = None

    def step(text: str, fraction: float) -> None:
        nonlocal told
        if cancelled is not None and cancelled():
            raise Cancelled(text)
        if progress is not None and told != (text, fraction):
            told = (text, fraction)
            progress(text, fraction)

    step("Finding regions", 0.0)
    found = load_segmenter(segmenter) if isinstance(segmenter, str) else segmenter
    region_map = found.segment(screenshot, max_regions, step)
    step("Finding regions", 1.0)
    return region_map


def identity(name: str = DEFAULT) -> Identity:
    """Name and content hash of a segmenter, as a trace keeps it. Raises InputError as ``load_segmenter``."""
    return load_segmenter(name).identity
