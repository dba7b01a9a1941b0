"""The loss asks for order over masks whatever the scale, for the scale itself, and for the right regions."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import spearmanr

from core.effect_loss import RANKED, disagreement, misdirection, scale_error


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


def test_effects_that_point_where_single_drops_do_are_not_misdirected_whatever_their_size():
    drops = torch.tensor([[3.0, 1e-6], [-1.0, 0.0], [0.0, 2e-6]])
    assert float(misdirection(drops * 1e-4, drops)) == pytest.approx(0.0, abs=1e-6)
    assert float(misdirection(-drops, drops)) == pytest.approx(2.0, abs=1e-6)


def test_misdirection_is_the_covariance_over_all_masks():
    effects, drops = torch.randn(2, 5, 1, generator=torch.Generator().manual_seed(0))
    masks = torch.cartesian_prod(*[torch.tensor([0.0, 1.0])] * 5)
    over_masks = torch.corrcoef(torch.stack(((masks @ effects)[:, 0], (masks @ drops)[:, 0])))[0, 1]
    assert float(misdirection(effects, drops)) == pytest.approx(1 - float(over_masks), abs=1e-5)


def test_a_target_that_no_region_moves_has_no_direction():
    effects, drops = torch.randn(2, 4, 2, generator=torch.Generator().manual_seed(1))
    drops[:, 1] = 0
    assert float(misdirection(effects, drops)) == pytest.approx(
        float(misdirection(effects[:, :1], drops[:, :1])), abs=1e-5
    )


def test_a_wrong_factor_counts_alike_for_tiny_and_large_effects():
    measured = columns(0) * torch.tensor([1e-6, 1e-3, 1.0, 30.0])
    assert float(scale_error(measured, measured)) == 0
    too_large, too_small = scale_error(100 * measured, measured), scale_error(measured / 100, measured)
    assert float(too_large) == pytest.approx(float(torch.tensor(100.0).log()) - 0.5, abs=1e-3)
    assert float(too_small) == pytest.approx(float(too_large), abs=1e-3)


def test_the_scale_is_asked_for_whatever_the_order():
    assert float(scale_error(columns(0).flip(0), columns(0))) == pytest.approx(0, abs=1e-9)


def test_masks_that_all_keep_the_same_break_no_fit():
    predicted = torch.ones(8, 2, requires_grad=True)
    scale_error(predicted, columns(0, 2)[:8]).backward()
    assert predicted.grad is not None
    assert bool(predicted.grad.isfinite().all())
