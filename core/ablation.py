"""Measured effects: remove regions from the screenshot, run the model again, compare log-probabilities.

The operator here is ``pixels``: a region is filled with the colour around it and the screenshot is encoded
again. Every number is the log-probability of the tokens that were generated from the whole screenshot.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from core.regions import RegionMap
from core.thinking import Prepared, ShouldStop, ThinkingModel
from core.trace import Measurement

PIXELS = "pixels"
RING = 4
"""Width in pixels of the ring around a region whose median colour fills it."""

Fraction = Callable[[float], None]


def fill_colours(pixels: np.ndarray, region_map: RegionMap) -> np.ndarray:
    """The colour that replaces each region: uint8 [regions, 3].

    It is the median, channel by channel, of the pixels of other regions within ``RING`` pixels of the region;
    the median of the screenshot for a region that has none around it.
    """
    colours = np.zeros((len(region_map), 3), np.uint8)
    for region in region_map.regions:
        x, y, width, height = region.bbox
        rows = slice(max(y - RING, 0), y + height + RING)
        columns = slice(max(x - RING, 0), x + width + RING)
        mask = region_map.labels[rows, columns] == region.id
        ring = _grown(mask) & ~mask
        around = pixels[rows, columns][ring]
        colours[region.id] = np.median(around, 0).round() if len(around) else _median_colour(pixels)
    return colours


def ablate_pixels(
    pixels: np.ndarray, region_map: RegionMap, keep: np.ndarray, colours: np.ndarray | None = None
) -> np.ndarray:
    """The screenshot with only some regions left: uint8 [H, W, 3], a new array.

    Args:
        pixels: uint8 [H, W, 3].
        region_map: which pixel belongs to which region.
        keep: bool [regions]; False is filled with the surrounding colour. With nothing kept, the whole
            screenshot becomes its median colour, so that no outline is left to read.
        colours: from ``fill_colours``, to compute them once for many masks.
    """
    if not keep.any():
        return np.broadcast_to(_median_colour(pixels), pixels.shape).copy()
    colours = fill_colours(pixels, region_map) if colours is None else colours
    return np.where(keep[region_map.labels][..., None], pixels, colours[region_map.labels])


def half_masks(regions: int, count: int, seed: int) -> np.ndarray:
    """Random masks, bool [count, regions]: each region is kept with probability ½."""
    return np.random.default_rng(seed).random((count, regions)) < 0.5


def single_masks(regions: int) -> np.ndarray:
    """One mask for each region, without just that region: bool [regions, regions]."""
    return ~np.eye(regions, dtype=bool)


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
) -> np.ndarray:
    """Log-probability of each token under each mask.

    Args:
        thinker, prepared: the model, and the prompt with the whole screenshot.
        pixels, region_map: the screenshot, uint8 [H, W, 3], and its regions.
        token_ids: the generated tokens, from the first, T of them.
        masks: bool [M, regions]; True where kept.
        batch: screenshots in one forward pass.
        progress: told the fraction done.
        should_stop: asked between passes; when it says so, the rows so far are returned.

    Returns:
        float32 [M, T], nats (fewer rows after a stop).
    """
    colours = fill_colours(pixels, region_map)
    rows: list[np.ndarray] = []
    for start in range(0, len(masks), batch):
        if should_stop is not None and should_stop():
            break
        images = [ablate_pixels(pixels, region_map, mask, colours) for mask in masks[start : start + batch]]
        rows.append(thinker.score(prepared, np.stack(images), token_ids))
        if progress is not None:
            progress(min(1.0, (start + batch) / len(masks)))
    return np.concatenate(rows) if rows else np.zeros((0, len(token_ids)), np.float32)


def measurements(
    base: np.ndarray,
    single: np.ndarray,
    nothing: np.ndarray,
    masks: np.ndarray,
    masked: np.ndarray,
    spans: Sequence[tuple[int, int]],
) -> list[Measurement]:
    """Measured effects of several spans from per-token log-probabilities, nats.

    Args:
        base: [T]; with everything kept.
        single: [regions, T]; without one region each.
        nothing: [T]; without any.
        masks, masked: bool [M, regions] and [M, T]; random masks, may be empty.
        spans: token ranges, end exclusive.
    """
    found = []
    for start, end in spans:
        whole = float(base[start:end].sum())
        found.append(
            Measurement(
                start=start,
                end=end,
                operator=PIXELS,
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
        thinker, prepared, pixels, region_map, list(token_ids)[:last], masks, batch, progress, should_stop
    )
    if len(rows) < len(masks):
        return []
    return measurements(rows[0], rows[2 : 2 + regions], rows[1], random, rows[2 + regions :], spans)


def _median_colour(pixels: np.ndarray) -> np.ndarray:
    return np.median(pixels.reshape(-1, 3), 0).round().astype(np.uint8)


def _grown(mask: np.ndarray) -> np.ndarray:
    """The mask grown by ``RING`` pixels to all sides (a square), one axis after the other."""
    for axis in (0, 1):
        padding = [(0, 0), (0, 0)]
        padding[axis] = (RING + 1, RING)
        counts = np.cumsum(np.pad(mask.astype(np.int32), padding), axis)
        span = 2 * RING + 1
        high = np.take(counts, np.arange(span, counts.shape[axis]), axis)
        low = np.take(counts, np.arange(counts.shape[axis] - span), axis)
        mask = high > low
    return mask
