"""What the mouse does on the canvas while regions are edited: one class for each tool."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen

from app import theme
from app.canvas_tool import ToView
from app.canvas_view import CanvasView
from app.mask_chooser import MaskChooser
from app.region_editor import RegionEditor, gone
from app.session import Session
from core import region_edits
from core.regions import BACKGROUND, RegionMap

CLICK: Final = 3.0
"""Pixels of the screenshot that the mouse may move in a click."""
BRUSHES: Final = (1, 2, 3, 5, 8, 12, 20, 32, 50, 80, 125, 200)
"""Radii of the brush in pixels of the screenshot."""


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """What tools work with."""

    view: CanvasView
    session: Session
    editor: RegionEditor
    chooser: MaskChooser

    @property
    def accent(self) -> QColor:
        return QColor(theme.tokens(self.view.palette()).accent)

    def target(self, at: QPointF) -> int:
        """The region that a tool is for: the chosen one, or else the one under a point; -1 for none."""
        if self.session.selected > BACKGROUND:
            return self.session.selected
        regions = self.editor.regions
        found = None if regions is None else regions.at(math.floor(at.x()), math.floor(at.y()))
        return -1 if found is None else found.id

    def add(self, mask: np.ndarray) -> None:
        """Make a region of a mask that SAM gave."""
        self.editor.apply(
            "new region", lambda regions: region_edits.add_mask(regions, mask, source="sam"), newest
        )

    def give_up(self) -> bool:
        """Take back a question to SAM, or its answer; returns whether there was any."""
        asked = self.editor.prompts.cancel()
        return self.chooser.dismiss() or asked


def newest(regions: RegionMap) -> tuple[int, ...]:
    """The region that was made last, to be chosen."""
    return (len(regions) - 1,)


class PointTool:
    """A click asks SAM what is there, in up to three sizes."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def press(self, at: QPointF, keys: Qt.KeyboardModifier) -> None:
        self._bench.give_up()

    def move(self, at: QPointF, pressed: bool) -> None:
        pass

    def release(self, at: QPointF, keys: Qt.KeyboardModifier) -> None:
        bench = self._bench
        bench.editor.ask(_pixel(at), lambda masks: bench.chooser.offer(masks, at, bench.add))

    def cancel(self) -> bool:
        return self._bench.give_up()

    def paint(self, painter: QPainter, to_view: ToView) -> None:
        self._bench.chooser.paint(painter, to_view)


