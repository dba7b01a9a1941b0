"""Regions from edges, flat surfaces and text lines, without a learned model.

Works on a copy of at most ``WORKING_SIZE`` pixels a side and maps the labels back, so that the time hardly
depends on the size of the screenshot.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np

from core import partition as partition_module
from core.partition import partition
from core.regions import RegionMap, region_map_from_labels
from core.screenshot import Screenshot
from core.trace import Identity
from models import opencv, screen_content, screen_layout, screen_surfaces
from models.screen_layout import Part
from models.segmenters import Progress

WORKING_SIZE = 1200
"""Longest side, in pixels, of the copy that is analysed."""


class OpenCVSegmenter:
    """The fast segmenter: surfaces first, then what lies on them, then as few regions as were asked for."""

    def __init__(self) -> None:
        modules = (screen_surfaces, screen_content, screen_layout, partition_module)
        digest = hashlib.sha256(Path(__file__).read_bytes())
        for module in modules:
            digest.update(Path(str(module.__file__)).read_bytes())
        version = opencv.load().__version__
        self.identity = Identity(
            "opencv", digest.hexdigest(), {"opencv": version, "working_size": WORKING_SIZE}
        )

    def segment(self, screenshot: Screenshot, max_regions: int, step: Progress) -> RegionMap:
        pixels = working_copy(screenshot.pixels)
        height, width = pixels.shape[:2]
        parts = find_parts(pixels, max_regions, step)
        small = partition(
            [part.mask for part in parts],
            corners=[part.box[:2] for part in parts],
            shape=(height, width),
            roles=[part.role for part in parts],
            max_regions=max_regions,
            min_area=max(12, height * width // 5_000),
            source="opencv",
        )
        step("Mapping back", 0.9)
        return enlarged(small, screenshot.height, screenshot.width)


def find_parts(pixels: np.ndarray, max_regions: int, step: Progress) -> list[Part]:
    """The parts of a working copy, uint8 [h, w, 3]; near ones grouped if there are too many."""
    height, width = pixels.shape[:2]
    step("Finding surfaces", 0.1)
    steep = screen_content.steepness(pixels)
    patches, stats = screen_surfaces.smooth_patches(steep)
    surfaces = screen_surfaces.find_surfaces(
        pixels, steep, patches, stats, lambda: step("Finding surfaces", 0.1)
    )
    owner = np.full((height, width), -1, np.int32)
    for index, surface in enumerate(surfaces):
        x0, y0, x1, y1 = surface.box
        owner[y0:y1, x0:x1][surface.mask] = index
    step("Finding text and icons", 0.4)
    items = screen_content.find_items(pixels, steep, patches, owner)
    step("Arranging regions", 0.7)
    return screen_layout.arrange(surfaces, items, (height, width), max_regions)


def working_copy(pixels: np.ndarray) -> np.ndarray:
    """uint8 [h, w, 3]: shrunk to at most ``WORKING_SIZE`` a side, averaging; smaller ones as they are."""
    height, width = pixels.shape[:2]
    scale = WORKING_SIZE / max(height, width)
    if scale >= 1:
        return pixels
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    cv2 = opencv.load()
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)


def enlarged(region_map: RegionMap, height: int, width: int) -> RegionMap:
    """The same map on a larger image: each pixel takes the region at its place."""
    if (height, width) == region_map.labels.shape:
        return region_map
    rows = np.arange(height) * region_map.height // height
    columns = np.arange(width) * region_map.width // width
    return region_map_from_labels(
        region_map.labels.take(rows, 0).take(columns, 1),
        {region.id: region.name for region in region_map.regions[1:]},
        {region.id: region.parent for region in region_map.regions[1:]},
        {region.id: region.source for region in region_map.regions[1:]},
    )
