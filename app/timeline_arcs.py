"""Draws arcs on the timeline from the selection to the earlier steps that it attended to."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from app import theme
from app.timeline_layout import TimelineLayout

MOST_ARCS = 3
LEAST_SHARE = 0.02
"""Share of attention below which no arc is drawn."""

Arc = tuple[float, float, float]
"""First token and end of a step, and the share of attention that falls on it."""


def paint_arcs(
    painter: QPainter,
    layout: TimelineLayout,
    here: float,
    arcs: Sequence[Arc],
    colours: theme.Tokens,
) -> None:
    """Arcs below the steps from the token place ``here``, the thicker the larger the share."""
    ink, paper = QColor(colours.thinking), QColor(colours.surface)
    paper.setAlpha(190)
    x0, top = layout.token_x(here), float(layout.steps.bottom() + 1)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for start, end, share in reversed(arcs):
        left, right = layout.token_x(start), layout.token_x(end)
        x1 = (left + right) / 2
        low = top + min(0.9 * layout.effects.height(), 16 + 0.25 * abs(x0 - x1))
        path = QPainterPath(QPointF(x0, top))
        path.cubicTo(QPointF(x0, low), QPointF(x1, low), QPointF(x1, top))
        wide = 1.5 + 12.0 * share
        for pen in (QPen(paper, wide + 2.5), QPen(ink, wide)):
            painter.setPen(pen)
            painter.drawPath(path)
        painter.setPen(QPen(ink, 2))
        steps = layout.steps
        painter.drawRect(QRectF(left + 1, steps.y() + 1, max(2.0, right - left - 2), steps.height() - 2))
