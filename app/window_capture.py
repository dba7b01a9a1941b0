"""Taking a picture of one window of any program, where the platform lets a program do that."""

from __future__ import annotations

import importlib.util
import os
from typing import TYPE_CHECKING

from PySide6.QtCore import QLoggingCategory, QObject, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QApplication

from app import screen_capture
from app.environment import missing_library
from core.errors import InputError

if TYPE_CHECKING:
    from PySide6.QtMultimedia import QCapturableWindow, QVideoFrame

PATIENCE = 4000
"""Milliseconds after which a window that shows nothing (a minimized one, for example) is given up."""


def possible() -> bool:
    """Whether windows can be captured one by one: nowhere that the screen cannot be seen."""
    return screen_capture.possible() and importlib.util.find_spec("PySide6.QtMultimedia") is not None


def windows() -> list[QCapturableWindow]:
    """The windows of other programs that can be captured, in the order of their titles.

    Raises:
        InputError: this system lacks something that capturing needs.
    """
    if QGuiApplication.platformName() == "xcb":
        os.environ.setdefault("XDG_SESSION_TYPE", "x11")  # by which Qt decides how to look for windows
    QLoggingCategory.setFilterRules("qt.multimedia*=false")  # it greets on the terminal
    try:
        from PySide6.QtMultimedia import QWindowCapture
    except ImportError as error:
        why = missing_library(error) or "Qt's multimedia part is missing."
        raise InputError(f"{why} Without it, Capture Screen can still take an area.") from error
    own = _own_windows()
    found = [
        window
        for window in QWindowCapture.capturableWindows()
        if window.isValid() and window.description() not in own
    ]
    return sorted(found, key=lambda window: window.description().casefold())


def _own_windows() -> set[str]:
    """How Qt may describe the windows of this program: by title or, where it cannot read one, by number."""
    shown = [widget for widget in QApplication.topLevelWidgets() if widget.isVisible()]
    return {
        description
        for widget in shown
        for description in (widget.windowTitle(), f"Window 0x{int(widget.winId()):x}")
    }


class WindowCapture(QObject):
    """Takes one picture of one window.

    Signals:
        taken(QImage): the picture.
        failed(str): a sentence; no picture came.
    """

    taken = Signal(QImage)
    failed = Signal(str)

    def __init__(self, window: QCapturableWindow, parent: QObject | None = None) -> None:
        super().__init__(parent)
        from PySide6.QtMultimedia import QMediaCaptureSession, QVideoSink, QWindowCapture

        self._capture = QWindowCapture(self)
        self._sink = QVideoSink(self)
        self._session = QMediaCaptureSession(self)
        self._session.setWindowCapture(self._capture)
        self._session.setVideoSink(self._sink)
        self._sink.videoFrameChanged.connect(self._frame_came)
        self._capture.errorOccurred.connect(self._broke)
        self._limit = QTimer(self)
        self._limit.setSingleShot(True)
        self._limit.setInterval(PATIENCE)
        self._limit.timeout.connect(self._broke)
        self._capture.setWindow(window)

    def start(self) -> None:
        """Ask for the picture; one of the signals follows."""
        self._limit.start()
        self._capture.start()

    def cancel(self) -> None:
        """Nobody waits for the picture any more."""
        self._end()

    @Slot()
    def _frame_came(self, frame: QVideoFrame) -> None:
        image = frame.toImage()
        if not image.isNull() and self._end():
            self.taken.emit(image)

    @Slot()
    def _broke(self, *_: object) -> None:
        if self._end():
            self.failed.emit("That window gave no picture. Bring it to the front, then try again.")

    def _end(self) -> bool:
        """Stop; False when that has happened already."""
        waiting = self._limit.isActive()
        self._limit.stop()
        self._capture.stop()
        return waiting
