"""Driving the real window in tests; the fixtures that make it are in ``conftest.py``."""

from __future__ import annotations

from app.run_state import RunState


def settled(window) -> bool:
    """Whether a screenshot is open and its regions are known."""
    scene = window.controller.scene
    return scene is not None and scene.region_map is not None


def idle(window) -> bool:
    return window.controller.state is RunState.IDLE


def press(window, action: str) -> None:
    """Do an action as a menu would."""
    assert window.actions_by_id[action].isEnabled(), action
    window.actions_by_id[action].trigger()


def run_to_the_end(qtbot, window):
    """Press Run and wait; returns the trace."""
    press(window, "run")
    qtbot.waitUntil(lambda: idle(window), timeout=20_000)
    return window.controller.session.trace
