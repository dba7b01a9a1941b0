"""Methods are judged on the same texts by masks that none of them has seen."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from core import judging
from core.ablation import half_masks
from core.attribution.method import Method
from core.attribution.registry import CEILING, METHODS
from core.attribution.ridge import ridge
from core.calibration import Item
from core.comparison import COLUMNS, SHARED, compare, judge_all, summarize, table
from core.evidence import Located, Read
from core.export.faithfulness_picture import draw_table
from core.flag import ESTIMATOR, SCORES
from core.judging import BEST_SUM, Score, Setting, judge, pointing
from core.links import LITTLE_EVIDENCE
from core.regions import region_map_from_labels
from core.trace import Identity, Sampling

SAMPLING = Sampling(temperature=1.0, max_new_tokens=8)


def items(count: int) -> list[Item]:
    labels = np.zeros((64, 96), np.int32)
    labels[:32, :48], labels[32:, 48:], labels[:32, 48:] = 1, 2, 3
    pictures = [np.random.default_rng(i).integers(0, 255, (64, 96, 3), dtype=np.uint8) for i in range(count)]
    return [
        Item(str(i), p, "Hi?", region_map_from_labels(labels), i, ("odd", "even")[i % 2])
        for i, p in enumerate(pictures)
    ]


class Looks:
    """An estimator that is so unsure that no measurement can surprise it."""

    identity = Identity("looks", details={"interval_factor": 0.5})

    def interval(self, features):
        effects = self.estimate(features)[0]
        return effects - 1000, effects + 3000

    def estimate(self, features):
        return features.attention.mean((1, 2)).numpy(), features.image_mass.mean((1, 2)).numpy()


METHODS_HERE = [
    METHODS["random"],
    METHODS["mean attention"],
    METHODS["linear attention"],
    METHODS["estimator"],
    METHODS["leave-one-out"],
    ridge(24),
]


@pytest.fixture(scope="module")
def judged(tiny_thinker):
    setting = Setting(METHODS_HERE, Looks(), masks=16, sampling=SAMPLING)
    return list(judge_all(tiny_thinker, items(4), setting, every=2))


@pytest.fixture(scope="module")
def result(judged):
    return summarize(judged, METHODS_HERE, 16)


def test_ablating_the_very_text_beats_chance_by_far(result):
    methods = result["methods"]
    assert methods["ridge 24"]["tokens"]["mean"] > 0.6 > abs(methods["random"]["tokens"]["mean"]) + 0.2


def test_no_sum_does_better_than_one_that_was_fitted_on_the_judging_masks(result):
    best = result["methods"][BEST_SUM]
    assert best["r2"]["mean"] >= max(row["r2"]["mean"] or -1 for row in result["methods"].values())
    assert best["r2"]["mean"] > 0.8


def test_methods_that_are_the_same_score_the_same(result):
    methods = result["methods"]
    for column in COLUMNS:
        assert methods["estimator"][column] == methods["mean attention"][column]


def test_the_share_of_the_ceiling_is_taken_over_the_screens_that_both_were_judged_on(judged):
    def score(lds: float, missed: float) -> Score:
        columns = dict.fromkeys(SHARED, np.array([lds]))
        return Score(columns, np.array([missed, 10.0, 1.0, 1.0]), 0, 0.0)

    both = replace(judged[0], scores={"random": score(0.3, 6.0), CEILING: score(0.6, 2.0)})
    alone = replace(judged[2], scores={"random": score(0.9, 0.0)})
    share = summarize([both, alone], METHODS_HERE, 16)["methods"]["random"]["share_of_ceiling"]
    assert [share[column]["mean"] for column in SHARED] == pytest.approx([0.5] * len(SHARED))
    assert share["r2"]["mean"] == pytest.approx(0.5), "(1 - 6 / 10) / (1 - 2 / 10)"
    assert share["r2"]["count"] == 1


def test_how_far_masks_move_what_relies_on_the_screenshot_and_what_does_not(judged):
    tokens, steps = (len(judged[0].reliance[of]) for of in ("tokens", "steps"))
    still, spread = np.zeros(tokens), np.arange(tokens) / 10
    still[:2] = 1.0, 3.0
    one = replace(
        judged[0],
        reliance={"tokens": still, "steps": np.full(steps, 2.0)},
        spread={"tokens": spread, "steps": np.full(steps, 6.0)},
    )
    moved = summarize([one], METHODS_HERE, 16)["moved"]
    assert moved["tokens"] == {
        "targets": tokens, "reliant": 2, "spread": pytest.approx(np.median(spread[2:])),
        "spread_of_reliant": pytest.approx(0.05),
    }  # fmt: skip
    assert moved["steps"] == {"targets": steps, "reliant": steps, "spread": None, "spread_of_reliant": 6.0}


def test_the_spread_over_masks_is_kept_for_every_token_and_step(judged):
    for one in judged:
        for of in ("tokens", "steps"):
            assert one.spread[of].shape == one.reliance[of].shape
            assert (one.spread[of] > 0).any()


def test_costly_methods_and_curves_are_judged_on_some_screens_of_each_kind(judged, result):
    assert [one.thorough for one in judged] == [True, True, False, False]
    assert (result["screens"], result["thorough_screens"]) == (4, 2)
    assert result["methods"]["ridge 24"]["screens"] == 2
    assert result["methods"]["random"]["screens"] == 4
    assert result["methods"]["random"]["deletion"]["count"] <= 2


def test_curves_are_the_same_whether_their_masks_were_measured_before_or_not(tiny_thinker, monkeypatch):
    setting = Setting(METHODS_HERE, Looks(), None, 24, SAMPLING)
    asked = []

    def without_what_is_known(effects, spans, whole, nothing, known, ablate):
        def counted(masks, tokens):
            asked.append(len(masks))
            return ablate(masks, tokens)

        curves(effects, spans, whole, nothing, known, counted)
        needed = sum(asked)
        found = curves(effects, spans, whole, nothing, {}, counted)
        assert sum(asked) - needed > needed
        return found

    before = judge(tiny_thinker, items(1)[0], setting)
    curves = judging._curves
    monkeypatch.setattr(judging, "_curves", without_what_is_known)
    after = judge(tiny_thinker, items(1)[0], setting)
    assert asked
    for method in METHODS_HERE[3:]:
        for name in ("deletion", "insertion", "top1", "top3"):
            values = before.scores[method.name].columns[name]
            assert len(values) == 1
            np.testing.assert_allclose(values, after.scores[method.name].columns[name], atol=1e-4)


def test_intervals_are_held_against_single_drops_of_tokens_and_steps(judged, result):
    found = result["intervals"]
    assert found["nominal"] == 0.9
    for block in (found, found["kinds"]["odd"], found["kinds"]["even"]):
        assert block["tokens"]["coverage"]["mean"] == block["steps"]["coverage"]["mean"] == 1
        assert block["tokens"]["width"]["mean"] == pytest.approx(4000)
    pairs = sum(one.coverage["tokens"][1] for one in judged)
    assert pairs == sum(one.tokens * one.regions for one in judged)
    wide = sum(one.coverage["steps"][2] for one in judged) / sum(one.coverage["steps"][1] for one in judged)
    assert found["steps"]["width"]["mean"] == pytest.approx(wide)


def test_the_flag_is_judged_by_the_measured_reliance(judged, result):
    flag = result["flag"]
    assert flag["threshold"] == LITTLE_EVIDENCE
    assert flag["tokens"]["targets"] == sum(one.tokens for one in judged)
    assert flag["tokens"]["without"] == sum((one.reliance["tokens"] < 0.5).sum() for one in judged)
    assert set(flag["steps"]["auc"]) == set(SCORES)
    for one in judged:
        assert one.reliance["steps"].sum() == pytest.approx(one.reliance["tokens"].sum(), abs=1e-3)
        for name, scores in one.flags["steps"].items():
            assert scores.sum() == pytest.approx(one.flags["tokens"][name].sum(), abs=1e-3)


def test_a_comparison_can_do_without_curves_and_without_an_estimator(tiny_thinker):
    one = compare(tiny_thinker, None, items(1), [METHODS["random"]], 8, SAMPLING, curves=False)
    assert one["intervals"] is None
    assert ESTIMATOR not in one["flag"]["tokens"]["auc"]
    assert "Intervals" not in table(one)
    assert one["methods"]["random"]["deletion"]["mean"] is None
    assert one["methods"]["random"]["tokens"]["count"] > 0


def test_methods_without_what_they_need_are_left_out(result):
    assert "linear attention" not in result["methods"]


def test_the_result_says_how_it_came_about_and_is_plain_json(result):
    assert (result["operator"], result["masks"], result["kinds"]) == ("pixels", 16, {"even": 2, "odd": 2})
    assert result["methods"]["ridge 24"]["passes"] <= 16  # four regions: no more masks than that differ
    assert result["methods"]["leave-one-out"]["passes"] == 5
    assert result["methods"]["random"]["r2"]["mean"] is None
    assert set(result["methods"]["random"]["kinds"]) == {"even", "odd"}
    again = json.loads(json.dumps(result, allow_nan=False))
    assert "ridge 24" in table(again)
    assert "No visual evidence" in table(again)
    assert "Intervals" in table(again)
    picture = draw_table(again)
    assert picture.width > 1000
    assert len(np.unique(np.asarray(picture).reshape(-1, 3), axis=0)) > 20


def test_removing_what_leave_one_out_puts_first_costs_what_it_says(judged):
    """The drop without the top region is that region's own effect, and no other method's top costs more."""
    drops = [
        {name: float(s.columns["top1"][0]) for name, s in one.scores.items() if "top1" in s.columns}
        for one in judged
        if "top1" in one.scores["random"].columns
    ]
    assert drops
    for drop in drops:
        assert drop["leave-one-out"] >= max(drop.values()) - 1e-4


def test_no_method_gets_the_masks_that_judge_it(tiny_thinker):
    seen = []

    def spy(case):
        masks, log_probs = case.ablations(8)
        seen.append(masks)
        assert log_probs.shape == (8, len(case.token_ids))
        return np.zeros((len(case.token_ids), len(case.region_map)), np.float32)

    one = items(1)
    compare(
        tiny_thinker, None, one, [Method("spy", "", spy, ablations=8)], 16, Sampling(max_new_tokens=4)
    )  # fmt: skip
    assert not np.array_equal(seen[0], half_masks(4, 16, one[0].seed)[:8])


def test_pointing_asks_for_the_region_that_holds_what_was_read():
    region_map = items(1)[0].region_map
    box = (0.0, 0.0, 48.0, 32.0)
    located = Located(((Read(0, 1, (box,)), (0, 2)), (Read(1, 2, ((500.0, 0.0, 4.0, 4.0),)), (2, 3))),
                      np.zeros(3, bool), np.zeros(3, bool))  # fmt: skip
    effects = np.array([[0.0, 1.0, 0.0, 0.0], [1.5, 1.0, 0.0, 0.0], [0.0, 0.0, 9.0, 0.0]])
    assert pointing(effects, located, region_map).tolist() == [1.0]
    assert pointing(effects * [2, 1, 1, 1], located, region_map).tolist() == [0.0]


def test_two_measurements_in_different_precision_hardly_differ(tiny_thinker):
    full, half = (
        compare(
            tiny_thinker, None, items(1), [METHODS["leave-one-out"]], 8, SAMPLING, half=half, curves=False
        )
        for half in (False, True)
    )
    assert half["precision"] == "bfloat16"
    assert full["methods"]["leave-one-out"]["tokens"] != half["methods"]["leave-one-out"]["tokens"]
    pair = [one["methods"]["leave-one-out"]["steps"]["mean"] for one in (full, half)]
    assert abs(pair[0] - pair[1]) < 0.1
