"""Figures are shown with two digits, without the 0 before the point."""

from __future__ import annotations

import pytest

from core.figure_text import short, short_interval


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (0.674, ".67"), (1.0, "1.00"), (0.996, "1.00"), (0.995, ".99"), (-0.02, "-.02"), (-0.001, ".00"),
        (0.0, ".00"), (10.04, "10.04"), (None, "–"),
    ],
)  # fmt: skip
def test_a_figure_is_short(value, shown):
    assert short(value) == shown


def test_an_interval_stands_beside_its_mean():
    assert short_interval({"mean": 0.71, "low": 0.655, "high": 1.0}) == ".71 [.66, 1.00]"
    assert short_interval({"mean": None, "low": None, "high": None}) == "–"
