"""The run loop: screenshot → regions → prompt → tokens → attention → effects, as a stream of events.

It is a plain generator with no shared state: the window, the command line and a test drive the same one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Protocol

import numpy as np

from core.control import RunControl
from core.coverage import coverage
from core.earlier import strongest
from core.errors import InputError
from core.events import (
    EffectsEstimated,
    Event,
    Failed,
    Finished,
    Stage,
    Started,
    StepEnded,
    TokenDecoded,
)
from core.intervals import bounds_of
from core.known_influence import known_influence
from core.memory import REMEDY, out_of_memory
from core.phases import PhaseReader
from core.regions import RegionMap
from core.screenshot import Screenshot
from core.steps import StepSplitter
from core.thinking import Drawn, Prepared, ThinkingModel
from core.trace import Identity, Sampling, Step, Token, Trace

if TYPE_CHECKING:
    from core.features import Features  # with torch, which the window opens without
    from core.probe import Probe

_log = logging.getLogger(__name__)

EFFECTS_AT_ONCE = 32
"""Tokens whose attention is read together; fewer when that would show them late or a step ended."""
LATEST_EFFECTS = 0.1
"""Seconds after which effects are not kept waiting for more tokens."""
LATEST_AT_STEP_END = 0.06
"""The same when a step has ended."""

Segment = Callable[[Screenshot], tuple[RegionMap, Identity]]


class EffectEstimator(Protocol):
    """Turns features into effects; ``core/estimator.py`` has the learned one.

    One that also knows how far its effects may be off has a method ``interval``; see ``core/intervals.py``.
    """

    identity: Identity

    def estimate(self, features: Features) -> tuple[np.ndarray, np.ndarray]:
        """Effects float32 [n, regions] and reliance float32 [n], nats."""
        ...


class Writer(Protocol):
    """Where events are kept as they come, such as ``core.store.TraceWriter``."""

    def write(self, event: Event) -> None: ...

    def flush(self) -> None: ...

    def close(self, status: str | None = None) -> None: ...


def found(region_map: RegionMap, segmenter: Identity) -> Segment:
    """A segment function for regions that are known already."""
    return lambda screenshot: (region_map, segmenter)


def run(
    screenshot: Screenshot,
    prompt: str,
    thinker: ThinkingModel,
    segment: Segment,
    estimator: EffectEstimator | None,
    sampling: Sampling,
    *,
    generation: int = 0,
    control: RunControl | None = None,
    open_writer: Callable[[Trace], Writer] | None = None,
) -> Iterator[Event]:
    """Run a thinking model over a screenshot.

    Tokens are yielded as they are drawn, their effects at most a few tokens later, each step's effects before
    its ``StepEnded``. Each event is written before it is yielded.

    Args:
        screenshot, prompt: what to look at and what to ask.
        thinker: a loaded model.
        segment: finds the regions; ``found`` wraps regions that are there already.
        estimator: None runs without attention and without effects.
        sampling: how tokens are drawn.
        generation: number that all events carry.
        control: pause, stop and pace, from any thread.
        open_writer: opens the trace file once the trace exists.

    Raises:
        InputError: before ``Started``, for a prompt or screenshot that cannot be used. Whatever goes wrong
            after ``Started`` becomes a ``Failed`` event; what was generated is kept.
    """
    if not prompt.strip():
        raise InputError("The prompt is empty. Type a question about the screenshot.")
    control = control or RunControl()
    yield Stage(generation, "Finding regions")
    region_map, segmenter = segment(screenshot)
    yield Stage(generation, "Preparing the screenshot for the model")
    prepared = _prepare(thinker, screenshot, prompt)
    identity = estimator.identity if estimator is not None else Identity("none")
    trace = Trace(screenshot, region_map, prompt, thinker.identity, segmenter, identity, sampling)
    trace.details |= {
        "device": thinker.device_name,
        "image_size": list(prepared.image_size),
        "visual_tokens": len(prepared.cells),
    }
    writer = open_writer(trace) if open_writer is not None else None
    message = ""
    try:
        yield Started(generation, trace)
        probe = None
        if estimator is not None:
            covered, changes = coverage(region_map, prepared.cells), None
            if estimator.identity.calibrated:
                changes = yield from known_influence(
                    thinker, prepared, screenshot.pixels, region_map, covered,
                    should_stop=lambda: control.stopped, generation=generation,
                )  # fmt: skip
            probe = thinker.probe(prepared, covered, influence=changes)
        yield Stage(generation, "Reading the screenshot")
        for event in _Loop(
            generation, thinker, prepared, probe, estimator, sampling, control, writer
        ).events():
            if writer is not None:
                writer.write(event)
                if isinstance(event, Finished):
                    writer.close()
                    writer = None
            yield event
    except Exception as error:
        known = isinstance(error, InputError) or out_of_memory(error)
        _log.log(logging.INFO if known else logging.ERROR, "the run failed", exc_info=True)
        message = _sentence(error)
        if writer is not None:
            _save_failure(writer, Failed(generation, message))
            writer = None
    finally:
        if writer is not None:  # whoever consumed the events went away in the middle
            writer.close("stopped")
    if message:  # told only here, where the error no longer keeps alive what the run held in memory
        yield Failed(generation, message)


def _prepare(thinker: ThinkingModel, screenshot: Screenshot, prompt: str) -> Prepared:
    """``thinker.prepare``, with memory that runs out told as what the person can change."""
    try:
        return thinker.prepare(screenshot.pixels, prompt)
    except Exception as error:
        if out_of_memory(error):
            raise InputError(f"There is not enough memory for this screenshot. {REMEDY}") from error
        raise


class _Loop:
    """The part of a run between ``Started`` and its end."""

    def __init__(
        self,
        generation: int,
        thinker: ThinkingModel,
        prepared: Prepared,
        probe: Probe | None,
        estimator: EffectEstimator | None,
        sampling: Sampling,
        control: RunControl,
        writer: Writer | None,
    ) -> None:
        self._generation = generation
        self._thinker = thinker
        self._prepared = prepared
        self._estimator = estimator
        self._sampling = sampling
        self._control = control
        self._writer = writer
        self._steps = StepSplitter()
        self._phases = PhaseReader(thinker.markers)
        self._probe = probe

    def events(self) -> Iterator[Event]:
        control, count, held = self._control, 0, 0.0
        ended: list[Step] = []
        waiting_since = began = last_token = time.monotonic()
        decoding: Iterable[Drawn] = ()  # stopped before the first token, the influence is not known
        if not control.stopped:
            decoding = self._thinker.decode(
                self._prepared, self._sampling, self._probe, lambda: control.stopped
            )
        for drawn in decoding:
            now = last_token = time.monotonic()
            if self._probe is not None and self._probe.pending == 1:
                waiting_since = now
            step, token = self._place(drawn, count)
            count += 1
            yield TokenDecoded(self._generation, token)
            if step is not None:
                ended.append(step)
            if self._due(now - waiting_since, bool(ended)) or control.holds:
                yield from self._effects()
                yield from (StepEnded(self._generation, step) for step in ended)
                ended.clear()
            if control.holds:
                if control.paused and self._writer is not None:
                    self._writer.flush()
                held += control.wait(last_token)
            if control.stopped:
                break
        yield from self._effects()
        if (last := self._steps.close()) is not None:
            ended.append(last)
        yield from (StepEnded(self._generation, step) for step in ended)
        seconds = max(time.monotonic() - began - held, 1e-9)
        limit = min(self._sampling.max_new_tokens, self._prepared.room)
        reason = "stopped" if control.stopped else "length" if count >= limit else "done"
        yield Finished(self._generation, reason, count / seconds)

    def _place(self, drawn: Drawn, index: int) -> tuple[Step | None, Token]:
        """The token with its phase and step, and the step that ended just before it."""
        phase, text = self._phases.push(drawn.id, drawn.text)
        ended = self._steps.push(text, phase)
        return ended, Token(index, drawn.id, text, drawn.log_prob, phase, self._steps.index)

    def _due(self, waited: float, step_ended: bool) -> bool:
        """Whether effects, and the ends of steps that follow them, should wait no longer."""
        if self._probe is None:
            return step_ended
        late = LATEST_AT_STEP_END if step_ended else LATEST_EFFECTS
        return self._probe.pending >= EFFECTS_AT_ONCE or waited > late

    def _effects(self) -> Iterator[EffectsEstimated]:
        """Read the attention of the tokens since the last time, and estimate their effects."""
        if self._probe is None or self._estimator is None or not self._probe.pending:
            return
        start = self._probe.start
        features = self._probe.flush()
        if features is not None:
            effects, reliance = self._estimator.estimate(features)
            earlier = strongest(self._probe.looked_back)
            bounds = bounds_of(self._estimator, features)
            yield EffectsEstimated(self._generation, start, effects, reliance, earlier, bounds)


def _sentence(error: Exception) -> str:
    """What happened and what to do, for a person."""
    if isinstance(error, InputError):
        return str(error)
    if out_of_memory(error):
        return f"The machine ran out of memory. What was generated is kept. {REMEDY}"
    text = (str(error).strip().splitlines() or [""])[0]
    return (
        f"The run broke off ({type(error).__name__}: {text}). What was generated is kept; please report this."
    )


def _save_failure(writer: Writer, failure: Failed) -> None:
    """Note the failure in the file, if the file is not what failed."""
    try:
        writer.write(failure)
        writer.close("failed")
    except Exception:
        _log.exception("the trace could not be completed")
