"""The view of the screenshot: zoom, pan, overlay, outlines and what is under the pointer.

It knows pictures and colours, not traces: ``app/canvas.py`` tells it what to show. Everything costly
(scaling the screenshot, sampling the labels) happens once when the view moves; a new selection only makes
a new overlay for the pixels in view.

Space and the arrows belong to the playback; the arrows pan only while the screenshot is larger than the view.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil, floor

import numpy as np
from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QPinchGesture, QWidget

from app import overlay, theme
from app.canvas_tool import CanvasTool
from app.focus import reached_by_keyboard
from app.invitation import paint_invitation
from app.scaled_screenshot import ScaledScreenshot
from app.scroll_bar import flat_bars
from core.regions import RegionMap
from core.screenshot import Screenshot

DrawOverlay = Callable[[overlay.LabelPicture, float], QImage]
"""Makes the overlay from the labels in view and the device pixels for one logical pixel."""
LARGEST = 32.0
SMALLEST = 1 / 64
STEP = 1.25
MARGIN = 12
"""Logical pixels left free around a fitted screenshot."""


class CanvasView(QAbstractScrollArea):
    """Shows one screenshot.

    Attributes:
        scale: device pixels for one pixel of the screenshot; 1 is 100 %.

    Signals:
        region_hovered(int, QPoint): the region under the pointer, -1 for none, and where the pointer is.
        region_clicked(int): a region was clicked, -1 beside the screenshot.
        region_toggled(int): the same with Ctrl: one more, or one less.
        tool_left: Esc was pressed with nothing left to give up.
        zoom_changed(float): ``scale`` changed.
    """

    region_hovered = Signal(int, QPoint)
    region_clicked = Signal(int)
    region_toggled = Signal(int)
    tool_left = Signal()
    zoom_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QAbstractScrollArea.Shape.NoFrame)
        flat_bars(self)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(160, 120)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # so nothing behind is painted
        self.viewport().setMouseTracking(True)
        self.viewport().grabGesture(Qt.GestureType.PinchGesture)
        self.scale = 1.0
        self._fitted = True
        self._region_map: RegionMap | None = None
        self._shot: ScaledScreenshot | None = None
        self._draw: DrawOverlay | None = None
        self._with_outlines = True
        self._highlighted = -1
        self._chosen: tuple[int, ...] = ()
        self._tool: CanvasTool | None = None
        self._picture: overlay.LabelPicture | None = None
        self._overlay_image: QImage | None = None
        self._outline_image: QImage | None = None
        self._rings: dict[tuple[int, int], tuple[QImage, QPoint]] = {}
        self._focus_shown = False
        self._press: QPoint | None = None
        self._panning_from: QPoint | None = None

    # --- what is shown -------------------------------------------------------------------------------------

    def set_picture(self, screenshot: Screenshot | None, region_map: RegionMap | None) -> None:
        """Show another screenshot, fitted, or none."""
        self._shot = None if screenshot is None else ScaledScreenshot(screenshot.pixels)
        self._region_map = region_map
        self._fitted = True
        self._draw = None
        self._forget_view()
        self._layout()

    def set_overlay(self, draw: DrawOverlay | None) -> None:
        """Lay over the screenshot what ``draw`` makes of the labels that are in view; None for nothing."""
        self._draw = draw
        self._overlay_image = None
        self.viewport().update()

    def set_outlines(self, shown: bool) -> None:
        """Draw the outlines of the regions, or not."""
        self._with_outlines = shown
        self.viewport().update()

    def set_regions(self, region_map: RegionMap | None) -> None:
        """Show other regions of the same screenshot; the view stays where it is."""
        self._region_map = region_map
        self._draw = None
        self._forget_view()
        self.viewport().update()

    def set_emphasis(self, highlighted: int, chosen: Sequence[int]) -> None:
        """Ring regions: the one under the mouse (-1 for none), and those chosen."""
        self._highlighted, self._chosen = highlighted, tuple(chosen)
        self.viewport().update()

    def set_tool(self, tool: CanvasTool | None) -> None:
        """Let the left mouse button do something else; None for choosing and panning."""
        if self._tool is not None:
            self._tool.cancel()
        self._tool = tool
        self._press = self._panning_from = None
        self._show_cursor()
        self.viewport().update()

    # --- zoom and pan --------------------------------------------------------------------------------------

    def fit(self) -> None:
        """Show the whole screenshot, and keep it whole when the window changes its size."""
        self._fitted = True
        self._layout()

    def zoom_to(self, scale: float, around: QPointF | None = None) -> None:
        """Set ``scale``; the point ``around`` of the viewport (logical pixels; its centre) stays in place."""
        if self._shot is None:
            return
        around = around or QRectF(self.viewport().rect()).center()
        anchor = self.to_picture(around)
        self._fitted = False
        self._set_scale(max(min(SMALLEST, self._fit_scale()), min(LARGEST, scale)))
        self._update_bars()
        ratio = self.devicePixelRatioF()
        self.horizontalScrollBar().setValue(round(anchor.x() * self.scale - around.x() * ratio))
        self.verticalScrollBar().setValue(round(anchor.y() * self.scale - around.y() * ratio))
        self._forget_view()
        self.viewport().update()

    def zoom_in(self) -> None:
        """One step larger, around the centre."""
        self.zoom_to(self.scale * STEP)

    def zoom_out(self) -> None:
        """One step smaller, around the centre."""
        self.zoom_to(self.scale / STEP)

    def zoom_actual(self) -> None:
        """100 %: one pixel of the screenshot on one pixel of the display."""
        self.zoom_to(1.0)

    @property
    def can_pan(self) -> bool:
        """Whether a part of the screenshot lies outside the view."""
        return self.horizontalScrollBar().maximum() > 0 or self.verticalScrollBar().maximum() > 0

    def region_at(self, position: QPointF) -> int:
        """The region under a point of the viewport, -1 for none."""
        if self._region_map is None or self._shot is None:
            return -1
        point = self.to_picture(position)
        region = self._region_map.at(int(np.floor(point.x())), int(np.floor(point.y())))
        return -1 if region is None else region.id

    def to_view(self, x: float, y: float) -> QPointF:
        """Where a point of the screenshot lies in the viewport, in logical pixels."""
        corner, ratio = self._corner(), self.devicePixelRatioF()
        return QPointF((x * self.scale + corner.x()) / ratio, (y * self.scale + corner.y()) / ratio)

    def to_picture(self, position: QPointF) -> QPointF:
        """The point of the screenshot under a point of the viewport, in pixels; it may lie beside it."""
        corner, ratio = self._corner(), self.devicePixelRatioF()
        return QPointF(
            (position.x() * ratio - corner.x()) / self.scale, (position.y() * ratio - corner.y()) / self.scale
        )

    def _corner(self) -> QPoint:
        """The screenshot's corner in device pixels of the viewport."""
        view, size = self._view_size(), self._scaled_size()
        x = (view.width() - size.width()) // 2
        y = (view.height() - size.height()) // 2
        return QPoint(
            x if x >= 0 else -self.horizontalScrollBar().value(),
            y if y >= 0 else -self.verticalScrollBar().value(),
        )

    def _view_size(self) -> QSize:
        ratio = self.devicePixelRatioF()
        return QSize(round(self.viewport().width() * ratio), round(self.viewport().height() * ratio))

    def _scaled_size(self) -> QSize:
        if self._shot is None:
            return QSize(0, 0)
        return self._shot.size_at(self.scale)

    def _fit_scale(self) -> float:
        assert self._shot is not None
        full = self._shot.size
        ratio = self.devicePixelRatioF()
        inside = self.maximumViewportSize() - QSize(2 * MARGIN, 2 * MARGIN)
        fitting = min(inside.width() * ratio / full.width(), inside.height() * ratio / full.height())
        return max(1e-4, min(fitting, 8.0 * ratio))

    def _set_scale(self, scale: float) -> None:
        if scale != self.scale:
            self.scale = scale
            self.zoom_changed.emit(scale)

    def _layout(self) -> None:
        if self._shot is not None and self._fitted:
            self._set_scale(self._fit_scale())
        self._update_bars()
        self._forget_view()
        self.viewport().update()

    def _update_bars(self) -> None:
        view, size = self._view_size(), self._scaled_size()
        for bar, seen, whole in (
            (self.horizontalScrollBar(), view.width(), size.width()),
            (self.verticalScrollBar(), view.height(), size.height()),
        ):
            bar.setRange(0, 0 if self._fitted else max(0, whole - seen))
            bar.setPageStep(max(1, seen))
            bar.setSingleStep(max(1, seen // 12))

    # --- painting ------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.tokens(self.palette())
        painter = QPainter(self.viewport())
        if self._shot is not None:
            self._paint_picture(painter, colours)
        else:
            painter.fillRect(event.rect(), QColor(colours.canvas))
            paint_invitation(painter, self.viewport().rect(), self.font(), colours)
        if self.hasFocus() and self._focus_shown:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.accent), 2))
            painter.drawRect(QRectF(self.viewport().rect()).adjusted(1, 1, -1, -1))

    def _paint_picture(self, painter: QPainter, colours: theme.Tokens) -> None:
        ratio = self.devicePixelRatioF()
        corner = self._corner()
        shown = QRect(corner, self._scaled_size()) & QRect(QPoint(0, 0), self._view_size())
        around = QRegion(self.viewport().rect()).subtracted(_within(shown, ratio))
        for beside in around:  # type: ignore[attr-defined]  # its stubs forget that
            painter.fillRect(beside, QColor(colours.canvas))
        if shown.isEmpty():
            return
        painter.scale(1 / ratio, 1 / ratio)  # device pixels from here on
        assert self._shot is not None
        self._shot.paint(painter, shown, shown.topLeft() - corner, self.scale)
        if self._region_map is not None:
            picture = self._sampled(shown, corner)
            if self._draw is not None:
                if self._overlay_image is None:
                    self._overlay_image = self._draw(picture, ratio)
                painter.drawImage(shown.topLeft(), self._overlay_image)
            if self._with_outlines:
                if self._outline_image is None:
                    self._outline_image = overlay.outlines(picture.labels, max(1, round(ratio)))
                painter.drawImage(shown.topLeft(), self._outline_image)
            self._paint_rings(painter, picture.labels, shown, corner, colours)
        painter.resetTransform()
        if self._tool is not None:
            self._tool.paint(painter, self.to_view)

    def _sampled(self, shown: QRect, corner: QPoint) -> overlay.LabelPicture:
        """The labels under the pixels that are shown; sampled once for each place of the view."""
        if self._picture is None:
            assert self._region_map is not None
            offset = shown.topLeft() - corner
            self._picture = overlay.LabelPicture(
                overlay.sample_labels(
                    self._region_map.labels, self.scale, offset.x(), offset.y(), shown.width(), shown.height()
                )
            )
        return self._picture

    def _paint_rings(
        self, painter: QPainter, labels: np.ndarray, shown: QRect, corner: QPoint, colours: theme.Tokens
    ) -> None:
        line, regions = max(1, round(self.devicePixelRatioF())), len(self._region_map or ())
        ringed = [(region_id, 3 * line) for region_id in self._chosen]
        if self._highlighted >= 0 and self._highlighted not in self._chosen:
            ringed.append((self._highlighted, 2 * line))
        for region_id, thickness in ringed:
            if region_id >= regions:
                continue
            key = (region_id, thickness)
            if key not in self._rings:
                if len(self._rings) > 64:
                    self._rings.clear()
                self._rings[key] = self._ring(region_id, thickness, labels, shown, corner, colours)
            image, place = self._rings[key]
            painter.drawImage(place, image)

    def _ring(
        self,
        region_id: int,
        thickness: int,
        labels: np.ndarray,
        shown: QRect,
        corner: QPoint,
        colours: theme.Tokens,
    ) -> tuple[QImage, QPoint]:
        assert self._region_map is not None
        x, y, width, height = self._region_map.regions[region_id].bbox
        box = QRectF(x * self.scale, y * self.scale, width * self.scale, height * self.scale).toAlignedRect()
        room = overlay.reach(thickness) + 1
        box = box.translated(corner).adjusted(-room, -room, room, room) & shown
        if box.isEmpty():
            return QImage(), QPoint(0, 0)
        left, top = box.x() - shown.x(), box.y() - shown.y()
        mask = labels[top : top + box.height(), left : left + box.width()] == region_id
        accent, halo = QColor(colours.accent).rgba(), QColor(colours.on_accent).rgba()
        return overlay.ring(mask, thickness, accent, halo), box.topLeft()

    def _forget_view(self) -> None:
        """Drop what depends on where the view stands."""
        self._picture = self._overlay_image = self._outline_image = None
        self._rings = {}

    # --- events --------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._layout()

    def focusInEvent(self, event: QFocusEvent) -> None:
        self._focus_shown = reached_by_keyboard(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self.viewport().update()

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        self._forget_view()
        self.viewport().update()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._rings.clear()
            self.viewport().update()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.DevicePixelRatioChange:
            self._layout()
        elif (
            event.type() == QEvent.Type.ShortcutOverride
            and isinstance(event, QKeyEvent)
            and self.can_pan
            and self._pan_direction(event) is not None
        ):
            event.accept()
            return True
        return super().event(event)

    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Leave:
            self.region_hovered.emit(-1, QPoint())
        elif event.type() == QEvent.Type.NativeGesture and isinstance(event, QNativeGestureEvent):
            if event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
                self.zoom_to(self.scale * (1 + event.value()), event.position())
                return True
        elif event.type() == QEvent.Type.Gesture:
            pinch = event.gesture(Qt.GestureType.PinchGesture)  # type: ignore[attr-defined]
            if isinstance(pinch, QPinchGesture):
                centre = self.viewport().mapFromGlobal(pinch.centerPoint())
                self.zoom_to(self.scale * pinch.scaleFactor(), centre)
                return True
        return super().viewportEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        turn = event.angleDelta()
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and self.can_pan:
            bar = self.horizontalScrollBar()
            bar.setValue(bar.value() - (turn.x() or turn.y()))
        elif turn.y():
            self.zoom_to(self.scale * STEP ** (turn.y() / 120), event.position())
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if self._tool is not None and event.button() == Qt.MouseButton.LeftButton and self._shot is not None:
            self._tool.press(self.to_picture(event.position()), event.modifiers())
            self.viewport().update()
            return
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._press = event.position().toPoint()
            self._panning_from = None

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        here = event.position().toPoint()
        if self._press is not None:
            far = (here - self._press).manhattanLength() >= QApplication.startDragDistance()
            if self._panning_from is None and far:
                self._panning_from = self._press
                if self.can_pan:
                    self.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
            if self._panning_from is not None:
                moved = (here - self._panning_from) * self.devicePixelRatioF()
                self._panning_from = here
                self.horizontalScrollBar().setValue(self.horizontalScrollBar().value() - moved.x())
                self.verticalScrollBar().setValue(self.verticalScrollBar().value() - moved.y())
                return
        if self._tool is not None and self._shot is not None:
            held = bool(event.buttons() & Qt.MouseButton.LeftButton)
            self._tool.move(self.to_picture(event.position()), held)
            self.viewport().update()
        self.region_hovered.emit(self.region_at(event.position()), here)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._tool is not None and event.button() == Qt.MouseButton.LeftButton and self._shot is not None:
            self._tool.release(self.to_picture(event.position()), event.modifiers())
            self.viewport().update()
            return
        clicked = self._press is not None and self._panning_from is None
        self._press = self._panning_from = None
        self._show_cursor()
        if clicked and event.button() == Qt.MouseButton.LeftButton:
            also = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
            (self.region_toggled if also else self.region_clicked).emit(self.region_at(event.position()))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        if self._tool is not None and event.button() == Qt.MouseButton.LeftButton:
            self.mousePressEvent(event)  # two quick clicks with a tool are two clicks
        else:
            self.fit()

    def _show_cursor(self) -> None:
        if self._tool is None:
            self.viewport().unsetCursor()
        else:
            self.viewport().setCursor(self._tool.cursor)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        direction = self._pan_direction(event)
        if direction is not None and self.can_pan:
            for bar, part in (
                (self.horizontalScrollBar(), direction.x()),
                (self.verticalScrollBar(), direction.y()),
            ):
                bar.setValue(bar.value() + part * bar.singleStep())
        elif event.key() in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom_in()
        elif event.key() == Qt.Key.Key_Minus:
            self.zoom_out()
        elif event.key() == Qt.Key.Key_0:
            self.fit()
        elif event.key() == Qt.Key.Key_Escape and self._tool is not None:
            if not self._tool.cancel():
                self.tool_left.emit()
            self.viewport().update()
        else:
            event.ignore()

    @staticmethod
    def _pan_direction(event: QKeyEvent) -> QPoint | None:
        plain = event.modifiers() in (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
        directions = {
            Qt.Key.Key_Left: QPoint(-1, 0),
            Qt.Key.Key_Right: QPoint(1, 0),
            Qt.Key.Key_Up: QPoint(0, -1),
            Qt.Key.Key_Down: QPoint(0, 1),
        }
        return directions.get(Qt.Key(event.key())) if plain else None


def _within(shown: QRect, ratio: float) -> QRect:
    """The logical pixels that lie wholly in a rectangle of device pixels."""
    left, top = ceil(shown.left() / ratio), ceil(shown.top() / ratio)
    right, bottom = floor((shown.right() + 1) / ratio), floor((shown.bottom() + 1) / ratio)
    return QRect(left, top, max(0, right - left), max(0, bottom - top))
