"""Effects of a trace that exists, for other regions: one pass of the model over its own words.

Nothing is generated. The tokens are fed back to the model in one teacher-forced pass, the probe reads the
same attention rows as during the run, and the estimator sees them pooled to the new regions; so the effects
are those that the run would have shown, had these regions been there from the start.
"""

from __future__ import annotations

from collections.abc import Iterator

from core.control import RunControl
from core.coverage import coverage
from core.errors import InputError
from core.events import EffectsEstimated, Event, Finished, Stage, Started, StepEnded, TokenDecoded
from core.intervals import bounds_of
from core.known_influence import known_influence
from core.regions import RegionMap
from core.run import EFFECTS_AT_ONCE, EffectEstimator
from core.thinking import ThinkingModel
from core.trace import Identity, Trace

_BUDGET = "visual_tokens_at_most"


class OtherModelError(InputError):
    """The loaded model is not the one that the trace was made by, or is loaded in another way."""


def reattribute(
    trace: Trace,
    region_map: RegionMap,
    thinker: ThinkingModel,
    estimator: EffectEstimator,
    *,
    segmenter: Identity | None = None,
    generation: int = 0,
    control: RunControl | None = None,
) -> Iterator[Event]:
    """Attribute the tokens of a trace to other regions.

    Yields ``Stage`` events while it works, then what a run with these regions would have yielded: ``Started``
    with a new trace, its tokens, effects and steps, and ``Finished``. The given trace is never touched. When
    ``control`` is stopped before all effects are there, the events end after the stages: there is no new
    trace. Measurements are not carried over, for they are of the old regions.

    Args:
        trace: a run that has ended.
        region_map: the new regions, of the trace's screenshot.
        thinker, estimator: those that the trace was made with.
        segmenter: where the regions are from; a change by hand of the trace's own if left out.
        generation: number that all events carry.
        control: stops it, from any thread.

    Raises:
        OtherModelError: another model than the trace's, or another image budget.
        InputError: no tokens, or regions of another size.
    """
    control = control or RunControl()
    _check(trace, region_map, thinker)
    yield Stage(generation, "Preparing the screenshot for the model", 0.0)
    prepared = thinker.prepare(trace.screenshot.pixels, trace.prompt)
    if control.stopped:
        return
    covered, changes = coverage(region_map, prepared.cells), None
    if estimator.identity.calibrated:
        changes = yield from known_influence(
            thinker, prepared, trace.screenshot.pixels, region_map, covered,
            should_stop=lambda: control.stopped, generation=generation, share=0.5,
        )  # fmt: skip
        if changes is None:
            return
    yield Stage(generation, "Reading the attention again", 0.5)
    features = thinker.teach(prepared, [token.id for token in trace.tokens], covered, influence=changes)
    estimated = []
    for start in range(0, len(features), EFFECTS_AT_ONCE):
        if control.stopped:
            return
        rows = features.rows(start, start + EFFECTS_AT_ONCE)
        effects, reliance = estimator.estimate(rows)
        bounds = bounds_of(estimator, rows)
        stop = start + len(effects)
        earlier = trace.earlier.part(start, stop)
        estimated.append(EffectsEstimated(generation, start, effects, reliance, earlier, bounds))
        yield Stage(generation, "Estimating effects", 0.8 + 0.2 * (start + len(effects)) / len(features))
    if control.stopped:
        return
    yield from _as_a_run(
        trace, region_map, segmenter or edited_by_hand(trace.segmenter), estimator, estimated, generation
    )


def _as_a_run(
    trace: Trace,
    region_map: RegionMap,
    segmenter: Identity,
    estimator: EffectEstimator,
    estimated: list[EffectsEstimated],
    generation: int,
) -> Iterator[Event]:
    """The events of a run that left these tokens and effects."""
    yield Started(generation, _with_inputs_of(trace, region_map, segmenter, estimator.identity))
    for token in trace.tokens:
        yield TokenDecoded(generation, token)
    yield from estimated
    for step in trace.steps:
        yield StepEnded(generation, step)
    reason = str(trace.details.get("finish_reason", "done"))
    yield Finished(generation, reason, float(trace.details.get("tokens_per_second", 0.0)))


def before_effects(trace: Trace, region_map: RegionMap, segmenter: Identity) -> Trace:
    """The run of a trace that has ended, with other regions whose effects nobody knows yet."""
    bare = _with_inputs_of(trace, region_map, segmenter, trace.estimator)
    for token in trace.tokens:
        bare.add_token(token)
    bare.status = trace.status
    return bare


def _with_inputs_of(trace: Trace, region_map: RegionMap, segmenter: Identity, estimator: Identity) -> Trace:
    """A trace of the same run with other regions, still without tokens."""
    again = Trace(
        trace.screenshot, region_map, trace.prompt, trace.model, segmenter, estimator, trace.sampling
    )
    again.details |= trace.details
    again.notes = trace.notes
    return again


def edited_by_hand(segmenter: Identity) -> Identity:
    """A segmenter with the note that a hand changed its regions."""
    return Identity(segmenter.name, segmenter.sha256, {**segmenter.details, "edited": True})


def _check(trace: Trace, region_map: RegionMap, thinker: ThinkingModel) -> None:
    if not trace.tokens:
        raise InputError("This trace has no tokens yet. Run the model first.")
    there, then = thinker.identity, trace.model
    if there.sha256 != then.sha256:
        raise OtherModelError(
            f"This trace was made by the model {then.name}, and {there.name} is loaded. "
            "Load the trace's own model to attribute it again."
        )
    if there.details.get(_BUDGET) != then.details.get(_BUDGET):
        raise OtherModelError(
            f"This trace was made by {then.name} with another image budget than it is loaded with. "
            "Load it as it was to attribute the trace again."
        )
    shot = trace.screenshot
    if (region_map.height, region_map.width) != (shot.height, shot.width):
        raise InputError(
            f"The regions are of an image of {region_map.width} × {region_map.height} pixels, the screenshot "
            f"has {shot.width} × {shot.height}. Take regions of the same screenshot."
        )
