"""What a new person does first, with the time that each part takes: run, find out, check, export.

    uv run python -m app.first_minutes [FOLDER]

It presses the buttons of the real window, from the first-run page on, and leaves a picture after each part.
No screen is needed. Settings and traces go to a folder of its own.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QPushButton, QWidget

from app.run_state import RunState
from app.screenshots import own_window, save_picture, until
from app.window import Window

LIMIT: Final = 60.0
"""Seconds that each part may take."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something a new person wants: what it is called, how it went, and the seconds it took."""

    name: str
    found: str
    seconds: float


def walk(window: Window, folder: Path) -> list[Part]:
    """Do all parts in a window that was just opened; pictures and the export go to ``folder``."""
    parts = []
    for name, do in (("run", _run), ("find", _find), ("check", _check), ("export", _export)):
        begun = time.monotonic()
        found = do(window, folder)
        parts.append(Part(name, found, time.monotonic() - begun))
        save_picture(window, folder / f"{name}.png")
    return parts


def _run(window: Window, _folder: Path) -> str:
    """Press Run on the first page and wait for the answer."""
    until(lambda: window.start_page.run.isVisible() and window.start_page.run.isEnabled())
    _click(window.start_page.run)
    until(lambda: window.controller.state is RunState.IDLE and window.controller.trace_path is not None)
    trace = window.controller.session.trace
    assert trace is not None
    return f"the answer is {trace.text('answer').strip()}"


def _find(window: Window, _folder: Path) -> str:
    """Read what the answer rests on; if it was read earlier, click the step that the sentence leads to."""
    finding = window.regions.finding
    leading = finding.rpartition("at step ")[2].split(" ")[0]
    if "Looked back" in finding and leading.isdigit():
        trace = window.controller.session.trace
        assert trace is not None
        boxes = window.reasoning.text.token_rects(trace.step(int(leading) - 1).start)
        QTest.mouseDClick(
            window.reasoning.text.viewport(), Qt.MouseButton.LeftButton, pos=boxes[0].center().toPoint()
        )
    return f"{finding} / {window.regions.finding}"


def _check(window: Window, _folder: Path) -> str:
    """Press Measure step and wait for the figure."""
    button = window.regions.measure_bar.findChild(QPushButton)
    assert button is not None
    _click(button)
    until(lambda: window.controller.session.selected_measurement() is not None)
    until(lambda: not window.controller.verifier.busy)
    return window.regions.finding


def _export(window: Window, folder: Path) -> str:
    """Press Export, Export…, type a name, and wait until the file is there."""
    out = folder / "exported.png"
    out.unlink(missing_ok=True)
    window.actions_by_id["export"].trigger()
    dialog = window.dialogs.export_dialog
    assert dialog is not None
    until(lambda: not dialog.picture.pixmap().isNull())
    QTimer.singleShot(300, dialog, lambda: _name_file(out))
    _click(dialog.save)
    until(out.is_file)
    dialog.close()
    return f"{out.name}, {out.stat().st_size:,} bytes"


def _name_file(out: Path) -> None:
    asked = QApplication.activeModalWidget()
    assert isinstance(asked, QFileDialog)
    field = asked.findChild(QLineEdit)
    assert field is not None
    field.setText(str(out))
    asked.accept()


def _click(widget: QWidget) -> None:
    assert widget.isVisible()
    QTest.mouseClick(widget, Qt.MouseButton.LeftButton)


def main(arguments: list[str]) -> int:
    """Walk, and say how long each part took; 1 when one took too long."""
    folder = Path(arguments[0]) if arguments else Path(tempfile.mkdtemp(prefix="sightline-first-"))
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    with own_window("light") as window:
        begun = time.monotonic()
        window.begin(None)
        until(lambda: window.start_page.run.isEnabled())
        print(f"{time.monotonic() - begun:6.1f} s  until Run can be pressed")
        parts = walk(window, folder)
    for part in parts:
        print(f"{part.seconds:6.1f} s  {part.name}: {part.found}")
    print(f"pictures in {folder}")
    return int(any(part.seconds > LIMIT for part in parts))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
