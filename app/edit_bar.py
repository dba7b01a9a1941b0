"""The bar above the screenshot while regions are edited: tools, what they do, what is being waited for."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QProgressBar, QToolButton, QVBoxLayout, QWidget

from app import theme
from app.elided_label import ElidedLabel

_GROUPS = (
    ("tool_select", "tool_point", "tool_box", "tool_brush", "tool_cut"),
    ("merge_regions", "delete_regions", "rename_region"),
    ("undo", "redo"),
)
HINTS = {
    "select": "Click a region to choose it; Ctrl+click chooses more.",
    "point": "Click what should become a region; SAM offers it in up to three sizes.",
    "box": "Drag a box around something; SAM finds its outline. With Shift: the rectangle itself.",
    "brush": "Paint to add to the chosen region; with Shift, to take from it. None chosen: a new region. "
    "Radius {radius} px ([ and ]).",
    "cut": "Draw a line through a region to cut it in two, or click: SAM cuts out what is there.",
}


class EditBar(QWidget):
    """Buttons of the actions, and a line that says what the tool in hand does.

    Attributes:
        hint: that line.
        detail: how fine the regions are, with a menu.
        busy: shown while an answer or effects are waited for.
    """

    def __init__(self, actions: Mapping[str, QAction], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Tools for editing regions")
        row = QHBoxLayout()
        row.setSpacing(theme.TIGHT)
        for number, group in enumerate(_GROUPS):
            if number:
                row.addSpacing(theme.WIDE)
            for name in group:
                button = QToolButton(self)
                button.setDefaultAction(actions[name])
                button.setAutoRaise(True)
                button.setIconSize(QSize(18, 18))
                button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
                row.addWidget(button)
        row.addSpacing(theme.WIDE)
        self.detail = QToolButton(self)
        self.detail.setAutoRaise(True)
        self.detail.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.detail.setToolTip("How many of the regions are told apart")
        self.detail.setMenu(_detail_menu(actions, self))
        row.addWidget(self.detail)
        row.addStretch(1)
        self.busy = QProgressBar(self)
        self.busy.setRange(0, 0)
        self.busy.setMaximumSize(90, 12)
        self.busy.setTextVisible(False)
        self.busy.setAccessibleName("Waiting for an answer")
        row.addWidget(self.busy)
        self.hint = ElidedLabel(self)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.GAP, theme.TIGHT, theme.GAP, theme.TIGHT)
        column.setSpacing(0)
        column.addLayout(row)
        column.addWidget(self.hint)

    def set_detail(self, granularity: str, text: str) -> None:
        """Say how fine the regions are, and how small they may be."""
        self.detail.setText(granularity.title())
        self.detail.setAccessibleName(f"Granularity: {granularity}, {text.lower()}")

    def set_state(self, tool: str, radius: int, asking: str, waiting: bool, missing: bool) -> None:
        """Say what the tool does, or what is waited for.

        Args:
            tool: a key of ``HINTS``; ``radius`` is that of the brush in pixels.
            asking: what SAM is asked; "" when it is not.
            waiting: whether effects of changed regions are waited for; ``missing``: whether there are none.
        """
        self.busy.setVisible(bool(asking) or waiting)
        text = asking or ("Estimating the effects of the changed regions…" if waiting else "")
        if asking or waiting:
            text += " Esc stops it."
        elif missing:
            text = "The effects of these regions are not known: Estimate Effects Again, or Undo."
        self.hint.setText(text or HINTS[tool].format(radius=radius))
        self.hint.setToolTip(HINTS[tool].format(radius=radius))


def _detail_menu(actions: Mapping[str, QAction], parent: QWidget) -> QMenu:
    """Granularity, then least sizes."""
    menu = QMenu(parent)
    for prefix in ("granularity_", "least_"):
        menu.addSeparator()
        for name, action in actions.items():
            if name.startswith(prefix):
                menu.addAction(action)
    return menu
