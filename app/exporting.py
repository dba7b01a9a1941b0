"""Saving, showing and copying what an export makes, in the background."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QGuiApplication, QImage

from app.controller import Controller
from app.engine import Progress
from core.errors import InputError
from core.trace import Trace

if TYPE_CHECKING:
    from PIL import Image

Steps = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be exported: the format, its options, and some steps or (None) what the format takes."""

    format: str
    steps: Steps | None = None
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why there is no preview: a sentence."""

    why: str


def export(controller: Controller, wanted: Wanted, out: Path) -> None:
    """Export the shown trace to a file, and say so when it is there."""

    def make(progress: Progress) -> object:
        _write(trace, wanted, out, progress)
        return out

    trace = _source(controller)
    controller.background.run(
        f"Exporting {out.name}", make, lambda _made: controller.said.emit(f"Saved {out}", "info")
    )


def preview(controller: Controller, wanted: Wanted, then: Callable[[object], None]) -> None:
    """Make what an export would show, then call ``then`` with a QImage, text or ``Refused``.

    What was asked for earlier and is not made yet is forgotten.
    """

    def make() -> object:
        from core.export.registry import format_named

        try:
            trace = _read(source)
            steps = _present(trace, wanted.steps)
            shown = format_named(wanted.format).preview(trace, steps, **wanted.values)
        except InputError as error:
            return Refused(str(error))
        return shown if isinstance(shown, str) else _image(shown)

    source = _source(controller)
    controller.background.preview(make, then)


def copy_picture(controller: Controller) -> None:
    """Put the annotated screenshot, with the step at the playhead, on the clipboard."""

    def make(progress: Progress) -> object:
        with tempfile.TemporaryDirectory() as folder:
            out = Path(folder) / "picture.png"
            _write(trace, wanted, out, progress)
            return QImage(str(out))

    def then(image: object) -> None:
        assert isinstance(image, QImage)
        QGuiApplication.clipboard().setImage(image)
        controller.said.emit("The annotated picture is on the clipboard.", "info")

    trace, wanted = _source(controller), Wanted("png", current_steps(controller))
    controller.background.run("Drawing the picture", make, then)


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


def _read(source: Trace | Path) -> Trace:
    from core.store import read_trace

    return read_trace(source) if isinstance(source, Path) else source


def _present(trace: Trace, steps: Steps | None) -> Steps | None:
    """The steps, or the last one where they are so new that they are not in the file yet."""
    if steps is None or steps[1] <= trace.step_count:
        return steps
    return (trace.step_count - 1, trace.step_count) if trace.step_count else None


def _write(source: Trace | Path, wanted: Wanted, out: Path, progress: Progress) -> None:
    from core.export.registry import format_named

    trace = _read(source)

    def tell(part: float) -> None:
        progress(f"Exporting {out.name}", part)

    steps = _present(trace, wanted.steps)
    format_named(wanted.format).export(trace, out, steps, tell, **wanted.values)


def _image(picture: Image.Image) -> QImage:
    """A QImage that owns its pixels."""
    data = picture.convert("RGB").tobytes()
    line = 3 * picture.width
    return QImage(data, picture.width, picture.height, line, QImage.Format.Format_RGB888).copy()
