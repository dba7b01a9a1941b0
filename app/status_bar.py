"""What goes on, and with what: progress on the left; regions, model, device and speed on the right."""

from __future__ import annotations

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QLabel, QProgressBar, QStatusBar, QWidget

from app.theme import GAP
from app.wording import two_digits
from core.counted import counted

_PATIENCE = 300
"""Milliseconds that something may take before its progress is shown."""


class StatusBar(QStatusBar):
    """Four facts and a progress bar.

    Attributes:
        stage, regions, model, rate: labels with what is going on, how many regions there are, which model
            on which device once it is loaded, tokens a second.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.stage = QLabel()
        self._bar = QProgressBar()
        self._bar.setMaximumWidth(160)
        self._bar.setMaximumHeight(14)
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName("Progress")
        self.stage.setContentsMargins(GAP, 0, GAP, 0)
        self.addWidget(self.stage)
        self.addWidget(self._bar)
        self.regions, self.model, self.rate = QLabel(), QLabel(), QLabel()
        for label in (self.regions, self.model, self.rate):
            label.setContentsMargins(GAP, 0, GAP, 0)
            self.addPermanentWidget(label)
        self._waiting: tuple[str, float | None] = ("", None)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_PATIENCE)
        self._timer.timeout.connect(self._show_stage)
        self._show_stage()

    @Slot(str, object)
    def set_stage(self, text: str, fraction: float | None) -> None:
        """Show what takes time; short things do not flicker by. "" hides it at once."""
        self._waiting = (text, fraction)
        if not text or self._bar.isVisible():
            self._timer.stop()
            self._show_stage()
        elif not self._timer.isActive():
            self._timer.start()

    @Slot(str, str)
    def set_model(self, name: str, device: str) -> None:
        self.model.setText(f"{name} · {device}")

    @Slot(float)
    def set_rate(self, tokens_per_second: float) -> None:
        self.rate.setText(_rate(tokens_per_second) if tokens_per_second > 0 else "")

    def set_regions(self, count: int | None) -> None:
        self.regions.setText("" if count is None else counted(count, "region"))

    @Slot()
    def _show_stage(self) -> None:
        text, fraction = self._waiting
        self.stage.setText(f"{text}…" if text else "")
        self._bar.setVisible(bool(text))
        self._bar.setRange(0, 0 if fraction is None else 1000)
        if fraction is not None:
            self._bar.setValue(round(1000 * fraction))


def _rate(tokens_per_second: float) -> str:
    """``0.43 tokens/s``, ``1 token/s`` or ``186 tokens/s``: slow runs are told from runs that stand still."""
    if tokens_per_second >= 10:
        return f"{counted(round(tokens_per_second), 'token')}/s"
    figure = two_digits(tokens_per_second)
    return f"{counted(1, 'token') if figure == '1' else f'{figure} tokens'}/s"
