"""Methods are judged on the same texts by masks that none of them has seen."""

from __future__ import annotations

import json

import numpy as np
import pytest

from core.attribution.method import Method
from core.attribution.registry import METHODS
from core.attribution.ridge import ridge
from core.calibration import Item
from core.comparison import compare, table
from core.regions import region_map_from_labels
from core.trace import Identity, Sampling


def items(count: int) -> list[Item]:
    labels = np.zeros((64, 96), np.int32)
    labels[:32, :48], labels[32:, 48:], labels[:32, 48:] = 1, 2, 3
    pictures = [np.random.default_rng(i).integers(0, 255, (64, 96, 3), dtype=np.uint8) for i in range(count)]
    return [Item(str(i), p, "Hi?", region_map_from_labels(labels), i) for i, p in enumerate(pictures)]


class Looks:
    identity = Identity("looks")

    def estimate(self, features):
        return features.attention.mean((1, 2)).numpy(), features.image_mass.mean((1, 2)).numpy()


@pytest.fixture(scope="module")
def result(tiny_thinker):
    methods = [METHODS["random"], METHODS["mean attention"], METHODS["estimator"], ridge(24)]
    sampling = Sampling(temperature=1.0, max_new_tokens=10)
    return compare(tiny_thinker, Looks(), items(3), methods, masks=16, sampling=sampling)


def test_ablating_the_very_text_beats_chance_by_far(result):
    methods = result["methods"]
    assert methods["ridge 24"]["tokens"]["mean"] > 0.6 > abs(methods["random"]["tokens"]["mean"]) + 0.2


def test_methods_that_are_the_same_score_the_same(result):
    methods = result["methods"]
    assert methods["estimator"]["tokens"] == methods["mean attention"]["tokens"]


def test_the_result_says_how_it_came_about_and_is_plain_json(result):
    assert (result["operator"], result["masks"], result["screens"]) == ("pixels", 16, 3)
    assert result["methods"]["ridge 24"]["passes"] == 24
    assert result["methods"]["random"]["r2"] is None
    again = json.loads(json.dumps(result, allow_nan=False))
    assert "ridge 24" in table(again)


def test_no_method_gets_the_masks_that_judge_it(tiny_thinker):
    from core.ablation import half_masks

    seen = []

    def spy(case):
        masks, log_probs = case.ablations(8)
        seen.append(masks)
        assert log_probs.shape == (8, len(case.token_ids))
        return np.zeros((len(case.token_ids), len(case.region_map)), np.float32)

    one = items(1)
    compare(
        tiny_thinker, None, one, [Method("spy", "", 8, spy)], masks=16, sampling=Sampling(max_new_tokens=4)
    )
    assert not np.array_equal(seen[0], half_masks(4, 16, one[0].seed)[:8])
