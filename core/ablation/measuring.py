"""Measured effects: remove regions, run the model again, compare log-probabilities.

Every number is the log-probability of the tokens that were generated from the whole screenshot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from core.ablation.masks import distinct_masks, half_masks, single_masks
from core.ablation.operator import Operator
from core.ablation.pixels import PIXELS
from core.regions import RegionMap
from core.thinking import Prepared, ShouldStop, ThinkingModel
from core.trace import Measurement

Fraction = Callable[[float], None]


def measure(
    thinker: ThinkingModel,
    prepared: Prepared,
    pixels: np.ndarray,
    region_map: RegionMap,
    token_ids: Sequence[int],
    masks: np.ndarray,
    batch: int = 8,
    progress: Fraction | None = None,
    should_stop: ShouldStop | None = None,
    operator: Operator = PIXELS,
) -> np.ndarray:
    """Log-probability of each token under each mask; a mask that comes again is not measured again.

    Args:
        thinker, prepared: the model, and the prompt with the whole screenshot.
        pixels, region_map: the screenshot, uint8 [H, W, 3], and its regions.
        token_ids: the generated tokens, from the first, T of them.
        masks: bool [M, regions]; True where kept.
        batch: screenshots in one forward pass.
        progress: told the fraction done.
        should_stop: asked between passes; when it says so, the rows up to the first that is not measured are
            returned.
        operator: how regions are removed.

    Returns:
        float32 [M, T], nats (fewer rows after a stop).
    """
    score = operator.scorer(thinker, prepared, pixels, region_map)
    distinct, which = distinct_masks(masks)
    rows: list[np.ndarray] = [np.zeros((0, len(token_ids)), np.float32)]
    for start in range(0, len(distinct), batch):
        if should_stop is not None and should_stop():
            break
        rows.append(score(distinct[start : start + batch], token_ids))
        if progress is not None:
            progress(min(1.0, (start + batch) / len(distinct)))
    found = np.concatenate(rows)
    return found[which[np.maximum.accumulate(which) < len(found)]]


def measurements(
    base: np.ndarray,
    single: np.ndarray,
    nothing: np.ndarray,
    masks: np.ndarray,
    masked: np.ndarray,
    spans: Sequence[tuple[int, int]],
    operator: Operator = PIXELS,
) -> list[Measurement]:
    """Measured effects of several spans from per-token log-probabilities, nats.

    Args:
        base: [T]; with everything kept.
        single: [regions, T]; without one region each.
        nothing: [T]; without any.
        masks, masked: bool [M, regions] and [M, T]; random masks, may be empty.
        spans: token ranges, end exclusive.
        operator: how regions were removed.
    """
    found = []
    for start, end in spans:
        whole = float(base[start:end].sum())
        found.append(
            Measurement(
                start=start,
                end=end,
                operator=operator.name,
                effects=(whole - single[:, start:end].sum(1)).astype(np.float32),
                reliance=whole - float(nothing[start:end].sum()),
                base_log_prob=whole,
                masks=masks,
                mask_log_probs=masked[:, start:end].sum(1).astype(np.float32),
            )
        )
    return found


def measure_spans(
    thinker: ThinkingModel,
    prepared: Prepared,
    pixels: np.ndarray,
    region_map: RegionMap,
    token_ids: Sequence[int],
    spans: Sequence[tuple[int, int]],
    random_masks: int = 32,
    seed: int = 0,
    batch: int = 8,
    progress: Fraction | None = None,
    should_stop: ShouldStop | None = None,
    operator: Operator = PIXELS,
) -> list[Measurement]:
    """Measure single-region drops, reliance and random half masks of several spans in one sweep.

    Arguments as in ``measure``; ``spans`` are token ranges. An empty list after a stop.
    """
    regions = len(region_map)
    random = half_masks(regions, random_masks, seed)
    ends = np.stack([np.ones(regions, bool), np.zeros(regions, bool)])
    masks = np.concatenate([ends, single_masks(regions), random])
    last = max(end for _, end in spans)
    rows = measure(
        thinker, prepared, pixels, region_map, list(token_ids)[:last], masks, batch, progress, should_stop,
        operator,
    )  # fmt: skip
    if len(rows) < len(masks):
        return []
    return measurements(rows[0], rows[2 : 2 + regions], rows[1], random, rows[2 + regions :], spans, operator)
