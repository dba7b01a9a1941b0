"""Holding, slowing down and ending a run from another thread."""

from __future__ import annotations

import threading
import time


class RunControl:
    """Shared between the thread that runs and whoever watches. Every method may be called from any thread."""

    def __init__(self, pace: float | None = None) -> None:
        self._changed = threading.Condition()
        self._paused = False
        self._stopped = False
        self._pace = pace

    def pause(self) -> None:
        """Hold the run after the current token."""
        self._set(paused=True)

    def resume(self) -> None:
        """Let a held run go on."""
        self._set(paused=False)

    def stop(self) -> None:
        """End the run after the current token; what exists is kept."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def set_pace(self, tokens_per_second: float | None) -> None:
        """Limit the speed so that a person can watch; None for full speed."""
        with self._changed:
            self._pace = tokens_per_second
            self._changed.notify_all()

    @property
    def stopped(self) -> bool:
        return self._stopped

    @property
    def holds(self) -> bool:
        """Whether the next ``wait`` would block for a while: paused, or slowed down."""
        return self._paused or self._pace is not None

    @property
    def paused(self) -> bool:
        return self._paused

    def wait(self, last_token: float) -> float:
        """Block while paused, and until the pace allows the token after ``last_token`` (``time.monotonic``).

        Returns the seconds spent here; returns at once when stopped.
        """
        began = time.monotonic()
        with self._changed:
            while not self._stopped:
                now = time.monotonic()
                if self._paused:
                    self._changed.wait()
                    last_token = min(last_token, now)
                elif self._pace is not None and self._pace > 0 and now < last_token + 1.0 / self._pace:
                    self._changed.wait(last_token + 1.0 / self._pace - now)
                else:
                    break
        return time.monotonic() - began

    def _set(self, paused: bool) -> None:
        with self._changed:
            self._paused = paused
            self._changed.notify_all()
