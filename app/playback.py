"""Moving the playhead: by token, by step, to the ends, and by itself at a chosen speed."""

from __future__ import annotations

from PySide6.QtCore import QElapsedTimer, QObject, QTimer, Signal, Slot

from app.session import Selection, Session

TOKENS_PER_SECOND = 8.0
"""Speed 1×: about a fast reader's pace."""

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


class Playback(QObject):
    """Drives ``session.select``.

    Attributes:
        playing, speed: what it does.
        loop: the span of tokens that is played again and again, or None.

    Signals:
        playing_changed(bool): playing started or paused.
        speed_changed(float): another of ``SPEEDS`` was chosen.
        loop_changed: see ``loop``.
    """

    playing_changed = Signal(bool)
    speed_changed = Signal(float)
    loop_changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.playing = False
        self.speed = 1.0
        self.loop: Selection | None = None
        self._due = 0.0
        self._clock = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setInterval(16)
        self._timer.timeout.connect(self._tick)
        session.trace_changed.connect(self.pause)
        session.trace_changed.connect(self._end_loop)
        session.follow_changed.connect(self._follow_changed)

    @Slot()
    def play_pause(self) -> None:
        """Play from the playhead (from the start, if it stands at the end), or pause.

        While the live end is followed there is nothing ahead to play: then this holds the playhead still.
        """
        trace = self._session.trace
        if self.playing:
            self.pause()
        elif trace is None or not len(trace):
            return
        elif self._session.follow and trace.status == "running":
            self._session.set_follow(False)
        else:
            self._play()

    @Slot()
    def pause(self) -> None:
        if self.playing:
            self.playing = False
            self._timer.stop()
            self.playing_changed.emit(False)

    @Slot(float)
    def set_speed(self, speed: float) -> None:
        """Choose how many times ``TOKENS_PER_SECOND`` to play; clipped to the range of ``SPEEDS``."""
        speed = max(SPEEDS[0], min(SPEEDS[-1], speed))
        if speed != self.speed:
            self.speed = speed
            self.speed_changed.emit(speed)

    @Slot(bool)
    def set_loop(self, on: bool) -> None:
        """Play the selected range again and again (the step, if one token is selected), or end that."""
        trace, selection = self._session.trace, self._session.selection
        loop = None
        if on and trace is not None and selection is not None and len(trace):
            loop = selection
            if selection.end - selection.start == 1:
                step = trace.step(trace.tokens[selection.start].step)
                loop = Selection(step.start, step.end)
        self.loop = loop
        self.loop_changed.emit()

    @Slot()
    def _end_loop(self) -> None:
        self.set_loop(False)

    @Slot(int)
    def step_token(self, delta: int) -> None:
        """Move to the token ``delta`` places after (before) the selection."""
        selection = self._session.selection
        if selection is None:
            self.go_home()
        else:
            self._session.select((selection.end - 1 if delta > 0 else selection.start) + delta)

    @Slot(int)
    def step_step(self, delta: int) -> None:
        """Select a whole step: ``delta`` after or before; going back from inside a step selects that step."""
        trace, selection = self._session.trace, self._session.selection
        if trace is None or not len(trace):
            return
        if selection is None:
            self._session.select_step(0)
            return
        last = min(selection.end, len(trace)) - 1
        here = trace.tokens[last if delta > 0 else selection.start].step
        step = trace.step(here)
        whole = selection.start <= step.start and selection.end >= step.end
        self._session.select_step(here + delta + (0 if whole or delta > 0 else 1))

    @Slot()
    def go_home(self) -> None:
        """Move to the first token."""
        self._session.select(0)

    @Slot()
    def go_end(self) -> None:
        """Move to the last token."""
        if self._session.trace is not None:
            self._session.select(len(self._session.trace) - 1)

    @Slot()
    def follow_live(self) -> None:
        """Keep the playhead at the newest token."""
        self.pause()
        self._session.set_follow(True)

    def _play(self) -> None:
        trace, selection = self._session.trace, self._session.selection
        if trace is None:
            return
        loop = self.loop
        if loop is not None and (
            selection is None or selection == loop or not loop.start <= selection.end - 1 < loop.end
        ):
            self._session.select(loop.start)
        elif selection is None or (selection.end >= len(trace) and loop is None):
            self._session.select(0)
        else:
            self._session.set_follow(False)
        self.playing = True
        self._due = 0.0
        self._clock.restart()
        self._timer.start()
        self.playing_changed.emit(True)

    @Slot()
    def _tick(self) -> None:
        self.advance(self._clock.restart() / 1000.0)

    def advance(self, seconds: float) -> None:
        """Move on by ``seconds`` of playing time; a late timer skips tokens rather than falling behind."""
        trace, selection = self._session.trace, self._session.selection
        if not self.playing or trace is None or selection is None:
            return
        self._due += seconds * TOKENS_PER_SECOND * self.speed
        whole = int(self._due)
        if not whole:
            return
        self._due -= whole
        running = trace.status == "running"
        last = (trace.estimated if running else len(trace)) - 1
        target = selection.end - 1 + whole
        if self.loop is not None:
            start, end = self.loop.start, self.loop.end
            self._session.select(start + (target - start) % (end - start))
        elif target < last:
            self._session.select(target)
        elif running:
            self.follow_live()
        else:
            self._session.select(last)
            self.pause()

    @Slot(bool)
    def _follow_changed(self, follow: bool) -> None:
        if follow:
            self.pause()
