"""Effects for regions that were changed after a run: one pass in the background, or at once from memory.

While effects of the new regions are not known, the session shows the run without effects; the file keeps the
old regions until the new ones have theirs.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import QObject, QTimer, Signal, Slot

from app.engine import EngineLike
from app.session import Session
from app.worker import Context, Worker
from core.control import RunControl
from core.errors import InputError
from core.events import Stage, Started, fold
from core.memory import out_of_memory
from core.reattribution import OtherModelError, before_effects
from core.regions import RegionMap
from core.store import replace_regions
from core.trace import Identity, Trace

PAUSE: Final = 400
"""Milliseconds without a further change after which the pass begins."""
REMEMBERED: Final = 16
"""Attributions kept, so that undoing needs no pass."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Attributed:
    """A pass ended: ``found`` is the run with effects of the regions of ``bare``, or None."""

    bare: Trace
    found: Trace | None
    problem: str = ""
    other_model: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class _Saved:
    trace: Trace
    problem: str


class Reattributor(QObject):
    """Shows the open run with other regions.

    Attributes:
        busy: whether a pass is waited for.
        missing: whether the shown run has no effects because its regions were changed.

    Signals:
        changed: see ``busy`` and ``missing``.
        said(text, level): something to tell the person.
        model_wanted(text, model): the loaded model is not the one that the run was made by.
    """

    changed = Signal()
    said = Signal(str, str)
    model_wanted = Signal(str, object)

    def __init__(
        self,
        session: Session,
        engine: EngineLike,
        worker: Worker,
        path: Callable[[], Path | None],
        waits: Callable[[], str],
        parent: QObject | None = None,
    ) -> None:
        """
        Args:
            session: whose trace it is.
            engine, worker: who attributes, and where; the worker may have other jobs too.
            path: tells the file of the shown trace, or None.
            waits: tells what a pass has to wait for, or "".
        """
        super().__init__(parent)
        self._session, self._engine, self._worker = session, engine, worker
        self._path, self._waits = path, waits
        self._known: OrderedDict[int, Trace] = OrderedDict()
        self._source: Trace | None = None
        self._bare: Trace | None = None
        self._control: RunControl | None = None
        self._unsaved: tuple[Path, Trace] | None = None
        self._told_of_measurements = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE)
        self._timer.timeout.connect(self.begin)
        worker.delivered.connect(self._hear)
        session.trace_changed.connect(self._trace_changed)

    @property
    def busy(self) -> bool:
        return self._timer.isActive() or self._control is not None

    @property
    def missing(self) -> bool:
        return self._bare is not None

    @Slot()
    def _trace_changed(self) -> None:
        """Forget the run that was shown, unless it is the same one with other regions."""
        trace = self._session.trace
        if trace is None or not (trace is self._bare or trace is self._known.get(id(trace.region_map))):
            self._forget()

    def _forget(self) -> None:
        self._drop()
        self._known.clear()
        self._source = self._bare = None
        self._told_of_measurements = False
        self.changed.emit()

    def show(self, region_map: RegionMap, segmenter: Identity) -> None:
        """Show the run with these regions, and with their effects as soon as they are known."""
        now = self._session.trace
        if now is None:
            return
        if now is not self._bare:
            self._source = now
            self._remember(now)
        source = self._source
        assert source is not None
        self._drop()
        known = self._known.get(id(region_map))
        if known is not None:
            self._bare = None
            known.notes = now.notes
            self._session.exchange_trace(known)
            self._save(known)
        else:
            self._bare = before_effects(source, region_map, segmenter)
            self._bare.notes = now.notes
            self._session.exchange_trace(self._bare)
            self._timer.start()
        self.changed.emit()

    @Slot()
    def begin(self) -> None:
        """Attribute now; nothing to do while all effects are known."""
        bare, source, path, engine = self._bare, self._source, self._path(), self._engine
        if bare is None or source is None or self._control is not None:
            return
        self._timer.stop()
        self._control = control = RunControl()

        def job(context: Context) -> None:
            if control.stopped:
                return
            try:
                found = None
                for event in engine.reattribute(source, bare.region_map, bare.segmenter, control):
                    if isinstance(event, Stage):
                        context.post(Stage(0, event.text, event.fraction))
                    elif isinstance(event, Started):
                        found = event.trace
                    elif found is not None:
                        fold(found, event)
            except InputError as error:
                other = isinstance(error, OtherModelError)
                context.post(_Attributed(bare, None, str(error), other))
            except Exception as error:
                _log.exception("attributing again failed")
                text = f"Estimating the effects broke off ({type(error).__name__}: {error})."
                if out_of_memory(error):
                    text = "The machine ran out of memory while estimating the effects of these regions."
                context.post(_Attributed(bare, None, f"{text} The file keeps the regions of before."))
            else:
                if found is None or control.stopped:
                    return
                found.status, found.details = source.status, dict(source.details)
                problem = _saved(path, found, source) if path is not None else ""
                context.post(_Attributed(bare, found, problem))

        self._worker.submit(job)
        if reason := self._waits():
            self.said.emit(reason, "info")
        self.changed.emit()

    def cancel(self) -> bool:
        """Stop waiting for effects, at once; returns whether there was anything to stop."""
        if not self.busy:
            return False
        self._drop()
        self.said.emit(
            "Stopped: the effects of these regions are not known. Estimate Effects Again finds them; Undo "
            "brings back the regions of before with theirs.",
            "info",
        )
        self.changed.emit()
        return True

    def close(self) -> None:
        """Write what is not written yet; to be called when the worker has ended."""
        self._drop()
        if self._unsaved is not None:
            with contextlib.suppress(InputError):
                replace_regions(*self._unsaved)
            self._unsaved = None

    def _drop(self) -> None:
        self._timer.stop()
        if self._control is not None:
            self._control.stop()
            self._control = None

    def _remember(self, trace: Trace) -> None:
        self._known[id(trace.region_map)] = trace
        self._known.move_to_end(id(trace.region_map))
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)

    def _save(self, trace: Trace) -> None:
        path = self._path()
        if path is None:
            return
        self._unsaved = path, trace

        def job(context: Context) -> None:
            context.post(_Saved(trace, _saved(path, trace, trace)))

        self._worker.submit(job)

    @Slot(object)
    def _hear(self, batch: list[object]) -> None:
        for message in batch:
            if isinstance(message, _Saved):
                if self._unsaved is not None and self._unsaved[1] is message.trace:
                    self._unsaved = None
                if message.problem:
                    self.said.emit(message.problem, "error")
            elif isinstance(message, _Attributed) and message.bare is self._bare:
                self._take(message)

    def _take(self, message: _Attributed) -> None:
        self._control = None
        if message.found is None:
            if message.other_model:
                self.model_wanted.emit(message.problem, message.bare.model)
            else:
                self.said.emit(message.problem, "error")
        else:
            measured = bool(self._source is not None and self._source.measured)
            self._bare, found = None, message.found
            found.notes = message.bare.notes
            self._remember(found)
            self._session.exchange_trace(found)
            if message.problem:
                self.said.emit(message.problem, "error")
            elif measured and not self._told_of_measurements:
                self._told_of_measurements = True
                self.said.emit(
                    "What was measured belongs to the regions of before: it is shown with those, which Undo "
                    "brings back, and a copy of the file keeps it.",
                    "info",
                )
        self.changed.emit()


def _saved(path: Path, trace: Trace, before: Trace) -> str:
    """Put the regions of ``trace`` into its file; returns what went wrong, "" for nothing.

    Measured effects that the file would lose are kept in a copy of it.
    """
    try:
        if before.measured and not trace.measured:
            copy = path.with_name(f"{path.stem} (regions of before){path.suffix}")
            if not copy.exists():
                shutil.copyfile(path, copy)
        replace_regions(path, trace)
    except (InputError, OSError) as error:
        return f"The new regions are shown, but they could not be saved. {error}"
    return ""
