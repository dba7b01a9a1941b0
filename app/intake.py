"""Ways in for screenshots and traces: from a folder, the clipboard, a drop, the screen, another window."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QObject, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication, QImage
from PySide6.QtWidgets import QFileDialog, QWidget

from app import screen_capture
from app.dialogs.window_chooser import WindowChooser
from app.drop import file_in, pixels_in, pixels_of
from app.settings import settings

_OPENABLE = "Screenshots and traces (*.png *.jpg *.jpeg *.webp *.gif *.bmp *.tif *.tiff *.avif *.sightline)"


class Intake(QObject):
    """What a person brings to the window.

    Signals:
        file_given(str): the path of a screenshot or a trace.
        pixels_given(object, str): an image, uint8 [H, W, 4] RGBA, and what to call it.
        said(text, level): something to tell the person.
    """

    file_given = Signal(str)
    pixels_given = Signal(object, str)
    said = Signal(str, str)

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._chooser: screen_capture.AreaChooser | None = None

    @Slot()
    def ask(self) -> None:
        """Let the person choose a file."""
        folder = str(settings().value("folder", str(Path.home())))
        name, _ = QFileDialog.getOpenFileName(self._window, "Open", folder, f"{_OPENABLE};;All files (*)")
        if name:
            settings().setValue("folder", str(Path(name).parent))
            self.file_given.emit(name)

    @Slot()
    def paste(self) -> None:
        """Use the image or the file on the clipboard."""
        if not self.take(QGuiApplication.clipboard().mimeData(), "pasted image"):
            self.said.emit("There is no picture and no file on the clipboard.", "warning")

    def offers(self, data: QMimeData) -> bool:
        """Whether something could be taken of what is dragged over the window."""
        return file_in(data) is not None or data.hasImage()

    def take(self, data: QMimeData, name: str) -> bool:
        """Take the file or the image, to be called ``name``, of a drop or a clipboard; False for neither."""
        path, pixels = file_in(data), pixels_in(data)
        if path is not None:
            self.file_given.emit(str(path))
        elif pixels is not None:
            self.pixels_given.emit(pixels, name)
        return path is not None or pixels is not None

    @Slot()
    def capture_screen(self) -> None:
        """Take a picture of the screen without the window in it."""
        self._window.hide()
        QTimer.singleShot(screen_capture.HIDE_FOR, self, self._choose_area)

    @Slot()
    def capture_window(self) -> None:
        """Take a picture of one window, chosen from a list."""
        chooser = WindowChooser(self._window)
        chooser.taken.connect(self._window_taken)
        chooser.show()

    @Slot()
    def _choose_area(self) -> None:
        screen = self._window.screen()
        chooser = screen_capture.AreaChooser(screen.grabWindow(0).toImage(), screen.geometry())
        self._chooser = chooser
        chooser.chosen.connect(self._area_taken)
        chooser.cancelled.connect(self._window.show)
        chooser.show()
        chooser.activateWindow()

    @Slot(QImage)
    def _area_taken(self, image: QImage) -> None:
        self._window.show()
        self.pixels_given.emit(pixels_of(image), "captured screen")

    @Slot(QImage, str)
    def _window_taken(self, image: QImage, title: str) -> None:
        self.pixels_given.emit(pixels_of(image), title)
