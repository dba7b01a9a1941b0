"""Menu bar and tool bar, made from the action table, and the lists of files to open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow, QMenu, QToolButton, QWidget

from app.actions import ACTIONS, MENUS
from app.samples import Sample
from app.settings import settings
from app.thumbnails import icon_of

RECENT = 10
_WITH_TEXT = {"open", "export"}
"""Buttons of the tool bar that say in words what they do."""

_OVERLAY = ("View/style", "View/overlay", "View/strongest")
"""Groups of actions that change what lies over the screenshot."""


class FileMenus(QObject):
    """The samples, and the files that were opened lately.

    Attributes:
        samples, recent: the two menus.
        button: the samples again, for the tool bar.

    Signals:
        chosen(str): path of the file to open.
    """

    chosen = Signal(str)

    def __init__(self, samples: Sequence[Sample], parent: QWidget) -> None:
        super().__init__(parent)
        self.samples, self.recent = QMenu("Samples", parent), QMenu("Open Recent", parent)
        for sample in samples:
            self.samples.addAction(sample.title).setData(str(sample.path))
        self.samples.setEnabled(bool(samples))
        self.samples.triggered.connect(self._chosen)
        self.recent.triggered.connect(self._chosen)
        self.recent.aboutToShow.connect(self._list_recent)
        self.button = QToolButton(parent)
        self.button.setText("Samples")
        self.button.setToolTip("Screenshots that the bundled model can read")
        self.button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.button.setMenu(self.samples)
        self.button.setEnabled(bool(samples))
        self.button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)

    @Slot(str)
    def remember(self, path: str) -> None:
        """Put a file on top of the recent ones."""
        listed = [path, *(other for other in recent() if other != path)]
        settings().setValue("recent", listed[:RECENT])

    @Slot()
    def _list_recent(self) -> None:
        self.recent.clear()
        for path in recent():
            entry = self.recent.addAction(icon_of(Path(path)), Path(path).name)
            entry.setData(path)
            entry.setStatusTip(path)
        if self.recent.isEmpty():
            self.recent.addAction("Nothing yet").setEnabled(False)

    @Slot(QAction)
    def _chosen(self, action: QAction) -> None:
        if action.data():
            self.chosen.emit(str(action.data()))


def fill(window: QMainWindow, actions: Mapping[str, QAction], files: FileMenus) -> None:
    """Put every action into its menu, and those of the tool bar there."""
    tools = window.addToolBar("Tools")
    tools.setObjectName("tools")
    tools.setMovable(False)
    tools.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)  # nothing could bring it back
    tools.setIconSize(QSize(20, 20))
    menus = {name: window.menuBar().addMenu(name) for name in MENUS}
    within: dict[tuple[str, str], QMenu] = {}
    before = last_tool = ""
    for action in ACTIONS:
        made, menu = actions[action.id], menus[action.menu]
        if action.place != before and not menu.isEmpty():
            menu.addSeparator()
        before = action.place
        if action.submenu:
            place = (action.menu, action.submenu)
            if place not in within:
                within[place] = menu.addMenu(action.submenu)
            within[place].addAction(made)
        else:
            menu.addAction(made)
        if action.id == "open":
            menu.addMenu(files.recent)
            menu.addMenu(files.samples)
        if not action.tool_bar:
            continue
        if last_tool and action.place != last_tool:
            tools.addSeparator()
        last_tool = action.place
        tools.addAction(made)
        button = tools.widgetForAction(made)
        if action.id in _WITH_TEXT and isinstance(button, QToolButton):
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        if action.id == "open":
            tools.addWidget(files.button)


def view_menu(actions: Mapping[str, QAction], parent: QWidget) -> QMenu:
    """How effects are laid over the screenshot: the actions of the menu View that concern the overlay."""
    menu = QMenu(parent)
    within: QMenu | None = None
    before = ""
    for action in ACTIONS:
        if action.place not in _OVERLAY:
            continue
        if before and action.place != before:
            menu.addSeparator()
        before = action.place
        if action.submenu and (within is None or within.title() != action.submenu):
            within = menu.addMenu(action.submenu)
        (within if action.submenu and within is not None else menu).addAction(actions[action.id])
    return menu


def recent() -> list[str]:
    """Paths of the files that were opened lately, newest first."""
    saved = settings().value("recent", [])
    if isinstance(saved, str):  # Qt unpacks lists of one
        return [saved]
    return [str(path) for path in saved] if isinstance(saved, list) else []
