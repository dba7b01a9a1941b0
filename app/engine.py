"""The models that a run needs: loaded once, kept, and used by the window and the command line alike.

Nothing heavy is imported before the first method that needs it. All methods block; the window calls them
from its workers.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from app.recording import into
from core.control import RunControl
from core.errors import InputError
from core.events import Event
from core.regions import RegionMap
from core.screenshot import Screenshot
from core.trace import Identity, Measurement, Sampling, Trace

if TYPE_CHECKING:
    from core.estimator import Estimator
    from models.thinker import Thinker

MASKS = 32
"""Random masks behind each measurement; they judge the estimates."""

Progress = Callable[[str, float | None], None]
"""Told what is going on, and how much of it is done (0 to 1, or None when nobody knows)."""


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """What to run.

    Attributes:
        generation: number that the events of this run carry.
        screenshot, region_map, segmenter: what to look at, and who found its regions.
        prompt, sampling: what to ask, and how to draw tokens.
        trace_path: where the run is written as it goes.
    """

    generation: int
    screenshot: Screenshot
    region_map: RegionMap
    segmenter: Identity
    prompt: str
    sampling: Sampling
    trace_path: Path


class EngineLike(Protocol):
    """What the window needs of an engine; tests bring a scripted one."""

    segmenters: tuple[str, ...]
    generated_only: bool
    """Whether the model reads generated screens and nothing else."""

    def warm_up(self, progress: Progress) -> tuple[Identity, str]:
        """Load everything; returns the thinking model and the device it runs on."""
        ...

    def segment(
        self, screenshot: Screenshot, name: str, progress: Progress, cancelled: Callable[[], bool]
    ) -> tuple[RegionMap, Identity]: ...

    def run(self, request: Request, control: RunControl) -> Iterator[Event]: ...

    def measure(
        self,
        trace: Trace,
        spans: Sequence[tuple[int, int]],
        progress: Progress,
        cancelled: Callable[[], bool],
    ) -> list[Measurement]: ...


class Engine:
    """The real one: a thinking model and its estimator, loaded at first use and kept.

    Not made for several threads at once, except ``segment``, which shares nothing with the rest.
    """

    def __init__(self, model: str = "bundled", estimator: str = "bundled", device: str = "auto") -> None:
        """Arguments as ``sightline run`` takes them; nothing is loaded yet."""
        from models.segmenters import DEFAULT, SEGMENTERS

        self.segmenters = (DEFAULT, *(name for name in SEGMENTERS if name != DEFAULT))
        self._names = (model, estimator, device)
        self.generated_only = model == "bundled"
        self._loaded: tuple[Thinker, Estimator] | None = None

    def warm_up(self, progress: Progress) -> tuple[Identity, str]:
        """Load everything; returns the thinking model and the device it runs on."""
        thinker, _ = self.load(progress)
        return thinker.identity, thinker.device_name

    def segment(
        self, screenshot: Screenshot, name: str, progress: Progress, cancelled: Callable[[], bool]
    ) -> tuple[RegionMap, Identity]:
        """Find the regions of a screenshot."""
        from models import segmenters

        region_map = segmenters.segment(screenshot, name, progress=progress, cancelled=cancelled)
        return region_map, segmenters.identity(name)

    def run(self, request: Request, control: RunControl) -> Iterator[Event]:
        """Run; every event is in the trace file before it is yielded."""
        thinker, estimator = self.load(lambda text, part: None)
        from core.run import found, run

        yield from run(
            request.screenshot,
            request.prompt,
            thinker,
            found(request.region_map, request.segmenter),
            estimator,
            request.sampling,
            generation=request.generation,
            control=control,
            open_writer=into(request.trace_path),
        )

    def measure(
        self,
        trace: Trace,
        spans: Sequence[tuple[int, int]],
        progress: Progress,
        cancelled: Callable[[], bool],
    ) -> list[Measurement]:
        """Measure token spans of a trace by removing regions; an empty list when cancelled.

        Raises:
            InputError: the trace was made by another model than the one loaded here.
        """
        thinker, _ = self.load(progress)
        there, then = thinker.identity, trace.model
        budget = "visual_tokens_at_most"
        if there.sha256 != then.sha256 or there.details.get(budget) != then.details.get(budget):
            raise InputError(
                f"This trace was made by {then.name}, and {there.name} as it is loaded here would give other "
                "effects. Choose the trace's own model and image budget, or use sightline verify."
            )
        from core.ablation import measure_spans

        return measure_spans(
            thinker,
            thinker.prepare(trace.screenshot.pixels, trace.prompt),
            trace.screenshot.pixels,
            trace.region_map,
            [token.id for token in trace.tokens],
            spans,
            random_masks=MASKS,
            progress=lambda part: progress("Measuring: removing regions, asking again", part),
            should_stop=cancelled,
        )

    def load(self, progress: Progress) -> tuple[Thinker, Estimator]:
        """The thinking model and its estimator, loaded at the first call."""
        if self._loaded is None:
            model, estimator, device = self._names
            progress("Loading the libraries", None)
            from core.estimator import load_estimator
            from models.thinker import load_thinker

            thinker = load_thinker(model, device, progress=progress)
            progress("Loading the estimator", None)
            fitted = load_estimator(_estimator_folder(estimator))
            fitted.check(thinker.layers, thinker.heads, thinker.identity.name)
            self._loaded = thinker, fitted
            _leave_a_core_to_the_window()
        return self._loaded


def _estimator_folder(name: str) -> Path:
    """ "bundled", or the path of an estimator."""
    import resources

    return Path(resources.__path__[0]) / "bundled" / "estimator" if name == "bundled" else Path(name)


def _leave_a_core_to_the_window() -> None:
    """Fewer torch threads than cores, so that drawing does not wait for the model."""
    import torch

    cores = os.cpu_count() or 1
    if cores > 2:
        torch.set_num_threads(min(torch.get_num_threads(), cores - 1))