class BoxTool:
    """A drag asks SAM what the box is around; with Shift, the rectangle itself becomes a region."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._ends: tuple[QPointF, QPointF] | None = None

    def press(self, at: QPointF, keys: Qt.KeyboardModifier) -> None:
        self._bench.give_up()
        self._ends = at, at

    def move(self, at: QPointF, pressed: bool) -> None:
        if self._ends is not None:
            self._ends = self._ends[0], at

    def release(self, at: QPointF, keys: Qt.KeyboardModifier) -> None:
        bench = self._bench
        if self._ends is None:
            return
        a, self._ends = self._ends[0], None
        if min(abs(at.x() - a.x()), abs(at.y() - a.y())) < 1:
            bench.editor.said.emit("Drag the box from one corner to the other.", "info")
            return
        (left, right), (top, bottom) = sorted((a.x(), at.x())), sorted((a.y(), at.y()))
        box = (math.floor(left), math.floor(top), math.ceil(right), math.ceil(bottom))
        if keys & Qt.KeyboardModifier.ShiftModifier:
            bench.editor.apply("new rectangle", lambda regions: region_edits.add_box(regions, box), newest)
        else:
            bench.editor.ask(box, lambda masks: bench.add(masks[0]))

    def cancel(self) -> bool:
        begun, self._ends = self._ends is not None, None
        return self._bench.give_up() or begun

    def paint(self, painter: QPainter, to_view: ToView) -> None:
        if self._ends is not None:
            a, b = (to_view(end.x(), end.y()) for end in self._ends)
            _lines(painter, self._bench.accent)
            painter.drawRect(QRectF(a, b).normalized())


class BrushTool:
    """A stroke adds to the chosen region, takes from it with Shift, or makes a new one where none is chosen.

    Attributes:
        radius: of the brush, in pixels of the screenshot.
    """

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._points: list[tuple[float, float]] = []
        self._here: QPointF | None = None
        self.radius = 12

    def press(self, at: QPointF, keys: Qt.KeyboardModifier) -> None:
        self._points = [(at.x(), at.y())]
        self._here = at

    def move(self, at: QPointF, pressed: bool) -> None:
        self._here = at
        if pressed and self._points:
            self._points.append((at.x(), at.y()))

    def release(self, at: QPointF, keys: Qt.KeyboardModifier) -> None:
        points, self._points = self._points, []
        if not points:
            return
        editor, region, radius = self._bench.editor, self._bench.session.selected, self.radius
        if region <= BACKGROUND:
            edit = lambda regions: region_edits.add_stroke(regions, points, radius)  # noqa: E731
            editor.apply("new region", edit, newest)
            return
        target = editor.targets([region])
        change, text = region_edits.paint, f"stroke on {target.names}"
        if keys & Qt.KeyboardModifier.ShiftModifier:
            change, text = region_edits.erase, f"stroke off {target.names}"
        editor.apply_to(
            target,
            text,
            lambda regions, ids: change(regions, ids[0], points, radius),
            otherwise=gone(target),
        )

    def cancel(self) -> bool:
        begun = bool(self._points)
        self._points = []
        return begun

    def resize(self, step: int) -> None:
        """A larger brush (1), or a smaller one (-1)."""
        nearest = min(range(len(BRUSHES)), key=lambda i: abs(BRUSHES[i] - self.radius))
        self.radius = BRUSHES[max(0, min(len(BRUSHES) - 1, nearest + step))]

    def paint(self, painter: QPainter, to_view: ToView) -> None:
        size = (to_view(1.0, 0.0).x() - to_view(0.0, 0.0).x()) * 2 * self.radius
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._points:
            colour = self._bench.accent
            colour.setAlpha(110)
            round_cap, round_join = Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin
            painter.setPen(QPen(colour, size, Qt.PenStyle.SolidLine, round_cap, round_join))
            places = [to_view(x, y) for x, y in self._points]
            if len(places) == 1:
                painter.drawPoint(places[0])
            else:
                painter.drawPolyline(places)
        if self._here is not None:
            _lines(painter, self._bench.accent)
            painter.drawEllipse(to_view(self._here.x(), self._here.y()), size / 2, size / 2)


class CutTool:
    """A line cuts a region in two; a click lets SAM cut out what is at that point."""

    cursor = Qt.CursorShape.CrossCursor

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._ends: tuple[QPointF, QPointF] | None = None

    def press(self, at: QPointF, keys: Qt.KeyboardModifier) -> None:
        self._bench.give_up()
        self._ends = at, at

    def move(self, at: QPointF, pressed: bool) -> None:
        if self._ends is not None:
            self._ends = self._ends[0], at

    def release(self, at: QPointF, keys: Qt.KeyboardModifier) -> None:
        if self._ends is None:
            return
        a, self._ends = self._ends[0], None
        if math.hypot(at.x() - a.x(), at.y() - a.y()) <= CLICK:
            self._cut_out(at)
            return
        editor, region = self._bench.editor, self._bench.target((a + at) / 2)
        if region >= 0:
            target, ends = editor.targets([region]), ((a.x(), a.y()), (at.x(), at.y()))
            editor.apply_to(
                target,
                f"split of {target.names}",
                lambda regions, ids: region_edits.split_by_line(regions, ids[0], *ends),
                newest,
                otherwise=gone(target),
            )

    def cancel(self) -> bool:
        begun, self._ends = self._ends is not None, None
        return self._bench.give_up() or begun

    def paint(self, painter: QPainter, to_view: ToView) -> None:
        self._bench.chooser.paint(painter, to_view)
        if self._ends is not None:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            _lines(painter, self._bench.accent)
            painter.drawLine(*(to_view(end.x(), end.y()) for end in self._ends))

    def _cut_out(self, at: QPointF) -> None:
        bench, regions = self._bench, self._bench.editor.regions
        found = None if regions is None else regions.at(*_pixel(at))
        if regions is None or found is None:
            return
        inside, target = regions.mask(found.id), bench.editor.targets([found.id])

        def take(mask: np.ndarray) -> None:
            bench.editor.apply_to(
                target,
                f"split of {target.names}",
                lambda now, ids: region_edits.split(now, ids[0], mask),
                newest,
                otherwise=gone(target),
            )

        def offer(masks: list[np.ndarray]) -> None:
            parts = [mask & inside for mask in masks]
            parts = [part for part in parts if 0 < int(part.sum()) < found.area]
            if parts:
                bench.chooser.offer(parts, at, take)
            else:
                bench.editor.said.emit(
                    f"SAM sees nothing in “{found.name}” that could be cut out there. Draw a line instead.",
                    "info",
                )

        bench.editor.ask(_pixel(at), offer)


def _pixel(at: QPointF) -> tuple[int, int]:
    return math.floor(at.x()), math.floor(at.y())


def _lines(painter: QPainter, colour: QColor) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, 1.5))
