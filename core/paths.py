"""Paths that a person gives: whatever is wrong with one is told in a sentence."""

from __future__ import annotations

from pathlib import Path

from core.errors import InputError

_SHOWN = 80
"""Characters of a path that a sentence repeats: a pasted text may be much longer than any path."""


def reachable(path: Path | str) -> Path:
    """A path that may be asked what is there, if anything is.

    Up to Python 3.13, ``Path.exists()`` and its like raise where a name is too long, or a folder above may
    not be looked into.

    Raises:
        InputError: the system refuses to look.
    """
    path = Path(path)
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return path
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        sentence = f"{_short(path)} cannot be used ({reason}). Check its name and permissions."
        raise InputError(sentence) from None
    return path


def typed_path(text: str) -> Path:
    """``reachable`` for what was typed into a field: there "~" is the home folder, as it is in a shell.

    Raises:
        InputError: as ``reachable``, or nobody has the name after the "~".
    """
    try:
        path = Path(text).expanduser()
    except RuntimeError:
        raise InputError(f"No home folder is known for “{_short(text)}”. Write the whole path.") from None
    return reachable(path)


def _short(path: Path | str) -> str:
    text = str(path)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
