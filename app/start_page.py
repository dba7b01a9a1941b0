"""The first page: what the overlay means, in three sentences, and something to begin with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QColor, QFont, QIcon, QPalette, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.icons import icon
from app.samples import Sample
from app.scroll_bar import flat_bars
from app.theme import GAP, WIDE, run_style, tokens

SENTENCES = (
    "You ask a question about a screenshot, and a thinking model reasons about it word by word.",
    "While it writes, the regions of the screenshot that each word depends on light up: the stronger the "
    "colour, the less likely the word would have been without that region.",
    "These effects are estimated from the model's attention as it runs; any step can be checked afterwards "
    "by really removing regions and asking again.",
)
_PICTURE = QSize(120, 80)
_NOTHING_OPEN = "Begin with a sample, or with a screenshot of your own:"
_NO_SAMPLES = "Begin with a screenshot of your own: open, drop or paste it."


class StartPage(QScrollArea):
    """Explains, offers what is open to be run, and the samples; it scrolls where there is little room.

    Attributes:
        title: says what it is about.
        samples: one button a sample; that of the open one is checked.
        run: runs what is open.
        done: leaves the page.

    Signals:
        chosen(str): path of the sample to open.
        dismissed: the person wants to see the screenshot.
    """

    chosen = Signal(str)
    dismissed = Signal()

    def __init__(
        self,
        samples: Sequence[Sample],
        open_action: QAction,
        run_action: QAction,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        flat_bars(self)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Start page")
        self.setMinimumSize(160, 120)
        self._run_action = run_action
        page = QWidget()
        page.setAutoFillBackground(True)
        column = QVBoxLayout(page)
        column.setContentsMargins(2 * WIDE, 2 * WIDE, 2 * WIDE, 2 * WIDE)
        column.setSpacing(WIDE)
        self.title = QLabel("See what a model looks at while it thinks")
        self.title.setWordWrap(True)
        self._enlarge_title()
        column.addWidget(self.title)
        words = QLabel("\n\n".join(SENTENCES))
        words.setWordWrap(True)
        column.addWidget(words)
        self.heading = QLabel()
        self.heading.setTextFormat(Qt.TextFormat.PlainText)
        self.heading.setWordWrap(True)
        font = self.heading.font()
        font.setBold(True)
        self.heading.setFont(font)
        column.addWidget(self.heading)
        column.addLayout(self._first_steps(open_action))
        self._grid = QGridLayout()
        self._grid.setSpacing(GAP)
        self.samples = [self._button(sample) for sample in samples]
        if samples:
            column.addWidget(QLabel("Samples, which the bundled model can read:"))
        column.addLayout(self._grid)
        column.addStretch(1)
        self.setWidget(page)
        run_action.changed.connect(self._run_changed)
        self.set_open(None)
        self._recolour()

    def set_open(self, name: str | None, path: Path | None = None) -> None:
        """Say what is open: its name, and its file if it has one; None for nothing."""
        title = name
        for button in self.samples:
            own = path is not None and Path(button.property("path")) == path
            button.setChecked(own)
            title = button.toolTip() if own else title
        if title is None:
            self.heading.setText(_NOTHING_OPEN if self.samples else _NO_SAMPLES)
        else:
            self.heading.setText(f"Open now: {title}")
        self.run.setVisible(title is not None)
        self.done.setVisible(title is not None)

    def _first_steps(self, open_action: QAction) -> QHBoxLayout:
        self.run = QPushButton("Run")
        self.run.setToolTip("Let the model reason about what is open, and watch")
        self.run.clicked.connect(self._run_action.trigger)
        self.done = QPushButton("Look at it first")
        self.done.setToolTip("Leave this page; Help, Start Page brings it back")
        self.done.clicked.connect(self.dismissed)
        own = QPushButton("Open your own…")
        own.setToolTip("A screenshot or a trace; you can also drop or paste one")
        own.clicked.connect(open_action.trigger)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        for button in (self.run, self.done, own):
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _button(self, sample: Sample) -> QToolButton:
        button = QToolButton()
        button.setText(_folded(sample.title))
        button.setToolTip(sample.title)
        button.setAccessibleName(f"Sample: {sample.title}")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIconSize(_PICTURE)
        picture = QPixmap(str(sample.path)).scaled(
            _PICTURE * 2,  # sharp at 200 %
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        button.setIcon(QIcon(picture))
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.setCheckable(True)
        button.setAutoRaise(True)
        button.setProperty("path", str(sample.path))
        button.clicked.connect(self._sample_clicked)
        return button

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        widest = max((button.sizeHint().width() for button in self.samples), default=1)
        columns = max(1, (self.viewport().width() - 4 * WIDE + GAP) // (widest + GAP))
        for index, button in enumerate(self.samples):
            self._grid.addWidget(button, index // columns, index % columns)

    @Slot()
    def _sample_clicked(self) -> None:
        button = self.sender()
        assert isinstance(button, QToolButton)
        button.setChecked(not button.isChecked())  # it is checked once it is open
        self.chosen.emit(str(Path(button.property("path"))))

    @Slot()
    def _run_changed(self) -> None:
        self.run.setEnabled(self._run_action.isEnabled())

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange and self.widget() is not None:
            self.run.setStyleSheet("")  # a style sheet keeps the font it was given with
            self._recolour()
            self._enlarge_title()
        if event.type() == QEvent.Type.PaletteChange and self.widget() is not None:
            self._recolour()

    def _enlarge_title(self) -> None:
        """Set the title in the size that goes with the rest: a size of its own follows no preferences."""
        font = QFont(self.font())
        font.setPointSizeF(font.pointSizeF() * 1.5)
        font.setBold(True)
        self.title.setFont(font)

    def _recolour(self) -> None:
        page = self.widget()
        assert page is not None
        colours = tokens(self.palette())
        paper = QColor(colours.surface)
        style = run_style(colours, "QPushButton")
        if self.run.styleSheet() != style:
            self.run.setStyleSheet(style)
            self.run.setIcon(icon("run", colours.on_accent, colours.muted))
        if page.palette().color(QPalette.ColorRole.Window) != paper:
            palette = QPalette(self.palette())
            palette.setColor(QPalette.ColorRole.Window, paper)
            page.setPalette(palette)


def _folded(title: str) -> str:
    """The name on one line and the question on the next."""
    name, _, question = title.partition(": ")
    return f"{name}\n{question}" if question else title
