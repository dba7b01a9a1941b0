"""The first page: what the overlay means, in three sentences, and something to begin with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction, QColor, QIcon, QPalette, QPixmap, QResizeEvent
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

from app.samples import Sample
from app.theme import GAP, WIDE, tokens

SENTENCES = (
    "You ask a question about a screenshot, and a thinking model reasons about it word by word.",
    "While it writes, the regions of the screenshot that each word depends on light up: the stronger the "
    "colour, the less likely the word would have been without that region.",
    "These effects are estimated from the model's attention as it runs; any step can be checked afterwards "
    "by really removing regions and asking again.",
)
_PICTURE = QSize(120, 80)


class StartPage(QScrollArea):
    """Explains and offers the samples; it scrolls where there is little room.

    Attributes:
        samples: one button a sample.

    Signals:
        chosen(str): path of the sample to open.
        dismissed: the person wants to see the screenshot.
    """

    chosen = Signal(str)
    dismissed = Signal()

    def __init__(
        self, samples: Sequence[Sample], open_action: QAction, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName("Start page")
        self.setMinimumSize(160, 120)
        page = QWidget()
        page.setAutoFillBackground(True)
        column = QVBoxLayout(page)
        column.setContentsMargins(2 * WIDE, 2 * WIDE, 2 * WIDE, 2 * WIDE)
        column.setSpacing(WIDE)
        title = QLabel("See what a model looks at while it thinks")
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 1.5)
        font.setBold(True)
        title.setFont(font)
        title.setWordWrap(True)
        column.addWidget(title)
        words = QLabel("\n\n".join(SENTENCES))
        words.setWordWrap(True)
        column.addWidget(words)
        heading = QLabel("Begin with a sample, then press Run:" if samples else "Begin with a screenshot:")
        font = heading.font()
        font.setBold(True)
        heading.setFont(font)
        column.addWidget(heading)
        self._grid = QGridLayout()
        self._grid.setSpacing(GAP)
        self.samples = [self._button(sample) for sample in samples]
        column.addLayout(self._grid)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        own = QPushButton("Open a screenshot…")
        own.setToolTip("A screenshot or a trace; you can also drop or paste one")
        own.clicked.connect(open_action.trigger)
        self._own = own
        done = QPushButton("Show the screenshot")
        done.setToolTip("Leave this page; Help, Start Page brings it back")
        done.clicked.connect(self.dismissed)
        self.done = done
        row.addWidget(own)
        row.addWidget(done)
        row.addStretch(1)
        column.addLayout(row)
        column.addStretch(1)
        self.setWidget(page)
        self._recolour()

    def _button(self, sample: Sample) -> QToolButton:
        button = QToolButton()
        button.setText(_folded(sample.title))
        button.setToolTip(sample.title)
        button.setAccessibleName(f"Sample: {sample.title}")
        button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextUnderIcon)
        button.setIconSize(_PICTURE)
        picture = QPixmap(str(sample.path)).scaled(
            _PICTURE, Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        button.setIcon(QIcon(picture))
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
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
        assert button is not None
        self.chosen.emit(str(Path(button.property("path"))))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self.widget() is not None:
            self._recolour()

    def _recolour(self) -> None:
        page = self.widget()
        assert page is not None
        paper = QColor(tokens(self.palette()).surface)
        if page.palette().color(QPalette.ColorRole.Window) != paper:
            palette = QPalette(self.palette())
            palette.setColor(QPalette.ColorRole.Window, paper)
            page.setPalette(palette)


def _folded(title: str) -> str:
    """The name on one line and the question on the next."""
    name, _, question = title.partition(": ")
    return f"{name}\n{question}" if question else title
