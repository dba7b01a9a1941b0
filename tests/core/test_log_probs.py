"""Log-probabilities keep their digits where a token is all but certain."""

from __future__ import annotations

import pytest
import torch

from core.log_probs import log_prob_of, log_softmax, share_of_others


@pytest.fixture(params=[0.0, 8.0, 16.0, 24.0], ids="ahead by {}".format)
def logits(request):
    """Five rows of 200 tokens, one of which is as far ahead."""
    rows = 15 + torch.randn(5, 200, generator=torch.Generator().manual_seed(0))
    rows[:, 7] = rows.amax(1) + request.param
    return rows


def exactly(logits):
    """With 16 digits."""
    return torch.log_softmax(logits.double(), -1)


def test_every_token_has_its_log_probability(logits):
    torch.testing.assert_close(log_softmax(logits).double(), exactly(logits), rtol=1e-5, atol=0)


def test_the_one_asked_for_has_it_whether_it_is_likely_or_not(logits):
    for token in (7, 3):
        found = log_prob_of(logits, torch.full((5,), token))
        torch.testing.assert_close(found.double(), exactly(logits)[:, token], rtol=1e-5, atol=0)


def test_a_small_change_of_an_all_but_certain_token_can_be_seen():
    logits = torch.tensor([[20.0, 2.0, 1.0, 0.0], [20.0, 2.01, 1.0, 0.0]])
    drop = -log_prob_of(logits, torch.tensor([0, 0])).double().diff()
    expected = -exactly(logits)[:, 0].diff()
    torch.testing.assert_close(drop, expected, rtol=1e-3, atol=0)
    usual = logits[:, 0] - logits.logsumexp(-1)
    assert usual[0] == usual[1], "rounding would hide it"


def test_the_gradient_of_log_odds_is_the_tokens_own_logit_less_what_the_others_share(logits):
    ids = torch.tensor([7, 7, 3, 3, 7])
    exact = logits.double().requires_grad_()
    own = torch.log_softmax(exact, -1).gather(1, ids[:, None])[:, 0]
    (gradient,) = torch.autograd.grad((own - (-own.expm1()).log()).sum(), exact)
    found = torch.nn.functional.one_hot(ids, 200) - share_of_others(log_softmax(logits), ids)
    torch.testing.assert_close(found.double(), gradient, rtol=1e-4, atol=1e-6)
