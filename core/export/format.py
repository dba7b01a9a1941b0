"""What an export format is, and what all of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from core.errors import InputError
from core.trace import Trace

Steps = tuple[int, int]
"""A range of steps: first, and one past the last."""

Progress = Callable[[float], None]
"""Told how far an export is, from 0 to 1. It cancels by raising; no file is left then."""


class Export(Protocol):
    """Writes a trace, or some of its steps, to a file. Raises InputError when it cannot."""

    def __call__(
        self, trace: Trace, out: Path, steps: Steps | None = None, progress: Progress | None = None
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class Format:
    """One export format.

    Attributes:
        name: what ``--format`` takes.
        extension: of its files, with the dot.
        description: a few words for help texts and dialogs.
        export: the function that writes it. Modules of formats import what is slow inside it.
    """

    name: str
    extension: str
    description: str
    export: Export


def checked_steps(trace: Trace, steps: Steps | None) -> Steps:
    """The range of steps to export: all of them unless a range is given.

    Raises:
        InputError: the range is empty or outside the trace.
    """
    count = trace.step_count
    if steps is None:
        return 0, count
    start, end = steps
    if not 0 <= start < end <= count:
        held = f"the trace has steps 0 to {count - 1}" if count else "the trace has no steps"
        raise InputError(f"There are no steps {start}:{end}; {held}. Give a range A:B with A < B ≤ {count}.")
    return start, end


def token_range(trace: Trace, steps: Steps) -> tuple[int, int]:
    """The tokens of a range of steps: first, and one past the last."""
    start, end = steps
    if start == end:
        return 0, 0
    return trace.step(start).start, trace.step(end - 1).end
