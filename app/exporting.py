"""Saving and copying what is shown, in the background."""

from __future__ import annotations

import tempfile
from pathlib import Path

from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from app.controller import Controller
from app.engine import Progress
from app.settings import settings
from core.trace import Trace

Steps = tuple[int, int]


def ask(parent: QWidget, controller: Controller, format_name: str) -> None:
    """Ask for a file name, then export: a picture shows the step at the playhead, JSON the whole run."""
    from core.export.registry import format_named

    trace = controller.session.trace
    if trace is None:
        return
    steps = current_steps(controller) if format_name == "png" else None
    remembered = settings()
    folder = Path(str(remembered.value("export_folder", str(Path.home()))))
    format = format_named(format_name)
    suffix = f" step {steps[0] + 1}" if steps else ""
    proposed = folder / f"{Path(trace.screenshot.name).stem}{suffix}{format.extension}"
    name, _ = QFileDialog.getSaveFileName(
        parent, "Export", str(proposed), f"{format.description} (*{format.extension})"
    )
    if name:
        out = Path(name)
        out = out if out.suffix else out.with_suffix(format.extension)
        remembered.setValue("export_folder", str(out.parent))
        export(controller, format_name, out, steps)


def export(controller: Controller, format_name: str, out: Path, steps: Steps | None = None) -> None:
    """Export the shown trace to a file, and say so when it is there."""

    def make(progress: Progress) -> object:
        _write(trace, format_name, out, steps, progress)
        return out

    trace = _source(controller)
    controller.export(
        f"Exporting {out.name}", make, lambda _made: controller.said.emit(f"Saved {out}", "info")
    )


def copy_picture(controller: Controller) -> None:
    """Put the annotated screenshot, with the step at the playhead, on the clipboard."""

    def make(progress: Progress) -> object:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "picture.png"
            _write(trace, "png", out, steps, progress)
            return QImage(str(out))

    def then(image: object) -> None:
        assert isinstance(image, QImage)
        QGuiApplication.clipboard().setImage(image)
        controller.said.emit("The annotated picture is on the clipboard.", "info")

    trace, steps = _source(controller), current_steps(controller)
    controller.export("Drawing the picture", make, then)


def current_steps(controller: Controller) -> Steps | None:
    """The steps under the playhead, first and one past the last; None when there is no playhead."""
    trace, selection = controller.session.trace, controller.session.selection
    if trace is None or selection is None or not len(trace):
        return None
    return trace.tokens[selection.start].step, trace.tokens[selection.end - 1].step + 1


def _source(controller: Controller) -> Trace | Path:
    """The shown trace, or its file while it still grows: a trace belongs to the GUI thread."""
    trace = controller.session.trace
    assert trace is not None
    growing = trace.status == "running" and controller.trace_path is not None
    return controller.trace_path if growing and controller.trace_path else trace


def _write(
    source: Trace | Path, format_name: str, out: Path, steps: Steps | None, progress: Progress
) -> None:
    from core.export.registry import format_named
    from core.store import read_trace

    trace = read_trace(source) if isinstance(source, Path) else source
    if steps is not None and steps[1] > trace.step_count:  # the newest step may not be in the file yet
        steps = (trace.step_count - 1, trace.step_count) if trace.step_count else None
    format_named(format_name).export(trace, out, steps, lambda part: progress(f"Exporting {out.name}", part))
