"""Tints show reliance and leave the text readable."""

from __future__ import annotations

import numpy as np
import pytest

from app import theme, tints
from core.colour_maps import COLOUR_MAPS


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("colour_map", list(COLOUR_MAPS))
def test_text_is_readable_on_every_tint(name, colour_map):
    colours = theme.tokens(name)
    table = tints.tint_colours(colours, colour_map)
    assert set(table) == set(range(-tints.LEVELS, tints.LEVELS + 1)) - {0}
    for colour in table.values():
        assert theme.contrast(colours.text, colour.name()) >= 4.5


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_is_readable_on_the_paper_of_the_answer(name):
    colours = theme.tokens(name)
    paper = tints.blend(colours.surface, colours.answer, 0.08)
    for ink in (colours.text, colours.muted, colours.answer, colours.accent):
        assert theme.contrast(ink, paper) >= 4.5


def test_levels_rise_with_reliance_and_keep_its_sign():
    levels = tints.tint_levels(np.linspace(-6, 6, 121), 5.0).tolist()
    assert levels == sorted(levels)
    assert (levels[0], levels[60], levels[-1]) == (-tints.LEVELS, 0, tints.LEVELS)


def test_next_to_nothing_gets_no_tint():
    assert tints.tint_levels(np.array([0.05, -0.05, np.nan]), 0.25).tolist() == [0, 0, 0]


def test_blending():
    assert tints.blend("#000000", "#ffffff", 0.0) == "#000000"
    assert tints.blend("#000000", "#ffffff", 1.0) == "#ffffff"
    assert tints.blend("#000000", "#ff8000", 0.5) == "#804000"


def test_one_outlier_does_not_fade_the_run():
    reliance = np.full(1000, 2.0, np.float32)
    reliance[7] = 90.0
    assert tints.reliance_scale(reliance) == 2.0
    assert tints.reliance_scale(np.zeros(0, np.float32)) > 0


def test_levels_that_are_kept_are_those_of_the_run_as_it_is_now():
    reliance = np.random.default_rng(0).normal(0, 2, 90).astype(np.float32)
    kept = tints.TintLevels()
    for known, scale in ((10, 3.0), (60, 3.0), (90, 4.0), (90, 4.0), (20, 4.0)):
        assert np.array_equal(kept.of(reliance[:known], scale), tints.tint_levels(reliance[:known], scale))
