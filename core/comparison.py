"""Compares attribution methods: the same texts, the same unseen masks. Imports torch."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial

import numpy as np

from core.ablation import half_masks, measure
from core.attribution.method import Case, Method
from core.calibration import Item, Say, read_out
from core.faithfulness import bootstrap_groups, explained, lds, over_spans
from core.run import EffectEstimator
from core.thinking import ShouldStop, ThinkingModel
from core.trace import Sampling

RELIANT = 1.0
"""Nats of measured reliance from which a target counts as depending on the screenshot."""


@dataclass(slots=True)
class _Tally:
    """What one method reached, one array a screen."""

    steps: list[np.ndarray] = field(default_factory=list)
    tokens: list[np.ndarray] = field(default_factory=list)
    reliant_steps: list[np.ndarray] = field(default_factory=list)
    reliant_tokens: list[np.ndarray] = field(default_factory=list)
    r2: list[float] = field(default_factory=list)
    seconds: float = 0.0
    tokens_seen: int = 0


def compare(
    thinker: ThinkingModel,
    estimator: EffectEstimator | None,
    items: Iterable[Item],
    methods: Sequence[Method],
    masks: int = 64,
    sampling: Sampling | None = None,
    batch: int = 16,
    seconds: float = math.inf,
    say: Say | None = None,
    should_stop: ShouldStop | None = None,
) -> dict[str, object]:
    """LDS and R² of methods over screens, pixel ablation, with bootstrap intervals over screens.

    Args:
        items: held-out screens.
        masks: random half masks that judge; methods that ablate get others.
        seconds: stop taking screens after that long.

    Returns:
        {"operator", "masks", "screens", "methods": {name: {"steps", "tokens", "reliant_steps",
        "reliant_tokens": {"mean", "low", "high", "count"}, "r2", "passes", "seconds_per_token"}}}
    """
    tallies = {method.name: _Tally() for method in methods}
    fitting = max(method.passes for method in methods)
    began, screens = time.monotonic(), 0
    for item in items:
        if time.monotonic() - began > seconds or (should_stop is not None and should_stop()):
            break
        heard = read_out(thinker, item, sampling or Sampling())
        if heard is None:
            continue
        regions = len(item.region_map)
        judged = half_masks(regions, masks, item.seed)
        own = half_masks(regions, fitting, item.seed + 1)
        rows = measure(
            thinker, heard.prepared, item.pixels, item.region_map, heard.token_ids,
            np.concatenate([np.zeros((1, regions), bool), judged, own]), batch,
        )  # fmt: skip
        reliance = heard.features.log_prob.cpu().numpy() - rows[0]
        truth, fits = rows[1 : 1 + masks], rows[1 + masks :]
        case = Case(
            thinker, heard.prepared, item.pixels, item.region_map, heard.token_ids, heard.coverage,
            heard.features, partial(_first, own, fits), estimator, item.seed,
        )  # fmt: skip
        for method in methods:
            _judge(tallies[method.name], method, case, heard.spans, judged, truth, reliance)
        screens += 1
        if say is not None:
            say(f"Judged {screens} screens", None)
    return {
        "operator": "pixels",
        "masks": masks,
        "screens": screens,
        "methods": {method.name: _summary(tallies[method.name], method) for method in methods},
    }


def _first(masks: np.ndarray, log_probs: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    return masks[:count], log_probs[:count]


def _judge(
    tally: _Tally,
    method: Method,
    case: Case,
    spans: Sequence[tuple[int, int]],
    masks: np.ndarray,
    truth: np.ndarray,
    reliance: np.ndarray,
) -> None:
    began = time.perf_counter()
    effects = method.effects(case)
    tally.seconds += time.perf_counter() - began
    tally.tokens_seen += len(effects)
    tokens = lds(effects, masks, truth)
    steps = lds(over_spans(effects.T, spans).T, masks, over_spans(truth, spans))
    tally.tokens.append(tokens)
    tally.steps.append(steps)
    tally.reliant_tokens.append(tokens[reliance >= RELIANT])
    tally.reliant_steps.append(steps[over_spans(reliance, spans) >= RELIANT])
    if method.in_nats:
        tally.r2.append(explained(over_spans(effects.T, spans).T, masks, over_spans(truth, spans)))


def _summary(tally: _Tally, method: Method) -> dict[str, object]:
    return {
        **{
            name: asdict(bootstrap_groups(getattr(tally, name)))
            for name in ("steps", "tokens", "reliant_steps", "reliant_tokens")
        },
        "r2": float(np.mean(tally.r2)) if tally.r2 else None,
        "passes": method.passes,
        "seconds_per_token": tally.seconds / max(tally.tokens_seen, 1),
    }


def table(result: dict[str, object]) -> str:
    """The result as text for a terminal."""
    methods: dict[str, dict] = result["methods"]  # type: ignore[assignment,type-arg]
    lines = [
        f"LDS over {result['screens']} screens, {result['masks']} masks each, operator {result['operator']} "
        "(all targets; then those with measured reliance of at least 1 nat)",
        f"{'method':<16}{'steps':>7}{'':<17}{'tokens':>8}{'steps*':>8}{'tokens*':>8}{'R²':>8}{'passes':>8}",
    ]
    for name, row in methods.items():
        steps = row["steps"]
        interval = f"[{_number(steps['low'])}, {_number(steps['high'])}]"
        lines.append(
            f"{name:<16}{_number(steps['mean']):>7} {interval:<16}{_number(row['tokens']['mean']):>8}"
            f"{_number(row['reliant_steps']['mean']):>8}{_number(row['reliant_tokens']['mean']):>8}"
            f"{_number(row['r2']):>8}{row['passes']:>8}"
        )
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
