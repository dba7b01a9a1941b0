"""One question to many screenshots: a list of work items in, events out, one trace each.

There is no shared state between items, so that they may be placed elsewhere unchanged.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from app.engine import EngineLike, Request
from core.control import RunControl
from core.errors import InputError
from core.events import Failed, Finished, TokenDecoded
from core.screenshot import load_screenshot
from core.trace import Sampling

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif")


@dataclass(frozen=True, slots=True)
class BatchItem:
    """A screenshot, what to ask, and the trace file that is to come of it."""

    image: Path
    prompt: str
    trace: Path


@dataclass(frozen=True, slots=True)
class ItemStarted:
    """Item ``index`` is being worked on."""

    index: int


@dataclass(frozen=True, slots=True)
class ItemGrew:
    """Item ``index`` has ``tokens`` tokens now."""

    index: int
    tokens: int


@dataclass(frozen=True, slots=True)
class ItemEnded:
    """Item ``index`` is over: "done", "stopped", or "failed" and why."""

    index: int
    status: str
    tokens: int = 0
    problem: str = ""


BatchEvent = ItemStarted | ItemGrew | ItemEnded


def images_in(folder: Path) -> list[Path]:
    """The pictures in a folder, by name.

    Raises:
        InputError: it is no folder, cannot be read, or holds no picture.
    """
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES)
    except OSError as error:
        raise InputError(
            f"The folder {folder} cannot be read ({error.strerror or error}). Choose another one."
        ) from error
    if not found:
        raise InputError(f"There is no picture in {folder}. Choose a folder with screenshots.")
    return found


def run_batch(
    engine: EngineLike,
    items: Sequence[BatchItem],
    sampling: Sampling,
    segmenter: str,
    control: RunControl,
) -> Iterator[BatchEvent]:
    """Run one item after the other. An item that fails does not keep the others from running.

    ``control`` pauses and stops the whole batch; items that were not begun then get no trace.
    """
    for index, item in enumerate(items):
        if control.stopped:
            return
        yield ItemStarted(index)
        tokens, status, problem = 0, "failed", ""
        try:
            for event in _run_one(engine, item, sampling, segmenter, control):
                match event:
                    case TokenDecoded():
                        tokens += 1
                        yield ItemGrew(index, tokens)
                    case Finished():
                        status = "stopped" if control.stopped else "done"
                    case Failed(message=text):
                        problem = text
        except InputError as error:
            problem = str(error)
        yield ItemEnded(index, status, tokens, problem)


def _run_one(
    engine: EngineLike, item: BatchItem, sampling: Sampling, segmenter: str, control: RunControl
) -> Iterator[object]:
    screenshot = load_screenshot(item.image)
    region_map, identity = engine.segment(
        screenshot, segmenter, lambda _text, _part: None, lambda: control.stopped
    )
    request = Request(0, screenshot, region_map, identity, item.prompt, sampling, item.trace)
    yield from engine.run(request, control)
