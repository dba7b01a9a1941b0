"""The message bar: plain text, closed by a click, an error not overwritten by a hint."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel

from app.message_bar import MessageBar


@pytest.fixture
def bar(qtbot):
    made = MessageBar()
    qtbot.addWidget(made)
    return made


def test_a_message_shows_and_closes(qtbot, bar):
    assert not bar.isVisible()
    bar.show_message("Saved", "info")
    assert bar.text == "Saved"
    with qtbot.waitSignal(bar.closed):
        qtbot.mouseClick(bar._close, Qt.MouseButton.LeftButton)
    assert bar.text == ""
    assert not bar.isVisible()


def test_an_unread_error_stays_until_it_is_closed(bar):
    bar.show_message("The disk is full.", "error")
    bar.show_message("By the way", "info")
    assert bar.text == "The disk is full."
    bar.show_message("Another error", "error")
    assert bar.text == "Another error"


def test_markup_in_a_message_is_shown_as_text(bar):
    bar.show_message("<b>bold.png</b> is damaged", "error")
    label = bar.findChild(QLabel)
    assert label.textFormat() == Qt.TextFormat.PlainText
    assert label.text() == "<b>bold.png</b> is damaged"


def test_the_button_keeps_no_offers_of_earlier_messages(bar):
    first, second = QAction("Load A", bar), QAction("Load B", bar)
    bar.show_message("Another model is loaded.", "warning", first)
    bar.show_message("Another model is loaded.", "warning", second)
    assert bar.offer.actions() == [second]
    assert bar.offer.text() == "Load B"
    bar.show_message("Another model is loaded.", "warning", second)
    assert bar.offer.actions() == [second]
    bar.show_message("By the way", "warning")
    assert bar.offer.actions() == []
    assert bar.offer.isHidden()
