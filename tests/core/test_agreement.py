"""Agreement of a trace's estimates with measurements, against a slow reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from core.agreement import agreement, inside_intervals
from core.errors import InputError
from core.reattribution import before_effects
from core.regions import Region, RegionMap
from core.screenshot import Screenshot
from core.trace import Identity, Measurement, Sampling, Token, Trace

REGIONS, STEPS, MASKS = 4, 3, 20


@pytest.fixture
def trace():
    """Three steps of two tokens each, with random effects."""
    labels = np.arange(REGIONS, dtype=np.uint8)[None].repeat(2, 0)
    regions = tuple(Region(i, f"r{i}", (i, 0, 1, 2), 2) for i in range(REGIONS))
    who = Identity("x")
    shot = Screenshot(np.zeros((2, REGIONS, 3), np.uint8), "s", "")
    made = Trace(shot, RegionMap(labels, regions), "?", who, who, who, Sampling())
    for i in range(2 * STEPS):
        made.add_token(Token(i, i, f"t{i} ", -1.0, "thinking", i // 2))
    effects = np.random.default_rng(0).normal(size=(2 * STEPS, REGIONS)).astype(np.float32)
    made.set_effects(0, effects, np.abs(effects).sum(1))
    return made


@pytest.fixture
def measured(trace):
    rng = np.random.default_rng(1)
    masks = rng.random((MASKS, REGIONS)) < 0.5
    return [
        Measurement(
            2 * i, 2 * i + 2, "pixels", rng.normal(size=REGIONS).astype(np.float32), reliance, -2.0, masks,
            rng.normal(size=MASKS).astype(np.float32),
        )
        for i, reliance in enumerate((0.2, 1.0, 3.0))
    ]  # fmt: skip


def test_lds_is_the_rank_correlation_of_kept_effects_with_log_probabilities(trace, measured):
    result = agreement(trace, measured)
    expected = []
    for m in measured:
        effects = trace.effects[m.start : m.end].sum(0)
        kept = [sum(effects[r] for r in range(REGIONS) if mask[r]) for mask in m.masks]
        expected.append(spearmanr(kept, m.mask_log_probs).statistic)
    assert [row["lds"] for row in result["steps"]] == pytest.approx(expected, abs=1e-3)
    assert result["lds"]["mean"] == pytest.approx(np.mean(expected), abs=1e-3)
    assert result["lds_reliant"]["mean"] == pytest.approx(np.mean(expected[1:]), abs=1e-3)
    assert result["lds_reliant"]["steps"] == 2


def test_single_drops_are_compared_with_estimates(trace, measured):
    row = agreement(trace, measured)["steps"][1]
    expected = pearsonr(trace.effects[2:4].sum(0), measured[1].effects).statistic
    assert row["correlation_with_single_drops"] == pytest.approx(expected, abs=1e-3)
    assert row["text"] == "t2 t3 "
    assert row["measured_reliance"] == 1.0


def test_a_perfect_estimate_scores_one(trace, measured):
    perfect = [
        Measurement(
            m.start, m.end, m.operator, trace.span_effects(m.start, m.end), 2.0, -2.0, m.masks,
            (m.masks @ trace.span_effects(m.start, m.end)).astype(np.float32),
        )
        for m in measured
    ]  # fmt: skip
    result = agreement(trace, perfect)
    assert result["lds"]["mean"] == pytest.approx(1.0)
    assert all(row["correlation_with_single_drops"] == pytest.approx(1.0) for row in result["steps"])


def test_measured_effects_are_counted_in_the_intervals_of_their_estimates(trace, measured):
    assert inside_intervals(trace, measured) == (0, 0)
    assert "intervals" not in agreement(trace, measured)
    trace.estimator.details["interval_factor"] = 2.0
    trace.set_bounds(0, (trace.effects - 3.0, trace.effects + 4.0))
    low, high = trace.span_bounds(2, 4)  # two tokens: √2 times the half-widths, times the factor
    np.testing.assert_allclose(low, trace.effects[2:4].sum(0) - 6 * np.sqrt(2), rtol=1e-5)
    np.testing.assert_allclose(high, trace.effects[2:4].sum(0) + 8 * np.sqrt(2), rtol=1e-5)
    inside = [replace(measured[0], effects=np.float32([low[0], high[1], low[2] - 0.1, high[3] + 0.1]))]
    inside = [replace(inside[0], start=2, end=4)]
    assert inside_intervals(trace, inside) == (2, 4)
    assert agreement(trace, inside)["intervals"] == {"nominal": 0.9, "inside": 2, "effects": 4}


def test_steps_that_were_never_estimated_are_left_out(trace, measured):
    killed = before_effects(trace, trace.region_map, trace.segmenter)
    killed.set_effects(0, trace.effects[:5], trace.reliance[:5])  # the last step lacks a token
    assert agreement(killed, measured) == agreement(trace, measured[:2])
    with pytest.raises(InputError, match="before the effects of these steps were estimated"):
        agreement(killed, measured[2:])
