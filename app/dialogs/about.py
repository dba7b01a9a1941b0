"""What Sightline is, in a few sentences."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.icons import icon
from app.theme import WIDE, tokens

_TEXT = (
    "Sightline shows what a multimodal thinking model looks at while it thinks.\n\n"
    "While the model reasons about a screenshot, the regions that each token depends on light up. "
    "The effects are estimated from the model's attention, in nats: how much less likely the token would be "
    "without the region.\n\n"
    "Everything runs on this machine. Every run is saved as it goes."
)


def app_version() -> str:
    """The version that is installed."""
    try:
        return version("sightline")
    except PackageNotFoundError:
        return "(not installed)"


class AboutDialog(QDialog):
    """Not modal."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About Sightline")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        picture = QLabel()
        picture.setPixmap(icon("app", tokens(self.palette()).accent).pixmap(QSize(64, 64)))
        title = QLabel(f"Sightline {app_version()}")
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 1.4)
        font.setBold(True)
        title.setFont(font)
        text = QLabel(_TEXT)
        text.setWordWrap(True)
        text.setMinimumWidth(380)
        text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        words = QVBoxLayout()
        words.addWidget(title)
        words.addWidget(text, 1)
        row = QHBoxLayout()
        row.setSpacing(2 * WIDE)
        row.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        column = QVBoxLayout(self)
        column.addLayout(row)
        column.addWidget(buttons)
