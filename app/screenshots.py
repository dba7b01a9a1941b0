"""The pictures of docs/tour.md: the real window, driven through a run of the bundled model.

    uv run python -m app.screenshots [FOLDER]

No screen is needed. Settings and traces go to a folder of its own, so that nobody's are touched or shown.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from PIL import Image
from PySide6.QtCore import QSettings, QSize
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from app.dialogs.batch import BatchDialog
from app.dialogs.export_dialog import ExportDialog
from app.dialogs.model_chooser import ModelChooser
from app.dialogs.preferences import PreferencesDialog
from app.dialogs.shortcuts import ShortcutsSheet
from app.engine import Engine
from app.library import Library
from app.path_map import EMPTY, PathDialog
from app.run_state import RunState
from app.samples import SAMPLES, samples
from app.settings import settings
from app.side_by_side import SideBySide
from app.theme import Mode, Theme
from app.views import VIEWS
from app.window import Places, Window
from core.export.composition import step_reliance

Kind = TypeVar("Kind", bound=QDialog)

IMAGES: Final = Path(__file__).resolve().parent.parent / "docs" / "images"
SIZE: Final = QSize(1280, 800)
SHOWN: Final = "invoice"
OTHERS: Final = ("bar_chart", "web_page")
"""Samples by the names of their files: the one in most pictures, and others that the library lists."""

PATIENCE: Final = 600.0
"""Seconds after which something that should have happened never will."""

LARGE: Final = "--large"
"""Take the picture at 200 % only: Qt takes its scale from the environment, once for each process."""


def main(arguments: list[str]) -> int:
    """Take every picture."""
    given = _parser().parse_args(arguments)
    large, folder = given.large, given.folder
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    if large:
        with own_window("dark") as window:
            window.controller.runner.warm_up()
            _run(window, SHOWN)
            save_picture(window, folder / "large.png")
        return 0
    with own_window("light") as window:
        _take_all(window, folder)
    doubled = dict(os.environ, QT_SCALE_FACTOR="2")
    again = [sys.executable, "-m", "app.screenshots", LARGE, "--", str(folder)]
    subprocess.run(again, env=doubled, check=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m app.screenshots",
        description="Takes the pictures of docs/tour.md, from the real window. No screen is needed.",
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, default=IMAGES, help="where to (default: docs/images, in place)"
    )
    parser.add_argument(LARGE, action="store_true", help="only the picture at 200 %%")
    return parser


def _take_all(window: Window, folder: Path) -> None:
    window.begin(None)
    until(lambda: window.controller.scene is not None and window.front.currentWidget() is window.start_page)
    until(lambda: window.controller.scene is not None and window.controller.scene.region_map is not None)
    save_picture(window, folder / "start_page.png")
    for name in OTHERS:
        _run(window, name)
    _take_path(window, folder / "path.png")
    _run(window, SHOWN)
    save_picture(window, folder / "window.png")
    _take_links(window, folder / "links.png")
    _take_views(window, folder / "views.png")
    _take_moments(window, folder / "moments.png")
    _do(window, "palette")
    window.palette_box.field.setText("step")
    save_picture(window, folder / "palette.png")
    window.palette_box.hide()
    window.canvas.setFocus()
    _take_dialogs(window, folder)
    _take_batch(window, folder / "batch.png")
    _do(window, "measure_step")
    until(lambda: window.controller.verifier.busy)
    until(lambda: not window.controller.verifier.busy)
    save_picture(window, folder / "measured.png")
    _take_editing(window, folder / "editing.png")
    session = window.controller.session
    before, effects = session.trace, session.selected_effects()
    assert before is not None
    assert effects is not None
    session.select_region(1 + int(effects[1:].argmax()))
    _do(window, "what_if")
    beside = _dialog(SideBySide)
    beside.resize(1180, 640)
    beside.playhead.setValue(int(before.reliance.argmax()))
    save_picture(beside, folder / "side_by_side.png")
    beside.close()


def _take_views(window: Window, path: Path) -> None:
    """The same moment in every view, two beside each other."""
    parts = []
    for view in VIEWS:
        _do(window, f"view_{view.id}")
        parts.append(_pixels(window.canvas))
    _do(window, f"view_{VIEWS[0].id}")
    rows = [np.concatenate(parts[at : at + 2], 1) for at in range(0, len(parts), 2)]
    _write(np.concatenate(rows), path)


def _take_editing(window: Window, path: Path) -> None:
    """The tools above the screenshot, two regions chosen, the list as a tree."""
    for action in ("tool_cut", "regions_tree"):
        _do(window, action)
    session = window.controller.session
    assert session.trace is not None
    session.choose_regions((2, 3))
    save_picture(window, path)
    session.choose_regions(())
    for action in ("regions_tree", "edit_regions"):
        _do(window, action)


def _take_links(window: Window, path: Path) -> None:
    """A region that was clicked, the tokens that rest on it, and words that were looked for."""
    session = window.controller.session
    effects = session.selected_effects()
    assert effects is not None
    session.select_region(1 + int(effects[1:].argmax()))
    _do(window, "find")
    window.reasoning.find_bar.field.setText("270")
    save_picture(window, path)
    window.reasoning.find_bar.field.clear()
    window.reasoning.find_bar.closed.emit()
    session.select_region(-1)


def _take_moments(window: Window, path: Path) -> None:
    """One moment less another."""
    session = window.controller.session
    trace = session.trace
    assert trace is not None
    first, second = np.argsort(-step_reliance(trace))[:2]
    session.select_step(int(second))
    _do(window, "pin")
    session.select_step(int(first))
    save_picture(window, path)
    _do(window, "pin")


def _take_batch(window: Window, path: Path) -> None:
    """A folder of screenshots after it was run."""
    _do(window, "batch")
    dialog = _dialog(BatchDialog)
    dialog.resize(760, 420)
    dialog.question.clear()
    dialog.folder.setText(os.path.relpath(SAMPLES))
    until(lambda: dialog.start.isEnabled())
    dialog.start.click()
    until(lambda: window.controller.runner.batching)
    until(lambda: not window.controller.runner.batching and window.controller.state is RunState.IDLE)
    save_picture(dialog, path)
    dialog.close()


def _take_path(window: Window, path: Path) -> None:
    _do(window, "path")
    dialog = _dialog(PathDialog)
    until(lambda: dialog.figures.text() != EMPTY)
    save_picture(dialog, path)
    dialog.close()


def _take_dialogs(window: Window, folder: Path) -> None:
    shots: tuple[tuple[str, type[QDialog], str, Callable[[Any], bool]], ...] = (
        ("export", ExportDialog, "export.png", lambda dialog: not dialog.picture.pixmap().isNull()),
        ("library", Library, "library.png", lambda dialog: dialog.list.count() > len(OTHERS)),
        (
            "choose_model",
            ModelChooser,
            "model_chooser.png",
            lambda dialog: dialog.table.topLevelItemCount() > 0,
        ),
        ("preferences", PreferencesDialog, "preferences.png", lambda _dialog: True),
        ("shortcuts", ShortcutsSheet, "shortcuts.png", lambda _dialog: True),
    )
    for action, kind, name, ready in shots:
        _do(window, action)
        dialog = _dialog(kind)
        if kind is not PreferencesDialog:
            dialog.resize(1280 if kind is ModelChooser else 1080, 600)
        until(partial(ready, dialog))
        save_picture(dialog, folder / name)
        dialog.close()


@contextmanager
def own_window(mode: Mode) -> Iterator[Window]:
    app = QApplication(["sightline"])
    with tempfile.TemporaryDirectory(prefix="sightline-screenshots-") as place:
        os.environ["SIGHTLINE_DATA"] = place
        for scope in (QSettings.Scope.UserScope, QSettings.Scope.SystemScope):
            QSettings.setPath(QSettings.Format.IniFormat, scope, place)
        settings().setValue("theme", mode)
        window = Window(Engine(), Theme(app, mode), Places(Path(place) / "runs", tuple(samples())))
        window.resize(SIZE)
        window.show()
        yield window
        window.close()


def _run(window: Window, sample: str) -> None:
    """Ask the question of a sample, and go to the step that relies most on the screenshot."""
    controller = window.controller
    window.open(SAMPLES / f"{sample}.png")
    until(
        lambda: (
            controller.scene is not None
            and controller.scene.screenshot.name.startswith(sample)
            and controller.scene.region_map is not None
        )
    )
    _do(window, "run")
    until(lambda: controller.state is not RunState.IDLE)
    until(lambda: controller.state is RunState.IDLE and controller.trace_path is not None)
    trace = controller.session.trace
    assert trace is not None
    controller.session.select_step(int(step_reliance(trace).argmax()))


def _do(window: Window, action: str) -> None:
    assert window.actions_by_id[action].isEnabled(), action
    window.actions_by_id[action].trigger()


def _dialog(kind: type[Kind]) -> Kind:
    """The one of its kind that is open, as soon as it is."""

    def found() -> list[Kind]:
        return [w for w in QApplication.topLevelWidgets() if isinstance(w, kind) and w.isVisible()]

    until(lambda: bool(found()))
    return found()[0]


def until(done: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE
    while not done():
        if time.monotonic() > limit:
            raise TimeoutError("The window did not come to where the next picture is taken.")
        QApplication.processEvents()
        time.sleep(0.005)


def save_picture(widget: QWidget, path: Path) -> None:
    _write(_pixels(widget), path)


def _pixels(widget: QWidget) -> np.ndarray:
    """What a widget shows, uint8 [H, W, 3], once late layouts and previews have come."""
    settled = time.monotonic() + 0.5
    until(lambda: time.monotonic() > settled)
    image = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB888)
    rows = np.frombuffer(image.constBits(), np.uint8).reshape(image.height(), image.bytesPerLine())
    return rows[:, : 3 * image.width()].reshape(image.height(), image.width(), 3).copy()


def _write(pixels: np.ndarray, path: Path) -> None:
    Image.fromarray(pixels).save(path, optimize=True)
    print(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
