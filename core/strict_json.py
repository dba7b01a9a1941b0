"""Values from anywhere made fit for a file: JSON that every parser accepts, numbers that are numbers."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np

FLOAT32_MAX: Final = 2.0**128 - 2.0**104


def plain(value: Any) -> Any:
    """The nearest thing that strict JSON can hold.

    Numbers that are not finite become None, numpy scalars and arrays numbers and lists, tuples and sets
    lists, lone surrogates in text "?", anything else its text.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {plain(str(k)): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    return plain(str(value))


def finite(values: Any) -> np.ndarray:
    """Numbers as float32 that files may hold: NaN, which says nothing, becomes 0; infinities the extremes."""
    import numpy as np

    return np.clip(np.nan_to_num(np.asarray(values, np.float64)), -FLOAT32_MAX, FLOAT32_MAX).astype(
        np.float32
    )


def dumps(value: Any, indent: int | None = None) -> str:
    """Strict JSON text of a value made plain; text stays readable (no \\u escapes)."""
    return json.dumps(plain(value), ensure_ascii=False, allow_nan=False, indent=indent)
