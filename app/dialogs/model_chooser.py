"""Choosing the thinking model: what fits on this machine, how fast, how its attention will be shown."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.model_fetch import ModelFetch, chosen_hub, offer_text, progress_text
from app.roomy_columns import make_roomy
from app.settings import settings
from app.theme import GAP
from app.wording import two_digits
from core.errors import InputError
from core.paths import typed_path
from models.checkpoint import Loading
from models.choices import Choice
from models.families import FAMILIES
from models.hardware import GIB, Device
from models.hub import Offer
from models.image_budget import CHOICES
from models.placement import SPREAD

COLUMNS = ("Model", "Where", "Memory", "On this machine", "Speed", "Regions show")
_FORMATS = (
    ("As the hardware likes it", "auto", ""),
    ("bfloat16", "bfloat16", ""),
    ("8 bit", "auto", "8bit"),
    ("4 bit", "auto", "4bit"),
)
FULL_HD = (1920, 1080)


class ModelChooser(QDialog):
    """Not modal; nothing is fetched before the person agreed to its size.

    Attributes:
        fetch: what does the work.
        table, name, answer, bar: the list of models, the field for any other, what is said, progress.

    Signals:
        chosen(name, loading): load this model.
    """

    chosen = Signal(str, object)

    def __init__(self, image: tuple[int, int] | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Choose Model")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._image = image or FULL_HD
        self._more: tuple[str, ...] = ()
        self._choices: list[Choice] = []
        self._fetching = ""
        self.fetch = ModelFetch(self)
        self.fetch.listed.connect(self._listed)
        self.fetch.offered.connect(self._offered)
        self.fetch.advanced.connect(self._advanced)
        self.fetch.fetched.connect(self._fetched)
        self.fetch.stopped.connect(self._stopped)
        self.fetch.failed.connect(self._failed)
        self.fetch.busy_changed.connect(self._update)
        self.machine = _label("Looking at this machine…")
        self.table = self._table()
        self.answer = _label("")
        self.answer.setMinimumHeight(3 * self.answer.fontMetrics().lineSpacing())
        self.bar = QProgressBar()
        self.bar.setAccessibleName("Progress of the download")
        self.bar.setTextVisible(False)
        kept = self.bar.sizePolicy()
        kept.setRetainSizeWhenHidden(True)  # or the buttons would jump when a download starts
        self.bar.setSizePolicy(kept)
        self.bar.hide()
        column = QVBoxLayout(self)
        column.setSpacing(GAP)
        column.addWidget(self.machine)
        column.addWidget(self.table, 1)
        column.addLayout(self._options())
        column.addWidget(self.answer)
        column.addWidget(self.bar)
        column.addLayout(self._buttons())
        room = self.screen().availableGeometry().size()
        self.resize(min(1280, room.width()), min(560, room.height()))
        self._relist()
        self._update()

    def loading(self) -> Loading:
        """How the chosen model is to be loaded."""
        _, dtype, quantized = _FORMATS[self.format.currentIndex()]
        return Loading(
            str(self.device.currentData()),
            dtype,
            quantized,
            visual_tokens=self.budget.currentData(),
            family=str(self.family.currentData()),
        )

    def selected(self) -> str:
        """The model that the buttons are about: what was typed, or else the row."""
        typed = self.name.text().strip()
        if typed:
            return typed
        row = self.table.currentItem()
        return str(row.data(0, Qt.ItemDataRole.UserRole)) if row is not None else ""

    def closeEvent(self, event: QCloseEvent) -> None:
        self.fetch.close()
        super().closeEvent(event)

    def done(self, result: int) -> None:
        self.fetch.close()
        super().done(result)

    def _table(self) -> QTreeWidget:
        table = QTreeWidget()
        table.setHeaderLabels(list(COLUMNS))
        table.setRootIsDecorated(False)
        table.setUniformRowHeights(True)
        table.setAccessibleName("Thinking models")
        make_roomy(table)
        table.currentItemChanged.connect(self._row_chosen)
        table.itemDoubleClicked.connect(self._use)
        return table

    def _options(self) -> QFormLayout:
        self.name = QLineEdit()
        self.name.setPlaceholderText("A Hugging Face id, such as Qwen/Qwen3-VL-8B-Thinking, or a folder")
        self.name.textChanged.connect(self._update)
        self.browse = _button("Folder…", self._choose_folder)
        self.family = QComboBox()
        self.family.addItem("As its type and name say", "")
        for family in FAMILIES:
            self.family.addItem(family.name, family.key)
        self.family.setToolTip("Only where several families share one type and the name does not tell")
        self.budget = QComboBox()
        self.budget.addItem("As its makers set it", None)
        for tokens in CHOICES:
            self.budget.addItem(f"At most {tokens:,} visual tokens", tokens)
        self.budget.setToolTip("Smaller is faster and needs less memory; small text may become unreadable")
        self.format = QComboBox()
        self.format.addItems([text for text, _, _ in _FORMATS])
        self.device = QComboBox()
        self.device.addItem("The best one", "auto")
        self.device.addItem("CPU", "cpu")
        self.device.addItem("Spread over all memory (slow)", SPREAD)
        for box in (self.budget, self.format, self.device):
            box.currentIndexChanged.connect(self._relist)
        self.mirror = QLineEdit(str(settings().value("hub/mirror", "") or ""))
        self.mirror.setPlaceholderText("Address of a mirror; empty for the standard one")
        self.mirror.editingFinished.connect(self._mirror_typed)
        self.offline = QCheckBox("Stay offline")
        self.offline.setChecked(chosen_hub().offline)
        self.offline.toggled.connect(self._offline_switched)
        form = QFormLayout()
        for text, first, second in (
            ("Other model", self.name, self.browse),
            ("Family", self.family, None),
            ("Image", self.budget, None),
            ("Weights", self.format, None),
            ("Device", self.device, None),
            ("Models from", self.mirror, self.offline),
        ):
            row = QHBoxLayout()
            row.addWidget(first, 1)
            if second is not None:
                row.addWidget(second)
            caption = QLabel(text)
            caption.setBuddy(first)
            first.setAccessibleName(text)
            form.addRow(caption, row)
        return form

    def _buttons(self) -> QHBoxLayout:
        self.ask = _button("Fetch…", self._ask)
        self.ask.setToolTip("Ask how big it is; nothing is fetched yet")
        self.agree = _button("Fetch Now", self.fetch.consent)
        self.decline = _button("Not Now", self._decline)
        self.cancel = _button("Cancel Download", self._cancel)
        self.use = _button("Use This Model", self._use)
        close = _button("Close", self.close)
        row = QHBoxLayout()
        row.addWidget(self.ask)
        row.addWidget(self.agree)
        row.addWidget(self.decline)
        row.addWidget(self.cancel)
        row.addStretch(1)
        row.addWidget(self.use)
        row.addWidget(close)
        return row

    @Slot()
    def _update(self) -> None:
        """Enable what makes sense now."""
        name, busy, offer = self.selected(), self.fetch.busy, self.fetch.offer
        choice = next((c for c in self._choices if c.name == name), None)
        here = (bool(name) and _is_folder(name)) or (choice is not None and choice.present)
        self.ask.setVisible(not busy and offer is None)
        self.ask.setEnabled(bool(name) and not here)
        for button in (self.agree, self.decline):
            button.setVisible(offer is not None and not busy)
        self.cancel.setVisible(busy)
        self.use.setEnabled(bool(name) and here and not busy)
        for widget in (self.table, self.name, self.browse, self.mirror, self.offline):
            widget.setEnabled(not busy)

    @Slot()
    def _relist(self) -> None:
        self.fetch.list(self._image, self.loading(), self._more)

    @Slot(object, object)
    def _listed(self, devices: tuple[Device, ...], found: list[Choice]) -> None:
        best = devices[0]
        width, height = self._image
        self.machine.setText(
            f"This machine: {best.label}, {best.free / GIB:.1f} of {best.total / GIB:.1f} GiB free. "
            f"Figures are estimates for a screenshot of {width} × {height} pixels and 4,096 tokens of text."
        )
        before = self.selected()
        self._choices = found
        self.table.clear()
        for choice in found:
            speed = _speed(choice.speed)
            needed = (
                f"{choice.needed / GIB:.1f} GiB, {choice.visual:,} visual tokens" if choice.needed else "–"
            )
            texts = [choice.name, choice.where, needed, choice.verdict, speed, choice.shown]
            row = QTreeWidgetItem(texts)
            row.setData(0, Qt.ItemDataRole.UserRole, choice.name)
            self.table.addTopLevelItem(row)
            if choice.name == before or (not before and choice is found[0]):
                self.table.setCurrentItem(row)
        self._update()

    @Slot()
    def _row_chosen(self) -> None:
        if self.table.currentItem() is not None:
            self.name.clear()
            if self.fetch.offer is not None and self.fetch.offer.name != self.selected():
                self._decline()
        self._update()

    @Slot()
    def _choose_folder(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Folder of a model")
        if folder:
            self.name.setText(folder)

    @Slot()
    def _ask(self) -> None:
        name = self.selected()
        self._fetching = name
        self.answer.setText(f"Asking {chosen_hub().address} about {name}…")
        self.fetch.ask(name)

    @Slot(object)
    def _offered(self, offer: Offer) -> None:
        self.answer.setText(offer_text(offer, chosen_hub().folder))
        self.agree.setText(f"Fetch {offer.name.split('/')[-1]} Now")

    @Slot()
    def _decline(self) -> None:
        self.fetch.decline()
        self.answer.setText("")
        self._update()

    @Slot()
    def _cancel(self) -> None:
        self.answer.setText("Stopping; what came is kept…")
        self.fetch.cancel()

    @Slot(object, object, float)
    def _advanced(self, done: int, total: int, rate: float) -> None:
        self.bar.setVisible(True)
        self.bar.setRange(0, 1000)
        self.bar.setValue(round(1000 * done / max(total, 1)))
        self.answer.setText(progress_text(self._fetching, done, total, rate))

    @Slot(str)
    def _fetched(self, name: str) -> None:
        self.bar.hide()
        self.answer.setText(f"{name} is on this machine now.")
        self._more = (*self._more, name)
        self._relist()

    @Slot(str)
    def _stopped(self, name: str) -> None:
        self.bar.hide()
        self.answer.setText(f"Stopped. What came of {name} is kept; Fetch goes on from there.")

    @Slot(str)
    def _failed(self, text: str) -> None:
        self.bar.hide()
        self.answer.setText(text)

    @Slot()
    def _use(self) -> None:
        if self.use.isEnabled():
            self.chosen.emit(self.selected(), self.loading())
            self.close()

    @Slot()
    def _mirror_typed(self) -> None:
        settings().setValue("hub/mirror", self.mirror.text().strip())

    @Slot(bool)
    def _offline_switched(self, on: bool) -> None:
        settings().setValue("hub/offline", "true" if on else "false")


def _is_folder(name: str) -> bool:
    try:
        return typed_path(name).is_dir()
    except InputError:  # it may be the id of a model all the same, and the hub knows that
        return False


def _label(text: str) -> QLabel:
    label = QLabel(text)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _button(text: str, pressed: Callable[[], object]) -> QPushButton:
    button = QPushButton(text)
    button.setAutoDefault(False)
    button.clicked.connect(lambda _checked=False: pressed())
    return button


def _speed(tokens_per_second: float | None) -> str:
    """``up to 27 tokens/s``; below one, the seconds that a token takes."""
    if tokens_per_second is None:
        return "not known"
    if tokens_per_second < 1:
        return f"at least {two_digits(1 / tokens_per_second)} s a token"
    return f"up to {two_digits(tokens_per_second)} tokens/s"
