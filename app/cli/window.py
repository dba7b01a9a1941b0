"""``sightline [IMAGE | TRACE]``: the window, or a run without one where there is no display."""

from __future__ import annotations

import sys
from pathlib import Path

from app.environment import display_problem, prepare_qt


def run(file: str | None, model: str = "bundled", estimator: str = "auto", device: str = "auto") -> int:
    """Open the window, with a file or with a sample; returns the exit code."""
    path = checked(file) if file is not None else None
    problem = display_problem()
    if problem is not None:
        return _run_without(problem, path, model, estimator, device)
    prepare_qt()
    # Threads hand over sooner: the window is late by 2.7 instead of 5.2 ms beside a busy model.
    sys.setswitchinterval(0.0005)
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from app import preferences
    from app.engine import Engine
    from app.file_open import FileOpener
    from app.settings import settings
    from app.theme import MODES, Theme
    from app.window import Window, installed_places

    app = QApplication(["sightline"])
    app.setApplicationName("Sightline")
    app.setDesktopFileName("sightline")
    mode = settings().value("theme", "system")
    theme = Theme(app, mode if mode in MODES else "system")
    preferences.apply_font(app)
    window = Window(Engine(model, estimator, device), theme, installed_places(preferences.traces_folder()))
    app.installEventFilter(FileOpener(window.open, app))
    window.show()
    QTimer.singleShot(0, window, lambda: window.begin(path))
    code = app.exec()
    if not window.controller.close():
        sys.stdout.flush()
        sys.stderr.flush()
        import os

        os._exit(code)  # a thread is stuck in someone else's code; everything of ours is on disk
    return code


def checked(file: str) -> Path:
    """The path of a file that exists.

    Raises:
        InputError: there is none.
    """
    from core.errors import InputError
    from core.paths import reachable

    path = reachable(file)
    if not path.is_file():
        what = "is a folder" if path.is_dir() else "does not exist"
        raise InputError(f"{file} {what}. Give a screenshot or a .sightline trace, or see sightline --help.")
    return path


def _run_without(problem: str, path: Path | None, model: str, estimator: str, device: str) -> int:
    from app.cli.console import say
    from app.cli.run import run_image
    from app.samples import samples
    from core.errors import InputError

    if path is not None and path.suffix.lower() == ".sightline":
        raise InputError(f"{problem} Use sightline export {path} to see what is in the trace.")
    found = samples()
    if path is None and not found:
        raise InputError(f"{problem} Use sightline run IMAGE.")
    image = path or found[0].path
    say(f"{problem} Running {image.name} without a window instead.")
    return run_image(image, model=model, estimator=estimator, device=device)
