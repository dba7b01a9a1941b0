"""What the command palette offers: every action, the samples, and the files that were opened lately."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from PySide6.QtGui import QAction

from app import keys
from app.actions import ACTIONS, shown
from app.menus import FileMenus, recent
from app.palette import Command


def commands(actions: Mapping[str, QAction], files: FileMenus) -> list[Command]:
    """Everything, in the order of the menus; the palette itself is left out."""
    assigned = keys.assigned()
    found = [
        Command(
            action.text.rstrip("…"),
            action.menu,
            shown(assigned[action.id]),
            actions[action.id].isEnabled(),
            actions[action.id].trigger,
        )
        for action in ACTIONS
        if action.id != "palette" and actions[action.id].isVisible()
    ]
    found += [Command(entry.text(), "Sample", "", True, entry.trigger) for entry in files.samples.actions()]
    found += [
        Command(Path(path).name, "Recent", "", True, partial(files.chosen.emit, path)) for path in recent()
    ]
    return found
