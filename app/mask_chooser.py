"""A few masks to choose from, shown on the canvas beside the point they were asked for at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QKeyEvent, QPainter
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton

from app import theme
from app.canvas_tool import ToView
from app.canvas_view import CanvasView
from app.overlay import LabelPicture
from core.regions import Box

_SIZES = {1: ("Add",), 2: ("Small", "Large"), 3: ("Small", "Medium", "Large")}
_TINT = 110
"""Alpha of the colour over a mask, of 255."""


class MaskChooser(QFrame):
    """Buttons for the masks; the one under the mouse or with the keyboard is shown over the screenshot.

    Attributes:
        buttons: one for each mask, from small to large.
    """

    def __init__(self, view: CanvasView) -> None:
        super().__init__(view.viewport())
        self._view = view
        self._masks: list[np.ndarray] = []
        self._take: Callable[[np.ndarray], None] | None = None
        self._tints: list[tuple[QImage, Box]] = []
        self._shown = 0
        self.buttons: list[QPushButton] = []
        self.setAccessibleName("Size of the new region")
        self.setAutoFillBackground(True)
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(theme.TIGHT, theme.TIGHT, theme.TIGHT, theme.TIGHT)
        self._row.setSpacing(theme.TIGHT)
        self.hide()

    def offer(self, masks: Sequence[np.ndarray], at: QPointF, take: Callable[[np.ndarray], None]) -> None:
        """Let the person choose one of up to three masks, bool [H, W]; ``at`` is where they were asked for.

        ``take`` is called with the one chosen. With nothing to choose from, that is at once.
        """
        self.dismiss()
        if len(masks) == 1:
            take(masks[0])
            return
        self._masks, self._take = list(masks[:3]), take
        colour = QColor(theme.tokens(self._view.palette()).accent)
        colour.setAlpha(_TINT)
        self._tints = [_tint(mask, colour) for mask in self._masks]
        for number, text in enumerate(_SIZES[len(self._masks)]):
            button = QPushButton(text, self)
            button.setAutoDefault(True)
            button.setToolTip(f"Make this a region ({number + 1}, or Enter)")
            button.clicked.connect(partial(self._chosen, number))
            button.installEventFilter(self)
            self._row.addWidget(button)
            self.buttons.append(button)
        self.adjustSize()
        room = self._view.viewport().rect()
        corner = self._view.to_view(at.x(), at.y()).toPoint()
        self.move(
            max(0, min(corner.x() + theme.WIDE, room.width() - self.width())),
            max(0, min(corner.y() + theme.WIDE, room.height() - self.height())),
        )
        self._shown = len(self._masks) // 2
        self._view.region_hovered.emit(-1, QPoint())  # or the card of a region would lie below
        self.show()
        self.raise_()
        self.buttons[self._shown].setFocus(Qt.FocusReason.PopupFocusReason)
        self._view.viewport().update()

    def dismiss(self) -> bool:
        """Take the offer back; returns whether there was one."""
        open_before = bool(self._masks)
        had_focus = any(button.hasFocus() for button in self.buttons)
        self._masks, self._take, self._tints = [], None, []
        self.hide()
        for button in self.buttons:
            self._row.removeWidget(button)
            button.deleteLater()
        self.buttons = []
        if had_focus:
            self._view.setFocus()
        self._view.viewport().update()
        return open_before

    def paint(self, painter: QPainter, to_view: ToView) -> None:
        """Tint the mask that is shown now."""
        if self._tints:
            image, (x0, y0, x1, y1) = self._tints[self._shown]
            painter.drawImage(QRectF(to_view(x0, y0), to_view(x1, y1)), image)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched in self.buttons and event.type() in (QEvent.Type.Enter, QEvent.Type.FocusIn):
            self._shown = self.buttons.index(watched)  # type: ignore[arg-type]
            self._view.viewport().update()
        elif event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if self._means(event) is not None:
                event.accept()
                return True
        elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            means = self._means(event)
            if means is not None:
                means()
                return True
        return super().eventFilter(watched, event)

    def _means(self, event: QKeyEvent) -> Callable[[], object] | None:
        """What a key does here; None for nothing of its own."""
        key = event.key()
        if key == Qt.Key.Key_Escape:
            return self.dismiss
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            return partial(self._chosen, self._shown)
        if key in (Qt.Key.Key_Left, Qt.Key.Key_Right):
            step = 1 if key == Qt.Key.Key_Right else -1
            return self.buttons[(self._shown + step) % len(self.buttons)].setFocus
        number = key - Qt.Key.Key_1
        return partial(self._chosen, number) if 0 <= number < len(self.buttons) else None

    def _chosen(self, number: int, _checked: bool = False) -> None:
        mask, take = self._masks[number], self._take
        self.dismiss()
        if take is not None:
            take(mask)


def _tint(mask: np.ndarray, colour: QColor) -> tuple[QImage, Box]:
    """The pixels of a bool [H, W] mask in a colour, and the box of the screenshot that they are in."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    y0, y1, x0, x1 = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
    picture = LabelPicture(mask[y0:y1, x0:x1].astype(np.uint8))
    return picture.coloured([0, colour.rgba(), *([0] * 254)]), (x0, y0, x1, y1)
