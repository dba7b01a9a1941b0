"""Exporting the shown trace: which format, which steps, how it looks, and what will come out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QSize, Qt, QTimer, Slot
from PySide6.QtGui import QFontDatabase, QImage, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QMessageBox,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app import exporting
from app.controller import Controller
from app.exporting import Refused, Wanted
from app.option_form import OptionForm
from app.read_only_text import ReadOnlyText
from app.settings import settings
from app.theme import GAP, WIDE
from core.errors import InputError
from core.export.format import Format
from core.export.registry import FORMATS, format_named
from core.paths import reachable

PREVIEW_DELAY = 250
"""Milliseconds without a change until a preview is made."""

PLAYHEAD, WHOLE, RANGE = "playhead", "whole", "range"
_STEPS = {PLAYHEAD: "At the playhead", WHOLE: "Whole run", RANGE: "From … to …"}
_OF_ONE_STEP = ("png", "svg")
"""Formats that show the step at the playhead unless told otherwise."""


class ExportDialog(QDialog):
    """Not modal: the playhead may be moved meanwhile, and the preview follows. An export outlives it.

    Attributes:
        format, steps, first, last, form: what is chosen.
        picture, text: the preview, whichever suits the format.
        bar, note: how far an export is, and how it ended.
        save, cancel: the buttons.
    """

    def __init__(self, controller: Controller, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self._settings = settings()
        self._image: QImage | None = None
        self._running = False
        self.setWindowTitle("Export")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PREVIEW_DELAY)
        self._timer.timeout.connect(self._make_preview)
        self._build()
        name = str(self._settings.value("export/format", "png"))
        self.format.setCurrentIndex(max(0, self.format.findData(name)))
        self._format_chosen()
        self.format.currentIndexChanged.connect(self._format_chosen)
        self.steps.currentIndexChanged.connect(self._steps_chosen)
        self.first.valueChanged.connect(self._range_changed)
        self.last.valueChanged.connect(self._range_changed)
        session = controller.session
        session.selection_changed.connect(self._playhead_moved)
        session.trace_changed.connect(self._trace_changed)
        controller.said.connect(self._hear)
        controller.background.advanced.connect(self._advanced)
        controller.background.busy_changed.connect(self._busy_changed)
        self.finished.connect(self._closed)
        self._busy_changed(False)

    def wanted(self) -> Wanted:
        """What is chosen."""
        return Wanted(self._chosen.name, self._range(), self.form.values())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_picture()

    @property
    def _chosen(self) -> Format:
        return format_named(str(self.format.currentData()))

    def _build(self) -> None:
        self.format = QComboBox()
        self.format.setAccessibleName("Format")
        for format in FORMATS.values():
            self.format.addItem(f"{format.name.upper()}: {format.description}", format.name)
        self.steps = QComboBox()
        self.steps.setAccessibleName("Steps")
        for key, words in _STEPS.items():
            self.steps.addItem(words, key)
        self.first, self.last = _step_number("First step"), _step_number("Last step")
        self._between = QWidget()
        between = QHBoxLayout(self._between)
        between.setContentsMargins(0, 0, 0, 0)
        between.addWidget(self.first)
        between.addWidget(QLabel("to"))
        between.addWidget(self.last)
        between.addStretch(1)
        top = QFormLayout()
        top.addRow("Format", self.format)
        top.addRow("Steps", self.steps)
        top.addRow("", self._between)
        self._options = QScrollArea()
        self._options.setWidgetResizable(True)
        self._options.setFrameShape(QScrollArea.Shape.NoFrame)
        self._options.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        left = QVBoxLayout()
        left.addLayout(top)
        left.addWidget(self._options, 1)
        self.picture = QLabel("Making a preview…")
        self.picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.picture.setAccessibleName("Preview")
        self.picture.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Ignored)
        self.picture.setWordWrap(True)
        self.picture.setTextFormat(Qt.TextFormat.PlainText)
        self.text = ReadOnlyText()
        self.text.setAccessibleName("Preview")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self._preview = QStackedWidget()
        self._preview.addWidget(self.picture)
        self._preview.addWidget(self.text)
        self._preview.setMinimumSize(QSize(240, 200))
        row = QHBoxLayout()
        row.setSpacing(WIDE)
        row.addLayout(left, 2)
        row.addWidget(self._preview, 3)
        self.bar = QProgressBar()
        self.bar.setRange(0, 1000)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the export")
        room = self.bar.sizePolicy()
        room.setRetainSizeWhenHidden(True)
        self.bar.setSizePolicy(room)
        self.note = QLabel()
        self.note.setTextFormat(Qt.TextFormat.PlainText)
        self.note.setWordWrap(True)
        self.save = QPushButton("Export…")
        self.save.setDefault(True)
        self.save.clicked.connect(self._save)
        self.cancel = QPushButton("Cancel Export")
        self.cancel.clicked.connect(self._cancel)
        close = QPushButton("Close")
        close.clicked.connect(self.close)
        buttons = QHBoxLayout()
        buttons.addWidget(self.note, 1)
        for button in (self.save, self.cancel, close):
            buttons.addWidget(button)
        column = QVBoxLayout(self)
        column.setSpacing(GAP)
        column.addLayout(row, 1)
        column.addWidget(self.bar)
        column.addLayout(buttons)
        self.resize(860, 560)

    @Slot()
    def _format_chosen(self) -> None:
        format = self._chosen
        self._settings.setValue("export/format", format.name)
        steps = str(
            self._settings.value(
                f"export/{format.name}/steps", PLAYHEAD if format.name in _OF_ONE_STEP else WHOLE
            )
        )
        self.form = OptionForm(format.options, self._remembered(format))
        self.form.changed.connect(self._options_changed)
        self._options.setWidget(self.form)
        self.steps.setCurrentIndex(max(0, self.steps.findData(steps)))
        self._show_range()
        self._later()

    @Slot()
    def _options_changed(self) -> None:
        format, values = self._chosen, self.form.values()
        for option in format.options:
            self._settings.setValue(f"export/{format.name}/{option.name}", option.text(values[option.name]))
        self._later()

    @Slot()
    def _steps_chosen(self) -> None:
        self._settings.setValue(f"export/{self._chosen.name}/steps", str(self.steps.currentData()))
        self._show_range()
        self._later()

    @Slot()
    def _range_changed(self) -> None:
        self.last.setMinimum(self.first.value())
        self._later()

    @Slot()
    def _playhead_moved(self) -> None:
        if self.steps.currentData() == PLAYHEAD:
            self._later()

    @Slot()
    def _trace_changed(self) -> None:
        self._show_range()
        self._busy_changed(False)
        self._later()

    @Slot()
    def _save(self) -> None:
        wanted, trace = self.wanted(), self._controller.session.trace
        if trace is None:
            return
        format = self._chosen
        folder = Path(str(self._settings.value("export_folder", str(Path.home()))))
        stem = Path(trace.screenshot.name).stem
        at = f" step {wanted.steps[0] + 1}" if wanted.steps and self.steps.currentData() == PLAYHEAD else ""
        kind = f" {format.name}" if format.name in ("sheet", "coco") else ""
        name, _ = QFileDialog.getSaveFileName(
            self,
            "Export",
            str(folder / f"{stem}{at}{kind}{format.extension}"),
            f"{format.description} (*{format.extension})",
        )
        if not name:
            return
        typed = Path(name)
        out = _completed(typed, format.extension)
        try:
            if out != typed and reachable(out).exists() and not self._may_replace(out):
                return  # the file dialog asked about the name as it was typed, not about this one
        except InputError as error:
            self.note.setText(str(error))
            return
        self._settings.setValue("export_folder", str(out.parent))
        self.note.setText(f"Exporting {out.name}…")
        self._running = True
        exporting.export(self._controller, wanted, out)

    def _may_replace(self, out: Path) -> bool:
        yes, no = QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.No
        return QMessageBox.question(self, "Export", f"{out.name} exists. Replace it?", yes | no, no) == yes

    @Slot(str, str)
    def _hear(self, text: str, _level: str) -> None:
        if self._running:
            self.note.setText(text)

    @Slot()
    def _cancel(self) -> None:
        self._controller.background.cancel()
        self.note.setText("The export was cancelled.")

    @Slot(float)
    def _advanced(self, part: float) -> None:
        self.bar.setValue(round(1000 * part))

    @Slot(bool)
    def _busy_changed(self, busy: bool) -> None:
        self._running = self._running and busy
        self.bar.setValue(0)
        self.bar.setVisible(busy)
        self.cancel.setEnabled(busy)
        self.save.setEnabled(not busy and self._controller.session.trace is not None)

    @Slot()
    def _closed(self) -> None:
        """An export that is under way goes on; the window tells how it ends."""
        self._timer.stop()
        self._controller.background.drop_previews()

    def _later(self) -> None:
        """Make a preview as soon as nothing has changed for a moment."""
        self._controller.background.drop_previews()
        self._timer.start()

    @Slot()
    def _make_preview(self) -> None:
        if self._controller.session.trace is None:
            self._show_preview("Nothing to export: there is no run.")
        else:
            exporting.preview(self._controller, self.wanted(), self._show_preview)

    def _show_preview(self, made: object) -> None:
        self._image = made if isinstance(made, QImage) else None
        if isinstance(made, str):
            self.text.setPlainText(made)
            self._preview.setCurrentWidget(self.text)
            return
        self._preview.setCurrentWidget(self.picture)
        if isinstance(made, Refused):
            self.picture.setPixmap(QPixmap())
            self.picture.setText(made.why)
        self._fit_picture()

    def _fit_picture(self) -> None:
        if self._image is None:
            return
        ratio = self.devicePixelRatioF()
        room = self._preview.size() * ratio
        size = self._image.size()
        if size.width() > room.width() or size.height() > room.height():
            size = size.scaled(room, Qt.AspectRatioMode.KeepAspectRatio)
        smooth = Qt.TransformationMode.SmoothTransformation
        pixmap = QPixmap.fromImage(self._image.scaled(size, Qt.AspectRatioMode.KeepAspectRatio, smooth))
        pixmap.setDevicePixelRatio(ratio)
        self.picture.setPixmap(pixmap)

    def _range(self) -> tuple[int, int] | None:
        trace = self._controller.session.trace
        count = trace.step_count if trace is not None else 0
        match self.steps.currentData():
            case "playhead":
                return exporting.current_steps(self._controller)
            case "range" if count:
                first = min(self.first.value(), count) - 1
                return first, max(first + 1, min(self.last.value(), count))
            case _:
                return (0, count) if count else None

    def _show_range(self) -> None:
        trace = self._controller.session.trace
        count = max(1, trace.step_count if trace is not None else 1)
        for box in (self.first, self.last):
            box.setMaximum(count)
        if self.last.value() == 1:
            self.last.setValue(count)
        self._between.setVisible(self.steps.currentData() == RANGE)

    def _remembered(self, format: Format) -> dict[str, Any]:
        """The values of a format as they were last time; what does not fit any more has its default."""
        found = {}
        for option in format.options:
            saved = self._settings.value(f"export/{format.name}/{option.name}")
            if isinstance(saved, str):
                try:
                    found[option.name] = option.parse(saved)
                except InputError:
                    continue
        return found


def _completed(name: Path, extension: str) -> Path:
    """A name that says the format; what a dot in "run 0.5" begins is no extension and stays."""
    return name if name.suffix.lower() == extension else name.with_name(f"{name.name}{extension}")


def _step_number(name: str) -> QSpinBox:
    box = QSpinBox()
    box.setRange(1, 1)
    box.setAccessibleName(name)
    return box
