"""The operator ``pixels``: a region is filled with the colour around it, and the screenshot is encoded again.

It is the reference: nothing of the region is left, neither in its own visual tokens nor in those of others.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.ablation.operator import Operator, Scorer
from core.regions import RegionMap
from core.thinking import Prepared, ThinkingModel

RING = 4
"""Width in pixels of the ring around a region whose median colour fills it."""


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
        colours[region.id] = np.median(around, 0).round() if len(around) else median_colour(pixels)
    return colours


def ablate_pixels(
    pixels: np.ndarray, region_map: RegionMap, keep: np.ndarray, filled: np.ndarray | None = None
) -> np.ndarray:
    """The screenshot with only some regions left: uint8 [H, W, 3], a new array.

    Args:
        pixels: uint8 [H, W, 3].
        region_map: which pixel belongs to which region.
        keep: bool [regions]; False is filled with the surrounding colour. With nothing kept, the whole
            screenshot becomes its median colour, so that no outline is left to read.
        filled: from ``fill``, to paint it once for many masks.
    """
    import cv2  # late: the window opens without it

    if not keep.any():
        return np.broadcast_to(median_colour(pixels), pixels.shape).copy()
    filled = fill(pixels, region_map) if filled is None else filled
    kept = keep.astype(np.uint8)[region_map.labels]
    return np.asarray(cv2.copyTo(pixels, kept, filled.copy()), np.uint8)


def fill(pixels: np.ndarray, region_map: RegionMap) -> np.ndarray:
    """The screenshot with every region filled with the colour around it: uint8 [H, W, 3]."""
    return fill_colours(pixels, region_map)[region_map.labels]


def median_colour(pixels: np.ndarray) -> np.ndarray:
    """The median of the screenshot, channel by channel: uint8 [3]."""
    return np.median(pixels.reshape(-1, 3), 0).round().astype(np.uint8)


def _scorer(thinker: ThinkingModel, prepared: Prepared, pixels: np.ndarray, region_map: RegionMap) -> Scorer:
    filled = fill(pixels, region_map)

    def score(masks: np.ndarray, token_ids: Sequence[int]) -> np.ndarray:
        images = [ablate_pixels(pixels, region_map, mask, filled) for mask in masks]
        return thinker.score(prepared, np.stack(images), token_ids)

    return score


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


PIXELS = Operator("pixels", "fill with the surrounding colour and look again", _scorer)
