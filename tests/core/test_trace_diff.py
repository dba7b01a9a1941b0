"""Two reasonings are told apart token by token, and playheads find their way across."""

import random
from time import monotonic

import pytest
from fake_traces import fake_trace

from core.trace import Token, Trace
from core.trace_diff import Alignment, Passage, difference


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


@pytest.mark.parametrize(
    ("loop", "other"),
    [
        (["a b", "c d", "e f"] * 1000, ["a b", "c d", "g h"] * 1000),
        (["a b c " * 660], ["a b d " * 660]),
    ],
    ids=["steps", "tokens"],
)
def test_runs_that_loop_do_not_take_long_to_compare(loop, other):
    """Each took a minute or half of one, on the GUI thread."""
    first, second = written("it begins", *loop, "it ends"), written("it begins", *other, "it ends")
    begun = monotonic()
    passages = difference(first, second)
    assert monotonic() - begun < 5
    assert passages[0].kind == passages[-1].kind == "same"
    assert passages[-1].end == len(first)


def test_a_long_loop_is_the_same_as_itself_and_keeps_its_ends_when_a_step_goes():
    loop = ["a b", "c d", "e f"] * 1500
    whole = written(*loop)
    assert difference(whole, whole) == [Passage("same", 0, len(whole), 0, len(whole))]
    assert read(written(*loop[:3000], "x y", *loop[3000:]), whole, "removed") == ["x y"]
