"""The benchmark of the shape of a reasoning knows right from wrong and looks at no more than it says."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import core
from core.export.marked_section import marked_section
from core.regions import region_map_from_labels
from core.trace import Identity
from models.dynamics_bench import (
    DOUBT,
    SHARES,
    answer_of,
    auc_alike,
    bench_dynamics,
    blurred,
    degraded,
    measures_of,
    section,
    table,
)


def heard(token_ids=(5, 6, 9, 7, 8), texts=("a", "b", "", "4", " 2\n"), spans=((0, 2), (2, 5))):
    features = SimpleNamespace(log_prob=torch.tensor([-1.0, -3.0, 0.0, 0.0, -1.0]))
    return SimpleNamespace(token_ids=list(token_ids), texts=list(texts), spans=list(spans), features=features)


def test_the_answer_is_what_follows_the_thinking():
    assert answer_of(heard(), 9) == "4 2"
    assert answer_of(heard(), 100) == ""
    assert answer_of(heard(), None) == ""


def test_measures_look_at_the_first_part_of_the_text_only():
    effects = np.random.default_rng(0).normal(size=(5, 3))
    found = measures_of(effects, heard())
    changed = effects.copy()
    changed[3:] = 100
    other = measures_of(changed, heard())
    early, late = SHARES.index(0.6), SHARES.index(1.0)
    for key, values in found.items():
        assert values[early] == other[key][early]
    assert found["tokens", "length"][late] != other["tokens", "length"][late]
    assert found["tokens", DOUBT][SHARES.index(0.4)] == pytest.approx(2)
    assert found["steps", "length"][early] == 0  # one step has ended, which is no way yet


def test_blurring_keeps_the_size_and_loses_the_detail():
    image = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    assert blurred(image, 1.0) is image
    soft = blurred(image, 0.35)
    assert soft.shape == image.shape
    assert soft.std() < 0.6 * image.std()


def test_a_shrunken_screen_takes_its_regions_along():
    image = np.full((40, 60, 3), 250, np.uint8)
    labels = np.zeros((40, 60), np.int32)
    image[20:40, 30:60], labels[20:40, 30:60] = (10, 20, 30), 1
    small, regions = degraded(image, region_map_from_labels(labels), "shrink", 0.5)
    assert small.shape == image.shape
    assert (small[10:20, 15:30] == (10, 20, 30)).all()
    assert (small[20:] == 250).all()
    assert (regions.labels == 1).sum() == 10 * 15
    assert regions.regions[1].bbox == (15, 10, 15, 10)


def test_noise_keeps_the_regions_and_is_the_same_each_time():
    image = np.full((40, 60, 3), 128, np.uint8)
    regions = region_map_from_labels(np.zeros((40, 60), np.int32))
    noise, same = degraded(image, regions, "noise", 20.0)
    assert same is regions
    assert noise.std() == pytest.approx(20, rel=0.05)
    np.testing.assert_array_equal(noise, degraded(image, regions, "noise", 20.0)[0])
    assert degraded(image, regions, "none", 0.0) == (image, regions)


def test_what_only_tells_groups_apart_tells_nothing_among_screens_alike():
    groups, wrong = ["sharp"] * 3 + ["blurred"] * 3, np.array([False, False, True, False, True, True])
    assert auc_alike(np.array([0.0, 0, 0, 1, 1, 1]), wrong, groups) == 0.5
    # Pairs alike: sharp 2 × 1, of which 1 is in order; blurred 1 × 2, both in order.
    assert auc_alike(np.array([1.0, 3, 2, 4, 5, 6]), wrong, groups) == 0.75
    assert auc_alike(np.arange(3.0), np.ones(3, bool), groups[:3]) is None


def test_the_documentation_holds_the_figures_of_the_committed_run():
    docs = Path(next(iter(core.__path__))).parent / "docs"
    result = json.loads((docs / "dynamics.json").read_text(encoding="utf-8"))
    assert marked_section(docs / "how-it-works.md", "dynamics")[1] == section(result)
    tortuosity = result["auc"]["steps"]["tortuosity"][-1]
    told = [f"{tortuosity[name]:.2f}".removeprefix("0") for name in ("mean", "low", "high", "alike")]
    assert "{} [{}, {}], {} |".format(*told) in section(result)


class Looks:
    identity = Identity("looks")

    def estimate(self, features):
        return features.attention.mean((1, 2)).numpy(), features.image_mass.mean((1, 2)).numpy()


def test_a_model_that_never_answers_right_has_nothing_to_foretell(tiny_thinker):
    result = bench_dynamics(tiny_thinker, Looks(), samples=1, max_new_tokens=6)
    assert (result["screens"], result["wrong"]) == (5, 5)
    assert result["auc"]["steps"]["tortuosity"][2]["mean"] is None
    assert result["auc"]["steps"]["tortuosity"][2]["alike"] is None
    assert result["degradations"] == {"none": {"screens": 5, "wrong": 5}}
    assert "tortuosity" in table(result)
