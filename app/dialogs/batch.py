"""Running a whole folder of screenshots: the queue, how far it is, and what came of each."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QToolButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.batch import BatchItem, ItemEnded, ItemGrew, ItemStarted, images_in
from app.controller import Controller
from app.recording import new_path
from app.run_state import RunState
from app.samples import questions, truth_of
from app.settings import settings
from app.theme import GAP
from app.wording import plain_tooltip
from core.counted import counted
from core.errors import InputError
from core.paths import typed_path
from core.trace import Sampling

_STATES = {"done": "Done", "stopped": "Stopped", "failed": "Failed"}


class BatchDialog(QDialog):
    """Not modal; closing it leaves the queue running.

    Attributes:
        folder, question, list, progress, answer: its parts.
        sampling: how tokens are drawn in the next queue.

    Signals:
        chosen(str): a trace of the queue is to be opened.
    """

    chosen = Signal(str)

    def __init__(
        self,
        controller: Controller,
        actions: Mapping[str, QAction],
        question: str,
        sampling: Sampling,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._controller = controller
        self.sampling = sampling
        self._items: list[BatchItem] = []
        self._ended = 0
        self._failed: list[str] = []
        self.setWindowTitle("Run a Folder")
        self.folder = QLineEdit(str(settings().value("batch_folder", "")))
        self.folder.setPlaceholderText("A folder with screenshots")
        self.folder.setMinimumWidth(280)
        self.folder.textChanged.connect(self._list)
        browse = QPushButton("Choose…")
        browse.setAutoDefault(False)
        browse.clicked.connect(self._choose)
        self.question = QLineEdit(question)
        self.question.setPlaceholderText("One question for all (empty: one that fits each generated screen)")
        self.question.textChanged.connect(self._state_changed)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self.folder, 1)
        row.addWidget(browse)
        form = QFormLayout()
        for text, field, holder in (
            ("&Folder", self.folder, row),
            ("&Question", self.question, self.question),
        ):
            label = QLabel(text)
            label.setBuddy(field)
            field.setAccessibleName(text.replace("&", ""))
            form.addRow(label, holder)  # type: ignore[arg-type]
        self.list = QTreeWidget()
        self.list.setHeaderLabels(["Screenshot", "State", "Tokens"])
        self.list.setRootIsDecorated(False)
        self.list.setAccessibleName("Queue")
        self.list.header().setStretchLastSection(False)
        for column, mode in enumerate(
            (QHeaderView.ResizeMode.Stretch, *[QHeaderView.ResizeMode.ResizeToContents] * 2)
        ):
            self.list.header().setSectionResizeMode(column, mode)
        self.list.itemActivated.connect(self._open)
        self.progress = QProgressBar()
        self.progress.setAccessibleName("Progress of the queue")
        self.answer = QLabel()
        self.answer.setWordWrap(True)
        self.answer.setTextFormat(Qt.TextFormat.PlainText)
        self.start = QPushButton("Start")
        self.start.setAutoDefault(False)  # Enter in the list opens a run, and is not to start all again
        self.start.clicked.connect(self._start)
        controls = QHBoxLayout()
        controls.addWidget(self.start)
        for name in ("pause", "stop"):
            button = QToolButton()
            button.setDefaultAction(actions[name])
            button.setIconSize(QSize(18, 18))
            button.setAccessibleName(actions[name].text())
            controls.addWidget(button)
        controls.addWidget(self.progress, 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.button(QDialogButtonBox.StandardButton.Close).setAutoDefault(False)
        buttons.rejected.connect(self.close)
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self.list, 1)
        layout.addLayout(controls)
        layout.addWidget(self.answer)
        layout.addWidget(buttons)
        controller.runner.batch_event.connect(self._hear)
        controller.state_changed.connect(self._state_changed)
        room = self.screen().availableGeometry().size()
        self.resize(min(680, room.width()), min(520, room.height()))
        self._list()

    @Slot()
    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Screenshots", self.folder.text() or str(Path.home()))
        if chosen:
            self.folder.setText(chosen)

    @Slot()
    def _list(self) -> None:
        """Show what is in the folder."""
        if self._running:
            return
        self.list.clear()
        self._items, images = [], []
        self._ended, self._failed = 0, []
        try:
            if self.folder.text().strip():
                images = images_in(typed_path(self.folder.text().strip()))
                count = counted(len(images), "screenshot")
                self.answer.setText(f"{count}. Each gets a trace in the library.")
            else:
                self.answer.setText("Choose a folder with screenshots.")
        except InputError as error:
            self.answer.setText(str(error))
        self._images = images
        rows = [QTreeWidgetItem([image.name, "Waiting", ""]) for image in images]
        self.list.addTopLevelItems(rows)
        self.progress.setRange(0, max(1, len(images)))
        self.progress.setValue(0)
        self._state_changed()

    @property
    def _running(self) -> bool:
        return self._controller.runner.batching

    @Slot()
    def _start(self) -> None:
        self._list()
        taken: set[Path] = set()
        for image in self._images:
            prompt = self.question.text().strip() or questions(truth_of(image))[0]
            trace = new_path(self._controller.runs, image.name)
            count = 2
            while trace in taken:
                trace = trace.with_name(f"{trace.stem} ({count}){trace.suffix}")
                count += 1
            taken.add(trace)
            self._items.append(BatchItem(image, prompt, trace))
        settings().setValue("batch_folder", self.folder.text())
        if self._items:
            self._controller.run_batch(self._items, self.sampling)

    @Slot(object)
    def _hear(self, event: object) -> None:
        match event:
            case ItemStarted(index=index):
                self._say(index, "Running", "")
            case ItemGrew(index=index, tokens=tokens):
                self._say(index, "Running", f"{tokens:,}")
            case ItemEnded(index=index, status=status, tokens=tokens, problem=problem):
                self._ended += 1
                if status == "failed":
                    self._failed.append(f"{self._items[index].image.name}: {problem}")
                self._say(index, _STATES[status], f"{tokens:,}", problem)
                self.progress.setValue(self._ended)

    def _say(self, index: int, state: str, tokens: str, problem: str = "") -> None:
        row = self.list.topLevelItem(index)
        if row is not None:
            row.setText(1, state)
            row.setText(2, tokens)
            for column in range(self.list.columnCount()):
                row.setToolTip(column, plain_tooltip(problem))
            if problem:
                self.answer.setText(f"{row.text(0)}: {problem}")

    @Slot()
    def _state_changed(self) -> None:
        idle = self._controller.state is RunState.IDLE
        self.start.setEnabled(idle and self.list.topLevelItemCount() > 0)
        for field in (self.folder, self.question):
            field.setEnabled(not self._running)
        if idle and self._ended:
            self.answer.setText(self._outcome())

    def _outcome(self) -> str:
        """How many ran, and why others did not."""
        failed = len(self._failed)
        text = f"{self._ended - failed} of {len(self._items)} ran. Press Enter on one to open it."
        if failed:
            text += f" {failed} failed{', the first one' if failed > 1 else ''}: {self._failed[0]}"
        return text

    @Slot()
    def _open(self) -> None:
        row = self.list.currentIndex().row()
        if 0 <= row < len(self._items) and self._items[row].trace.is_file():
            self.chosen.emit(str(self._items[row].trace))
