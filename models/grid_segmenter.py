"""A regular grid of regions, blind to what the screenshot shows: the baseline of every comparison."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np

from core.regions import RegionMap, region_map_from_labels
from core.screenshot import Screenshot
from core.trace import Identity
from models.segmenters import Progress


class GridSegmenter:
    """Near-square cells, as many as fit into ``max_regions``; the background stays empty."""

    def __init__(self) -> None:
        self.identity = Identity("grid", hashlib.sha256(Path(__file__).read_bytes()).hexdigest())

    def segment(self, screenshot: Screenshot, max_regions: int, step: Progress) -> RegionMap:
        width, height = screenshot.width, screenshot.height
        rows, cols = grid_shape(width, height, max_regions - 1)
        step("Laying a grid", 0.5)
        row = np.arange(height) * rows // height
        col = np.arange(width) * cols // width
        labels = row[:, None] * cols + col[None, :] + 1
        names = {r * cols + c + 1: f"row {r + 1}, column {c + 1}" for r in range(rows) for c in range(cols)}
        return region_map_from_labels(labels, names, source="grid")


def grid_shape(width: int, height: int, cells: int) -> tuple[int, int]:
    """(rows, columns), no more than ``cells`` together, as near to square cells as the number allows."""
    best = (1, 1)
    best_cost = math.inf
    for rows in range(1, min(cells, height) + 1):
        cols = min(cells // rows, width)
        wanted = math.log((width / cols) / (height / rows))
        cost = abs(wanted) + 2.0 * (1 - rows * cols / cells)
        if cost < best_cost:
            best, best_cost = (rows, cols), cost
    return best
