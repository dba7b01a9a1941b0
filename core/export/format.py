"""What an export format is, and what all of them share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.errors import InputError
from core.export.options import Option

if TYPE_CHECKING:
    from PIL import Image

    from core.trace import Trace

Steps = tuple[int, int]
"""A range of steps: first, and one past the last."""

Progress = Callable[[float], None]
"""Told how far an export is, from 0 to 1. It cancels by raising; no file is left then."""


Export = Callable[..., None]
"""``export(trace, out, steps=None, progress=None, **options)`` writes a trace, or some steps, to a file.

``options`` are those of the format, by name; what is left out has its default. Raises InputError when it
cannot.
"""

Preview = Callable[..., "Image.Image | str"]
"""``preview(trace, steps=None, **options)`` shows what would be written: a picture, or text for data."""


@dataclass(frozen=True, slots=True)
class Format:
    """One export format.

    Attributes:
        name: what ``--format`` takes.
        extension: of its files, with the dot.
        description: a few words for help texts and dialogs.
        export: the function that writes it. Modules of formats import what is slow inside it.
        preview: the function that shows what would be written.
        options: what can be chosen, in the order of a dialog.
    """

    name: str
    extension: str
    description: str
    export: Export
    preview: Preview
    options: tuple[Option, ...] = ()


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


def no_progress(part: float) -> None:
    """What is told when nobody listens."""
