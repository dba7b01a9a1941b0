"""The benchmark of the shape of a reasoning knows right from wrong and looks at no more than it says."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from core.trace import Identity
from models.dynamics_bench import DOUBT, SHARES, answer_of, bench_dynamics, blurred, measures_of, table


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


class Looks:
    identity = Identity("looks")

    def estimate(self, features):
        return features.attention.mean((1, 2)).numpy(), features.image_mass.mean((1, 2)).numpy()


def test_a_model_that_never_answers_right_has_nothing_to_foretell(tiny_thinker):
    result = bench_dynamics(tiny_thinker, Looks(), samples=1, max_new_tokens=6)
    assert (result["screens"], result["wrong"]) == (5, 5)
    assert result["auc"]["steps"]["tortuosity"][2]["mean"] is None
    assert "tortuosity" in table(result)
