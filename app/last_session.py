"""What was open when Sightline last ended without closing: a crash, a kill, a power cut.

Each window keeps a small file that says what is open, and a lock beside it. Closing removes both. A file
whose lock is free belongs to a window that died.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from PySide6.QtCore import QElapsedTimer, QLockFile, QObject, QTimer, Slot

_DELAY, _LONGEST = 1000, 10_000
"""Milliseconds without another change until one is written, and until one is written at the latest."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What was open: a file, and the tokens ``start`` to ``end`` (exclusive) under the playhead, if any.

    ``beside`` is the file of the run that was shown beside it, "" for none.
    """

    path: str
    start: int = 0
    end: int = 0
    beside: str = ""


class LastSession(QObject):
    """Keeps the file of this window. Raises nothing: what cannot be written is not worth an error."""

    def __init__(
        self, folder: Path, whereabouts: Callable[[], Whereabouts | None], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._file = folder / f"{secrets.token_hex(8)}.json"
        self._lock = QLockFile(f"{self._file}.lock")
        self._lock.setStaleLockTime(0)
        self._whereabouts = whereabouts
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.save)
        self._waiting = QElapsedTimer()
        self._ended = False

    @Slot()
    def changed(self) -> None:
        """Something else is open, or the playhead moved: write it down soon."""
        if self._ended:
            return
        if not self._timer.isActive():
            self._waiting.start()
        left = _LONGEST - self._waiting.elapsed()
        self._timer.start(max(0, min(_DELAY, left)))  # not amid the moves of a drag: a disk may be slow

    @Slot()
    def save(self) -> None:
        """Write down what is open now."""
        now = None if self._ended else self._whereabouts()
        if now is None:
            return
        part = self._file.with_suffix(".part")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            if not self._lock.isLocked():
                self._lock.tryLock(0)
            part.write_text(json.dumps(asdict(now)), encoding="utf-8")
            os.replace(part, self._file)
        except OSError:
            part.unlink(missing_ok=True)

    def end(self) -> None:
        """The window closes properly: there is nothing to come back to, whatever changes while it does."""
        self._ended = True
        self._timer.stop()
        self._file.unlink(missing_ok=True)
        self._lock.unlock()


def left_behind(folder: Path) -> Whereabouts | None:
    """What the window that died last had open, or None. It is told only once.

    Where several windows died together, each start brings one of them back, the latest first.
    """
    found: list[tuple[float, Path, Whereabouts]] = []
    for file in folder.glob("*.json"):
        lock = QLockFile(f"{file}.lock")
        lock.setStaleLockTime(0)
        if not lock.tryLock(0):
            continue  # its window is alive
        try:
            kept = json.loads(file.read_text(encoding="utf-8"))
            other = str(kept.get("beside", ""))
            where = Whereabouts(
                str(kept["path"]),
                int(kept["start"]),
                int(kept["end"]),
                other if Path(other).is_file() else "",
            )
            if not Path(where.path).is_file():
                raise ValueError("there is nothing to come back to")
            found.append((file.stat().st_mtime, file, where))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            file.unlink(missing_ok=True)
        lock.unlock()
    if not found:
        return None
    _, file, where = max(found, key=lambda entry: entry[0])
    file.unlink(missing_ok=True)
    return where
