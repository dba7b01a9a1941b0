"""Loading and checking any image a user may bring."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, slots=True, eq=False)
class Screenshot:
    """The input image, after EXIF rotation and alpha flattening.

    Attributes:
        pixels: uint8 [H, W, 3] RGB, C-contiguous.
        name: file name or another name for people.
        sha256: hash of the pixels.
        path: where it came from, or None.
    """

    pixels: np.ndarray
    name: str
    sha256: str
    path: Path | None = None

    @property
    def height(self) -> int:
        return int(self.pixels.shape[0])

    @property
    def width(self) -> int:
        return int(self.pixels.shape[1])
