"""The screens to calibrate and judge on come with regions of the source that was asked for."""

from __future__ import annotations

import pytest

from core.errors import InputError
from models.bundled.estimator.items import MOST_REGIONS, SOURCES, regions_of
from models.bundled.screens import generate


def test_a_number_after_the_name_says_how_many_regions_there_are_at_most() -> None:
    sample = generate("code", 1)
    few, many = regions_of(sample, "grid-6"), regions_of(sample, "grid")
    assert 3 <= len(few) <= 6 < len(many) <= MOST_REGIONS


def test_what_names_no_regions_gets_a_sentence() -> None:
    sample = generate("code", 1)
    with pytest.raises(InputError, match="such as grid-12"):
        regions_of(sample, "grid-few")
    with pytest.raises(InputError, match="no segmenter called"):
        regions_of(sample, "wishful")


def test_every_source_of_the_recipe_gives_regions() -> None:
    sample = generate("math", 2)
    assert all(len(regions_of(sample, source)) >= 3 for source in set(SOURCES))
