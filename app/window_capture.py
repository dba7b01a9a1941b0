"""Taking a picture of one window of any program, where the platform lets a program do that.

Another process does it (``app.window_grabber``); nothing here waits for it.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import tempfile
from pathlib import Path

from PySide6.QtCore import QObject, QProcess, Signal, Slot
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from app import screen_capture

COMMAND = (sys.executable, "-m", "app.window_grabber")
_FAILED = "The windows could not be looked at. Capture Screen can still take an area."
_END = 2000
"""Milliseconds that a process gets to end when it is killed."""


def possible() -> bool:
    """Whether windows can be captured one by one: nowhere that the screen cannot be seen."""
    return screen_capture.possible() and importlib.util.find_spec("PySide6.QtMultimedia") is not None


class WindowCapture(QObject):
    """Lists windows and takes pictures of them, one thing at a time; a new wish forgets the one before.

    Signals:
        listed(list): the titles of the windows of other programs, in order.
        taken(QImage): the picture that was asked for.
        failed(str): a sentence instead of either.
    """

    listed = Signal(list)
    taken = Signal(QImage)
    failed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._folder = tempfile.TemporaryDirectory(prefix="sightline-window-")
        self._process: QProcess | None = None
        self._out: Path | None = None

    def look(self) -> None:
        """Ask for the windows."""
        self._out = None
        self._start("list")

    def take(self, title: str) -> None:
        """Ask for the picture of a window."""
        self._out = Path(self._folder.name) / "window.png"
        self._out.unlink(missing_ok=True)
        self._start("take", title, str(self._out))

    def end(self) -> None:
        """Forget what was asked for."""
        process, self._process = self._process, None
        if process is not None:
            process.finished.disconnect(self._finished)
            process.errorOccurred.disconnect(self._broke)
            process.kill()
            process.waitForFinished(_END)
            process.deleteLater()

    def close(self) -> None:
        """Leave nothing behind."""
        self.end()
        self._folder.cleanup()

    def _start(self, *arguments: str) -> None:
        self.end()
        self._process = QProcess(self)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._broke)
        self._process.start(COMMAND[0], [*COMMAND[1:], *arguments])

    @Slot()
    def _finished(self) -> None:
        process, self._process = self._process, None
        assert process is not None
        said = bytes(process.readAllStandardError().data()).decode("utf-8", "replace").strip()
        listed = bytes(process.readAllStandardOutput().data())
        code = process.exitCode() if process.exitStatus() == QProcess.ExitStatus.NormalExit else 1
        process.deleteLater()
        if code:
            self.failed.emit(said.splitlines()[-1] if code == 2 and said else _FAILED)
        elif self._out is None:
            own = _own_windows()
            titles = {str(title) for title in json.loads(listed)} - own
            self.listed.emit(sorted(titles, key=str.casefold))
        else:
            image = QImage(str(self._out))
            if image.isNull():
                self.failed.emit(_FAILED)
            else:
                self.taken.emit(image)

    @Slot(QProcess.ProcessError)
    def _broke(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.ProcessError.FailedToStart:
            self._process = None
            self.failed.emit(_FAILED)


def _own_windows() -> set[str]:
    """How Qt may describe the windows of this program: by title or, where it cannot read one, by number."""
    shown = [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]
    return {
        description
        for widget in shown
        for description in (widget.windowTitle(), f"Window 0x{int(widget.winId()):x}")
    }
