"""A trace as JSON: the schema is ``docs/trace.schema.json``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.export.format import Format, Progress, Steps, checked_steps, no_progress, token_range
from core.export.glimpse import glimpse
from core.export.json_file import write_json
from core.strict_json import finite, plain

if TYPE_CHECKING:
    import numpy as np

    from core.trace import Identity, Measurement, Trace

SCHEMA: Final = "sightline.trace/1"
DECIMALS: Final = 5
"""Of effects and log-probabilities, in nats: finer than any of them is known."""


def to_json(trace: Trace, steps: Steps | None = None) -> dict[str, Any]:
    """A trace, or a range of its steps, as plain dictionaries and lists.

    Tokens and steps keep their indices in the whole trace; ``effects.values[i]`` belongs to ``tokens[i]`` and
    is null where the run ended before the token was estimated. Measurements are given when their span lies
    inside.

    Raises:
        InputError: there are no such steps.
    """
    from core.export.region_runs import region_runs

    first, last = checked_steps(trace, steps)
    start, end = token_range(trace, (first, last))
    shot, regions = trace.screenshot, trace.region_map
    size = [shot.height, shot.width]
    runs = region_runs(regions.labels, len(regions))
    estimated = max(start, min(end, trace.estimated))
    return {
        "schema": SCHEMA,
        "image": {"width": shot.width, "height": shot.height, "sha256": shot.sha256},
        "prompt": plain(trace.prompt),
        "model": _identity(trace.model),
        "segmenter": _identity(trace.segmenter),
        "estimator": _identity(trace.estimator),
        "regions": [
            {
                "id": region.id,
                "bbox": list(region.bbox),
                "area": region.area,
                "label": plain(region.name),
                "parent": region.parent,
                "rle": {"size": size, "counts": counts},
            }
            for region, counts in zip(regions.regions, runs, strict=True)
        ],
        "steps": [
            {"index": s.index, "start": s.start, "end": s.end, "phase": s.phase, "text": plain(s.text)}
            for s in map(trace.step, range(first, last))
        ],
        "tokens": [
            {
                "index": token.index,
                "id": token.id,
                "text": plain(token.text),
                "log_prob": _nats(token.log_prob),
                "phase": token.phase,
                "step": token.step,
            }
            for token in trace.tokens[start:end]
        ],
        "effects": {
            "kind": trace.quantity.kind,
            "unit": trace.quantity.unit,
            "values": _nats(trace.effects[start:estimated]) + [None] * (end - estimated),
            **_intervals(trace, start, end),
        },
        "measured": [_measurement(m) for m in trace.measured if start <= m.start and m.end <= end],
    }


def export_json(
    trace: Trace, out: Path, steps: Steps | None = None, progress: Progress | None = None
) -> None:
    """Write a trace, or a range of its steps, as strict JSON in UTF-8.

    Raises:
        InputError: there are no such steps, or the file cannot be written.
    """
    progress = progress or no_progress
    progress(0.0)
    write_json(to_json(trace, steps), out, progress)


def preview_json(trace: Trace, steps: Steps | None = None) -> str:
    """How the file begins, its long lists cut."""
    first, last = checked_steps(trace, steps)
    return glimpse(to_json(trace, (first, min(last, first + 3)) if last > first else None))


def _identity(identity: Identity) -> dict[str, Any]:
    return {
        "name": plain(identity.name),
        "sha256": plain(identity.sha256),
        "details": plain(identity.details),
    }


def _intervals(trace: Trace, start: int, end: int) -> dict[str, Any]:
    """The intervals of tokens, null where a token has none; nothing where no token has any."""
    if trace.bounds is None:
        return {}
    rows = [trace.span_bounds(token, token + 1) for token in range(start, end)]
    sides = {
        name: [None if row is None else _nats(row[side]) for row in rows]
        for side, name in enumerate(("lower", "upper"))
    }
    from core.intervals import NOMINAL  # with numpy, which `sightline export --help` does without

    return {"intervals": {"nominal": NOMINAL, **sides}}


def _measurement(measured: Measurement) -> dict[str, Any]:
    return {
        "kind": "measured",
        "unit": "nats",
        "start": measured.start,
        "end": measured.end,
        "operator": plain(measured.operator),
        "effects": _nats(measured.effects),
        "reliance": _nats(measured.reliance),
        "base_log_prob": _nats(measured.base_log_prob),
        "masks": measured.masks.astype(int).tolist(),
        "mask_log_probs": _nats(measured.mask_log_probs),
    }


def _nats(values: np.ndarray | float) -> Any:
    """Rounded numbers that JSON can hold, as in the trace file; −0 becomes 0."""
    return (finite(values).astype(float).round(DECIMALS) + 0.0).tolist()


FORMAT: Final = Format("json", ".json", "tokens, regions and effects as numbers", export_json, preview_json)
