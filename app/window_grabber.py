"""The process that looks at other windows: it lists them, or takes a picture of one.

    python -m app.window_grabber list
    python -m app.window_grabber take TITLE FILE

It is a process of its own because Qt's multimedia part, which can do this on every platform, has crashed when
it was taken down; here it never is. Exit code 2 with a sentence on standard error where something is lacking.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import Final

from PySide6.QtCore import QCoreApplication, QLoggingCategory
from PySide6.QtGui import QGuiApplication, QImage

from app.environment import missing_library
from core.errors import InputError

PATIENCE: Final = 6.0
"""Seconds after which a window that shows nothing (a minimized one, for example) is given up."""

_KEPT: Final[list[object]] = []
"""What is not taken down before the process ends."""


def titles() -> list[str]:
    """How Qt describes the windows of all programs: by title or, where it cannot read one, by number."""
    return [window.description() for window in _multimedia().capturableWindows() if window.isValid()]


def picture_of(title: str) -> QImage:
    """What a window shows.

    Raises:
        InputError: it is gone, or gave no picture.
    """
    from PySide6.QtMultimedia import QMediaCaptureSession, QVideoFrame, QVideoSink

    kind = _multimedia()
    window = next((w for w in kind.capturableWindows() if w.description() == title), None)
    if window is None:
        raise InputError("That window is gone. Look again.")
    found: list[QImage] = []

    def keep(frame: QVideoFrame) -> None:
        image = frame.toImage()
        if not image.isNull() and not found:
            found.append(image.copy())

    capture, sink, session = kind(), QVideoSink(), QMediaCaptureSession()
    sink.videoFrameChanged.connect(keep)
    session.setWindowCapture(capture)
    session.setVideoSink(sink)
    capture.setWindow(window)
    capture.start()
    _KEPT.extend((capture, sink, session))
    limit = time.monotonic() + PATIENCE
    while not found and time.monotonic() < limit:
        QCoreApplication.processEvents()
        time.sleep(0.01)
    if not found:
        raise InputError("That window gave no picture. Bring it to the front, then try again.")
    return found[0]


def _multimedia():  # type: ignore[no-untyped-def]  # a class that is not imported everywhere
    try:
        from PySide6.QtMultimedia import QWindowCapture
    except ImportError as error:
        why = missing_library(error) or "Qt's multimedia part is missing."
        raise InputError(f"{why} Without it, Capture Screen can still take an area.") from error
    return QWindowCapture


def main(arguments: list[str]) -> int:
    """List windows as JSON on standard output, or put the picture of one into a file."""
    app = QGuiApplication(["sightline"])
    _KEPT.append(app)
    if app.platformName() == "xcb":
        os.environ.setdefault("XDG_SESSION_TYPE", "x11")  # by which Qt decides how to look for windows
    QLoggingCategory.setFilterRules("qt.multimedia*=false")
    try:
        if arguments[0] == "list":
            print(json.dumps(titles()))
        else:
            picture_of(arguments[1]).save(arguments[2])
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
