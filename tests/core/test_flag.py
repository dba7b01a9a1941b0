"""The flag of missing evidence is judged by pairs of targets, of which the one without should score lower."""

from __future__ import annotations

import numpy as np
import pytest

from core.faithfulness import bootstrap_auc, roc_auc
from core.flag import ESTIMATOR, judge_flag
from core.links import LITTLE_EVIDENCE


def test_a_score_that_ranks_as_the_measurement_does_has_an_area_of_one():
    measured = [np.array([0.0, 3.0]), np.array([0.2, 1.0, -2.0])]
    scores = [{ESTIMATOR: values * 2 + 0.1} for values in measured]
    found = judge_flag(measured, scores)
    assert (found["targets"], found["without"]) == (5, 3)
    assert found["auc"][ESTIMATOR]["mean"] == 1


def test_what_is_flagged_is_held_against_what_lacks_evidence():
    measured = [np.array([0.0, 0.0, 3.0, 4.0])]
    scores = [{ESTIMATOR: np.array([0.1, 2.0, 0.3, 5.0]), "attention on the image": np.array([4.0, 3, 2, 1])}]
    found = judge_flag(measured, scores)
    assert found["right"]["mean"] == 0.5  # two are flagged, one of them lacks evidence
    assert found["found"]["mean"] == 0.5
    assert found["auc"][ESTIMATOR]["mean"] == 0.75
    assert found["auc"]["attention on the image"]["mean"] == 0


def test_what_is_missing_is_left_out_and_one_outcome_alone_has_no_curve():
    found = judge_flag([np.full(3, LITTLE_EVIDENCE)], [{"attention on the image": np.arange(3.0)}])
    assert found["without"] == 0
    assert found["auc"] == {"attention on the image": {"mean": None, "low": None, "high": None, "count": 3}}
    assert "right" not in found
    assert judge_flag([], [])["auc"] == {}


@pytest.mark.parametrize("seed", range(3))
def test_the_interval_holds_the_area_that_counting_pairs_gives(seed):
    rng = np.random.default_rng(seed)
    groups = [rng.integers(0, 5, 20).astype(float) for _ in range(30)]
    outcomes = [group + rng.normal(0, 2, 20) > 2 for group in groups]
    found = bootstrap_auc(groups, outcomes)
    assert found.mean == roc_auc(np.concatenate(groups), np.concatenate(outcomes))
    assert found.low < found.mean < found.high
    assert found.high - found.low < 0.15


def test_redrawing_one_screen_is_no_draw_and_infinities_are_scores():
    found = bootstrap_auc([np.array([np.inf, 0.0, 1.0, np.inf])], [np.array([True, True, False, False])])
    assert found.mean == found.low == found.high == 0.375
