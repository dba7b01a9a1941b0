"""A form made from option descriptions: one editor for each, whatever format they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import Signal, Slot
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QSpinBox, QVBoxLayout, QWidget

from core.export.options import Option


class OptionForm(QWidget):
    """Editors of some options.

    Attributes:
        editors: the widget of each option, by name.

    Signals:
        changed: a value is another one.
    """

    changed = Signal()

    def __init__(
        self, options: Sequence[Option], values: Mapping[str, Any], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._options = tuple(options)
        self.editors: dict[str, QWidget] = {}
        rows = QFormLayout(self)
        rows.setContentsMargins(0, 0, 0, 0)
        for option in options:
            editor = self._editor(option, values.get(option.name, option.default))
            editor.setToolTip(option.tip)
            editor.setAccessibleName(option.label)
            editor.setAccessibleDescription(option.tip)
            self.editors[option.name] = editor
            rows.addRow("" if option.kind == "flag" else option.label, editor)

    def values(self) -> dict[str, Any]:
        """What is chosen, by name."""
        return {option.name: _value(self.editors[option.name]) for option in self._options}

    def _editor(self, option: Option, value: Any) -> QWidget:
        if option.kind == "flag":
            box = QCheckBox(option.label)
            box.setChecked(value)
            box.toggled.connect(self._changed)
            return box
        if option.kind == "number":
            number = QSpinBox()
            number.setRange(option.low, option.high)
            number.setSuffix(option.unit)
            number.setValue(value)
            number.valueChanged.connect(self._changed)
            return number
        if option.kind == "choice":
            choice = QComboBox()
            choice.addItems(list(option.choices))
            choice.setCurrentText(value)
            choice.currentIndexChanged.connect(self._changed)
            return choice
        several = _Several(option.choices, value)
        several.setAccessibleName(option.label)
        for box in several.boxes.values():
            box.toggled.connect(self._changed)
        return several

    @Slot()
    def _changed(self) -> None:
        self.changed.emit()


class _Several(QWidget):
    """A check box for each of some words."""

    def __init__(self, choices: Sequence[str], chosen: Sequence[str]) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self.boxes = {choice: QCheckBox(choice[:1].upper() + choice[1:]) for choice in choices}
        for choice, box in self.boxes.items():
            box.setChecked(choice in chosen)
            column.addWidget(box)


def _value(editor: QWidget) -> Any:
    match editor:
        case QCheckBox():
            return editor.isChecked()
        case QSpinBox():
            return editor.value()
        case QComboBox():
            return editor.currentText()
        case _Several():
            return tuple(choice for choice, box in editor.boxes.items() if box.isChecked())
        case _:
            raise TypeError(f"no editor of an option: {editor}")
