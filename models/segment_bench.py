"""How well segmenters find the elements of held-out generated screens: ``sightline bench segment``.

Half of the screens are the thinker's, half are the crowded scenes that the bundled SAM learns from. Both
know the mask of every element, with everything on it and without what covers it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.regions import RegionMap
from core.screenshot import from_array
from models import opencv
from models.bundled.sam.canvas import GROUPS, Canvas
from models.bundled.sam.recorded import recorded
from models.bundled.sam.scenes import scene
from models.bundled.screens import HELD_OUT, KINDS
from models.segmenters import load_segmenter, segment

MAX_REGIONS = 128
HALVES = ("thinker's screens", "scenes")
"""What the screens are in turn; scenes have several times as many elements."""
_SCENE_SIZES = (640, 960, 1280)
_TOLERANCE = 2
"""Pixels by which a boundary may be off."""


@dataclass(frozen=True, slots=True)
class Score:
    """What one segmenter reached on one screen.

    Attributes:
        overlaps: IoU of each element with the region that fits it best, everything inside it included.
        boundary: F-score of the boundaries.
        regions: found, the background left out.
        seconds: that it took.
    """

    overlaps: np.ndarray
    boundary: float
    regions: int
    seconds: float


def bench_screens(count: int, first: int = 0) -> Iterator[tuple[str, Canvas]]:
    """``count`` held-out screens with their names: thinker's screens and scenes in turn."""
    for i in range(first, first + count):
        seed = HELD_OUT + 7_000_000 + i
        if i % 2:
            yield f"scene-{seed}", scene(seed, _SCENE_SIZES[i // 2 % len(_SCENE_SIZES)])
        else:
            kind = KINDS[i // 2 % len(KINDS)]
            yield f"{kind}-{seed}", recorded(kind, seed)


def bench_segment(
    names: Sequence[str], samples: int, say: Callable[[str, float | None], None] | None = None
) -> dict[str, Any]:
    """Scores of segmenters over the same screens.

    Args:
        names: as in ``models.segmenters.load_segmenter``.
        samples: how many screens.
        say: told how far it is.

    Returns:
        What can be written as JSON; ``table`` prints it.
    """
    found: dict[str, dict[str, list[Score]]] = {name: {half: [] for half in HALVES} for name in names}
    for name in names:
        load_segmenter(name)  # which is not what is timed
    for number, (name, canvas) in enumerate(bench_screens(samples)):
        if say is not None:
            say(f"Screen {number + 1} of {samples}", number / samples)
        shot = from_array(canvas.image, name)
        elements = [t for _, t in canvas.visible() if t.role not in GROUPS]
        for segmenter in names:
            began = time.perf_counter()
            region_map = segment(shot, segmenter, max_regions=MAX_REGIONS)
            seconds = time.perf_counter() - began
            overlaps = element_overlaps(region_map, [(t.box, t.mask) for t in elements])
            boundary = boundary_score(region_map.labels, _truth_labels(canvas))
            score = Score(overlaps, boundary, len(region_map) - 1, seconds)
            found[segmenter][HALVES[number % 2]].append(score)
    return {
        "screens": samples,
        "max_regions": MAX_REGIONS,
        "boundary_tolerance_pixels": _TOLERANCE,
        "segmenters": {
            name: _summary([score for scores in halves.values() for score in scores])
            | {half: _summary(scores) for half, scores in halves.items() if scores}
            for name, halves in found.items()
        },
    }


def element_overlaps(
    region_map: RegionMap, elements: Sequence[tuple[tuple[int, int, int, int], np.ndarray]]
) -> np.ndarray:
    """Best IoU of each element with any region and what lies inside it, float64 [elements].

    Args:
        region_map: the regions found.
        elements: box (x0, y0, x1, y1) and bool mask of that box.
    """
    areas = _with_children(region_map, np.array([r.area for r in region_map.regions]))
    best = np.zeros(len(elements))
    for i, ((x0, y0, x1, y1), mask) in enumerate(elements):
        inside = np.bincount(region_map.labels[y0:y1, x0:x1][mask], minlength=len(region_map))
        inside = _with_children(region_map, inside)
        best[i] = (inside / np.maximum(areas + int(mask.sum()) - inside, 1)).max()
    return best


def boundary_score(found: np.ndarray, truth: np.ndarray, tolerance: int = _TOLERANCE) -> float:
    """F-score of the boundaries between different labels [H, W], found near true ones and true near found."""
    cv2 = opencv.load()
    edges = [_edges(labels) for labels in (found, truth)]
    if not edges[0].any() or not edges[1].any():
        return float(edges[0].any() == edges[1].any())
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * tolerance + 1, 2 * tolerance + 1))
    near = [cv2.dilate(edge.astype(np.uint8), disc).astype(bool) for edge in edges]
    precision = float((edges[0] & near[1]).sum() / edges[0].sum())
    recall = float((edges[1] & near[0]).sum() / edges[1].sum())
    return 2 * precision * recall / max(precision + recall, 1e-9)


def table(result: dict[str, Any]) -> str:
    """The figures as text."""
    lines = [
        f"{result['screens']} held-out screens, at most {result['max_regions']} regions",
        f"{'segmenter':24} {'mean IoU':>9} {'IoU ≥ .5':>9} {'IoU ≥ .75':>9} "
        f"{'boundary F':>10} {'regions':>8} {'seconds':>8}",
    ]
    for name, row in result["segmenters"].items():
        lines.append(_line(name[-24:], row))
        lines += [_line(f"  {half}", row[half]) for half in HALVES if half in row]
    return "\n".join(lines)


def _line(name: str, row: dict[str, float]) -> str:
    return (
        f"{name:24} {row['mean_best_iou']:9.3f} {row['recall_50']:9.3f} {row['recall_75']:9.3f} "
        f"{row['boundary_f']:10.3f} {row['regions']:8.1f} {row['seconds']:8.2f}"
    )


def _summary(scores: list[Score]) -> dict[str, float]:
    overlaps = np.concatenate([score.overlaps for score in scores])
    return {
        "mean_best_iou": float(overlaps.mean()),
        "recall_50": float((overlaps >= 0.5).mean()),
        "recall_75": float((overlaps >= 0.75).mean()),
        "boundary_f": float(np.mean([score.boundary for score in scores])),
        "regions": float(np.mean([score.regions for score in scores])),
        "seconds": float(np.mean([score.seconds for score in scores])),
        "slowest_seconds": float(np.max([score.seconds for score in scores])),
        "elements": float(len(overlaps)),
    }


def _with_children(region_map: RegionMap, counts: np.ndarray) -> np.ndarray:
    """Pixels of each region, those of the regions inside it included."""
    total = counts.copy()
    for region in reversed(region_map.regions):  # children before parents
        if region.parent is not None:
            total[region.parent] += total[region.id]
    return total


def _truth_labels(canvas: Canvas) -> np.ndarray:
    """int32 [H, W]: 0 for the backdrop, larger elements below smaller ones."""
    labels = np.zeros((canvas.height, canvas.width), np.int32)
    things = [(i, t) for i, t in canvas.visible() if t.role not in GROUPS]
    for i, thing in sorted(things, key=lambda entry: -int(entry[1].mask.sum())):
        x0, y0, x1, y1 = thing.box
        labels[y0:y1, x0:x1][thing.mask] = i + 1
    return labels


def _edges(labels: np.ndarray) -> np.ndarray:
    """Pixels whose right or lower neighbour has another label."""
    edges = np.zeros(labels.shape, bool)
    edges[:, :-1] |= labels[:, :-1] != labels[:, 1:]
    edges[:-1] |= labels[:-1] != labels[1:]
    return edges
