"""Which visual tokens change when a region is removed, and by how much.

Attention says which visual tokens a model looks at, but not where these have what they hold: a vision
encoder mixes its patches, and a region may cover much of a token and give nothing to it. So regions are
removed from the screenshot and it is encoded again, without any pass through the decoder. Since a region
changes little far from itself, several regions that lie apart go at once, and few encodings do for any number
of regions, as distant unknowns share an evaluation when a sparse Jacobian is estimated (Curtis, Powell and
Reid 1974). What a visual token changed by then belongs to those of them that are near it and that look
unlike what fills them.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

import numpy as np

from core.ablation.pixels import ablate_pixels, fill
from core.coverage import Cells
from core.events import Stage
from core.regions import RegionMap
from core.thinking import Prepared, ShouldStop, ThinkingModel

ENCODINGS: Final = 8
"""Encodings with regions removed, beside that of the whole screenshot."""
_STAGE = "Seeing what each region changes"
_REACH = 0.7
"""Cells over which a region's influence falls to 1/e, where it is shared out."""
_OUTSIDE = 0.05
"""What a cell that a region does not cover counts beside one that it covers."""
_FLAT = 1e-3
"""What a region counts that looks like what fills it."""


def measure_influence(
    thinker: ThinkingModel,
    prepared: Prepared,
    pixels: np.ndarray,
    region_map: RegionMap,
    covered: np.ndarray,
    *,
    encodings: int = ENCODINGS,
    should_stop: ShouldStop | None = None,
    generation: int = 0,
    share: float = 1.0,
) -> Generator[Stage, None, np.ndarray | None]:
    """Yields a stage before each encoding, and returns the influence, or None when stopped.

    Args:
        thinker, prepared: the model, and the prompt with the whole screenshot.
        pixels, region_map: the screenshot, uint8 [H, W, 3], and its regions.
        covered: float32 [cells, regions]; share of each cell in each region.
        encodings: at most so many, beside that of the whole screenshot; with fewer, more regions go at once.
        should_stop: asked before each encoding.
        generation: number that the stages carry.
        share: of the work that the stages tell the progress of.

    Returns:
        float32 [cells, regions]: the length of the change of each visual token when the region is removed, as
        a share of the token's own length.
    """
    found = np.zeros_like(covered)
    filled = fill(pixels, region_map)
    nearness = _nearness(pixels, filled, region_map, prepared.cells, covered)
    groups = apart(region_map, encodings)
    yield Stage(generation, _STAGE, 0.0)
    whole = thinker.embeddings(prepared, pixels)
    length = np.linalg.norm(whole, axis=1).clip(1e-6)
    for place, group in enumerate(groups, start=1):
        yield Stage(generation, _STAGE, share * place / (len(groups) + 1))
        if should_stop is not None and should_stop():
            return None
        keep = np.ones(len(region_map), bool)
        keep[group] = False
        without = thinker.embeddings(prepared, ablate_pixels(pixels, region_map, keep, filled))
        change = np.linalg.norm(without - whole, axis=1) / length
        near = nearness[:, group]
        found[:, group] = change[:, None] * near / near.sum(1, keepdims=True)
    return found


def outcome(measuring: Generator[Stage, None, np.ndarray | None]) -> np.ndarray | None:
    """What ``measure_influence`` returns, for those who show no stages."""
    while True:
        try:
            next(measuring)
        except StopIteration as end:
            found: np.ndarray | None = end.value
            return found


def encodings_of(regions: int) -> int:
    """How many encodings the influence of so many regions takes, that of the whole screenshot included."""
    return min(regions, ENCODINGS) + 1


def apart(region_map: RegionMap, count: int) -> list[list[int]]:
    """Regions, as ids, in at most ``count`` groups of such as lie far from each other.

    The largest first, each joins the group whose nearest member is farthest.
    """
    boxes = _boxes(region_map)
    gaps = np.hypot(*(_gap(boxes[:, [i, i + 2]], boxes[:, [i, i + 2]]) for i in (0, 1)))
    groups: list[list[int]] = [[] for _ in range(min(count, len(boxes)))]
    for region in np.argsort(-_areas(region_map), kind="stable").tolist():
        nearest = [min((gaps[region, other] for other in group), default=np.inf) for group in groups]
        best = max(range(len(groups)), key=lambda place: (nearest[place], -len(groups[place])))
        groups[best].append(region)
    return groups


def _gap(these: np.ndarray, those: np.ndarray) -> np.ndarray:
    """How far intervals [a, 2] and [b, 2] lie from each other: [a, b], 0 where they overlap."""
    return np.maximum(these[:, None, 0] - those[None, :, 1], those[None, :, 0] - these[:, None, 1]).clip(0)


def _areas(region_map: RegionMap) -> np.ndarray:
    return np.array([max(1, region.area) for region in region_map.regions])


def _boxes(region_map: RegionMap) -> np.ndarray:
    """float64 [regions, 4]; x0, y0, x1, y1, pixels."""
    boxes = np.array([region.bbox for region in region_map.regions], np.float64)
    boxes[:, 2:] += boxes[:, :2]
    return boxes


def _nearness(
    pixels: np.ndarray, filled: np.ndarray, region_map: RegionMap, cells: Cells, covered: np.ndarray
) -> np.ndarray:
    """How much of a visual token's change to look for in each region: float [cells, regions], above 0."""
    regions, labels = len(region_map), region_map.labels.ravel()
    unlike = np.abs(pixels.astype(np.int16) - filled).mean(2).ravel() / 255
    density = np.bincount(labels, unlike, regions) / _areas(region_map)
    sizes = cells.boxes[:, 2:] - cells.boxes[:, :2]
    middles = (cells.boxes[:, 2:] + cells.boxes[:, :2]) / 2
    boxes = _boxes(region_map)
    away = np.hypot(
        *(_gap(middles[:, [i, i]], boxes[:, [i, i + 2]]) / sizes[:, i, None].clip(1e-6) for i in (0, 1))
    )
    # Far from all regions of a group it still has to be somebody's.
    return np.exp(-away / _REACH).clip(1e-12) * (density + _FLAT) * (_OUTSIDE + covered)
