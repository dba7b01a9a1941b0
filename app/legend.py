"""The colour bar: which colour stands for how many nats of estimated effect."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.views import Colouring, view_named
from app.wording import NOT_CALIBRATED, difference_name, signed_number
from core.colour_maps import SCALE_FLOOR, composite
from core.quantity import ESTIMATED, Quantity

BAR = 12
GAP = 6
TICK = 4


def tick_values(scale: float, signed: bool, most: int = 5) -> list[float]:
    """Round numbers of nats from −``scale`` (or 0) to ``scale``, at most ``most`` of them, 0 among them."""
    span = scale * (2 if signed else 1)
    step = 10.0 ** np.floor(np.log10(span))
    choices = [step * factor for factor in (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)]
    side = (most - 1) // 2 if signed else most - 1
    size = next(c for c in choices if np.floor(scale / c + 1e-9) <= max(1, side))
    count = int(np.floor(scale / size + 1e-9))
    return [float(k * size) for k in range(-count if signed else 0, count + 1)]


def fitting(
    titles: Sequence[str], ends: tuple[str, str], width: int, metrics: QFontMetrics
) -> tuple[str, str, str]:
    """What to write at the left, in the middle and at the right of ``width`` pixels.

    The first of the titles, from long to short, beside which the words at the ends have room; beside the
    last one they are elided, and left out where not even a part of them has room.
    """
    longest = max(metrics.horizontalAdvance(end) for end in ends)
    room = 0
    for title in titles:
        room = (width - metrics.horizontalAdvance(title)) // 2 - (GAP if longest else 0)
        if room >= longest:
            return ends[0], title, ends[1]
    left, right = (metrics.elidedText(end, Qt.TextElideMode.ElideRight, max(room, 0)) for end in ends)
    if min(len(left), len(right)) < 3:  # a letter and an ellipsis say nothing
        left = right = ""
    return left, metrics.elidedText(titles[-1], Qt.TextElideMode.ElideRight, width), right


class Legend(QWidget):
    """Draws the colour map between its ends, over the colour behind the overlay."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scale = SCALE_FLOOR
        self._signed = True
        self._colour_map = "default"
        self._view = "fill"
        self._difference = False
        self._quantity = ESTIMATED
        self._font_of: tuple[QFont, QFont, QFontMetrics] | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMaximumWidth(360)
        self.setAccessibleName("Legend")
        self._describe()

    def set_scale(
        self, scale: float, signed: bool, colour_map: str, view: str = "fill", difference: bool = False
    ) -> None:
        """``scale``: nats at the strongest colour; ``difference``: of two moments, not of one."""
        wanted = (scale, signed, colour_map, view, difference)
        if wanted != (self._scale, self._signed, self._colour_map, self._view, self._difference):
            self._scale, self._signed, self._colour_map, self._view, self._difference = wanted
            self._describe()
            self.update()

    def set_quantity(self, quantity: Quantity) -> None:
        """Say what the colours stand for."""
        if quantity != self._quantity:
            self._quantity = quantity
            self._describe()
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(280, 2 * self._small()[1].height() + BAR + TICK + 2)

    def minimumSizeHint(self) -> QSize:
        return QSize(170, self.sizeHint().height())

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self.updateGeometry()
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.tokens(self.palette())
        painter = QPainter(self)
        font, metrics = self._small()
        painter.setFont(font)
        line = metrics.height()
        # the first and last numbers stand centred below the ends of the bar
        margin = max(2, metrics.horizontalAdvance(signed_number(-self._scale, 2)) // 2 + 1)
        bar = QRect(margin, line + 1, max(20, self.width() - 2 * margin), BAR)
        self._paint_title(painter, QRect(bar.x(), 0, bar.width(), line), metrics, colours)
        painter.drawImage(
            QRectF(bar), gradient(bar.width(), self._signed, self._colour_map, self._view, colours.surface)
        )
        painter.setPen(QPen(QColor(colours.border), 1))
        painter.drawRect(QRectF(bar).adjusted(-0.5, -0.5, 0.5, 0.5))
        self._paint_ticks(painter, bar, metrics, colours)

    def _paint_title(
        self, painter: QPainter, box: QRect, metrics: QFontMetrics, colours: theme.Tokens
    ) -> None:
        """The unit in the middle, and at the ends what the signs mean."""
        titles = ["estimated effect, nats", "est. effect, nats", "est., nats"]
        ends = ("less", "more") if self._difference else ("opposes", "supports")
        if self._quantity is not ESTIMATED:
            titles = [self._quantity.title, self._quantity.kind]
            if self._difference:
                titles = [f"difference, {self._quantity.kind}"]
        elif self._difference:
            titles = ["difference, estimated, nats", "est. difference, nats", "est., nats"]
        if not self._signed or self._quantity is not ESTIMATED:
            ends = ("", "")
        left, title, right = fitting(titles, ends, box.width(), metrics)
        painter.setPen(QColor(colours.text))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignHCenter), title)
        painter.setPen(QColor(colours.muted))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignLeft), left)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignRight), right)

    def _paint_ticks(
        self, painter: QPainter, bar: QRect, metrics: QFontMetrics, colours: theme.Tokens
    ) -> None:
        low = -self._scale if self._signed else 0.0
        widest = metrics.horizontalAdvance(signed_number(-self._scale, 2)) + 10
        values = tick_values(self._scale, self._signed, max(2, min(7, bar.width() // widest + 1)))
        digits = 0 if all(abs(v - round(v)) < 1e-9 for v in values) else (1 if self._scale >= 0.5 else 2)
        for value in values:
            x = bar.x() + (value - low) / (self._scale - low) * bar.width()
            painter.setPen(QPen(QColor(colours.muted), 1))
            painter.drawLine(QPointF(x, bar.bottom() + 1), QPointF(x, bar.bottom() + TICK))
            text = signed_number(value, digits)
            wide = metrics.horizontalAdvance(text)
            painter.setPen(QColor(colours.text))
            painter.drawText(QPointF(x - wide / 2, bar.bottom() + TICK + metrics.ascent()), text)

    def _describe(self) -> None:
        low = signed_number(-self._scale if self._signed else 0.0)
        quantity = self._quantity
        what = difference_name(quantity) if self._difference else f"{quantity.kind} {quantity.noun}"
        text = f"Colours of the {what}, from {low} to {signed_number(self._scale)} {quantity.unit}"
        self.setAccessibleDescription(text)
        if quantity is not ESTIMATED:
            self.setToolTip(f"{text}. {NOT_CALIBRATED}")
            return
        means = (
            "A positive difference means that the region supports the selected tokens more, by that much, "
            "than those that they are compared with."
            if self._difference
            else "A positive effect means that the region supports the selected tokens: without it their "
            "log-probability would be lower by that much."
        )
        self.setToolTip(f"{text}. {means}")

    def _small(self) -> tuple[QFont, QFontMetrics]:
        """The font of the numbers; made once, as a new font is looked up at every use."""
        of = self.font()
        if self._font_of is None or self._font_of[0] != of:
            font = QFont(of)
            font.setPointSizeF(max(7.5, font.pointSizeF() * 0.88))
            self._font_of = of, font, QFontMetrics(font)
        return self._font_of[1:]


@lru_cache(maxsize=8)
def gradient(width: int, signed: bool, colour_map: str, view: str, surface: str) -> QImage:
    """The colours of a view over a surface, from the least to the largest effect, ``width`` pixels.

    They are the same whatever the scale is: colours follow effects in shares of it.
    """
    values = np.linspace(-1.0 if signed else 0.0, 1.0, width)
    rgba = view_named(view).shade(Colouring(values, 1.0, signed, colour_map, 1.0), values)
    behind = QColor(surface)
    rgb = np.ascontiguousarray(composite(rgba, (behind.red(), behind.green(), behind.blue()))[None])
    return QImage(rgb.data, width, 1, 3 * width, QImage.Format.Format_RGB888).copy()
