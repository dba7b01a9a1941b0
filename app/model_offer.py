"""Offers to load the model that a trace was made by, where another one is loaded."""

from __future__ import annotations

from PySide6.QtCore import QObject, Slot
from PySide6.QtGui import QAction

from app.controller import Controller
from app.message_bar import MessageBar
from core.trace import Identity
from models.checkpoint import Loading


class ModelOffer(QObject):
    """Puts the offer into the message bar; once the model is there, effects are estimated."""

    def __init__(self, controller: Controller, message: MessageBar) -> None:
        super().__init__(message)
        self._controller, self._message = controller, message
        self._wanted: tuple[str, Loading] = ("", Loading())
        self._load = QAction(self)  # one for all offers: a button would keep each of many
        self._load.triggered.connect(self._accept)
        controller.editor.reattributor.model_wanted.connect(self._offer)
        controller.runner.model_ready.connect(self._ready)

    @Slot(str, object)
    def _offer(self, text: str, model: Identity) -> None:
        self._wanted = how_to_load(model)
        self._load.setText(f"Load {model.name}")
        self._message.show_message(text, "warning", self._load)

    @Slot()
    def _accept(self) -> None:
        self._message.dismiss()  # first, as loading may be refused with a message of its own
        self._controller.use_model(*self._wanted)

    @Slot(str, str)
    def _ready(self, name: str, device: str) -> None:
        self._controller.editor.reattributor.begin()


def how_to_load(model: Identity) -> tuple[str, Loading]:
    """What to give to ``Controller.use_model`` to get a trace's model as it was then, on the best device."""
    details = model.details
    budget = details.get("visual_tokens_at_most")
    return str(details.get("source", model.name)), Loading(
        quantized=str(details.get("quantized", "")),
        visual_tokens=budget if isinstance(budget, int) else None,
        family=str(details.get("family", "")),
    )
