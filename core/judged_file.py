"""Judged screens kept in a file as they come, so that a comparison that was killed can go on. Imports torch.

One JSON object a line: the key of what was judged and how, and the screen. A line that a kill cut short is
forgotten.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import InputError
from core.judging import Judged, Score


@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """What an earlier, unfinished comparison left.

    Attributes:
        key: of the models and settings that it judged with; "" when there is nothing.
        judged: its screens.
    """

    key: str = ""
    judged: tuple[Judged, ...] = ()


def append(path: Path, key: str, judged: Judged) -> None:
    """Add a screen to the file, which is made when it is not there.

    Raises:
        InputError: it cannot be written.
    """
    line = json.dumps({"key": key, "judged": dataclasses.asdict(judged)}, default=_as_list)
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")
    except OSError as error:
        raise InputError(f"Cannot write {path}: {error.strerror}. Free some space, then --resume.") from error


def take_up(path: Path) -> Kept:
    """Read the file, if there is one, and cut off what a kill left half written.

    Raises:
        InputError: the file is something else.
    """
    if not path.exists():
        return Kept()
    try:
        content = path.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            path.write_bytes(whole)
        rows = [json.loads(line) for line in whole.splitlines()]
        keys = {row["key"] for row in rows}
        if len(keys) > 1:
            raise ValueError("several keys")
        return Kept(keys.pop() if keys else "", tuple(_judged(row["judged"]) for row in rows))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} holds no judged screens. Delete it, or leave out --resume.") from error


def _as_list(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is nothing to keep")


def _judged(row: dict[str, Any]) -> Judged:
    arrays = {
        "reliance": {of: np.array(values) for of, values in row["reliance"].items()},
        "coverage": {of: np.array(values) for of, values in row["coverage"].items()},
        "flags": {
            of: {name: np.array(values) for name, values in scores.items()}
            for of, scores in row["flags"].items()
        },
        "scores": {
            name: Score(
                {column: np.array(values) for column, values in score["columns"].items()},
                None if score["scale"] is None else np.array(score["scale"]),
                score["passes"],
                score["seconds"],
            )
            for name, score in row["scores"].items()
        },
    }
    return Judged(**(row | arrays))
