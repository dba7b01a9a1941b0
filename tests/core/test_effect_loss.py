"""The loss of the estimator asks for order over masks whatever the scale, and for the scale as well."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import spearmanr

from core.effect_loss import RANKED, disagreement


def columns(seed: int, count: int = 4) -> torch.Tensor:
    values = torch.randn(32, count, generator=torch.Generator().manual_seed(seed))
    return values - values.mean(0)


def test_a_perfect_prediction_is_no_disagreement_but_for_the_ranks_of_values():
    measured = columns(0)
    ranked = torch.tensor(
        [float(torch.corrcoef(torch.stack((m, m.argsort().argsort().float())))[0, 1]) for m in measured.T]
    )
    expected = RANKED * (1 - ranked).mean()
    assert float(disagreement(measured, measured)) == pytest.approx(float(expected), abs=1e-4)


def test_the_order_of_tiny_changes_counts_as_much_as_that_of_large_ones():
    measured, wrong = columns(0), columns(1)
    tiny = disagreement(wrong * 1e-5, measured * 1e-5)
    large = disagreement(wrong, measured)
    scale = 0.5 * torch.nn.functional.smooth_l1_loss(wrong, measured, beta=0.5)
    assert float(tiny) == pytest.approx(float(large - scale), abs=1e-2)


def test_the_scale_of_a_prediction_matters_only_in_nats():
    measured = columns(0) * 3
    right, double = disagreement(measured, measured), disagreement(2 * measured, measured)
    assert float(double - right) == pytest.approx(
        0.5 * float(torch.nn.functional.smooth_l1_loss(2 * measured, measured, beta=0.5)), abs=1e-4
    )


def test_a_target_that_no_mask_moves_has_no_say():
    measured = columns(0, 1)
    beside = torch.cat((measured, torch.zeros(32, 1)), 1)
    noise = torch.cat((measured, columns(1, 1) * 1e-12), 1)
    assert float(disagreement(noise, beside)) == pytest.approx(
        float(disagreement(measured, measured)), abs=1e-3
    )


def test_an_outlier_changes_ranks_little():
    measured, wild = columns(0, 1), columns(0, 1)
    wild[int(wild.argmax())] *= 50
    wild -= wild.mean()
    assert spearmanr(measured[:, 0], wild[:, 0]).statistic > 0.99
    assert float(disagreement(measured * 1e-6, wild * 1e-6)) < 1 - 0.9 * RANKED
