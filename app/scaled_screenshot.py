"""The screenshot at the scale of the view, sharp and cheap to draw again."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter


class ScaledScreenshot:
    """Keeps half-size copies, made when first needed, and the last scaled picture.

    Attributes:
        size: of the screenshot, in its pixels.
    """

    def __init__(self, pixels: np.ndarray) -> None:
        """``pixels``: uint8 [H, W, 3] RGB; copied."""
        height, width = pixels.shape[:2]
        contiguous = np.ascontiguousarray(pixels)
        view = QImage(contiguous.data, width, height, 3 * width, QImage.Format.Format_RGB888)
        self._levels = [view.convertToFormat(QImage.Format.Format_RGB32)]
        self._scaled: QImage | None = None
        self._scaled_for = 0.0
        self.size = self._levels[0].size()

    def size_at(self, scale: float) -> QSize:
        """Device pixels of the whole screenshot at a scale; at least 1 x 1."""
        return QSize(max(1, round(self.size.width() * scale)), max(1, round(self.size.height() * scale)))

    def paint(self, painter: QPainter, target: QRect, offset: QPoint, scale: float) -> None:
        """Draw the part that begins at ``offset`` (device pixels from the corner) into ``target``.

        Shrunk pictures are averaged once for each scale and then copied; enlarged ones are drawn directly,
        from 200 % on with hard pixels.
        """
        if scale < 1:
            if self._scaled is None or self._scaled_for != scale:
                self._scaled, self._scaled_for = self._shrunk(self.size_at(scale)), scale
            painter.drawImage(target.topLeft(), self._scaled, QRect(offset, target.size()))
        else:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, 1 < scale < 2)
            source = QRectF(
                offset.x() / scale, offset.y() / scale, target.width() / scale, target.height() / scale
            )
            painter.drawImage(QRectF(target), self._levels[0], source)

    def _shrunk(self, size: QSize) -> QImage:
        """The whole screenshot in ``size``, from the smallest copy that is not smaller."""
        level = 0
        while self._levels[level].width() >= 2 * size.width() and self._levels[level].height() > 1:
            level += 1
            if level == len(self._levels):
                half = (self._levels[-1].size() / 2).expandedTo(QSize(1, 1))
                self._levels.append(_averaged(self._levels[-1], half))
        return _averaged(self._levels[level], size)


def _averaged(image: QImage, size: QSize) -> QImage:
    return image.scaled(
        size, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
    )
