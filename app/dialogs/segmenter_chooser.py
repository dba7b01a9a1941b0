"""Choosing how regions are found: the bundled SAM, a checkpoint of SAM, or a way that needs no model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.checkpoint_fetch import CheckpointFetch
from app.model_fetch import chosen_hub, progress_text
from app.roomy_columns import make_roomy
from app.segmenter_names import remember, remembered, title
from app.theme import GAP
from models.file_fetch import missing
from models.hub import gigabytes
from models.sam_downloads import OFFICIAL, fetched
from models.segmenters import SEGMENTERS

_NAME, _REMOTE = int(Qt.ItemDataRole.UserRole), int(Qt.ItemDataRole.UserRole) + 1


class SegmenterChooser(QDialog):
    """Not modal; nothing is fetched before the person agreed to its size.

    Attributes:
        fetch: what gets a checkpoint.
        table, answer, bar: the list, what is said, progress.

    Signals:
        chosen(str): find regions with this, as ``models.segmenters.load_segmenter`` takes it.
    """

    chosen = Signal(str)

    def __init__(
        self, segmenters: Sequence[str], current: str, folder: Path, parent: QWidget | None = None
    ) -> None:
        """
        Args:
            segmenters: what there is without a checkpoint.
            current: the one in use.
            folder: where fetched checkpoints go.
        """
        super().__init__(parent)
        self.setWindowTitle("Find Regions with")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._segmenters, self._current, self._folder = tuple(segmenters), current, folder
        self._offered = ""
        self.fetch = CheckpointFetch(self)
        self.fetch.advanced.connect(self._advanced)
        self.fetch.fetched.connect(self._fetched)
        self.fetch.stopped.connect(self._stopped)
        self.fetch.failed.connect(self._failed)
        self.fetch.busy_changed.connect(self._update)
        self.table = QTreeWidget()
        self.table.setHeaderLabels(["Segmenter", "Where", "What it does"])
        self.table.setRootIsDecorated(False)
        self.table.setUniformRowHeights(True)
        self.table.setAccessibleName("Segmenters")
        make_roomy(self.table)
        self.table.currentItemChanged.connect(self._row_chosen)
        self.table.itemDoubleClicked.connect(self._use)
        self.answer = QLabel()
        self.answer.setWordWrap(True)
        self.answer.setTextFormat(Qt.TextFormat.PlainText)
        self.answer.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.answer.setMinimumHeight(3 * self.answer.fontMetrics().lineSpacing())
        self.bar = QProgressBar()
        self.bar.setAccessibleName("Progress of the download")
        self.bar.setTextVisible(False)
        self.bar.setRange(0, 1000)
        kept = self.bar.sizePolicy()
        kept.setRetainSizeWhenHidden(True)  # or the buttons would jump when a download starts
        self.bar.setSizePolicy(kept)
        self.bar.hide()
        column = QVBoxLayout(self)
        column.setSpacing(GAP)
        column.addWidget(self.table, 1)
        column.addWidget(self.answer)
        column.addWidget(self.bar)
        column.addLayout(self._buttons())
        self.resize(820, 420)
        self._list(current)

    def selected(self) -> str:
        """The segmenter of the row; "" for one that is not here yet."""
        row = self.table.currentItem()
        return "" if row is None else str(row.data(0, _NAME))

    def closeEvent(self, event: QCloseEvent) -> None:
        self.fetch.close()
        super().closeEvent(event)

    def done(self, result: int) -> None:
        self.fetch.close()
        super().done(result)

    def _buttons(self) -> QHBoxLayout:
        self.ask = _button("Fetch…", self._ask)
        self.ask.setToolTip("Says how big it is; nothing is fetched yet")
        self.agree = _button("Fetch Now", self._agree)
        self.decline = _button("Not Now", self._decline)
        self.cancel = _button("Cancel Download", self._cancel)
        self.file = _button("Checkpoint File…", self._choose_file)
        self.file.setToolTip("A .pth file of segment-anything: ViT-B, ViT-L or ViT-H")
        self.folder = _button("Folder…", self._choose_folder)
        self.folder.setToolTip("A folder of SAM 2.1 as transformers saves it, or one in the bundled layout")
        self.use = _button("Use This", self._use)
        row = QHBoxLayout()
        for button in (self.ask, self.agree, self.decline, self.cancel, self.file, self.folder):
            row.addWidget(button)
        row.addStretch(1)
        row.addWidget(self.use)
        row.addWidget(_button("Close", self.close))
        return row

    def _list(self, choose: str) -> None:
        """Fill the table and go to a segmenter in it."""
        self.table.clear()
        for name in self._segmenters:
            entry = SEGMENTERS.get(name)
            self._row(name, "comes with Sightline", entry.description if entry is not None else "")
        here = fetched(self._folder)
        official = {f"sam:{path}" for path in here.values()}
        others = dict.fromkeys(f"sam:{path}" for path in remembered())
        if self._current.partition(":")[2]:
            others[self._current] = None
        for name in others:
            if name not in official:
                self._row(name, name.partition(":")[2], "a checkpoint of yours")
        for kind, remote in OFFICIAL.items():
            what = f"Segment Anything {kind}, as Meta published it"
            if kind in here:
                self._row(f"sam:{here[kind]}", "on this machine", what, f"SAM {kind}")
            else:
                row = self._row("", f"to be fetched, {gigabytes(remote.size)}", what, f"SAM {kind}")
                row.setData(0, _REMOTE, kind)
        rows = [self.table.topLevelItem(i) for i in range(self.table.topLevelItemCount())]
        found = next((row for row in rows if row is not None and row.data(0, _NAME) == choose), rows[0])
        if found is not None:
            self.table.setCurrentItem(found)
        self._update()

    def _row(self, name: str, where: str, what: str, text: str = "") -> QTreeWidgetItem:
        row = QTreeWidgetItem([text or title(name), where, what])
        row.setData(0, _NAME, name)
        self.table.addTopLevelItem(row)
        return row

    @Slot()
    def _update(self) -> None:
        """Enable what makes sense now."""
        row, busy = self.table.currentItem(), self.fetch.busy
        remote = "" if row is None else str(row.data(0, _REMOTE) or "")
        self.ask.setVisible(not busy and not self._offered)
        self.ask.setEnabled(bool(remote))
        for button in (self.agree, self.decline):
            button.setVisible(bool(self._offered) and not busy)
        self.cancel.setVisible(busy)
        self.use.setEnabled(bool(self.selected()) and not busy)
        for widget in (self.table, self.file, self.folder):
            widget.setEnabled(not busy)

    @Slot()
    def _row_chosen(self) -> None:
        row = self.table.currentItem()
        if self._offered and (row is None or row.data(0, _REMOTE) != self._offered):
            self._decline()
        self._update()

    @Slot()
    def _ask(self) -> None:
        row = self.table.currentItem()
        if row is None:
            return
        kind = str(row.data(0, _REMOTE))
        remote = OFFICIAL[kind]
        if chosen_hub().offline:
            self.answer.setText("Sightline is set to stay offline (Choose Model…). Switch that off to fetch.")
            return
        self._offered = kind
        left = missing(remote, self._folder)
        here = f" ({gigabytes(remote.size - left)} are here already)" if left < remote.size else ""
        self.answer.setText(
            f"SAM {kind} from {remote.host}: {gigabytes(left)} to fetch{here}, licence Apache 2.0, into "
            f"{self._folder}. Its checksum is compared with the published one."
        )
        self._update()

    @Slot()
    def _agree(self) -> None:
        kind, self._offered = self._offered, ""
        self.fetch.begin(OFFICIAL[kind], self._folder)

    @Slot()
    def _decline(self) -> None:
        self._offered = ""
        self.answer.setText("")
        self._update()

    @Slot()
    def _cancel(self) -> None:
        self.answer.setText("Stopping; what came is kept…")
        self.fetch.cancel()

    @Slot(object, object, float)
    def _advanced(self, done: int, total: int, rate: float) -> None:
        row = self.table.currentItem()
        self.bar.setVisible(True)
        self.bar.setValue(round(1000 * done / max(total, 1)))
        self.answer.setText(progress_text(row.text(0) if row is not None else "SAM", done, total, rate))

    @Slot(object)
    def _fetched(self, path: Path) -> None:
        self.bar.hide()
        self._list(f"sam:{path}")
        self.answer.setText(f"{path.name} is on this machine now, and is what was published.")

    @Slot()
    def _stopped(self) -> None:
        self.bar.hide()
        self.answer.setText("Stopped. What came is kept; Fetch goes on from there.")

    @Slot(str)
    def _failed(self, text: str) -> None:
        self.bar.hide()
        self.answer.setText(text)

    @Slot()
    def _choose_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(
            self, "Checkpoint of Segment Anything", "", "Checkpoints (*.pth *.pt);;All files (*)"
        )
        if name:
            self._take(Path(name))

    @Slot()
    def _choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, "Folder of SAM 2.1")
        if name:
            self._take(Path(name))

    def _take(self, checkpoint: Path) -> None:
        remember(checkpoint)
        self._list(f"sam:{checkpoint}")

    @Slot()
    def _use(self) -> None:
        if self.use.isEnabled():
            self.chosen.emit(self.selected())
            self.close()


def _button(text: str, pressed: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.setAutoDefault(False)
    button.clicked.connect(lambda _checked=False: pressed())
    return button
