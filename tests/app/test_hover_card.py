"""The card beside the pointer never covers it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QRect, QSize
from PySide6.QtWidgets import QWidget

from app.hover_card import HoverCard, beside


@given(x=st.integers(0, 399), y=st.integers(0, 299), width=st.integers(10, 380), height=st.integers(10, 120))
def test_it_stays_inside_and_beside_the_pointer(x, y, width, height):
    area, size = QRect(0, 0, 400, 300), QSize(width, height)
    card = QRect(beside(QPoint(x, y), size, area), size)
    assert not card.contains(QPoint(x, y))
    assert card.left() >= 0
    assert card.right() < 400


def test_the_same_words_get_the_room_that_another_text_size_needs(qtbot):
    area = QWidget()
    qtbot.addWidget(area)
    area.resize(900, 600)
    card = HoverCard(area)
    card.show_at("Button\n+1.20 nats estimated", QPoint(10, 10))
    before = card.size()
    font = area.font()
    font.setPointSizeF(2 * font.pointSizeF())
    area.setFont(font)
    card.show_at(card.text(), QPoint(10, 10))
    assert card.height() > 1.5 * before.height()
    assert card.width() > before.width()
