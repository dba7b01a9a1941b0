"""Rows of a long piece of work kept in a file as they come, so that it can go on after a kill.

One JSON object a line: the key of what was worked on and how, and the row. A line that a kill cut short is
forgotten.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import InputError


def append(path: Path, key: str, row: Any, default: Callable[[Any], Any] | None = None) -> None:
    """Add a row to the file, which is made when it is not there; ``default`` as in ``json.dumps``.

    Raises:
        InputError: it cannot be written.
    """
    line = json.dumps({"key": key, "row": row}, default=default)
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise InputError(f"Cannot write {path}: {error.strerror}. Free some space, then go on.") from error


def take_up(path: Path) -> tuple[str, list[Any]]:
    """The key and the rows of the file; "" and none if there is no file.

    What a kill left half written is cut off.

    Raises:
        InputError: the file is something else.
    """
    if not path.exists():
        return "", []
    try:
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.truncate(path, len(whole))  # writing anew could lose all of it
        lines = [json.loads(line) for line in whole.splitlines()]
        keys = {line["key"] for line in lines}
        if len(keys) > 1:
            raise ValueError("several keys")
        return keys.pop() if keys else "", [line["row"] for line in lines]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} holds nothing to go on from. Delete it, or begin anew.") from error
