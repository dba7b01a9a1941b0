"""What everybody looks at counts for nothing; what is looked at beyond that counts."""

from __future__ import annotations

import numpy as np

from core.earlier import EarlierTokens, no_tokens
from core.habit import Habit


def a_run(count, seed=0):
    rng = np.random.default_rng(seed)
    earlier = no_tokens(count)
    for token in range(count):
        seen = rng.permutation(token)[:8]
        earlier.tokens[token, : len(seen)] = seen
        earlier.shares[token, : len(seen)] = np.sort(rng.dirichlet(np.ones(8)))[::-1][: len(seen)]
    return earlier


def slowly(earlier: EarlierTokens) -> np.ndarray:
    """Token by token, as the definition says."""
    count = len(earlier)
    matrix = np.zeros((count, count))
    for token in range(count):
        for seen, share in zip(earlier.tokens[token], earlier.shares[token], strict=True):
            if seen >= 0:
                matrix[token, seen] = share
    excess = np.zeros(earlier.tokens.shape)
    for token in range(count):
        for place, seen in enumerate(earlier.tokens[token]):
            if seen >= 0:
                usual = matrix[seen + 1 : token + 1, seen].mean()
                excess[token, place] = max(0.0, matrix[token, seen] - usual)
    return excess


def test_it_is_what_the_definition_says_however_the_run_comes_in():
    earlier = a_run(120)
    expected = slowly(earlier)
    for size in (1, 7, 32, 120):
        habit = Habit()
        parts = [habit.beyond(earlier.part(at, at + size)) for at in range(0, 120, size)]
        np.testing.assert_allclose(np.concatenate(parts), expected, atol=1e-6)
        assert len(habit) == 120


def test_a_token_that_all_look_at_alike_has_no_excess_and_one_that_is_looked_up_has():
    earlier = no_tokens(20)
    earlier.tokens[1:, 0], earlier.shares[1:, 0] = 0, 0.5
    earlier.tokens[15, 1], earlier.shares[15, 1] = 4, 0.25
    excess = Habit().beyond(earlier)
    assert not excess[:, 0].any()
    assert excess[15, 1] > 0.2


def test_nothing_known_gives_nothing():
    habit = Habit()
    assert not habit.beyond(no_tokens(5)).any()
    assert habit.beyond(no_tokens(0)).shape == (0, 8)
