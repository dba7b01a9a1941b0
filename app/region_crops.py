"""Small pictures of regions for the lists: "text 2, top left" says where a region is, and not what it is."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QImage

from core.regions import RegionMap

_DETAIL = 4
"""Pixels of the screenshot that are looked at for one of the picture, in each direction: more would cost
milliseconds where a region is most of a large screen, and would not be seen."""


class RegionCrops:
    """What lies in the box of each region, cut out when it is first drawn and kept."""

    def __init__(self, pixels: np.ndarray, region_map: RegionMap) -> None:
        """``pixels``: uint8 [H, W, 3] RGB of the screenshot; kept, not copied."""
        self._pixels = pixels
        self._map = region_map
        self._made: dict[tuple[int, int, int], QImage] = {}

    def picture(self, region: int, room: QSize) -> QImage:
        """The region, shrunk to fit into ``room`` (device pixels); smaller ones are shown as they are."""
        key = (region, room.width(), room.height())
        if key not in self._made:
            self._made[key] = self._cut(region, room)
        return self._made[key]

    def _cut(self, region: int, room: QSize) -> QImage:
        x, y, width, height = self._map.regions[region].bbox
        stride = max(1, int(max(width / room.width(), height / room.height()) / _DETAIL))
        piece = np.ascontiguousarray(self._pixels[y : y + height : stride, x : x + width : stride])
        high, wide = piece.shape[:2]
        image = QImage(piece.data, wide, high, 3 * wide, QImage.Format.Format_RGB888)
        if wide <= room.width() and high <= room.height():
            return image.copy()
        size = image.size().scaled(room, Qt.AspectRatioMode.KeepAspectRatio).expandedTo(QSize(1, 1))
        return image.scaled(
            size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
