"""Flat scroll bars show where one is, and scroll like any other."""

from __future__ import annotations

import pytest
from pixels import colour_at, picture
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QPlainTextEdit, QStyle, QStyleOptionSlider

from app import theme
from app.scroll_bar import flat_bars


@pytest.fixture
def pane(qtbot):
    """A text of a hundred lines with flat bars."""
    pane = QPlainTextEdit("\n".join(str(i) for i in range(100)))
    flat_bars(pane)
    qtbot.addWidget(pane)
    pane.resize(200, 300)
    pane.show()
    return pane


def slider(bar):
    option = QStyleOptionSlider()
    bar.initStyleOption(option)
    part = QStyle.SubControl.SC_ScrollBarSlider
    return bar.style().subControlRect(QStyle.ComplexControl.CC_ScrollBar, option, part, bar)


def test_the_handle_is_where_the_text_is(pane):
    bar = pane.verticalScrollBar()
    bar.setValue(bar.maximum())
    low = slider(bar).center()
    shown, colours = picture(bar), theme.tokens(bar.palette())
    assert colour_at(shown, QPointF(low)) == QColor(colours.muted)
    assert colour_at(shown, QPointF(low.x(), 40)) == QColor(colours.window)


def test_a_dragged_handle_scrolls(pane, qtbot):
    bar = pane.verticalScrollBar()
    start = slider(bar).center()
    qtbot.mousePress(bar, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(bar, start + QPoint(0, 100))
    qtbot.mouseRelease(bar, Qt.MouseButton.LeftButton, pos=start + QPoint(0, 100))
    assert bar.value() > bar.maximum() // 4


def test_a_click_on_an_arrow_scrolls_by_a_line(pane, qtbot):
    bar = pane.verticalScrollBar()
    qtbot.mouseClick(bar, Qt.MouseButton.LeftButton, pos=QPoint(bar.width() // 2, bar.height() - 4))
    assert bar.value() == bar.singleStep()
