"""The models that a run needs: loaded once, kept, and used by the window and the command line alike.

Nothing heavy is imported before the first method that needs it. All methods block; the window calls them
from its workers.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from app.environment import estimators_folder
from app.recording import into
from core.control import RunControl
from core.errors import InputError
from core.events import Event, Failed
from core.regions import RegionMap
from core.screenshot import Screenshot
from core.trace import Identity, Measurement, Sampling, Trace

if TYPE_CHECKING:
    from app.calibrating import Installed, Wish
    from core.adaptation import AdaptationEvent
    from core.estimator import Estimator
    from core.run import EffectEstimator
    from models.checkpoint import Loading
    from models.sam import Clicks
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

    @property
    def generated_only(self) -> bool:
        """Whether the model reads generated screens and nothing else."""
        ...

    @property
    def uncalibrated(self) -> bool:
        """Whether the model is loaded and has no estimator."""
        ...

    def warm_up(self, progress: Progress) -> tuple[Identity, str]:
        """Load everything; returns the thinking model and the device it runs on."""
        ...

    def segment(
        self, screenshot: Screenshot, name: str, progress: Progress, cancelled: Callable[[], bool]
    ) -> tuple[RegionMap, Identity]: ...

    def masks(
        self,
        screenshot: Screenshot,
        segmenter: str,
        prompt: tuple[int, ...],
        cancelled: Callable[[], bool],
    ) -> list[np.ndarray]:
        """What SAM sees at a point (x, y) or in a box (x0, y0, x1, y1), bool [H, W], from small to large.

        ``segmenter`` names whose SAM, or else it is the bundled one. Empty when cancelled or nothing is seen.
        """
        ...

    def visual_tokens(self, width: int, height: int) -> int:
        """How many visual tokens the model makes of a screenshot of so many pixels."""
        ...

    def run(self, request: Request, control: RunControl) -> Iterator[Event]: ...

    def measure(
        self,
        trace: Trace,
        spans: Sequence[tuple[int, int]],
        progress: Progress,
        cancelled: Callable[[], bool],
    ) -> list[Measurement]: ...

    def reattribute(
        self, trace: Trace, region_map: RegionMap, segmenter: Identity, control: RunControl
    ) -> Iterator[Event]:
        """As ``core.reattribution.reattribute``, with the model that is loaded."""
        ...

    def use(self, model: str, loading: Loading, progress: Progress) -> tuple[Identity, str]:
        """Load another model in place of the one before; returns as ``warm_up``."""
        ...

    def calibrate(
        self, wish: Wish, progress: Progress, cancelled: Callable[[], bool]
    ) -> Iterator[AdaptationEvent | Installed]:
        """Fit an estimator for the model in use; runs use it once it is installed."""
        ...


class Engine:
    """The real one: a thinking model and its estimator, loaded at first use and kept.

    Not made for several threads at once, except ``segment`` and ``masks``, which share nothing with the rest.
    """

    def __init__(
        self,
        model: str = "bundled",
        estimator: str = "auto",
        device: str = "auto",
        loading: Loading | None = None,
    ) -> None:
        """Arguments as ``sightline run`` takes them; ``loading`` says more than ``device``.

        Nothing is loaded yet.
        """
        from models.checkpoint import Loading
        from models.segmenters import DEFAULT, SEGMENTERS

        self.segmenters = (DEFAULT, *(name for name in SEGMENTERS if name != DEFAULT))
        self._model, self._estimator = model, estimator
        self._loading = loading or Loading(device)
        self._thinker: Thinker | None = None
        self._fitted: Estimator | None = None
        self._clicks: tuple[Screenshot, str, Clicks] | None = None

    @property
    def generated_only(self) -> bool:
        return self._model == "bundled"

    @property
    def uncalibrated(self) -> bool:
        return self._thinker is not None and self._fitted is None

    def warm_up(self, progress: Progress) -> tuple[Identity, str]:
        """Load everything; returns the thinking model and the device it runs on."""
        thinker, estimator = self.load(progress)
        told = "" if estimator.identity.calibrated else " · uncalibrated"
        return thinker.identity, thinker.device_name + told

    def use(self, model: str, loading: Loading, progress: Progress) -> tuple[Identity, str]:
        """Load another model, or the same in another way, in place of the one before; returns as ``warm_up``.

        The one before is let go first, because two may not fit; when the new one cannot be loaded, the one
        before is used again, and loaded when it is needed.
        """
        before = self._model, self._loading, self._estimator
        self._thinker = self._fitted = None
        _free_memory()
        self._model, self._loading, self._estimator = model, loading, "auto"
        try:
            return self.warm_up(progress)
        except Exception:
            self._thinker = self._fitted = None
            self._model, self._loading, self._estimator = before
            _free_memory()
            raise

    def segment(
        self, screenshot: Screenshot, name: str, progress: Progress, cancelled: Callable[[], bool]
    ) -> tuple[RegionMap, Identity]:
        """Find the regions of a screenshot."""
        from models import segmenters

        segmenters.let_go_of_others(name)
        asked = self._clicks
        if asked is not None and asked[1] != name:
            self._clicks = None  # it would keep the checkpoint of another one in memory
        segmenter = segmenters.load_segmenter(name)
        region_map = segmenters.segment(screenshot, segmenter, progress=progress, cancelled=cancelled)
        return region_map, segmenter.identity

    def masks(
        self,
        screenshot: Screenshot,
        segmenter: str,
        prompt: tuple[int, ...],
        cancelled: Callable[[], bool],
    ) -> list[np.ndarray]:
        """What SAM sees at a point or in a box; the screenshot is encoded once. Shares nothing with ``run``.

        Raises:
            InputError: there is no SAM here, or its checkpoint cannot be used.
        """
        from models.sam import clicks
        from models.segmenters import Cancelled

        def tick() -> None:
            if cancelled():
                raise Cancelled

        known = self._clicks  # another thread may forget it
        if known is None or known[:2] != (screenshot, segmenter):
            self._clicks = None  # or else its checkpoint stays in memory while this one is loaded
            known = self._clicks = screenshot, segmenter, clicks(screenshot, segmenter)
        asked = known[2]
        try:
            if len(prompt) == 2:
                return asked.at(prompt[0], prompt[1], tick)
            mask = asked.within((prompt[0], prompt[1], prompt[2], prompt[3]), tick)
        except Cancelled:
            return []
        return [mask] if mask.any() else []

    def visual_tokens(self, width: int, height: int) -> int:
        """How many visual tokens the model makes of a screenshot, by its configuration alone."""
        from models.checkpoint import folder_of
        from models.hardware import shape_of, visual_tokens

        shape = shape_of(folder_of(self._model))
        return max(1, visual_tokens(width, height, shape.pixels, self._loading.visual_tokens))

    def run(self, request: Request, control: RunControl) -> Iterator[Event]:
        """Run; every event is in the trace file before it is yielded."""
        thinker, estimator = self.load(lambda text, part: None)
        from core.run import found, run

        for event in run(
            request.screenshot,
            request.prompt,
            thinker,
            found(request.region_map, request.segmenter),
            estimator,
            request.sampling,
            generation=request.generation,
            control=control,
            open_writer=into(request.trace_path),
        ):
            if isinstance(event, Failed):
                _free_memory()  # so that a smaller image can be tried at once
            yield event

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

    def calibrate(
        self, wish: Wish, progress: Progress, cancelled: Callable[[], bool]
    ) -> Iterator[AdaptationEvent | Installed]:
        """Fit an estimator for the model in use; runs use it once it is installed."""
        from app.calibrating import Installed, calibrate

        thinker, _ = self.load(progress)
        for event in calibrate(thinker, self._fitted, wish, progress, cancelled):
            if isinstance(event, Installed) and event.folder is not None and wish.out is None:
                self._estimator = "auto"
                self._fitted = _fitted(self._estimator, self._model, thinker, progress)
            yield event

    def reattribute(
        self, trace: Trace, region_map: RegionMap, segmenter: Identity, control: RunControl
    ) -> Iterator[Event]:
        """Attribute a trace to other regions, as ``core.reattribution.reattribute``."""
        thinker, estimator = self.load(lambda text, part: None)
        from core.reattribution import reattribute

        yield from reattribute(trace, region_map, thinker, estimator, segmenter=segmenter, control=control)

    def load(self, progress: Progress) -> tuple[Thinker, EffectEstimator]:
        """The thinking model, loaded at the first call, and its estimator, or else a fresh prior."""
        from core.attribution.prior import Prior

        if self._thinker is None:
            progress("Loading the libraries", None)
            from models.thinker import load_thinker

            thinker = load_thinker(self._model, progress=progress, loading=self._loading)
            progress("Loading the estimator", None)
            self._fitted = _fitted(self._estimator, self._model, thinker, progress)
            self._thinker = thinker
            _leave_a_core_to_the_window()
        return self._thinker, self._fitted or Prior()


def _fitted(name: str, model: str, thinker: Thinker, progress: Progress) -> Estimator | None:
    """The estimator called ``name``: "bundled", "none", a folder, or "auto".

    "auto" is the one that was calibrated here for this model or, where none can be used, the bundled one for
    the bundled model.

    Raises:
        InputError: there is no such estimator, or it belongs to another model.
    """
    from models.estimators import bundled_estimator, estimators_in

    if name == "none":
        return None
    if name != "auto":
        return _loaded(bundled_estimator() if name == "bundled" else Path(name), thinker)
    installed = estimators_in([estimators_folder()]).get(thinker.identity.sha256)
    if installed is not None:
        try:
            return _loaded(installed, thinker)
        except InputError as error:
            progress(str(error).rstrip("."), None)  # written by an older version, say; nobody chose it today
    return _loaded(bundled_estimator(), thinker) if model == "bundled" else None


def _loaded(folder: Path, thinker: Thinker) -> Estimator:
    from core.estimator import load_estimator

    fitted = load_estimator(folder)
    fitted.check(thinker.layers, thinker.heads, thinker.identity.name)
    owner = fitted.config
    if owner.thinker_sha256 and owner.thinker_sha256 != thinker.identity.sha256:
        # The shape fits, the nats would not: other weights attend to other things.
        raise InputError(
            f"The estimator {fitted.identity.name} was fitted on other weights ({owner.thinker}) than "
            f"those of {thinker.identity.name}. Calibrate one for this model, or choose --estimator none."
        )
    return fitted


def _free_memory() -> None:
    """Give back what a model or a run that is gone held on a GPU."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


def _leave_a_core_to_the_window() -> None:
    """Fewer torch threads than cores, so that drawing does not wait for the model."""
    import torch

    cores = os.cpu_count() or 1
    if cores > 2:
        torch.set_num_threads(min(torch.get_num_threads(), cores - 1))
