"""What may be dropped on the window or pasted into it: a file that Sightline opens, or a picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import QMimeData
from PySide6.QtGui import QImage


def file_in(data: QMimeData) -> Path | None:
    """The first local file of a drop or of the clipboard, or None."""
    for url in data.urls():
        if url.isLocalFile():
            return Path(url.toLocalFile())
    return None


def pixels_in(data: QMimeData) -> np.ndarray | None:
    """The picture of a drop or of the clipboard, uint8 [H, W, 4] RGBA, or None."""
    if not data.hasImage():
        return None
    image = QImage(data.imageData())
    return None if image.isNull() else pixels_of(image)


def pixels_of(image: QImage) -> np.ndarray:
    """A QImage as uint8 [H, W, 4] RGBA, copied."""
    image = image.convertToFormat(QImage.Format.Format_RGBA8888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 4 * image.width()].reshape(image.height(), image.width(), 4).copy()
