"""Judged screens kept in a file as they come: a comparison that was killed can go on. Imports torch."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from core import kept_rows
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
    """Add a screen to the file; as ``core.kept_rows.append``."""
    kept_rows.append(path, key, dataclasses.asdict(judged), _as_list)


def take_up(path: Path) -> Kept:
    """Read the file, if there is one, as ``core.kept_rows.take_up`` does.

    Raises:
        InputError: the file is something else.
    """
    try:
        key, rows = kept_rows.take_up(path)
        return Kept(key, tuple(_judged(row) for row in rows))
    except (InputError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} holds no judged screens. Delete it, or leave out --resume.") from error


def _as_list(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is nothing to keep")


def _judged(row: dict[str, Any]) -> Judged:
    arrays = {
        "reliance": {of: np.array(values) for of, values in row["reliance"].items()},
        "spread": {of: np.array(values) for of, values in row["spread"].items()},
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
