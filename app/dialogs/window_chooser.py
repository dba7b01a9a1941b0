"""Choosing one of the windows on the screen, to take a picture of it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal, Slot
from PySide6.QtGui import QCloseEvent, QImage, QPixmap
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.theme import GAP
from app.window_capture import WindowCapture

_PREVIEW = QSize(360, 240)
_HINT = "Choose a window to see its picture."
_LOOKING = "Looking…"
_NONE = "No window of another program was found. Open one, then look again."


class WindowChooser(QDialog):
    """Lists the windows, shows what the chosen one looks like, and hands its picture over. Not modal.

    Attributes:
        list: the titles of the windows.
        answer: what to do, or what went wrong.
        use: the button that takes the shown picture.

    Signals:
        taken(QImage, str): a picture, and the title of its window.
    """

    taken = Signal(QImage, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Capture a Window")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._capture = WindowCapture(self)
        self._capture.listed.connect(self._listed)
        self._capture.taken.connect(self._seen)
        self._capture.failed.connect(self._show_nothing)
        self._image = QImage()
        self.list = QListWidget()
        self.list.setAccessibleName("Windows")
        self.list.setMinimumWidth(240)
        self.list.currentRowChanged.connect(self._look)
        self.list.itemDoubleClicked.connect(self._use)  # Enter presses the button, in the list too
        self.answer = QLabel()
        self.answer.setWordWrap(True)
        self.answer.setTextFormat(Qt.TextFormat.PlainText)
        self.answer.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.answer.setMinimumSize(_PREVIEW)
        self.answer.setAccessibleName("Picture of the window")
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.use = QPushButton("Use This Picture")
        self.use.setDefault(True)
        self.use.clicked.connect(self._use)
        again = QPushButton("Look Again")
        again.setToolTip("List the windows that are open now")
        again.setAutoDefault(False)
        again.clicked.connect(self.refresh)
        buttons.addButton(self.use, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(again, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.close)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self.list, 1)
        row.addWidget(self.answer, 2)
        column = QVBoxLayout(self)
        column.addLayout(row, 1)
        column.addWidget(buttons)
        self.refresh()

    @Slot()
    def refresh(self) -> None:
        """List the windows that are open now."""
        self.list.clear()
        self._show_nothing(_LOOKING)
        self._capture.look()

    def closeEvent(self, event: QCloseEvent) -> None:
        self._capture.close()
        super().closeEvent(event)

    def done(self, result: int) -> None:
        self._capture.close()  # Escape comes straight here: Qt then sends no close event
        super().done(result)

    @Slot(list)
    def _listed(self, titles: list[str]) -> None:
        self.list.addItems(titles)
        self._show_nothing(_HINT if titles else _NONE)

    @Slot(int)
    def _look(self, row: int) -> None:
        if row >= 0:
            self._show_nothing(_LOOKING)
            self._capture.take(self.list.item(row).text())

    @Slot(QImage)
    def _seen(self, image: QImage) -> None:
        self._image = image
        ratio = self.devicePixelRatioF()
        picture = QPixmap.fromImage(image).scaled(
            self.answer.size() * ratio,
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        picture.setDevicePixelRatio(ratio)
        self.answer.setPixmap(picture)
        self.use.setEnabled(True)

    @Slot()
    def _use(self) -> None:
        if not self._image.isNull():
            title = self.list.currentItem().text()
            self.taken.emit(self._image, title)
            self.close()

    @Slot(str)
    def _show_nothing(self, why: str) -> None:
        self._image = QImage()
        self.answer.setText(why)
        self.use.setEnabled(False)
