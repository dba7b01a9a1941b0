"""Small pictures of files that were opened, kept so that menus and lists show them at once."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QIcon, QImage, QPainter, QPixmap

from app.environment import data_folder

WIDTH, HEIGHT = 160, 100
"""A thumbnail fits into so many pixels."""


def shrunk(pixels: np.ndarray) -> QImage:
    """A small picture of uint8 [H, W, 3]."""
    step = max(1, min(pixels.shape[1] // (2 * WIDTH), pixels.shape[0] // (2 * HEIGHT)))
    rgb = np.ascontiguousarray(pixels[::step, ::step])
    height, width = rgb.shape[:2]
    image = QImage(rgb.data, width, height, 3 * width, QImage.Format.Format_RGB888)
    return image.scaled(
        WIDTH, HEIGHT, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
    )


def keep(path: Path, pixels: np.ndarray) -> None:
    """Keep a small picture of what ``path`` shows, uint8 [H, W, 3]."""
    place = _place(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    shrunk(pixels).save(str(place))


def known(path: Path) -> bool:
    """Whether there is a small picture of ``path``."""
    return _place(path).is_file()


def icon_of(path: Path) -> QIcon:
    """The small picture of a file; an empty icon when there is none.

    Every icon has the same shape, whatever that of its picture, so that lists stand in line.
    """
    picture = QPixmap(str(_place(path))) if known(path) else QPixmap()
    if picture.isNull():
        return QIcon()
    framed = QPixmap(WIDTH, HEIGHT)
    framed.fill(Qt.GlobalColor.transparent)
    painter = QPainter(framed)
    painter.drawPixmap((WIDTH - picture.width()) // 2, (HEIGHT - picture.height()) // 2, picture)
    painter.end()
    icon = QIcon(framed)
    icon.addPixmap(framed, QIcon.Mode.Selected)  # else Qt tints it with the colour of the selection
    return icon


def _place(path: Path) -> Path:
    name = hashlib.sha256(str(Path(path).absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:32]
    return data_folder() / "thumbnails" / f"{name}.png"
