"""Asking SAM what is at a point or in a box of the open screenshot, in the background."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from app.engine import EngineLike
from app.worker import Context, Problem, Worker
from core.screenshot import Screenshot

Then = Callable[[list[np.ndarray]], None]


@dataclass(frozen=True, slots=True, eq=False)
class _Found:
    asked: threading.Event
    masks: list[np.ndarray]


class MaskPrompts(QObject):
    """One question at a time; a newer one takes the place of an older one.

    Attributes:
        busy: whether an answer is waited for.

    Signals:
        changed: see ``busy``.
        said(text, level): why there is no answer.
    """

    changed = Signal()
    said = Signal(str, str)

    def __init__(self, engine: EngineLike, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._engine = engine
        self._worker = Worker("prompts", self)
        self._worker.delivered.connect(self._hear)
        self._stop: threading.Event | None = None
        self._then: Then | None = None

    @property
    def busy(self) -> bool:
        return self._stop is not None

    def ask(self, screenshot: Screenshot, segmenter: str, prompt: tuple[int, ...], then: Then) -> None:
        """Ask what is at a point (x, y) or in a box (x0, y0, x1, y1), in pixels of the screenshot.

        ``then`` is called in the GUI thread with masks, bool [H, W] each, from small to large. It is not
        called when SAM sees nothing, cannot be asked, or the question was taken back.
        """
        self.cancel()
        engine = self._engine
        stop = self._stop = threading.Event()
        self._then = then

        def job(context: Context) -> None:
            if not stop.is_set():
                context.post(_Found(stop, engine.masks(screenshot, segmenter, prompt, stop.is_set)))

        self._worker.submit(job)
        self.changed.emit()

    def cancel(self) -> bool:
        """Take the question back, at once; returns whether there was one."""
        if self._stop is None:
            return False
        self._stop.set()
        self._worker.drop()
        self._end()
        return True

    def close(self, timeout: float) -> bool:
        """End the thread; False when it is stuck."""
        if self._stop is not None:
            self._stop.set()
        return self._worker.close(timeout)

    def _end(self) -> None:
        self._stop = self._then = None
        self.changed.emit()

    @Slot(object)
    def _hear(self, batch: list[object]) -> None:
        for message in batch:
            if isinstance(message, _Found) and message.asked is self._stop:
                then = self._then
                self._end()
                if message.masks and then is not None:
                    then(message.masks)
                else:
                    self.said.emit("SAM sees nothing there. Try another place, or drag a box.", "info")
            elif isinstance(message, Problem):
                self._end()
                self.said.emit(message.message, "warning" if message.expected else "error")
