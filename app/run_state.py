"""What a run is doing, as the buttons show it."""

from __future__ import annotations

from enum import Enum


class RunState(Enum):
    """What the run is doing."""

    IDLE = "idle"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
