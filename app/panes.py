"""The panes of the window beside and below each other, and their sizes from one start to the next."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QSettings, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QSplitter, QWidget

from app.scroll_bar import flat_bars


class Panes(QScrollArea):
    """``front`` beside ``reasoning`` above ``regions``; ``timeline`` below all.

    They take all the room there is; on a screen too small for them they scroll instead of being cut.

    Attributes:
        rows, columns, stack: the splitters between them.
    """

    def __init__(self, front: QWidget, reasoning: QWidget, regions: QWidget, timeline: QWidget) -> None:
        super().__init__()
        flat_bars(self)
        self.rows = _split(Qt.Orientation.Vertical, (reasoning, 3, 300), (regions, 2, 240))
        self.columns = _split(Qt.Orientation.Horizontal, (front, 3, 760), (self.rows, 2, 520))
        self.stack = _split(Qt.Orientation.Vertical, (self.columns, 1, 500), (timeline, 0, 200))
        self._named = {"columns": self.columns, "rows": self.rows, "stack": self.stack}
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setWidget(self.stack)

    def restore(self, settings: QSettings) -> None:
        """Take the sizes of last time, where they are known."""
        for name, splitter in self._named.items():
            saved = settings.value(name)
            if isinstance(saved, QByteArray):
                splitter.restoreState(saved)

    def remember(self, settings: QSettings) -> None:
        """Keep the sizes for next time."""
        for name, splitter in self._named.items():
            settings.setValue(name, splitter.saveState())


def _split(orientation: Qt.Orientation, *parts: tuple[QWidget, int, int]) -> QSplitter:
    """A splitter of parts: widget, share of what is to spare, size at first in pixels."""
    splitter = QSplitter(orientation)
    splitter.setChildrenCollapsible(False)
    for place, (widget, share, _) in enumerate(parts):
        splitter.addWidget(widget)
        splitter.setStretchFactor(place, share)
    splitter.setSizes([size for _, _, size in parts])
    return splitter
