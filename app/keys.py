"""Which keys belong to which action: the defaults of the action table, and what the person made of them.

A change is kept in the settings. Keys belong to one action at a time: a clash is refused, never resolved
silently.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from PySide6.QtGui import QAction, QKeySequence

from app.actions import ACTIONS, Action, shown
from app.settings import settings
from core.errors import InputError

_GROUP = "keys"
_NEEDED = {"Tab", "Shift+Tab", "Backtab", "Shift+Backtab", "Return", "Enter"}
"""Keys without which nobody could move through the window or press a button."""


def portable(keys: str) -> str:
    """The one way to write a shortcut, such as "Ctrl+Shift+E"; "" when Qt does not understand it."""
    return QKeySequence(keys).toString(QKeySequence.SequenceFormat.PortableText)


def assigned(actions: Sequence[Action] = ACTIONS) -> dict[str, tuple[str, ...]]:
    """The keys of every action. What the person chose goes before the default of another action."""
    chosen = {action.id: kept for action in actions if (kept := _kept(action.id)) is not None}
    result: dict[str, tuple[str, ...]] = {}
    taken: set[str] = set()
    for action_id, keys in chosen.items():
        result[action_id] = tuple(key for key in keys if key not in taken)
        taken.update(keys)
    for action in actions:
        if action.id not in chosen:
            result[action.id] = tuple(key for key in map(portable, action.keys) if key not in taken)
    return result


def assign(action: Action, keys: Sequence[str]) -> None:
    """Give an action these keys and no others; none at all is allowed.

    Raises:
        InputError: keys are not a shortcut, are needed for moving through the window, or belong to another
            action. Nothing is changed.
    """
    wanted = tuple(dict.fromkeys(portable(key) for key in keys))
    owners = {key: other for other, theirs in assigned().items() if other != action.id for key in theirs}
    for key in wanted:
        if not key:
            raise InputError("These keys are not a shortcut. Press a key, best with Ctrl or Alt.")
        if key in _NEEDED:
            raise InputError(f"{shown([key])} is needed to move through the window. Choose other keys.")
        if key in owners:
            owner = next(other.text.rstrip("…") for other in ACTIONS if other.id == owners[key])
            raise InputError(
                f"{shown([key])} belongs to “{owner}”. Choose other keys, or change those of “{owner}” first."
            )
    remembered = settings()
    if wanted == tuple(map(portable, action.keys)):
        remembered.remove(f"{_GROUP}/{action.id}")
    else:
        remembered.setValue(f"{_GROUP}/{action.id}", json.dumps(wanted))


def reset(action: Action) -> None:
    """Give an action its default keys again.

    Raises:
        InputError: one of them belongs to another action now.
    """
    assign(action, action.keys)


def reset_all() -> None:
    """Every action has its default keys again."""
    settings().remove(_GROUP)


def apply(actions: Mapping[str, QAction]) -> None:
    """Give the actions of a window the keys that are assigned now, and tell of them in their tool tips."""
    keys = assigned()
    for action in ACTIONS:
        made = actions[action.id]
        made.setShortcuts([QKeySequence(key) for key in keys[action.id]])
        made.setToolTip(with_keys(action.tip, made))


def with_keys(tip: str, action: QAction) -> str:
    """``tip`` and the keys of an action, such as "Play (Space)"; without keys just ``tip``."""
    portable_text = QKeySequence.SequenceFormat.PortableText
    keys = shown(key.toString(portable_text) for key in action.shortcuts())
    return f"{tip} ({keys})" if keys else tip


def _kept(action_id: str) -> tuple[str, ...] | None:
    """What the settings hold for an action; None when that is nothing, or nonsense."""
    try:
        values = json.loads(str(settings().value(f"{_GROUP}/{action_id}", "")))
    except ValueError:
        return None
    if not isinstance(values, list):
        return None
    return tuple(key for key in (portable(str(value)) for value in values) if key)
