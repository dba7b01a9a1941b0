"""A label in still room changes its text without a new layout of what is around it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from app.still_room import StillRoom


class Requests(QObject):
    """Counts the layouts that a widget is asked for."""

    count = 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.LayoutRequest
        return False


def shown(qtbot, inner: QWidget) -> tuple[QWidget, Requests]:
    outer = QWidget()
    qtbot.addWidget(outer)
    QVBoxLayout(outer).addWidget(inner)
    outer.resize(300, 100)
    outer.show()
    qtbot.waitExposed(outer)
    qtbot.wait(20)
    requests = Requests(outer)
    outer.installEventFilter(requests)
    return outer, requests


def test_a_text_that_changes_asks_for_no_layout(qtbot):
    for still in (True, False):
        label = QLabel("short")
        room = StillRoom(label) if still else label
        _, requests = shown(qtbot, room)
        label.setText("something much longer than before")
        qtbot.wait(20)
        assert (requests.count == 0) == still


def test_the_label_has_all_the_room(qtbot):
    label = QLabel("text")
    room = StillRoom(label)
    outer, _ = shown(qtbot, room)
    outer.resize(400, 120)
    qtbot.wait(20)
    assert label.geometry() == room.rect()
    assert label.width() > 300
    assert room.sizeHint().height() == label.sizeHint().height()
