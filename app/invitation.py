"""What an empty pane says: a title and what to do."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen

from app import theme

TITLE = "Open, drop or paste a screenshot"
HINT = "or choose one of the samples. Then ask a question about it and press Run."


def paint_invitation(painter: QPainter, area: QRect, font: QFont, colours: theme.Tokens) -> None:
    """Draw a dashed frame with the title and the hint in the middle of ``area``."""
    frame = area.adjusted(24, 24, -24, -24)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(QColor(colours.muted), 1.5, Qt.PenStyle.DashLine))
    painter.drawRoundedRect(QRectF(frame), 10, 10)
    inner = frame.adjusted(16, 8, -16, -8)
    flags = int(Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop) | int(Qt.TextFlag.TextWordWrap)
    title = QFont(font)
    title.setPointSizeF(font.pointSizeF() * 1.35)
    title.setWeight(QFont.Weight.DemiBold)
    painter.setFont(title)
    title_height = painter.boundingRect(inner, flags, TITLE).height()
    painter.setFont(font)
    hint_height = painter.boundingRect(inner, flags, HINT).height()
    top = inner.y() + (inner.height() - title_height - theme.GAP - hint_height) // 2
    painter.setPen(QColor(colours.muted))
    painter.drawText(
        QRect(inner.x(), top + title_height + theme.GAP, inner.width(), hint_height), flags, HINT
    )
    painter.setFont(title)
    painter.setPen(QColor(colours.text))
    painter.drawText(QRect(inner.x(), top, inner.width(), title_height), flags, TITLE)
