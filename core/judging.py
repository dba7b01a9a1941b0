"""Judges attribution methods on one screenshot: one text, one set of ablations for all. Imports torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np
import torch

from core.ablation import distinct_masks, half_masks, measure, single_masks
from core.agreement import RELIANT
from core.attribution.linear_attention import LinearAttention
from core.attribution.method import Case, Method, OpenModel
from core.attribution.ridge import ridge_effects
from core.calibration import Heard, Item, read_out
from core.evidence import Located, Truth, holders, locate
from core.faithfulness import curve_area, curve_counts, lds, over_spans, scale_sums
from core.flag import flag_scores
from core.influence import encodings_of
from core.intervals import bounds_of, coverage_sums, span_factor
from core.intervals import over_spans as bounds_over_spans
from core.regions import RegionMap
from core.run import EffectEstimator
from core.trace import Sampling

BEST_SUM: Final = "best sum"
"""Not a method: a ridge fit on the very masks that judge. No sum over regions can do much better."""
TOP: Final = (1, 3, 5)

LDS_COLUMNS: Final = (
    "steps", "tokens", "reliant_steps", "reliant_tokens", "direct_tokens", "carried_tokens",
)  # fmt: skip
CURVE_COLUMNS: Final = ("deletion", "insertion", *(f"top{k}" for k in TOP))

Measure = Callable[[np.ndarray, int], np.ndarray]
"""Masks [M, regions] and how many tokens → log-probabilities [M, tokens], nats."""


@dataclass(frozen=True, slots=True, eq=False)
class Score:
    """How one method did on one screenshot.

    Attributes:
        columns: name → one value for each target; LDS by group of targets, areas of curves, drops in nats of
            the most reliant step, and 0 or 1 for each read span that was pointed at.
        scale: of the steps, see ``core.faithfulness.scale_sums``; None where the method is not in nats.
        passes: through the model, beyond the run itself.
        seconds: for all tokens together, those passes and further encodings of the screenshot included.
    """

    columns: dict[str, np.ndarray]
    scale: np.ndarray | None
    passes: int
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One screenshot judged.

    Attributes:
        name, kind: of the item.
        tokens, regions: how many.
        thorough: whether the costly methods and the curves were judged too.
        seconds_per_pass: of one ablation.
        encodings: how many it took to see what each region changes, that of the whole screenshot included.
        scores: method → how it did.
        reliance: {"tokens": [T], "steps": [steps]}, nats; measured.
        spread: the same of how far random masks move each: standard deviation over them, nats.
        flags: {"tokens", "steps"} → score of ``core.flag.SCORES`` → one value for each target.
        coverage: {"tokens", "steps"} → ``core.intervals.coverage_sums``; empty without intervals.
    """

    name: str
    kind: str
    tokens: int
    regions: int
    thorough: bool
    seconds_per_pass: float
    encodings: int
    scores: dict[str, Score]
    reliance: dict[str, np.ndarray]
    spread: dict[str, np.ndarray]
    flags: dict[str, dict[str, np.ndarray]]
    coverage: dict[str, np.ndarray]


@dataclass(slots=True)
class Setting:
    """How to judge.

    Attributes:
        methods: those to judge; one that lacks what it needs is left out.
        estimator, linear: what two of them need.
        masks: random half masks that judge; methods that ablate get others.
        sampling: how to generate.
        batch: screenshots in one forward pass.
        half: measure random masks in bfloat16 on a CPU; twice as fast where the processor has it.
        curves: measure deletion and insertion curves on screens that are judged thoroughly.
    """

    methods: Sequence[Method]
    estimator: EffectEstimator | None = None
    linear: LinearAttention | None = None
    masks: int = 128
    sampling: Sampling = field(default_factory=Sampling)
    batch: int = 16
    half: bool = False
    curves: bool = True


