"""The question, how to sample, and the buttons that start, hold and end a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QSize, Qt, Signal, Slot
from PySide6.QtGui import QAction
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QSpinBox,
    QToolButton,
    QWidget,
    QWidgetAction,
)

from app.icons import icon
from app.run_state import RunState
from app.segmenter_names import title
from app.theme import GAP, WIDE, run_style, tokens
from core.trace import Sampling

PACES: tuple[tuple[str, float | None], ...] = (
    ("as fast as it can", None),
    ("20 tokens a second", 20.0),
    ("10 tokens a second", 10.0),
    ("5 tokens a second", 5.0),
    ("2 tokens a second", 2.0),
)


class PromptBar(QWidget):
    """Question field with suggestions, settings, and the buttons of the actions run, pause and stop.

    Signals:
        submitted: Enter was pressed in the question field.
        pace_changed(object): tokens a second at most, or None for full speed.
        segmenter_changed(str): another way to find regions was chosen.
    """

    submitted = Signal()
    pace_changed = Signal(object)
    segmenter_changed = Signal(str)

    def __init__(
        self, actions: Mapping[str, QAction], segmenters: Sequence[str], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("prompt_bar")
        self._actions = actions
        self.state = RunState.IDLE
        self._question = QComboBox()
        self._question.setEditable(True)
        self._question.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self._question.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._question.setMinimumContentsLength(16)
        self._question.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._question.setAccessibleName("Question")
        self._question.setToolTip("What to ask about the screenshot; the arrow shows questions that fit")
        field = self._question.lineEdit()
        assert field is not None
        self._field = field
        self._field.setPlaceholderText("Ask about this screenshot…")
        self._field.setClearButtonEnabled(True)
        self._field.returnPressed.connect(self.submitted)
        self._question.setCompleter(None)  # type: ignore[arg-type]

        self._settings = QToolButton()
        self._settings.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._settings.setToolTip("Seed, temperature, length, speed, regions")
        self._settings.setAccessibleName("Run settings")
        self._settings.setMenu(self._settings_menu(segmenters))
        self._buttons = {name: QToolButton() for name in ("run", "pause", "stop")}
        row = QHBoxLayout(self)
        row.setContentsMargins(WIDE, GAP, WIDE, GAP)
        row.setSpacing(GAP)
        row.addWidget(self._question, 1)
        row.addWidget(self._settings)
        for name, button in self._buttons.items():
            button.setDefaultAction(actions[name])
            button.setObjectName(f"{name}_button")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            row.addWidget(button)
        self._buttons["run"].setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        for button in (self._settings, *self._buttons.values()):
            button.setIconSize(QSize(18, 18))
            button.setMinimumHeight(30)
        self._question.setMinimumHeight(30)
        self.set_state(RunState.IDLE, ready=False)
        self._recolour()

    def question(self) -> str:
        """The text of the question field."""
        return self._field.text().strip()

    def set_questions(self, questions: Sequence[str]) -> None:
        """Replace the suggestions and fill in the first one."""
        self._question.clear()
        self._question.addItems(list(questions))
        self.set_question(questions[0] if questions else "")

    def set_question(self, text: str) -> None:
        """Fill in a question."""
        self._field.setText(text)
        self._field.setCursorPosition(0)

    def focus_question(self) -> None:
        """Put the keyboard into the question field."""
        self._field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._field.selectAll()

    def sampling(self) -> Sampling:
        """How tokens are to be drawn."""
        return Sampling(
            temperature=round(self._temperature.value(), 2),
            seed=self._seed.value(),
            max_new_tokens=self._length.value(),
        )

    def pace(self) -> float | None:
        """Tokens a second at most; None for full speed."""
        return PACES[self._pace.currentIndex()][1]

    def segmenter(self) -> str:
        """The chosen way to find regions."""
        return str(self._segmenter.currentData())

    def set_segmenter(self, name: str) -> None:
        """Choose a way to find regions, if it is known or names a checkpoint."""
        if self._segmenter.findData(name) < 0 and ":" in name:
            self._segmenter.addItem(title(name), name)
        index = self._segmenter.findData(name)
        if index >= 0:
            self._segmenter.setCurrentIndex(index)

    def set_state(self, state: RunState, ready: bool = True) -> None:
        """Enable what makes sense now; ``ready`` is False while there is no screenshot to ask about."""
        self.state = state
        idle = state is RunState.IDLE
        self._actions["run"].setEnabled(idle and ready)
        self._actions["pause"].setEnabled(state in (RunState.RUNNING, RunState.PAUSED))
        self._actions["pause"].setChecked(state is RunState.PAUSED)
        self._actions["stop"].setEnabled(state in (RunState.RUNNING, RunState.PAUSED))
        self._settings.setEnabled(True)
        for widget in (self._seed, self._temperature, self._length, self._segmenter):
            widget.setEnabled(idle)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._buttons["run"].setStyleSheet("")  # a style sheet keeps the font it was given with
        if event.type() in (QEvent.Type.PaletteChange, QEvent.Type.FontChange):
            self._recolour()

    def _settings_menu(self, segmenters: Sequence[str]) -> QMenu:
        self._seed = QSpinBox()
        self._seed.setRange(0, 2**31 - 1)
        self._seed.setToolTip("The same seed gives the same run")
        self._temperature = QDoubleSpinBox()
        self._temperature.setRange(0.0, 2.0)
        self._temperature.setSingleStep(0.1)
        self._temperature.setToolTip("0 always takes the likeliest token")
        self._length = QSpinBox()
        self._length.setRange(1, 32768)
        self._length.setValue(Sampling().max_new_tokens)
        self._length.setToolTip("The run ends after this many tokens")
        self._pace = QComboBox()
        self._pace.addItems([text for text, _ in PACES])
        self._pace.setToolTip("Slow the model down to watch it")
        self._pace.currentIndexChanged.connect(self._tell_pace)
        self._segmenter = QComboBox()
        for name in segmenters:
            self._segmenter.addItem(title(name), name)
        self._segmenter.setToolTip("How regions are found in the screenshot")
        self._segmenter.currentIndexChanged.connect(self._tell_segmenter)
        other = QToolButton()
        other.setDefaultAction(self._actions["choose_segmenter"])
        panel = QWidget()
        form = QFormLayout(panel)
        form.setContentsMargins(WIDE, WIDE, WIDE, WIDE)
        form.setVerticalSpacing(GAP)
        for label, widget in {
            "Watch": self._pace,
            "Temperature": self._temperature,
            "Seed": self._seed,
            "Tokens at most": self._length,
            "Regions by": self._segmenter,
        }.items():
            caption = QLabel(label)
            caption.setBuddy(widget)
            widget.setAccessibleName(label)
            form.addRow(caption, widget)
        form.addRow("", other)
        menu = QMenu(self)
        holder = QWidgetAction(menu)
        holder.setDefaultWidget(panel)
        menu.addAction(holder)
        return menu

    @Slot()
    def _tell_segmenter(self) -> None:
        self.segmenter_changed.emit(self.segmenter())

    @Slot()
    def _tell_pace(self) -> None:
        self.pace_changed.emit(self.pace())

    def _recolour(self) -> None:
        colours = tokens(self.palette())
        self._settings.setIcon(icon("settings", colours.text))
        style = run_style(colours, "QToolButton")
        if self._buttons["run"].styleSheet() != style:
            self._buttons["run"].setStyleSheet(style)
