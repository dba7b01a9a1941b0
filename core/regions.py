"""Regions and the region map: which part of the screenshot each pixel belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BACKGROUND = 0


@dataclass(frozen=True, slots=True)
class Region:
    """One semantic piece of the screenshot.

    Attributes:
        id: dense index, equal to the label of its pixels; 0 is the background.
        name: what a person reads, such as "text, top left".
        bbox: (x, y, width, height) in pixels of the screenshot.
        area: number of pixels.
        parent: id of the region that contains this one, or None at the top.
        source: who found it: "opencv", "grid", "sam", "truth", "hand" or "background".
    """

    id: int
    name: str
    bbox: tuple[int, int, int, int]
    area: int
    parent: int | None = None
    source: str = "hand"


@dataclass(frozen=True, slots=True, eq=False)
class RegionMap:
    """A disjoint partition of the screenshot.

    Attributes:
        labels: uint8 [H, W]; the region id of every pixel. Ids are dense, 0 is the background.
        regions: one Region for each id, in order of id.
    """

    labels: np.ndarray
    regions: tuple[Region, ...]

    @property
    def height(self) -> int:
        return int(self.labels.shape[0])

    @property
    def width(self) -> int:
        return int(self.labels.shape[1])

    def __len__(self) -> int:
        return len(self.regions)

    def mask(self, region_id: int) -> np.ndarray:
        """Boolean [H, W]: the pixels of one region."""
        return self.labels == region_id

    def at(self, x: int, y: int) -> Region | None:
        """The region under a pixel, or None outside the screenshot."""
        if 0 <= x < self.width and 0 <= y < self.height:
            return self.regions[int(self.labels[y, x])]
        return None
