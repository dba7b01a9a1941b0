"""From an answer back to what was read, token by token."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_trace

from core.earlier import no_tokens
from core.following import HALF_READ, follow


def blind():
    """A trace of which no token reads anything or looks back."""
    trace = fake_trace()
    trace.set_effects(0, np.zeros((len(trace), len(trace.region_map))), np.zeros(len(trace)))
    return trace


def looks(trace, *pairs):
    """Make tokens look at earlier ones, far beyond what is usual."""
    earlier = no_tokens(len(trace))
    for token, seen in pairs:
        place = int((earlier.tokens[token] >= 0).sum())
        earlier.tokens[token, place], earlier.shares[token, place] = seen, 0.5
    trace.set_earlier(0, earlier)


def reads(trace, token, region, nats=1e6):
    effects = trace.effects.copy()
    effects[token, region] = nats
    trace.set_effects(0, effects, effects.sum(1))


def test_a_copy_of_a_copy_leads_to_what_the_original_read():
    trace = blind()
    reads(trace, 2, 3)
    looks(trace, (47, 20), (20, 2))
    found = follow(trace, 47, 48)
    assert found.carried[3] == pytest.approx(1, abs=1e-5)
    assert found.steps[trace.tokens[2].step] == pytest.approx(1, abs=1e-5)
    assert not found.direct.any()


def test_what_a_token_reads_itself_is_not_carried():
    trace = blind()
    reads(trace, 2, 3)
    reads(trace, 47, 1, nats=3 * HALF_READ)
    looks(trace, (47, 2))
    found = follow(trace, 47, 48)
    assert found.direct[1] == pytest.approx(0.75)
    assert found.carried[3] == pytest.approx(0.25, abs=1e-5)


def test_a_region_that_speaks_against_a_token_is_nothing_it_was_read_from():
    trace = blind()
    reads(trace, 47, 1, nats=-5)
    assert not follow(trace, 47, 48).direct.any()


def test_what_everybody_looks_at_leads_nowhere():
    trace = blind()
    reads(trace, 0, 3)
    reads(trace, 5, 2)
    looks(trace, *((token, 0) for token in range(1, len(trace))), (47, 5))
    found = follow(trace, 47, 48)
    assert found.carried.argmax() == 2
    assert found.carried[3] == pytest.approx(0, abs=1e-6)


def test_it_equals_a_walk_along_all_ways():
    rng = np.random.default_rng(3)
    trace = fake_trace()
    effects = rng.gamma(0.3, 1.0, (len(trace), len(trace.region_map)))
    trace.set_effects(0, effects, effects.sum(1))
    earlier = no_tokens(len(trace))
    for token in range(len(trace)):
        seen = rng.permutation(token)[:8]
        earlier.tokens[token, : len(seen)] = seen
        earlier.shares[token, : len(seen)] = np.sort(rng.dirichlet(np.ones(8)))[::-1][: len(seen)]
    trace.set_earlier(0, earlier)
    parts: list[np.ndarray] = []  # forwards: what each token rests on, from what those before it rest on
    for token in range(50):
        support = trace.effects[token].astype(float)
        read = support.sum() / (support.sum() + HALF_READ)
        mine = read * support / support.sum()
        weights = trace.excess[token].astype(float)
        for seen, weight in zip(trace.earlier_tokens.tokens[token], weights, strict=True):
            if weight > 0:
                mine = mine + (1 - read) * weight / weights.sum() * parts[seen]
        parts.append(mine)
    found = follow(trace, 45, 50)
    expected = np.mean(parts[45:50], axis=0)
    np.testing.assert_allclose(found.direct + found.carried, expected, atol=5e-3)


def test_a_token_without_effects_or_beyond_what_is_known_leads_nowhere():
    trace = blind()
    found = follow(trace, 47, 48)
    assert not found.carried.any()
    assert not found.steps.any()
