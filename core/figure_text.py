"""Figures between 0 and 1 as tables and sentences show them: two digits, without the 0 before the point."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def short(value: float | None) -> str:
    """``.67``, ``-.02``, ``1.00``, or a dash for none."""
    if value is None:
        return "–"
    text = f"{round(value, 2) + 0.0:.2f}"  # no minus before nothing
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0") else text


def short_interval(interval: Mapping[str, Any]) -> str:
    """``.67 [.63, .71]`` of "mean", "low" and "high", or a dash for the mean of nothing."""
    if interval["mean"] is None:
        return short(None)
    return f"{short(interval['mean'])} [{short(interval['low'])}, {short(interval['high'])}]"
