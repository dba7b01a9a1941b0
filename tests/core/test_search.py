"""Words are found in the reasoning, wherever tokens begin and end."""

from __future__ import annotations

import pytest

from core.search import find
from core.trace import Token

TEXTS = ("The", " nor", "th", " bar", " is", " 42", ".\n", "NORTH", " bar", "\n", "is", " .*")
TOKENS = [Token(i, i, text, -0.1, "thinking", 0) for i, text in enumerate(TEXTS)]


@pytest.mark.parametrize(
    ("needle", "spans"),
    [
        ("north", [(1, 3), (7, 8)]),
        ("North  bar is", [(1, 5), (7, 11)]),
        ("42", [(5, 6)]),
        ("ort", [(1, 3), (7, 8)]),
        (".*", [(11, 12)]),
        ("south", []),
        ("", []),
        ("  ", []),
    ],
)
def test_it_finds_spans_of_tokens(needle, spans):
    assert find(TOKENS, needle) == spans


def test_tokens_without_text_do_not_shift_what_is_found():
    tokens = [Token(i, i, text, 0.0, "answer", 0) for i, text in enumerate(["", "a", "", "", "b"])]
    assert find(tokens, "a") == [(1, 2)]
    assert find(tokens, "b") == [(4, 5)]


def test_nothing_is_found_in_nothing():
    assert find([], "a") == []
