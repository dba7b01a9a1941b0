"""Two reasonings are told apart token by token, and playheads find their way across."""

import random

import pytest
from fake_traces import fake_trace

from core.trace import Token, Trace
from core.trace_diff import Alignment, difference


def written(*steps: str) -> Trace:
    """A trace whose steps read like this, one token a word."""
    model = fake_trace()
    trace = Trace(
        model.screenshot, model.region_map, "?", model.model, model.segmenter, model.estimator, model.sampling
    )
    for number, step in enumerate(steps):
        for word in step.split():
            trace.add_token(Token(len(trace), 0, f"{word} ", -0.1, "thinking", number))
    return trace


def read(trace, other, kind):
    parts = []
    for p in difference(trace, other):
        if p.kind == kind:
            tokens = (
                other.tokens[p.other_start : p.other_end]
                if kind == "added"
                else trace.tokens[p.start : p.end]
            )
            parts.append("".join(token.text for token in tokens).strip())
    return parts


def test_a_changed_word_is_found_inside_its_step():
    first = written("the left bar is 42", "so the sum is 59", "done")
    second = written("the left bar is 24", "so the sum is 59", "done")
    assert read(first, second, "removed") == ["42"]
    assert read(first, second, "added") == ["24"]


def test_the_same_run_twice_differs_in_nothing():
    trace = fake_trace()
    assert {p.kind for p in difference(trace, trace)} == {"same"}


def test_a_step_more_or_less():
    first, second = written("one two", "five six"), written("one two", "three four", "five six")
    assert read(first, second, "added") == ["three four"]
    assert read(second, first, "removed") == ["three four"]
    assert read(written(), second, "removed") == []


@pytest.mark.parametrize("seed", range(5))
def test_passages_cover_both_traces_in_order(seed):
    rng = random.Random(seed)
    first, second = (
        written(*(" ".join(rng.choices("abcd", k=rng.randrange(1, 6))) for _ in range(8))) for _ in range(2)
    )
    at = other = 0
    for p in difference(first, second):
        assert (p.start, p.other_start) == (at, other)
        at, other = p.end, p.other_end
    assert (at, other) == (len(first), len(second))
    alignment = Alignment(difference(first, second))
    for token in range(len(first)):
        assert 0 <= alignment.across(token) <= len(second)
    for p in difference(first, second):
        if p.kind == "same":
            assert alignment.across(p.start) == p.other_start
            assert alignment.across(p.other_start, back=True) == p.start


def test_playheads_cross_to_the_same_word_both_ways():
    first, second = written("a b c", "d e f"), written("a x b c", "d e f")
    alignment = Alignment(difference(first, second))
    assert [alignment.across(i) for i in range(6)] == [0, 2, 3, 4, 5, 6]
    assert alignment.across(5, back=True) == 4
    assert alignment.across(1, back=True) == 1
