"""The prior finds what a token looks at on purpose, and is never taken for an effect."""

from __future__ import annotations

import numpy as np
import torch

from core.attribution.prior import Prior
from core.features import CARRIED, Features
from core.quantity import UNCALIBRATED
from core.trace import Identity, Sampling, Trace

AREA = torch.tensor([0.5, 0.3, 0.1, 0.1])


def features(rows: list[list[float]]) -> Features:
    """Two layers of two heads that all attend to four regions as in ``rows``."""
    look = torch.tensor(rows)[:, None, None].expand(-1, 2, 2, -1)
    n = len(rows)
    return Features(
        attention=look,
        direct=torch.zeros_like(look),
        carried=torch.zeros(n, 2, len(CARRIED), 4),
        image_mass=look.sum(-1),
        log_prob=torch.zeros(n),
        entropy=torch.zeros(n),
        area=AREA,
        content=torch.zeros(4, 0),
        sourced=look,
        stirred=torch.zeros(n, 2, 2, 4),
        influence=torch.zeros(4, 3),
        hidden=torch.zeros(n, 0),
        direct_total=torch.zeros(n, 2, 2),
    )


def test_attention_spread_by_area_is_nothing():
    scores, total = Prior().estimate(features([(0.6 * AREA).tolist()] * 5))
    np.testing.assert_allclose(scores, 0, atol=1e-6)
    np.testing.assert_allclose(total, 0, atol=1e-6)


def test_a_region_that_is_always_attended_fades_and_a_new_look_stands_out():
    sink = [0.1, 0.05, 0.5, 0.02]
    scores, _ = Prior().estimate(features([sink] * 30 + [[0.1, 0.05, 0.5, 0.3]]))
    assert scores[0].argmax() == 2, "at first nobody can know that it is a sink"
    assert scores[-1].argmax() == 3
    assert scores[-1, 2] < 0.2 * scores[0, 2]


def test_a_large_region_needs_more_attention_than_a_small_one():
    scores, _ = Prior().estimate(features([[0.3, 0.1, 0.3, 0.0]]))
    assert scores[0].argmax() == 2
    assert scores[0, 0] == 0


def test_tokens_in_pieces_score_as_tokens_at_once():
    rows = np.random.default_rng(0).dirichlet(np.ones(4), 12).tolist()
    whole, _ = Prior().estimate(features(rows))
    prior = Prior()
    parts = [prior.estimate(features(rows[a:b]))[0] for a, b in ((0, 1), (1, 7), (7, 12))]
    np.testing.assert_allclose(np.concatenate(parts), whole, rtol=1e-4, atol=1e-6)


def test_a_trace_that_the_prior_made_says_so(make_trace):
    made = make_trace()
    trace = Trace(
        made.screenshot, made.region_map, "?", Identity("m"), Identity("s"), Prior.identity, Sampling()
    )
    assert trace.quantity == UNCALIBRATED
    assert made.quantity.title == "estimated effect, nats"
