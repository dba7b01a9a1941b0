"""Measures steps of the shown trace in the background, and keeps what was measured in its file."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.engine import EngineLike
from app.session import Session
from app.worker import Context, Worker
from core.agreement import latest
from core.errors import InputError
from core.events import Stage
from core.memory import out_of_memory
from core.trace import Measurement, Trace

_log = logging.getLogger(__name__)

Span = tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class _Measured:
    """What a job came to; ``problem`` is empty when all went well, ``stop`` is the job's own."""

    stop: threading.Event
    trace: Trace
    measured: Sequence[Measurement]
    problem: str = ""


class Verifier(QObject):
    """Asks the engine for measurements, one job after the other.

    Attributes:
        busy: whether something is being measured.

    Signals:
        busy_changed: see ``busy``.
        said(text, level): something to tell the person.
    """

    busy_changed = Signal()
    said = Signal(str, str)

    def __init__(
        self,
        session: Session,
        engine: EngineLike,
        worker: Worker,
        path: Callable[[], Path | None],
        hold: Callable[[], str],
        parent: QObject | None = None,
    ) -> None:
        """
        Args:
            session: whose trace is measured.
            engine, worker: who measures, and where; the worker may have other jobs too.
            path: tells the file of the shown trace, or None.
            hold: tells why nothing may be measured just now, or "".
        """
        super().__init__(parent)
        self._session = session
        self._engine = engine
        self._worker = worker
        self._path, self._hold = path, hold
        self._stop: threading.Event | None = None
        worker.delivered.connect(self._hear)
        worker.busy_changed.connect(self._worker_busy)
        session.trace_changed.connect(self.cancel)

    @property
    def busy(self) -> bool:
        return self._stop is not None

    @Slot()
    def measure_step(self) -> None:
        """Measure what is selected: its step, where that is one token.

        Steps before it that nobody has measured yet come along: the model runs over them in any case.
        """
        trace, selection = self._session.trace, self._session.selection
        if not self._ready(trace) or trace is None or selection is None:
            return
        if selection.end - selection.start == 1:
            self._session.select_step(trace.tokens[selection.start].step)
            selection = self._session.selection
            assert selection is not None
        known = latest(trace)
        before = [(step.start, step.end) for step in trace.steps if step.end <= selection.start]
        spans = [span for span in before if span not in known]
        self._measure(trace, [*spans, (selection.start, selection.end)])

    @Slot()
    def measure_all(self) -> None:
        """Measure every step that nobody has measured yet."""
        trace = self._session.trace
        if not self._ready(trace) or trace is None:
            return
        known = latest(trace)
        spans = [(step.start, step.end) for step in trace.steps if (step.start, step.end) not in known]
        if spans:
            self._measure(trace, spans)
        else:
            self.said.emit("Every step of this trace is measured already.", "info")

    @Slot()
    def cancel(self) -> None:
        """Stop measuring, at once for the person; what was measured before is kept."""
        if self._stop is not None:
            self._stop.set()
            self._end()

    def _ready(self, trace: Trace | None) -> bool:
        if trace is None or not len(trace):
            self.said.emit("There is nothing to measure yet. Run a question first.", "warning")
        elif trace.status == "running":
            self.said.emit("The run is still going on. Measure when it has ended.", "warning")
        elif reason := self._hold():
            self.said.emit(reason, "warning")
        else:
            return not self.busy
        return False

    def _measure(self, trace: Trace, spans: Sequence[Span]) -> None:
        engine, path = self._engine, self._path()
        stop = self._stop = threading.Event()
        self.busy_changed.emit()

        def job(context: Context) -> None:
            def cancelled() -> bool:
                return stop.is_set() or context.cancelled()

            def tell(text: str, part: float | None) -> None:
                context.post(Stage(0, text, part))

            try:
                measured = [] if cancelled() else engine.measure(trace, spans, tell, cancelled)
            except InputError as error:
                context.post(_Measured(stop, trace, (), str(error)))
            except Exception as error:
                _log.exception("measuring failed")
                text = f"Measuring broke off ({type(error).__name__}: {error}). The trace is as it was."
                if out_of_memory(error):
                    text = (
                        "The machine ran out of memory while measuring. The trace is as it was. Measure an "
                        "earlier step, or close what else takes memory."
                    )
                context.post(_Measured(stop, trace, (), text))
            else:
                context.post(_Measured(stop, trace, measured, _save(path, trace, measured)))

        self._worker.submit(job)

    @Slot(object)
    def _hear(self, batch: list[object]) -> None:
        for message in batch:
            if isinstance(message, _Measured):
                if message.measured:
                    self._session.add_measurements(message.trace, message.measured)
                if message.problem and (message.measured or not message.stop.is_set()):
                    self.said.emit(message.problem, "error")
                if message.stop is self._stop:
                    self._end()

    @Slot(bool)
    def _worker_busy(self, busy: bool) -> None:
        if not busy and self._stop is not None:  # the job was dropped before it began
            self._end()

    def _end(self) -> None:
        self._stop = None
        self.busy_changed.emit()


def _save(path: Path | None, trace: Trace, measured: Sequence[Measurement]) -> str:
    """Write measurements into the trace file; returns what went wrong, "" for nothing."""
    if path is None or not measured:
        return ""
    from core.store import add_measurements

    try:
        add_measurements(path, measured, trace.region_map)
    except InputError as error:
        return f"The measurement is shown, but it could not be saved. {error}"
    return ""
