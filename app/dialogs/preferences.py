"""The preferences: every change counts at once, and nothing waits for an OK."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal, Slot
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app import preferences
from app.recording import make_folder
from app.session import Session
from app.theme import GAP
from app.views import VIEWS
from core.colour_maps import COLOUR_MAPS
from core.errors import InputError
from core.paths import typed_path

_THEMES = {"system": "As the system", "light": "Light", "dark": "Dark"}
_MAPS = {"default": "Blue and orange", "purple and green": "Purple and green"}


class PreferencesDialog(QDialog):
    """Not modal.

    Signals:
        traces_moved(str): runs are to be kept in this folder from now on.
    """

    traces_moved = Signal(str)

    def __init__(
        self, session: Session, theme: str, set_theme: Callable[[str], None], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._set_theme = set_theme
        self.setWindowTitle("Preferences")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.theme = _choice(_THEMES, theme)
        self.theme.currentIndexChanged.connect(self._theme_chosen)
        self.colours = _choice(
            {name: _MAPS.get(name, name) for name in COLOUR_MAPS}, session.display.colour_map
        )
        self.colours.setToolTip("Both can be told apart with any common colour vision")
        self.colours.currentIndexChanged.connect(self._colours_chosen)
        self.view = _choice({view.id: view.text for view in VIEWS}, session.display.view)
        self.view.currentIndexChanged.connect(self._view_chosen)
        self.font_size = QSpinBox()
        self.font_size.setRange(preferences.SMALLEST - 1, preferences.LARGEST)
        self.font_size.setSpecialValueText("As the system")
        self.font_size.setSuffix(" pt")
        self.font_size.setValue(preferences.font_size() or preferences.SMALLEST - 1)
        self.font_size.valueChanged.connect(self._size_chosen)
        self.follow = QCheckBox("Follow the newest token when a run starts")
        self.follow.setChecked(preferences.follow_live())
        self.follow.toggled.connect(preferences.set_follow_live)
        self.folder = QLineEdit(str(preferences.traces_folder()))
        self.folder.setMinimumWidth(260)
        self.folder.editingFinished.connect(self._folder_typed)
        browse = QPushButton("Choose…")
        browse.setAutoDefault(False)
        browse.clicked.connect(self._choose_folder)
        usual = QPushButton("Default")
        usual.setAutoDefault(False)
        usual.setToolTip("Keep runs in the usual place")
        usual.clicked.connect(self._usual_folder)
        row = QHBoxLayout()
        row.setSpacing(GAP)
        row.addWidget(self.folder, 1)
        row.addWidget(browse)
        row.addWidget(usual)
        self.answer = QLabel()
        self.answer.setWordWrap(True)
        self.answer.setTextFormat(Qt.TextFormat.PlainText)
        form = QFormLayout()
        form.setVerticalSpacing(GAP)
        fields: dict[str, QWidget] = {
            "&Theme": self.theme,
            "&Colours of effects": self.colours,
            "&View": self.view,
            "&Font size": self.font_size,
        }
        for label, widget in fields.items():
            widget.setAccessibleName(label.replace("&", ""))
            form.addRow(label, widget)
        form.addRow("", self.follow)
        caption = QLabel("&Runs are kept in")
        caption.setBuddy(self.folder)
        self.folder.setAccessibleName("Runs are kept in")
        form.addRow(caption, row)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.close)
        column = QVBoxLayout(self)
        column.addLayout(form)
        column.addWidget(self.answer)
        column.addStretch(1)
        column.addWidget(buttons)
        self._session.display_changed.connect(self._display_changed)

    @Slot()
    def _theme_chosen(self) -> None:
        self._set_theme(self.theme.currentData())

    @Slot()
    def _colours_chosen(self) -> None:
        self._session.set_display(colour_map=self.colours.currentData())

    @Slot()
    def _view_chosen(self) -> None:
        self._session.set_display(view=self.view.currentData())

    @Slot(int)
    def _size_chosen(self, points: int) -> None:
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        preferences.set_font_size(app, points if points >= preferences.SMALLEST else 0)

    @Slot()
    def _display_changed(self) -> None:
        """The view was changed elsewhere, such as in the menu."""
        for choice, value in (
            (self.colours, self._session.display.colour_map),
            (self.view, self._session.display.view),
        ):
            choice.setCurrentIndex(max(0, choice.findData(value)))

    @Slot()
    def _choose_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Where runs are kept", self.folder.text())
        if chosen:
            self.folder.setText(chosen)
            self._folder_typed()

    @Slot()
    def _usual_folder(self) -> None:
        preferences.set_traces_folder(None)
        self.folder.setText(str(preferences.traces_folder()))
        self.answer.clear()
        self.traces_moved.emit(self.folder.text())

    @Slot()
    def _folder_typed(self) -> None:
        text = self.folder.text().strip()
        if not text or Path(text) == preferences.traces_folder():
            self.folder.setText(str(preferences.traces_folder()))
            return
        try:
            folder = typed_path(text).absolute()
            make_folder(folder)
        except InputError as error:
            self.answer.setText(str(error))
            self.folder.setText(str(preferences.traces_folder()))
            return
        preferences.set_traces_folder(folder)
        self.answer.setText("New runs go there; earlier ones stay where they are.")
        self.traces_moved.emit(str(folder))


def _choice(texts: dict[str, str], chosen: str) -> QComboBox:
    """A choice of ``texts`` by key."""
    made = QComboBox()
    for key, text in texts.items():
        made.addItem(text, key)
    made.setCurrentIndex(max(0, made.findData(chosen)))
    return made
