"""Calibrates the model in use in the background. Everything collected stays, however it ends."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal, Slot

from app.calibrating import Installed, Wish, division, told
from app.engine import EngineLike
from app.worker import Context, Worker
from core.errors import InputError
from core.events import Stage
from core.memory import out_of_memory

if TYPE_CHECKING:
    from core.adaptation import AdaptationEvent

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _News:
    text: str


@dataclass(frozen=True, slots=True, eq=False)
class _Ended:
    """What a calibration came to: an end, or why there is none; neither when it was cancelled."""

    installed: Installed | None = None
    problem: str = ""


class Calibrator(QObject):
    """Asks the engine for a calibration; one at a time.

    Attributes:
        busy: whether one goes on.
        news: what it told so far, oldest first.

    Signals:
        busy_changed: see ``busy``.
        told(str): see ``news``.
        advanced(text, fraction): what it is at; fraction may be None.
        installed: runs use a new estimator from now on.
        said(text, level): something to tell the person.
    """

    busy_changed = Signal()
    told = Signal(str)
    advanced = Signal(str, object)
    installed = Signal()
    said = Signal(str, str)

    def __init__(self, engine: EngineLike, worker: Worker, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._worker = worker
        self._stop: threading.Event | None = None
        self.news: list[str] = []
        worker.delivered.connect(self._hear)
        worker.busy_changed.connect(self._worker_busy)

    @property
    def busy(self) -> bool:
        return self._stop is not None

    def start(self, wish: Wish) -> None:
        """Begin; nothing to do while one goes on."""
        if self.busy:
            return
        engine = self._engine
        stop = self._stop = threading.Event()
        self.news = []
        self.busy_changed.emit()

        def job(context: Context) -> None:
            def cancelled() -> bool:
                return stop.is_set() or context.cancelled()

            def tell(text: str, part: float | None) -> None:
                context.post(Stage(0, text, part))

            end = _Ended()
            try:
                for event in () if cancelled() else engine.calibrate(wish, tell, cancelled):
                    if isinstance(event, Installed):
                        end = _Ended(event)
                    elif text := _in_words(event):
                        context.post(_News(text))
            except InputError as error:
                end = _Ended(problem=str(error))
            except Exception as error:
                _log.exception("calibrating failed")
                end = _Ended(problem=_why(error))
            context.post(end)

        self._worker.submit(job)

    @Slot()
    def cancel(self) -> None:
        """End it soon; what was collected is used when it is begun again."""
        if self._stop is not None:
            self._stop.set()

    @Slot(object)
    def _hear(self, batch: list[object]) -> None:
        for message in batch:
            match message:
                case Stage(generation=0, text=text, fraction=part) if self.busy:
                    self.advanced.emit(text, part)
                case _News(text=text):
                    self.news.append(text)
                    self.told.emit(text)
                case _Ended():
                    self._stop = None
                    self._say(message)
                    self.busy_changed.emit()

    def _say(self, end: _Ended) -> None:
        if end.installed is not None:
            text = end.installed.sentence
            self.told.emit(text)
            if end.installed.folder is not None:
                text = f"Calibrated: {text} Run again to see effects."
                self.installed.emit()
            self.said.emit(text, "info")
        elif end.problem:
            self.said.emit(end.problem, "error")
        else:
            self.said.emit(
                "The calibration was cancelled. What it collected is kept: begun again, it goes on there.",
                "info",
            )

    @Slot(bool)
    def _worker_busy(self, busy: bool) -> None:
        if not busy and self._stop is not None:  # the job was dropped before it began
            self._stop = None
            self.busy_changed.emit()


def _in_words(event: AdaptationEvent) -> str:
    """One line for a list; "" for what needs none."""
    from core.adaptation import Divided, Judged, Skipped

    match event:
        case Divided():
            return division(event)
        case Skipped(reason=reason):
            return f"Left out: {reason}"
        case Judged():
            return told(event)
        case _:
            return ""


def _why(error: Exception) -> str:
    if out_of_memory(error):
        return (
            "The machine ran out of memory while calibrating. What was collected is kept. Use smaller "
            "screenshots or fewer, or close what else takes memory."
        )
    return f"The calibration broke off ({type(error).__name__}: {error}). What was collected is kept."
