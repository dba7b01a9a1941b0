"""The colour bar: which colour stands for how many nats of estimated effect."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from app import theme
from app.views import Colouring, view_named
from app.wording import NOT_CALIBRATED, signed_number
from core.colour_maps import SCALE_FLOOR, composite
from core.quantity import ESTIMATED, Quantity

BAR = 12
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
        return QSize(280, 2 * QFontMetrics(self._small()).height() + BAR + TICK + 2)

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
        painter.setFont(self._small())
        metrics = QFontMetrics(painter.font())
        line = metrics.height()
        # the first and last numbers stand centred below the ends of the bar
        margin = max(2, metrics.horizontalAdvance(signed_number(-self._scale, 2)) // 2 + 1)
        bar = QRect(margin, line + 1, max(20, self.width() - 2 * margin), BAR)
        self._paint_title(painter, QRect(bar.x(), 0, bar.width(), line), metrics, colours)
        painter.drawImage(QRectF(bar), self._gradient(bar.width(), colours))
        painter.setPen(QPen(QColor(colours.border), 1))
        painter.drawRect(QRectF(bar).adjusted(-0.5, -0.5, 0.5, 0.5))
        self._paint_ticks(painter, bar, metrics, colours)

    def _paint_title(
        self, painter: QPainter, box: QRect, metrics: QFontMetrics, colours: theme.Tokens
    ) -> None:
        """The unit in the middle, and at the ends what the signs mean where there is room."""
        title = "estimated effect, nats" if box.width() >= 130 else "est. effect, nats"
        if self._quantity is not ESTIMATED:
            title = self._quantity.title if box.width() >= 180 else self._quantity.kind
            if self._difference:
                title = f"difference, {self._quantity.kind}"
        elif self._difference:
            title = "difference, estimated, nats" if box.width() >= 160 else "est. difference, nats"
        painter.setPen(QColor(colours.text))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignHCenter), title)
        words = ("less", "more") if self._difference else ("opposes", "supports")
        ends = [(Qt.AlignmentFlag.AlignLeft, words[0]), (Qt.AlignmentFlag.AlignRight, words[1])]
        if (
            self._signed
            and self._quantity is ESTIMATED
            and box.width() > metrics.horizontalAdvance(title + " ".join(words)) + 24
        ):
            painter.setPen(QColor(colours.muted))
            for side, text in ends:
                painter.drawText(box, int(side), text)

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

    def _gradient(self, width: int, colours: theme.Tokens) -> QImage:
        low = -self._scale if self._signed else 0.0
        values = np.linspace(low, self._scale, width)
        colouring = Colouring(values, self._scale, self._signed, self._colour_map, 1.0)
        rgba = view_named(self._view).shade(colouring, values)
        behind = QColor(colours.surface)
        rgb = np.ascontiguousarray(composite(rgba, (behind.red(), behind.green(), behind.blue()))[None])
        return QImage(rgb.data, width, 1, 3 * width, QImage.Format.Format_RGB888).copy()

    def _describe(self) -> None:
        low = signed_number(-self._scale if self._signed else 0.0)
        quantity = self._quantity
        what = f"{quantity.kind} {quantity.noun}"
        what = f"difference of {what}s" if self._difference else what
        text = f"Colours of the {what}, from {low} to {signed_number(self._scale)} {quantity.unit}"
        self.setAccessibleDescription(text)
        if quantity is not ESTIMATED:
            self.setToolTip(f"{text}. {NOT_CALIBRATED}")
            return
        self.setToolTip(
            f"{text}. A positive effect means that the region supports the selected tokens: without it their "
            "log-probability would be lower by that much."
        )

    def _small(self) -> QFont:
        font = QFont(self.font())
        font.setPointSizeF(max(7.5, font.pointSizeF() * 0.88))
        return font
