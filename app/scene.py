"""What is open: a screenshot with what is known about it, by itself or as part of a trace."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from app.samples import Truth, samples, truth_of
from core.regions import RegionMap
from core.screenshot import Screenshot
from core.trace import Identity, Trace

TRACE_SUFFIX = ".sightline"


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is open: a screenshot, its regions once they are found, and what is known about it."""

    screenshot: Screenshot
    region_map: RegionMap | None = None
    segmenter: Identity | None = None
    truth: Truth | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A scene, the file that it was read from, and the trace if the file is one."""

    scene: Scene
    path: Path | None = None
    trace: Trace | None = None


def read(path: Path) -> Opened:
    """Read a screenshot or a trace file.

    Raises:
        InputError: it is neither, or broken.
    """
    if path.suffix.lower() == TRACE_SUFFIX:
        from core.store import read_trace

        trace = read_trace(path)
        truth = known_truth(trace.screenshot)
        return Opened(Scene(trace.screenshot, trace.region_map, trace.segmenter, truth), path, trace)
    from core.screenshot import load_screenshot

    screenshot = load_screenshot(path)
    return Opened(Scene(screenshot, truth=truth_of(path) or known_truth(screenshot)), path)


def known_truth(screenshot: Screenshot) -> Truth | None:
    """The truth of a screenshot that has the pixels of a sample, whatever its name; None for others."""
    from core.screenshot import load_screenshot

    for sample in samples():
        with Image.open(sample.path) as header:
            same_size = header.size == (screenshot.width, screenshot.height)
        if same_size and load_screenshot(sample.path).sha256 == screenshot.sha256:
            return truth_of(sample.path)
    return None
