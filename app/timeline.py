"""The timeline pane: transport buttons, speed, where the playhead is, and the strip."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QSize, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QToolButton, QVBoxLayout, QWidget

from app import theme
from app.effect_columns import Order
from app.elided_label import ElidedLabel
from app.icons import icon
from app.key_tip import KeyTip
from app.playback import SPEEDS, Playback
from app.session import Session
from app.settings import settings
from app.still_room import StillRoom
from app.timeline_strip import TimelineStrip
from app.wording import span_name

_ORDERS: dict[str, Order] = {"by importance": "importance", "by hierarchy": "hierarchy"}

_BUTTONS = (
    ("first", "First token", "first"),
    ("step-back", "Previous step", "step_back"),
    ("token-back", "Previous token", "token_back"),
    ("play", "Play", "play"),
    ("token-forward", "Next token", "token_forward"),
    ("step-forward", "Next step", "step_forward"),
    ("last", "Last token", "last"),
    ("loop", "Loop the selection", "loop"),
)
"""Icon, tool tip, and the action that does the same."""


class Timeline(QWidget):
    """Moves the playhead and shows the run.

    Attributes:
        playback: plays; the action table may connect to its slots or to those of this pane.
        strip: the picture of the run.

    Signals:
        playing_changed(bool): playing started or paused.
    """

    playing_changed = Signal(bool)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setAccessibleName("Timeline pane")
        self.playback = Playback(session, self)
        self.strip = TimelineStrip(session, self.playback, self)
        self.setFocusProxy(self.strip)
        self._buttons: dict[str, QToolButton] = {}
        self._position = ElidedLabel(self)
        self._speed = QComboBox(self)
        for speed in SPEEDS:
            self._speed.addItem(f"{speed:g}×", speed)
        self._speed.setCurrentIndex(SPEEDS.index(1.0))
        self._speed.setAccessibleName("Speed")
        self._speed.setToolTip("How fast the reasoning is played")
        self._order = QComboBox(self)
        self._order.addItems(list(_ORDERS))
        self._order.setAccessibleName("Order of the rows")
        self._order.setToolTip("Regions with the largest effects first, or as they lie in each other")
        self._arrange()
        self._draw_icons()
        self._order.currentTextChanged.connect(self._order_chosen)
        self._order.setCurrentText(str(settings().value("rows", "by importance")))
        self.playback.loop_changed.connect(self._loop_changed)
        self.playback.playing_changed.connect(self._playing_changed)
        self.playback.speed_changed.connect(self._speed_changed)
        self._speed.currentIndexChanged.connect(self._speed_chosen)
        session.trace_changed.connect(self._trace_changed)
        session.tokens_added.connect(self._tokens_added)
        session.effects_added.connect(self._effects_added)
        session.run_ended.connect(self.strip.redraw)
        session.measured_changed.connect(self.strip.redraw)
        session.run_ended.connect(self._show_position)
        session.selection_changed.connect(self._selection_changed)
        session.region_highlighted.connect(self.strip.update)
        session.region_selected.connect(self.strip.redraw)
        session.display_changed.connect(self.strip.redraw)
        self._trace_changed()

    def show_keys(self, actions: Mapping[str, QAction]) -> None:
        """Tell in the tool tips which keys do the same, by action id."""
        for name, _, action in _BUTTONS:
            KeyTip(self._buttons[name], actions[action])

    # --- what the action table binds -----------------------------------------------------------------------

    @Slot()
    def play_pause(self) -> None:
        """Play, or hold."""
        self.playback.play_pause()

    @Slot(int)
    def step_token(self, delta: int) -> None:
        """Move the playhead by tokens."""
        self.playback.step_token(delta)

    @Slot(int)
    def step_step(self, delta: int) -> None:
        """Move the playhead by steps."""
        self.playback.step_step(delta)

    @Slot()
    def go_home(self) -> None:
        """Move to the first token."""
        self.playback.go_home()

    @Slot()
    def go_end(self) -> None:
        """Move to the last token."""
        self.playback.go_end()

    @Slot()
    def follow_live(self) -> None:
        """Keep the playhead at the newest token."""
        self.playback.follow_live()

    @Slot(float)
    def set_speed(self, speed: float) -> None:
        """Choose the playing speed, from 0.25 to 8."""
        self.playback.set_speed(speed)

    @Slot(bool)
    def set_loop(self, on: bool) -> None:
        """Play the selected range, or the step, again and again; or end that."""
        self.playback.set_loop(on)

    # --- inside --------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(theme.GAP, theme.TIGHT, theme.WIDE, theme.TIGHT)
        bar.setSpacing(2)
        for name, text, _ in _BUTTONS:
            button = QToolButton(self)
            button.setAutoRaise(True)
            button.setIconSize(QSize(16, 16))
            button.setAccessibleName(text)
            button.setToolTip(text)
            self._buttons[name] = button
            bar.addWidget(button)
        for name, slot in (
            ("first", self.go_home),
            ("play", self.play_pause),
            ("last", self.go_end),
            ("step-back", self._step_back),
            ("token-back", self._token_back),
            ("token-forward", self._token_forward),
            ("step-forward", self._step_forward),
            ("loop", self.set_loop),
        ):
            self._buttons[name].clicked.connect(slot)
        self._buttons["loop"].setCheckable(True)
        bar.addSpacing(theme.GAP)
        bar.addWidget(StillRoom(self._position, self), 1)
        for text, box in (("Rows", self._order), ("Speed", self._speed)):
            label = QLabel(text, self)
            label.setBuddy(box)
            bar.addSpacing(theme.GAP)
            bar.addWidget(label)
            bar.addSpacing(theme.TIGHT)
            bar.addWidget(box)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(bar)
        column.addWidget(self.strip, 1)

    @Slot()
    def _step_back(self) -> None:
        self.playback.step_step(-1)

    @Slot()
    def _step_forward(self) -> None:
        self.playback.step_step(1)

    @Slot()
    def _token_back(self) -> None:
        self.playback.step_token(-1)

    @Slot()
    def _token_forward(self) -> None:
        self.playback.step_token(1)

    def _draw_icons(self) -> None:
        colours = theme.tokens(self.palette())
        for name, button in self._buttons.items():
            shown = "pause" if name == "play" and self.playback.playing else name
            button.setIcon(icon(shown, colours.text, colours.border))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw_icons()

    @Slot()
    def _trace_changed(self) -> None:
        self.strip.rebuild()
        self._show_position()

    @Slot(int, int)
    def _tokens_added(self, start: int, end: int) -> None:
        self.strip.tokens_added(start)
        self._show_position()

    @Slot(int, int)
    def _effects_added(self, start: int, end: int) -> None:
        self.strip.effects_added(start)

    @Slot()
    def _selection_changed(self) -> None:
        self.strip.update()
        self._show_position()

    @Slot(bool)
    def _playing_changed(self, playing: bool) -> None:
        self._buttons["play"].setAccessibleName("Pause" if playing else "Play")
        self._draw_icons()
        self.playing_changed.emit(playing)

    @Slot(int)
    def _speed_chosen(self, index: int) -> None:
        self.playback.set_speed(SPEEDS[index])

    @Slot(float)
    def _speed_changed(self, speed: float) -> None:
        nearest = min(SPEEDS, key=lambda known: abs(known - speed))
        self._speed.setCurrentIndex(SPEEDS.index(nearest))

    @Slot(str)
    def _order_chosen(self, text: str) -> None:
        self.strip.set_order(_ORDERS[text])
        settings().setValue("rows", text)

    @Slot()
    def _loop_changed(self) -> None:
        self._buttons["loop"].setChecked(self.playback.loop is not None)

    @Slot()
    def _show_position(self) -> None:
        trace, selection = self._session.trace, self._session.selection
        some = trace is not None and len(trace) > 0
        for button in self._buttons.values():
            button.setEnabled(some)
        text = ""
        if trace is not None and selection is not None and some:
            token = trace.tokens[min(selection.end, len(trace)) - 1]
            if selection.end - selection.start == 1:
                where = f"Token {selection.start + 1:,} of {len(trace):,}"
            else:
                where = f"{span_name(trace, selection.start, selection.end)}: tokens "
                where += f"{selection.start + 1:,}–{selection.end:,} of {len(trace):,}"
            text = f"{where} · step {token.step + 1:,} of {trace.step_count:,} · {token.phase}"
        self._position.setText(text)
        self.strip.setAccessibleDescription(text)
