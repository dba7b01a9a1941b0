"""The library: every trace that was kept, with search and the person's notes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPlainTextEdit,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from app import thumbnails
from app.theme import GAP
from app.worker import Context, Problem, Worker
from core.counted import counted
from core.errors import InputError
from core.paths import reachable
from core.store import set_notes
from core.trace_summary import TraceSummary, read_preview, read_summary

_PATH = Qt.ItemDataRole.UserRole
_SAVE_AFTER = 700
"""Milliseconds without typing until notes are saved."""


@dataclass(frozen=True, slots=True)
class _NotesKept:
    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class _Unreadable:
    """A file that is no trace, or a damaged one."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """Everything was read."""


class Library(QDialog):
    """Traces, newest first. Not modal; reads and writes in the background.

    Attributes:
        search, list, notes, details, answer: its parts.

    Signals:
        chosen(str): a trace is to be opened.
        compared(str): a trace is to be shown beside the open one.
        notes_kept(str, str): path and new notes of a trace.
    """

    chosen = Signal(str)
    compared = Signal(str)
    notes_kept = Signal(str, str)

    def __init__(self, folder: Path, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Library")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._found: dict[str, TraceSummary] = {}
        self._unreadable = 0
        self._edited: Path | None = None
        self._wanted: str | None = None
        self._listed = self._ended = False
        self._reader, self._writer = Worker("library", self), Worker("notes", self)
        self._reader.delivered.connect(self._hear)
        self._writer.delivered.connect(self._hear)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SAVE_AFTER)
        self._timer.timeout.connect(self._save_notes)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search questions, reasoning, answers and notes")
        self.search.setAccessibleName("Search the library")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.list = QListWidget()
        self.list.setAccessibleName("Traces")
        self.list.setIconSize(QSize(96, 60))
        self.list.setSpacing(2)
        self.list.setWordWrap(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.currentItemChanged.connect(self._show)
        self.list.itemDoubleClicked.connect(self._open)  # Enter presses the button, in the list too
        self.details = QLabel()
        self.details.setTextFormat(Qt.TextFormat.PlainText)
        self.details.setWordWrap(True)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.details.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.notes = QPlainTextEdit()
        self.notes.setPlaceholderText("Your notes on this run; they are kept in its file")
        self.notes.setAccessibleName("Notes")
        self.notes.setTabChangesFocus(True)
        self.notes.textChanged.connect(self._typed)
        self.answer = QLabel("Reading the library…")
        self.answer.setTextFormat(Qt.TextFormat.PlainText)
        self.answer.setWordWrap(True)
        self._open_button = QPushButton("Open")
        self._open_button.clicked.connect(self._open)
        self._compare_button = QPushButton("Show Beside the Open Run")
        self._compare_button.setAutoDefault(False)
        self._compare_button.clicked.connect(self._compare)
        self._arrange()
        self._show()
        self._reader.submit(_reading(folder))
        room = self.screen().availableGeometry().size()
        self.resize(min(860, room.width()), min(600, room.height()))

    def choose(self, path: Path) -> None:
        """Choose a trace, now or as soon as it is listed."""
        self._wanted = str(path)
        for row in range(self.list.count()):
            item = self.list.item(row)
            if item.data(_PATH) == str(path):
                self.list.setCurrentItem(item)

    def closeEvent(self, event: QCloseEvent) -> None:
        self._end()
        super().closeEvent(event)

    def done(self, result: int) -> None:
        self._end()  # Escape comes straight here: Qt then sends no close event
        super().done(result)

    def _end(self) -> None:
        """Keep the notes and end the threads, once, however the dialog is left."""
        if self._ended:
            return
        self._ended = True
        self._timer.stop()
        if self._edited is not None:  # at once: a queued job would be dropped with its worker
            with contextlib.suppress(InputError):
                set_notes(self._edited, self.notes.toPlainText())
                self.notes_kept.emit(str(self._edited), self.notes.toPlainText())
            self._edited = None
        for worker in (self._reader, self._writer):
            worker.close()

    def _arrange(self) -> None:
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(GAP, 0, 0, 0)
        column.addWidget(self.details, 1)
        caption = QLabel("&Notes")
        caption.setBuddy(self.notes)
        column.addWidget(caption)
        column.addWidget(self.notes, 1)
        row = QHBoxLayout()
        row.addWidget(self._open_button)
        row.addWidget(self._compare_button)
        row.addStretch(1)
        column.addLayout(row)
        halves = QSplitter(Qt.Orientation.Horizontal)
        halves.addWidget(self.list)
        halves.addWidget(right)
        halves.setChildrenCollapsible(False)
        halves.setSizes([420, 420])
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.addWidget(self.search)
        column.addWidget(halves, 1)
        column.addWidget(self.answer)
        column.addWidget(buttons)

    @property
    def current(self) -> TraceSummary | None:
        """The chosen trace."""
        item = self.list.currentItem()
        return self._found.get(item.data(_PATH)) if item is not None else None

    @Slot(object)
    def _hear(self, batch: list[object]) -> None:
        for message in batch:
            match message:
                case TraceSummary():
                    self._add(message)
                case _Unreadable():
                    self._unreadable += 1
                case _Listed():
                    self._listed = True
                case _NotesKept(path=path, text=text):
                    self._found[str(path)] = replace(self._found[str(path)], notes=text)
                    self.notes_kept.emit(str(path), text)
                    self.answer.setText("Notes are kept.")
                case Problem(message=text):
                    self.answer.setText(text)
                    return
        if any(isinstance(message, TraceSummary | _Listed | _Unreadable) for message in batch):
            self._filter()

    def _add(self, summary: TraceSummary) -> None:
        self._found[str(summary.path)] = summary
        item = QListWidgetItem(thumbnails.icon_of(summary.path), _title(summary))
        item.setData(_PATH, str(summary.path))
        item.setToolTip(summary.path.name)
        item.setSizeHint(QSize(0, 68))
        self.list.addItem(item)
        if self._wanted == str(summary.path) or (self._wanted is None and self.list.currentRow() < 0):
            self.list.setCurrentItem(item)

    @Slot()
    def _filter(self) -> None:
        query = self.search.text()
        shown = []
        for row in range(self.list.count()):
            item = self.list.item(row)
            fits = self._found[item.data(_PATH)].matches(query)
            item.setHidden(not fits)
            if fits:
                shown.append(row)
        if self.list.currentRow() not in shown:  # or the buttons and the notes would be about a hidden run
            self.list.setCurrentRow(shown[0] if shown else -1)
        self.answer.setText(self._count(len(shown)))

    def _count(self, shown: int) -> str:
        whole = len(self._found)
        if not self._listed:
            return f"Reading the library… {whole:,} so far"
        if not whole:
            return "No run was kept yet. Every run that you start is kept and listed here."
        text = counted(whole, "run") if shown == whole else f"{shown:,} of {counted(whole, 'run')}"
        if self._unreadable:
            text += f"; {counted(self._unreadable, 'file')} could not be read"
        return text

    @Slot()
    def _show(self) -> None:
        self._save_notes()
        summary = self.current
        for button in (self._open_button, self._compare_button):
            button.setEnabled(summary is not None)
        self.notes.setEnabled(summary is not None)
        self.notes.blockSignals(True)
        self.notes.setPlainText(summary.notes if summary is not None else "")
        self.notes.blockSignals(False)
        self.details.setText(_details(summary) if summary is not None else "")

    @Slot()
    def _typed(self) -> None:
        summary = self.current
        if summary is not None:
            self._edited = summary.path
            self._timer.start()

    @Slot()
    def _save_notes(self) -> None:
        self._timer.stop()
        path, text = self._edited, self.notes.toPlainText()
        if path is not None:
            self._edited = None
            self._writer.submit(_keeping(path, text))

    @Slot()
    def _open(self) -> None:
        if self.current is not None:
            self.chosen.emit(str(self.current.path))

    @Slot()
    def _compare(self) -> None:
        if self.current is not None:
            self.compared.emit(str(self.current.path))


def _reading(folder: Path) -> Callable[[Context], None]:
    """A job that reads the summary of every trace in ``folder``, newest first."""

    def job(context: Context) -> None:
        there = reachable(folder).is_dir()
        files = sorted(folder.rglob("*.sightline"), key=_age, reverse=True) if there else []
        for path in files:
            if context.cancelled():
                return
            try:
                summary = read_summary(path)
                if not thumbnails.known(path):
                    thumbnails.keep(path, read_preview(path, 2 * thumbnails.WIDTH, 2 * thumbnails.HEIGHT))
            except InputError:
                context.post(_Unreadable())
            else:
                context.post(summary)
        context.post(_Listed())

    return job


def _keeping(path: Path, text: str) -> Callable[[Context], None]:
    """A job that keeps notes in their trace."""

    def job(context: Context) -> None:
        set_notes(path, text)
        context.post(_NotesKept(path, text))

    return job


def _age(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:  # it was removed just now
        return 0.0


def _title(summary: TraceSummary) -> str:
    answer = " ".join(summary.answer.split())
    second = f"{answer[:80]}…" if len(answer) > 80 else answer
    return f"{summary.prompt}\n{second or '(no answer)'}\n{summary.created[:10]} · {summary.name}"


def _details(summary: TraceSummary) -> str:
    thinking = " ".join(summary.thinking.split())
    return (
        f"{summary.prompt}\n\n{thinking[:400]}{'…' if len(thinking) > 400 else ''}\n\n"
        f"Answer: {summary.answer[:200] or '(none)'}\n\n"
        f"{summary.model} · {counted(summary.tokens, 'token')} · {summary.status} · "
        f"{summary.created.replace('T', ' ')[:16]} UTC\n{summary.path.name}"
    )
