"""Reading colours from what a widget draws, at any scale of the display."""

from __future__ import annotations

from PySide6.QtCore import QPointF
from PySide6.QtGui import QColor, QImage
from PySide6.QtWidgets import QWidget


def picture(widget: QWidget) -> QImage:
    """What a widget draws; has more pixels than the widget's size where the display is scaled."""
    return widget.grab().toImage()


def colour_at(image: QImage, point: QPointF) -> QColor:
    """The colour at a logical place of a picture."""
    ratio = image.devicePixelRatio()
    return image.pixelColor(int(point.x() * ratio), int(point.y() * ratio))


def differences(before: QImage, after: QImage) -> list[QPointF]:
    """Logical places at which two pictures differ."""
    ratio = before.devicePixelRatio()
    return [
        QPointF(x / ratio, y / ratio)
        for y in range(before.height())
        for x in range(before.width())
        if before.pixel(x, y) != after.pixel(x, y)
    ]
