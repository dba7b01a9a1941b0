"""Fetches an official SAM checkpoint in the background, once a person has agreed to its size."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.worker import Context, Problem, Worker
from models.file_fetch import RemoteFile, fetch
from models.hub import DownloadCancelled

_NEWS_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class _Advanced:
    done: int
    total: int
    rate: float


@dataclass(frozen=True, slots=True)
class _Ended:
    """The path, or None when the person stopped it."""

    path: Path | None


class CheckpointFetch(QObject):
    """One file at a time.

    Attributes:
        busy: whether one is being fetched.

    Signals:
        advanced(done, total, rate): bytes, bytes, bytes a second.
        fetched(path): it is here.
        stopped: the person cancelled; what came is kept.
        failed(str): a sentence.
        busy_changed: see ``busy``.
    """

    advanced = Signal(object, object, float)
    fetched = Signal(object)
    stopped = Signal()
    failed = Signal(str)
    busy_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.busy = False
        self._cancelled = False
        self._worker = Worker("checkpoint", self)
        self._worker.delivered.connect(self._hear)
        self._worker.busy_changed.connect(self._worker_busy)

    def begin(self, remote: RemoteFile, folder: Path) -> None:
        """Fetch a file into a folder."""
        if self.busy:
            return
        self._cancelled = False

        def job(context: Context) -> None:
            began, last, first = time.monotonic(), 0.0, -1

            def tell(done: int, total: int) -> None:
                nonlocal last, first
                now = time.monotonic()
                first = done if first < 0 else first
                if now - last >= _NEWS_SECONDS or done == total:
                    last = now
                    rate = (done - first) / (now - began) if now - began > 0.2 else 0.0
                    context.post(_Advanced(done, total, rate))

            try:
                path = fetch(remote, folder, tell, lambda: self._cancelled or context.cancelled())
            except DownloadCancelled:
                context.post(_Ended(None))
            else:
                context.post(_Ended(path))

        self._worker.submit(job)

    def cancel(self) -> None:
        """Stop within seconds; what came is kept and continued the next time."""
        self._cancelled = True

    def close(self) -> bool:
        """Stop everything; False when the thread is stuck."""
        self._cancelled = True
        return self._worker.close(0.2)  # a stalled connection ends by itself; the window does not wait

    @Slot(object)
    def _hear(self, batch: list[object]) -> None:
        for message in batch:
            match message:
                case _Advanced():
                    self.advanced.emit(message.done, message.total, message.rate)
                case _Ended(path=None):
                    self.stopped.emit()
                case _Ended(path=path):
                    self.fetched.emit(path)
                case Problem(message=text):
                    self.failed.emit(text)

    @Slot(bool)
    def _worker_busy(self, busy: bool) -> None:
        self.busy = busy
        self.busy_changed.emit()
