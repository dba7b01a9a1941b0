"""Driving a controller in tests; the fixture that makes it is in ``conftest.py``."""

from __future__ import annotations

from app.run_state import RunState
from core.trace import Sampling


def ready(controller) -> bool:
    return controller.scene is not None and controller.scene.region_map is not None


def run(controller, prompt="What is this?") -> None:
    controller.run(prompt, Sampling(), None)


def run_when_ready(qtbot, controller) -> None:
    qtbot.waitUntil(lambda: ready(controller))
    run(controller)


def run_to_the_end(qtbot, controller):
    run(controller)
    qtbot.waitUntil(lambda: controller.state is RunState.IDLE)
    return controller.session.trace


def with_nowhere_to_write(controller, tmp_path):
    """From now on, traces would go to a folder that cannot be made."""
    (tmp_path / "a file").write_text("no folder")
    controller.runs = tmp_path / "a file"
