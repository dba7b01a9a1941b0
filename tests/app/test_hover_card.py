"""The card beside the pointer never covers it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QRect, QSize

from app.hover_card import beside


@given(x=st.integers(0, 399), y=st.integers(0, 299), width=st.integers(10, 380), height=st.integers(10, 120))
def test_it_stays_inside_and_beside_the_pointer(x, y, width, height):
    area, size = QRect(0, 0, 400, 300), QSize(width, height)
    card = QRect(beside(QPoint(x, y), size, area), size)
    assert not card.contains(QPoint(x, y))
    assert card.left() >= 0
    assert card.right() < 400
