"""One thing is no plural."""

from __future__ import annotations

import pytest

from core.counted import counted


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 regions"), (1, "1 region"), (2, "2 regions"), (1200, "1,200 regions")]
)
def test_one_thing_is_singular_and_any_other_number_plural(number, words):
    assert counted(number, "region") == words
