"""Work that a person asked for and that the window does not wait for: exports, readings, previews.

What is asked for runs one after the other; a preview forgets the one before it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal, Slot

from app.engine import Progress
from app.worker import Context, Problem, Worker
from core.events import Stage


@dataclass(frozen=True, slots=True)
class _Done:
    """A job ended well; ``then`` is called with what it made."""

    made: object
    then: Callable[[object], None]


class _CancelledError(Exception):
    """Nobody waits for the result any more."""


class Background(QObject):
    """Runs callables beside the window and hands what they made back to it.

    Signals:
        advanced(float): how far the job is, 0 to 1.
        busy_changed(bool): whether something runs.
        stage_changed(text, fraction): what runs; "" for nothing, the fraction may be None.
        said(text, level): something to tell the person.
    """

    advanced = Signal(float)
    busy_changed = Signal(bool)
    stage_changed = Signal(str, object)
    said = Signal(str, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs, self._previews = Worker("background", self), Worker("previews", self)
        self._jobs.delivered.connect(self._hear)
        self._previews.delivered.connect(self._hear)
        self._jobs.busy_changed.connect(self._busy_changed)

    def run(self, text: str, make: Callable[[Progress], object], then: Callable[[object], None]) -> None:
        """Run ``make(progress)`` beside the window, then ``then(what it made)`` in the GUI thread.

        ``text`` says what runs. ``progress`` raises once the job is cancelled.
        """
        self.stage_changed.emit(text, None)

        def job(context: Context) -> None:
            def tell(now: str, part: float | None) -> None:
                if context.cancelled():
                    raise _CancelledError
                context.post(Stage(0, now, part))

            context.post(_Done(make(tell), then))

        self._jobs.submit(job)

    def cancel(self) -> None:
        """Break off what runs; an export leaves no file."""
        self._jobs.drop()

    def preview(self, make: Callable[[], object], then: Callable[[object], None]) -> None:
        """Run ``make()`` beside the window, then ``then(what it made)``, unless another one is asked for."""
        self._previews.drop()
        self._previews.submit(lambda context: context.post(_Done(make(), then)))

    def drop_previews(self) -> None:
        """Forget the preview that is being made."""
        self._previews.drop()

    def drop(self) -> None:
        """Break off everything."""
        self._jobs.drop()
        self._previews.drop()

    def close(self, seconds: float) -> bool:
        """Break off everything and wait for the threads; False when one is stuck."""
        deadline = time.monotonic() + seconds
        workers = (self._jobs, self._previews)
        return all([worker.close(max(0.0, deadline - time.monotonic())) for worker in workers])  # noqa: C419

    @Slot(object)
    def _hear(self, batch: list[object]) -> None:
        for message in batch:
            match message:
                case Stage(text=text, fraction=fraction):
                    self.stage_changed.emit(text, fraction)
                    self.advanced.emit(fraction or 0.0)
                case _Done(made=made, then=then):
                    then(made)
                case Problem(message=text):
                    self.said.emit(text, "error")

    @Slot(bool)
    def _busy_changed(self, busy: bool) -> None:
        if not busy:
            self.stage_changed.emit("", None)
        self.busy_changed.emit(busy)
