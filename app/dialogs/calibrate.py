"""Calibrating the model in use: what to learn from, how long, and how well it went so far."""

from __future__ import annotations

import math
from pathlib import Path

from PySide6.QtCore import Qt, Slot
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.batch import images_in
from app.calibrating import Wish
from app.controller import Controller
from app.run_state import RunState
from app.settings import settings
from app.theme import GAP
from core.errors import InputError
from core.paths import typed_path
from core.screenshot import Screenshot

EXPLANATION = (
    "Sightline asks the model about your screenshots, removes regions and asks again, and learns to tell the "
    "effect of each region from the model's attention. A fifth of the screenshots only judges. It may be "
    "cancelled at any time, and goes on there when it is begun again."
)


class CalibrateDialog(QDialog):
    """Not modal; closing it leaves the calibration running.

    Attributes:
        folder, prompts, screens, minutes, with_open: what to learn from.
        answer: what will be, or is, going on.
        results: what came of it so far.
        start, cancel: buttons.
    """

    def __init__(self, controller: Controller, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._controller = controller
        self._calibrator = controller.calibrator
        self._folder: Path | None = None
        self.setWindowTitle("Calibrate This Model")
        words = QLabel(EXPLANATION)
        words.setWordWrap(True)
        self.folder = QLineEdit(str(settings().value("calibration_folder", "")))
        self.folder.setPlaceholderText("A folder with screenshots like those you will ask about")
        self.folder.textChanged.connect(self._state_changed)
        browse = QPushButton("Choose…")
        browse.setAutoDefault(False)
        browse.clicked.connect(self._choose)
        chosen = QHBoxLayout()
        chosen.setSpacing(GAP)
        chosen.addWidget(self.folder, 1)
        chosen.addWidget(browse)
        self.prompts = QPlainTextEdit()
        self.prompts.setPlaceholderText("Questions, one a line. Empty: sensible ones")
        self.prompts.setTabChangesFocus(True)
        self.prompts.setFixedHeight(3 * self.prompts.fontMetrics().lineSpacing() + 2 * GAP)
        self.screens = QSpinBox()
        self.screens.setRange(2, 2000)
        self.screens.setValue(64)
        self.screens.setPrefix("at most ")
        self.minutes = QSpinBox()
        self.minutes.setRange(0, 2880)
        self.minutes.setValue(60)
        self.minutes.setSuffix(" minutes")
        self.minutes.setSpecialValueText("no limit")
        self.with_open = QCheckBox("Also learn from the &open screenshot")
        self.with_open.setChecked(True)
        self.with_open.toggled.connect(self._state_changed)
        form = QFormLayout()
        for text, field, holder in (
            ("&Folder", self.folder, chosen),
            ("&Questions", self.prompts, self.prompts),
            ("&Screenshots", self.screens, self.screens),
            ("&Time", self.minutes, self.minutes),
        ):
            label = QLabel(text)
            label.setBuddy(field)
            field.setAccessibleName(text.replace("&", ""))
            form.addRow(label, holder)  # type: ignore[arg-type]
        form.addRow("", self.with_open)
        self.answer = QLabel()
        self.answer.setWordWrap(True)
        self.answer.setTextFormat(Qt.TextFormat.PlainText)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress of the calibration")
        self.results = QListWidget()
        self.results.setAccessibleName("What came of it so far")
        self.results.setWordWrap(True)
        self.results.addItems(self._calibrator.news)
        self.start, self.cancel = QPushButton("Calibrate"), QPushButton("Cancel Calibration")
        self.start.clicked.connect(self._start)
        self.cancel.clicked.connect(self._calibrator.cancel)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self.start)
        row.addWidget(self.cancel)
        row.addStretch(1)
        row.addWidget(buttons)
        layout = QVBoxLayout(self)
        for part in (words, self.answer, self.bar, self.results):
            layout.addWidget(part)
        layout.insertLayout(1, form)
        layout.addLayout(row)
        self._calibrator.busy_changed.connect(self._state_changed)
        self._calibrator.told.connect(self._told)
        self._calibrator.advanced.connect(self._advanced)
        controller.state_changed.connect(self._state_changed)
        controller.scene_opened.connect(self._state_changed)
        room = self.screen().availableGeometry().size()
        self.resize(min(560, room.width()), min(520, room.height()))
        self._state_changed()

    @Slot()
    def _choose(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Screenshots", self.folder.text() or str(Path.home()))
        if folder:
            self.folder.setText(folder)

    @Slot()
    def _start(self) -> None:
        prompts = [line.strip() for line in self.prompts.toPlainText().splitlines()]
        minutes = self.minutes.value()
        settings().setValue("calibration_folder", self.folder.text())
        self.results.clear()
        self._controller.calibrate(
            Wish(
                self._folder,
                extra=self._open_one(),
                prompts=tuple(prompt for prompt in prompts if prompt),
                segmenter=self._controller.segmenter_name,
                screens=self.screens.value(),
                minutes=minutes or math.inf,
            )
        )

    def _open_one(self) -> Screenshot | None:
        scene = self._controller.scene
        return scene.screenshot if scene is not None and self.with_open.isChecked() else None

    @Slot()
    def _state_changed(self) -> None:
        busy, idle = self._calibrator.busy, self._controller.state is RunState.IDLE
        self.with_open.setEnabled(not busy and self._controller.scene is not None)
        for field in (self.folder, self.prompts, self.screens, self.minutes):
            field.setEnabled(not busy)
        self.cancel.setEnabled(busy)
        self.bar.setVisible(busy)
        if busy:
            self.start.setEnabled(False)
            return
        problem, text, opened = "", self.folder.text().strip(), self._open_one()
        images: list[Path] = []
        try:
            self._folder = typed_path(text) if text else None
            images = images_in(self._folder) if self._folder is not None else []
        except InputError as error:
            problem = str(error)
        count = len(images) + (opened is not None and opened.path not in images)
        if not problem and count < 2:
            problem = "Choose a folder with screenshots: 16 or more are good, 2 the least."
        if not idle:
            problem = "A run goes on. The calibration can begin when it has ended."
        self.answer.setText(problem or f"{count} screenshots to learn from.")
        self.start.setEnabled(not problem)

    @Slot(str)
    def _told(self, text: str) -> None:
        self.results.addItem(text)
        self.results.scrollToBottom()

    @Slot(str, object)
    def _advanced(self, text: str, fraction: float | None) -> None:
        self.answer.setText(f"{text}…")
        self.bar.setRange(0, 0 if fraction is None else 1000)
        if fraction is not None:
            self.bar.setValue(round(1000 * fraction))
