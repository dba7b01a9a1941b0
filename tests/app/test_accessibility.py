"""Whatever takes the keyboard has a name that a screen reader can say."""

from __future__ import annotations

import pytest
from fake_traces import fake_trace
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QKeySequenceEdit,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
)
from windows import press

from app.session import Display
from app.side_by_side import SideBySide

KINDS = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QKeySequenceEdit,
    QLineEdit,
    QPlainTextEdit,
)


def nameless(root) -> list[object]:
    """Focusable controls below ``root`` that say nothing of themselves, but for parts of Qt's own."""
    return [
        widget
        for kind in KINDS
        for widget in root.findChildren(kind)
        if widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not isinstance(widget, QScrollBar)
        and not isinstance(widget.parent(), KINDS)
        and not widget.parent().inherits("QComboBoxPrivateContainer")
        and not (widget.accessibleName() or (isinstance(widget, QAbstractButton) and widget.text()))
        and not (isinstance(widget, QAbstractButton) and widget.toolTip())
    ]


@pytest.mark.parametrize("action", ["preferences", "shortcuts", "library", "batch", "calibrate", "about"])
def test_every_control_of_a_dialog_has_a_name(window, action):
    press(window, action)
    dialog = next(d for d in window.findChildren(QDialog) if d.isVisible())
    assert nameless(dialog) == []
    assert dialog.windowTitle()
    dialog.close()


def test_the_palette_and_the_start_page_name_their_controls(window):
    assert nameless(window.palette_box) == []
    assert nameless(window.start_page) == []


def test_two_runs_side_by_side_name_their_controls(qtbot):
    beside = SideBySide(fake_trace(), fake_trace(), Display())
    qtbot.addWidget(beside)
    assert nameless(beside) == []