def judge(thinker: OpenModel, item: Item, setting: Setting, thorough: bool = True) -> Judged | None:
    """Judge all methods on one screenshot. None when the model says nothing about it.

    Args:
        thorough: also judge the costly methods, and measure the deletion and insertion curves of all.
    """
    heard = read_out(thinker, item, setting.sampling)
    if heard is None:
        return None
    regions = len(item.region_map)
    chosen = [m for m in setting.methods if (thorough or not m.costly) and _has_what_it_needs(m, setting)]
    own = half_masks(regions, max((m.ablations for m in chosen), default=0), item.seed + 1)
    judges = half_masks(regions, setting.masks, item.seed)
    ends = np.stack([np.ones(regions, bool), np.zeros(regions, bool)])
    masks = np.concatenate([judges, own])

    def ablate(wanted: np.ndarray, tokens: int, half: bool = setting.half) -> np.ndarray:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            return measure(
                thinker, heard.prepared, item.pixels, item.region_map, heard.token_ids[:tokens], wanted,
                setting.batch,
            )  # fmt: skip

    # Differences of two passes are small for most regions: half precision would drown them.
    drops = np.concatenate([ends, single_masks(regions)])
    exact = ablate(drops, len(heard.token_ids), half=False)
    whole, nothing, singles = np.split(exact, [1, 2])
    began = time.perf_counter()
    rows = ablate(masks, len(heard.token_ids))
    seconds = (time.perf_counter() - began) / len(distinct_masks(masks)[0])
    truth, fits = np.split(rows, [setting.masks])
    case = Case(
        thinker, heard.prepared, item.pixels, item.region_map, heard.token_ids, heard.coverage,
        heard.features, whole[0], singles, partial(_first, own, fits), setting.estimator, setting.linear,
        item.seed,
    )  # fmt: skip
    referee = _Referee(item, heard, judges, truth, whole[0] - nothing[0])
    scores, effects = {}, {}
    for method in chosen:
        began = time.perf_counter()
        effects[method.name] = method.effects(case)
        took = time.perf_counter() - began
        passes = method.passes(case)
        took += passes * seconds if method.measured else 0.0
        took += heard.encoding_seconds if method.encodes else 0.0
        scores[method.name] = referee.score(effects[method.name], method.in_nats, passes, took)
    scores[BEST_SUM] = referee.score(ridge_effects(judges, truth), True, len(distinct_masks(judges)[0]), 0.0)
    if thorough and setting.curves:
        known = _by_mask(masks, rows) | ({} if setting.half else _by_mask(drops, exact))
        for name, columns in _curves(effects, heard.spans, whole[0], nothing[0], known, ablate).items():
            scores[name].columns.update(columns)
    return Judged(
        item.name, item.kind, len(heard.token_ids), regions, thorough, seconds, encodings_of(regions), scores,
        _tokens_and_steps(whole[0] - nothing[0], heard.spans),
        {"tokens": truth.std(0), "steps": over_spans(truth, heard.spans).std(0)}, _flags(case, heard.spans),
        _coverage(case, heard.spans),
    )  # fmt: skip


def _tokens_and_steps(values: np.ndarray, spans: Sequence[tuple[int, int]]) -> dict[str, np.ndarray]:
    return {"tokens": values, "steps": over_spans(values, spans)}


def _flags(case: Case, spans: Sequence[tuple[int, int]]) -> dict[str, dict[str, np.ndarray]]:
    scores = {name: _tokens_and_steps(values, spans) for name, values in flag_scores(case).items()}
    return {of: {name: score[of] for name, score in scores.items()} for of in ("tokens", "steps")}


def _coverage(case: Case, spans: Sequence[tuple[int, int]]) -> dict[str, np.ndarray]:
    """How many measured single drops lie in the estimator's intervals, where it gives any."""
    bounds = None if case.estimator is None else bounds_of(case.estimator, case.features)
    if case.estimator is None or bounds is None:
        return {}
    drops = case.whole - case.singles
    effects = case.estimator.estimate(case.features)[0]
    steps = bounds_over_spans(effects, bounds, spans, span_factor(case.estimator.identity.details))
    return {
        "tokens": coverage_sums(bounds, drops.T),
        "steps": coverage_sums(steps, over_spans(drops, spans).T),
    }


def _has_what_it_needs(method: Method, setting: Setting) -> bool:
    return not method.needs or getattr(setting, method.needs) is not None


