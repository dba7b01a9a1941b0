"""A screenshot and its region map at another size."""

from __future__ import annotations

import numpy as np
from PIL import Image

from core.trace import Trace


def thumbnail(trace: Trace, width: int, height: int) -> tuple[np.ndarray, np.ndarray]:
    """The screenshot and its labels as large as fits into a box.

    Args:
        width, height: of the box, in pixels.

    Returns:
        uint8 [h, w, 3] and uint8 [h, w].
    """
    shot = trace.screenshot
    factor = min(width / shot.width, height / shot.height)
    size = max(1, round(shot.width * factor)), max(1, round(shot.height * factor))
    kind = Image.Resampling.LANCZOS if factor < 1 else Image.Resampling.NEAREST
    pixels = np.array(Image.fromarray(shot.pixels).resize(size, kind))
    labels = Image.fromarray(trace.region_map.labels).resize(size, Image.Resampling.NEAREST)
    return pixels, np.array(labels)
