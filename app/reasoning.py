"""The reasoning pane: the text as it streams, and whether it follows the live end."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QAction, QFont
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app import theme
from app.elided_label import ElidedLabel
from app.find_bar import FindBar
from app.key_tip import KeyTip
from app.reasoning_text import ReasoningText
from app.region_bar import RegionBar
from app.session import Session
from core.counted import counted


class Reasoning(QWidget):
    """Text of the trace with a heading, a token count and the follow-live switch.

    Attributes:
        text: the text itself.
        find_bar: looks for words and steps; hidden until it is asked for.
        region_bar: walks through what rests on the chosen region.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setAccessibleName("Reasoning pane")
        self.text = ReasoningText(session, self)
        self.setFocusProxy(self.text)
        title = QLabel("Reasoning", self)
        font = QFont(title.font())
        font.setWeight(QFont.Weight.DemiBold)
        title.setFont(font)
        self._count = ElidedLabel(self)
        self._live = QToolButton(self)
        self._live.setText("Follow live")
        self._live.setCheckable(True)
        self._live.setChecked(session.follow)
        self._live.setAutoRaise(True)
        self._live.setToolTip("Keep the newest token in view and selected")
        self._live.setAccessibleName("Follow live")
        self.find_bar = FindBar(session, self)
        self.find_bar.hide()
        self.region_bar = RegionBar(session, self)
        self._find = QToolButton(self)
        self._find.setText("Find")
        self._find.setAutoRaise(True)
        self._find.setCheckable(True)
        self._find.setToolTip("Look for words, or for steps of a kind")
        self._find.setAccessibleName("Find in the reasoning")
        head = QHBoxLayout()
        head.setContentsMargins(theme.WIDE, theme.TIGHT, theme.GAP, theme.TIGHT)
        head.setSpacing(theme.GAP)
        head.addWidget(title)
        head.addWidget(self._count, 1)
        head.addWidget(self._find)
        head.addWidget(self._live)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.find_bar)
        column.addWidget(self.region_bar)
        column.addWidget(self.text, 1)
        self._find.clicked.connect(self._find_clicked)
        self.find_bar.closed.connect(self._find_closed)
        session.finder.changed.connect(self.text.show_found)
        self._live.clicked.connect(session.set_follow)
        self.text.scrolled_away.connect(self._scrolled_away)
        session.trace_changed.connect(self._trace_changed)
        session.tokens_added.connect(self._tokens_added)
        session.effects_added.connect(self._effects_added)
        session.run_ended.connect(self._marks_changed)
        session.selection_changed.connect(self._selection_changed)
        session.follow_changed.connect(self._follow_changed)
        session.region_selected.connect(self._marks_changed)
        session.display_changed.connect(self.text.restyle)
        self._trace_changed()

    def show_keys(self, actions: Mapping[str, QAction]) -> None:
        """Tell in the tool tips which keys do the same, by action id."""
        KeyTip(self._live, actions["live"])
        KeyTip(self._find, actions["find"])
        self.find_bar.walk.show_keys(actions["find_previous"], actions["find_next"])
        self.region_bar.walk.show_keys(actions["region_previous"], actions["region_next"])

    @Slot()
    def open_find(self) -> None:
        """Show the find bar, ready to type."""
        self._find.setChecked(True)
        self.find_bar.show()
        self.find_bar.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.find_bar.field.selectAll()

    @Slot(bool)
    def _find_clicked(self, on: bool) -> None:
        if on:
            self.open_find()
        else:
            self.find_bar.close_bar()

    @Slot()
    def _find_closed(self) -> None:
        self._find.setChecked(False)
        self.find_bar.hide()
        self.text.setFocus(Qt.FocusReason.OtherFocusReason)

    @Slot()
    def _trace_changed(self) -> None:
        self.text.rebuild()
        self._show_count()

    @Slot()
    def _tokens_added(self) -> None:
        self.text.append_new()
        self._show_count()
        if self._session.follow:
            self.text.scroll_to_end()

    @Slot(int, int)
    def _effects_added(self, start: int, end: int) -> None:
        self.text.effects_added(start)

    @Slot()
    def _marks_changed(self) -> None:
        self.text.update_marks()

    @Slot()
    def _selection_changed(self) -> None:
        self.text.update_marks()
        selection = self._session.selection
        if selection is not None and not self._session.follow:
            self.text.show_token(selection.start)

    @Slot(bool)
    def _follow_changed(self, follow: bool) -> None:
        self._live.setChecked(follow)
        if follow:
            self.text.scroll_to_end()

    @Slot()
    def _scrolled_away(self) -> None:
        trace = self._session.trace
        if trace is not None and trace.status == "running":
            self._session.set_follow(False)

    def _show_count(self) -> None:
        trace = self._session.trace
        if trace is None or not len(trace):
            self._count.setText("")
            return
        tokens, steps = len(trace), trace.step_count
        self._count.setText(f"{counted(tokens, 'token')} · {counted(steps, 'step')}")
