"""The beginning of a data file, short enough to be looked at."""

from __future__ import annotations

import json
from typing import Any, Final

ITEMS: Final = 3
LETTERS: Final = 60
LINES: Final = 120


def glimpse(value: Any) -> str:
    """JSON text of a value in which long lists and texts are cut; says what was left out."""
    lines = json.dumps(_cut(value), ensure_ascii=False, indent=2).split("\n")
    return "\n".join(lines[:LINES] + (["…"] if len(lines) > LINES else []))


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= LETTERS else value[:LETTERS] + "…"
    if isinstance(value, dict):
        return {key: _cut(item) for key, item in value.items()}
    if isinstance(value, list):
        short = [_cut(item) for item in value[:ITEMS]]
        return short if len(value) <= ITEMS else [*short, f"… {len(value) - ITEMS} more"]
    return value
