"""Every attribution method can be had by its name, and gives an effect to every region for every token."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from core.attribution.linear_attention import LinearAttention
from core.attribution.registry import CEILING, METHODS


class Zero:
    identity = None

    def estimate(self, features):
        return np.zeros((len(features), features.regions), np.float32), np.zeros(len(features), np.float32)


def test_names_in_the_registry_are_those_of_the_methods():
    assert all(name == method.name for name, method in METHODS.items())
    assert CEILING in METHODS


@pytest.mark.parametrize("name", [name for name, method in METHODS.items() if not method.ablations])
def test_every_method_gives_each_token_an_effect_of_each_region(name, tiny_case):
    linear = LinearAttention(np.ones((3, 4), np.float32), "", 1)
    case = dataclasses.replace(tiny_case, estimator=Zero(), linear=linear)
    effects = METHODS[name].effects(case)
    assert effects.shape == (len(case.token_ids), len(case.region_map))
    assert np.isfinite(effects).all()
    assert METHODS[name].passes(case) >= 0


@pytest.mark.parametrize("name", ["estimator", "linear attention"])
def test_a_method_that_lacks_what_it_needs_refuses(name, tiny_case):
    assert METHODS[name].needs
    with pytest.raises(ValueError, match="needs"):
        METHODS[name].effects(tiny_case)
