"""The actions that change how effects are laid over the screenshot: what they do, and which are on."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtGui import QAction

from app.session import Session
from app.views import VIEWS

COUNTS = (0, 1, 3, 5, 10)
"""How many of the strongest regions may be shown; 0 is all of them."""


def handlers(session: Session) -> dict[str, Callable[..., object]]:
    """What each of these actions does, by id."""
    return {
        "outlines": lambda on: session.set_display(outlines=on),
        "signed": lambda on: session.set_display(signed=on),
        "arcs": lambda on: session.set_display(arcs=on),
        "fixed_scale": lambda on: session.set_display(fixed_scale=on),
        "pin": session.pin,
        **{f"view_{view.id}": lambda _on, name=view.id: session.set_display(view=name) for view in VIEWS},
        **{
            f"strongest_{count}": lambda _on, count=count: session.set_display(strongest=count)
            for count in COUNTS
        },
    }


def reflect(actions: Mapping[str, QAction], session: Session) -> None:
    """Check the actions that are on."""
    display = session.display
    actions["outlines"].setChecked(display.outlines)
    actions["signed"].setChecked(display.signed)
    actions["arcs"].setChecked(display.arcs)
    actions["fixed_scale"].setChecked(display.fixed_scale)
    actions["pin"].setChecked(session.pinned is not None)
    actions["pin"].setEnabled(session.selection is not None or session.pinned is not None)
    actions[f"view_{display.view}"].setChecked(True)
    if f"strongest_{display.strongest}" in actions:
        actions[f"strongest_{display.strongest}"].setChecked(True)
