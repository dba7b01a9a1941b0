"""What was changed, to be undone and done again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Generic, TypeVar

LONGEST: Final = 100
"""Changes that are kept; older ones cannot be undone."""

State = TypeVar("State")


@dataclass(frozen=True, slots=True, eq=False)
class _Change(Generic[State]):
    text: str
    before: State
    after: State


class EditHistory(Generic[State]):
    """States before and after each change, and what each change is called."""

    def __init__(self) -> None:
        self._done: list[_Change[State]] = []
        self._undone: list[_Change[State]] = []

    @property
    def undo_text(self) -> str:
        """What would be undone, such as "merge of A and B"; "" for nothing."""
        return self._done[-1].text if self._done else ""

    @property
    def redo_text(self) -> str:
        """What would be done again; "" for nothing."""
        return self._undone[-1].text if self._undone else ""

    def push(self, text: str, before: State, after: State) -> None:
        """Note a change that was made; what was undone before cannot be done again."""
        self._done.append(_Change(text, before, after))
        del self._done[:-LONGEST]
        self._undone.clear()

    def undo(self) -> State:
        """Take the last change back; returns the state before it. Raises IndexError for nothing to undo."""
        self._undone.append(self._done.pop())
        return self._undone[-1].before

    def redo(self) -> State:
        """Make the change again that was undone last; returns the state after it. Raises IndexError."""
        self._done.append(self._undone.pop())
        return self._done[-1].after

    def clear(self) -> None:
        """Forget everything."""
        self._done.clear()
        self._undone.clear()
