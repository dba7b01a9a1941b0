"""Draws on the timeline what was looked for: tokens found, steps that a filter leaves out, the loop."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app import theme
from app.session import Selection
from app.timeline_layout import TimelineLayout

MARK = 3
"""Height of a mark, in logical pixels."""
VEIL = 205
"""Opacity of what lies over steps that are left out, of 255."""

Span = tuple[int, int]


def pixels_of(spans: Iterable[Span], per_token: float, width: int) -> list[Span]:
    """Runs of pixels, end exclusive, that token spans cover; each span at least one pixel.

    Args:
        spans: token spans, end exclusive.
        per_token: pixels of a token, perhaps less than one.
        width: pixels there are.
    """
    ends = np.array(list(spans), np.float64).reshape(-1, 2) * per_token
    first = np.clip(ends[:, 0].astype(np.intp), 0, max(0, width - 1))
    last = np.clip(np.maximum(first + 1, ends[:, 1].astype(np.intp)), 0, width)
    change = np.zeros(width + 1, np.intp)
    np.add.at(change, first, 1)
    np.add.at(change, last, -1)
    covered = np.concatenate([[0], np.cumsum(change)[:-1] > 0, [0]])
    edges = np.flatnonzero(np.diff(covered))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def paint_marks(
    painter: QPainter, layout: TimelineLayout, spans: Iterable[Span], bottom: float, colour: QColor
) -> None:
    """Bars of ``MARK`` pixels above the height ``bottom``, over each span."""
    for x0, x1 in _runs(painter, layout, spans):
        painter.fillRect(QRectF(x0, bottom - MARK, x1 - x0, MARK), colour)


def paint_left_out(
    painter: QPainter, layout: TimelineLayout, spans: Iterable[Span], colours: theme.Tokens
) -> None:
    """A veil over spans that a filter leaves out."""
    veil = QColor(colours.window)
    veil.setAlpha(VEIL)
    top = layout.steps.y()
    for x0, x1 in _runs(painter, layout, spans):
        painter.fillRect(QRectF(x0, top, x1 - x0, layout.track.bottom() + 1 - top), veil)


def paint_loop(painter: QPainter, layout: TimelineLayout, loop: Selection, colours: theme.Tokens) -> None:
    """A bracket along the top of the span that is played again and again."""
    left, right = layout.token_x(loop.start), layout.token_x(loop.end)
    y, foot = layout.phases.bottom() - 1, layout.phases.bottom() + 5
    painter.setPen(QPen(QColor(colours.accent), 2))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawPolyline(
        QPolygonF([QPointF(left + 1, foot), QPointF(left + 1, y), QPointF(right - 1, y),
                   QPointF(right - 1, foot)])
    )  # fmt: skip


def _runs(painter: QPainter, layout: TimelineLayout, spans: Iterable[Span]) -> list[tuple[float, float]]:
    """The same as ``pixels_of`` in the device's pixels, as logical places."""
    ratio, left = painter.device().devicePixelRatio(), layout.track.x()
    width = round(layout.track.width() * ratio)
    runs = pixels_of(spans, layout.per_token * ratio, width)
    return [(left + x0 / ratio, left + x1 / ratio) for x0, x1 in runs]
