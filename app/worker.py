"""Background threads of the window, and the one way back from them into the GUI thread.

A job is a callable that gets a ``Context`` and runs in the worker's thread. What it posts lands in a
locked list; one slot in the GUI thread empties the list about 30 times a second and hands out the whole
batch (the pattern of Anki's task manager). No other signal crosses threads: slots run where their
receiver lives only when they are methods of QObjects, and lambdas are not.

Python threads rather than QThreads: a QThread object that dies before its thread aborts the process.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

from core.errors import InputError
from core.memory import REMEDY, out_of_memory

BATCH_SECONDS = 1 / 30
CLOSE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Problem:
    """A job broke off.

    Attributes:
        message: for people.
        expected: False for a defect of Sightline.
        generation: number of the job.
    """

    message: str
    expected: bool
    generation: int


@dataclass(frozen=True, slots=True)
class JobEnded:
    """The last message of every job, however it ended."""

    generation: int


@dataclass(frozen=True, slots=True)
class Context:
    """What a job may use.

    Attributes:
        generation: number of the job; later jobs have higher ones.
        post: hand a message to the GUI thread; never blocks.
        cancelled: whether nobody waits for the result any more; to be asked often.
    """

    generation: int
    post: Callable[[object], None]
    cancelled: Callable[[], bool]


Job = Callable[[Context], None]


class Worker(QObject):
    """One thread that does one job after the other.

    Signals:
        delivered(list): messages of jobs that were not dropped, oldest first; in the GUI thread.
        busy_changed(bool): whether a job is queued or running.
    """

    delivered = Signal(object)
    busy_changed = Signal(bool)
    _posted = Signal()

    def __init__(self, name: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._jobs: queue.SimpleQueue[tuple[int, Job] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._inbox: list[tuple[int, object]] = []
        self._issued = 0
        self._oldest_wanted = 0
        self._unfinished = 0
        self._closed = False
        self._last_drain = 0.0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._drain)
        self._posted.connect(self._schedule, Qt.ConnectionType.QueuedConnection)
        # A daemon, so that a job stuck in someone else's code cannot keep a closed program alive.
        self._thread = threading.Thread(target=self._work, name=f"sightline-{name}", daemon=True)
        self._thread.start()

    @property
    def busy(self) -> bool:
        return self._unfinished > 0

    def submit(self, job: Job) -> int:
        """Queue a job; returns its generation."""
        self._issued += 1
        self._unfinished += 1
        self._jobs.put((self._issued, job))
        if self._unfinished == 1:
            self.busy_changed.emit(True)
        return self._issued

    def drop(self) -> None:
        """Forget all jobs so far: queued ones do not start, what they still post is not delivered."""
        self._oldest_wanted = self._issued + 1

    def close(self, timeout: float = CLOSE_SECONDS) -> bool:
        """Drop all jobs and wait for the thread; False when it is still running after ``timeout`` s."""
        self.drop()
        self._closed = True
        self._timer.stop()
        self._jobs.put(None)
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while (item := self._jobs.get()) is not None:
            generation, job = item
            try:
                if generation >= self._oldest_wanted:
                    job(self._context(generation))
            except InputError as error:
                self._post(generation, Problem(str(error), True, generation))
            except Exception as error:
                if generation >= self._oldest_wanted:  # nobody wants to hear how a dropped job ended
                    traceback.print_exc(file=sys.stderr)
                    self._post(generation, Problem(_describe(error), False, generation))
            finally:
                self._post(generation, JobEnded(generation))
                del item, job

    def _context(self, generation: int) -> Context:
        return Context(
            generation,
            post=lambda message: self._post(generation, message),
            cancelled=lambda: generation < self._oldest_wanted,
        )

    def _post(self, generation: int, message: object) -> None:
        with self._lock:
            if self._closed:
                return
            first = not self._inbox
            self._inbox.append((generation, message))
            if first:
                self._posted.emit()

    @Slot()
    def _schedule(self) -> None:
        wait = BATCH_SECONDS - (time.monotonic() - self._last_drain)
        self._timer.start(max(0, round(wait * 1000)))

    @Slot()
    def _drain(self) -> None:
        with self._lock:
            batch, self._inbox = self._inbox, []
        self._last_drain = time.monotonic()
        ended = sum(isinstance(message, JobEnded) for _, message in batch)
        fresh: list[Any] = [message for generation, message in batch if generation >= self._oldest_wanted]
        self._unfinished -= ended
        if fresh:
            self.delivered.emit(fresh)
        if ended and not self._unfinished:
            self.busy_changed.emit(False)


def _describe(error: Exception) -> str:
    if out_of_memory(error):
        return f"The machine ran out of memory. What exists is kept. {REMEDY}"
    return f"Something went wrong inside Sightline ({type(error).__name__}: {error}). What exists is kept."
