"""Choosing one of the windows on the screen, to take a picture of it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QImage, QPixmap, QShowEvent
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

from app import window_capture
from app.theme import GAP
from app.window_capture import WindowCapture
from core.errors import InputError

_PREVIEW = QSize(360, 240)
_HINT = "Choose a window to see its picture."
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
        self._windows: list[object] = []
        self._capture: WindowCapture | None = None
        self._image = QImage()
        self.list = QListWidget()
        self.list.setAccessibleName("Windows")
        self.list.setMinimumWidth(240)
        self.list.currentRowChanged.connect(self._look)
        self.list.itemActivated.connect(self._use)
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
        self._show_nothing(_HINT)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        QTimer.singleShot(0, self, self.refresh)  # looking for windows loads a library

    @Slot()
    def refresh(self) -> None:
        """List the windows that are open now."""
        self.list.clear()
        try:
            found = window_capture.windows()
        except InputError as error:
            self._show_nothing(str(error))
            return
        self._windows = list(found)
        self.list.addItems([window.description() for window in found])
        self._show_nothing(_HINT if found else _NONE)

    @Slot(int)
    def _look(self, row: int) -> None:
        self._forget_capture()
        if not 0 <= row < len(self._windows):
            return
        self._show_nothing("…")
        self._capture = WindowCapture(self._windows[row], self)  # type: ignore[arg-type]
        self._capture.taken.connect(self._seen)
        self._capture.failed.connect(self._show_nothing)
        self._capture.start()

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

    def _forget_capture(self) -> None:
        if self._capture is not None:
            self._capture.cancel()
            self._capture.deleteLater()
            self._capture = None