def _first(masks: np.ndarray, log_probs: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    return masks[:count], log_probs[:count]


class _Referee:
    """What all methods are held against on one screenshot."""

    def __init__(
        self, item: Item, heard: Heard, masks: np.ndarray, truth: np.ndarray, reliance: np.ndarray
    ) -> None:
        """
        Args:
            masks, truth: bool [M, regions], and log-probabilities of the tokens under them [M, T], nats.
            reliance: measured, [T], nats.
        """
        self._spans, self._masks, self._truth = heard.spans, masks, truth
        self._step_truth = over_spans(truth, heard.spans)
        self._region_map = item.region_map
        self._located: Located = locate(item.truth or Truth("", ()), heard.texts)
        reliant = reliance >= RELIANT
        self._tokens = {
            "tokens": np.ones(len(reliance), bool),
            "reliant_tokens": reliant,
            "direct_tokens": self._located.direct & reliant,
            "carried_tokens": self._located.elsewhere & reliant,
        }
        self._reliant_steps = over_spans(reliance, heard.spans) >= RELIANT

    def score(self, effects: np.ndarray, in_nats: bool, passes: int, seconds: float) -> Score:
        """Hold effects [T, regions] against the measurements."""
        tokens = lds(effects, self._masks, self._truth)
        step_effects = over_spans(effects.T, self._spans).T
        steps = lds(step_effects, self._masks, self._step_truth)
        columns = {name: tokens[kept] for name, kept in self._tokens.items()}
        columns |= {"steps": steps, "reliant_steps": steps[self._reliant_steps]}
        columns["pointing"] = pointing(effects, self._located, self._region_map)
        scale = scale_sums(step_effects, self._masks, self._step_truth) if in_nats else None
        return Score(columns, scale, passes, seconds)


def pointing(effects: np.ndarray, located: Located, region_map: RegionMap) -> np.ndarray:
    """Whether the region with the largest effect holds what was read, float64 [reads], 0 or 1.

    Args:
        effects: [T, regions].
        located: what was read; elements that no region holds do not count.
    """
    hits = []
    for read, (start, end) in located.reads:
        right = holders(region_map, read.boxes)
        if right.any():
            hits.append(float(right[effects[start:end].sum(0).argmax()]))
    return np.array(hits)


def _curves(
    effects: Mapping[str, np.ndarray],
    spans: Sequence[tuple[int, int]],
    whole: np.ndarray,
    nothing: np.ndarray,
    known: Mapping[bytes, np.ndarray],
    ablate: Measure,
) -> dict[str, dict[str, np.ndarray]]:
    """Deletion, insertion and top drops of the most reliant step, for each method; none without reliance.

    Methods share most of their masks, so each is measured once.

    Args:
        known: log-probabilities [T] under masks that are measured already.
    """
    reliance = over_spans(whole - nothing, spans)
    best = int(reliance.argmax())
    if reliance[best] < RELIANT:
        return {}
    start, end = spans[best]
    regions = next(iter(effects.values())).shape[1]
    counts = curve_counts(regions)
    asked: dict[bytes, np.ndarray] = {}
    plans: dict[str, list[np.ndarray]] = {}
    for name, found in effects.items():
        order = np.argsort(-found[start:end].sum(0), kind="stable")
        plans[name] = [_without(order[:count], regions) for count in counts]
        plans[name] += [~mask for mask in plans[name]]
        asked |= {mask.tobytes(): mask for mask in plans[name]}
    if unknown := [mask for key, mask in asked.items() if key not in known]:
        known = {**known, **_by_mask(unknown, ablate(np.stack(unknown), end))}
    value = {key: float(known[key][start:end].sum()) for key in asked}
    low, high = float(nothing[start:end].sum()), float(whole[start:end].sum())
    columns = {}
    for name, masks in plans.items():
        heights = np.array([value[mask.tobytes()] for mask in masks])
        deleted, inserted = heights[: len(counts)], heights[len(counts) :]
        columns[name] = {
            "deletion": np.array([curve_area(counts, deleted, low, high)]),
            "insertion": np.array([curve_area(counts, inserted, low, high)]),
        } | {f"top{k}": np.array([high - deleted[counts.index(min(k, regions))]]) for k in TOP}
    return columns


def _by_mask(masks: Iterable[np.ndarray], rows: np.ndarray) -> dict[bytes, np.ndarray]:
    return {mask.tobytes(): row for mask, row in zip(masks, rows, strict=True)}


def _without(removed: np.ndarray, regions: int) -> np.ndarray:
    keep = np.ones(regions, bool)
    keep[removed] = False
    return keep
