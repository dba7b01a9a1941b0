"""The estimator treats regions alike, whatever their number and order, and survives being saved."""

from __future__ import annotations

import json
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.errors import InputError
from core.estimator import (
    SIZES,
    EffectNetwork,
    Estimator,
    EstimatorConfig,
    agreed,
    joined,
    load_estimator,
    save_estimator,
)
from core.estimator_inputs import inputs_of
from core.features import CARRIED, Features
from core.trace import Identity

CONFIG = EstimatorConfig(layers=2, heads=3, content=5, state=7, hidden=16, thinker="tiny")


def features(tokens: int, regions: int, seed: int = 0) -> Features:
    """Made-up features of the right shapes and ranges."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, generator=generator)

    attention = uniform(tokens, 2, 3, regions) / (2 * regions)
    return Features(
        attention=attention,
        direct=uniform(tokens, 2, 3, regions) - 0.5,
        carried=uniform(tokens, 2, len(CARRIED), regions) / regions,
        image_mass=attention.sum(-1),
        log_prob=-uniform(tokens),
        entropy=uniform(tokens),
        area=torch.softmax(uniform(regions), 0),
        content=uniform(regions, 5),
        sourced=uniform(tokens, 2, 3, regions) / (2 * regions),
        stirred=uniform(tokens, 2, 2, regions) / regions,
        influence=uniform(regions, 3),
        hidden=uniform(tokens, 7) - 0.5,
        direct_total=uniform(tokens, 2, 3) - 0.5,
    )


@pytest.fixture
def network():
    torch.manual_seed(0)
    made = EffectNetwork(CONFIG)
    torch.nn.init.normal_(made.direct.weight)
    torch.nn.init.normal_(made.weights.weight)
    torch.nn.init.normal_(made.content_basis)
    torch.nn.init.normal_(made.state_basis)
    return made


@pytest.fixture
def estimator(network):
    return Estimator(network, CONFIG, Identity("test"))


@pytest.mark.parametrize("regions", [1, 2, 7, 128])
def test_any_number_of_regions_and_tokens_goes(estimator, regions):
    effects, reliance = estimator.estimate(features(5, regions))
    assert effects.shape == (5, regions)
    assert reliance.shape == (5,)
    assert effects.dtype == reliance.dtype == np.float32
    assert np.isfinite(effects).all()


def test_reordering_regions_reorders_effects_and_changes_nothing_else(estimator):
    given = features(4, 6)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    turned = Features(
        given.attention[..., order], given.direct[..., order], given.carried[..., order], given.image_mass,
        given.log_prob, given.entropy, given.area[order], given.content[order],
        given.sourced[..., order], given.stirred[..., order], given.influence[order], given.hidden,
        given.direct_total,
    )  # fmt: skip
    effects, reliance = estimator.estimate(given)
    again, same = estimator.estimate(turned)
    np.testing.assert_allclose(again, effects[:, order], atol=1e-5)
    np.testing.assert_allclose(same, reliance, atol=1e-5)
    assert np.ptp(effects, axis=1).min() > 1e-3, "regions that differ get different effects"


def test_each_token_is_estimated_on_its_own(estimator):
    given = features(6, 5)
    effects, reliance = estimator.estimate(given)
    part, some = estimator.estimate(given.rows(2, 4))
    np.testing.assert_allclose(part, effects[2:4], atol=1e-5)
    np.testing.assert_allclose(some, reliance[2:4], atol=1e-5)


def test_a_token_that_saw_nothing_gets_finite_effects(estimator):
    blank = features(2, 4)
    blank = Features(*(torch.zeros_like(getattr(blank, name)) for name in Features.__slots__))
    assert np.isfinite(estimator.estimate(blank)[0]).all()


def test_saving_and_loading_keeps_the_estimates(network, estimator, tmp_path):
    save_estimator(tmp_path / "mine", network, CONFIG, {"screens": 3})
    loaded = load_estimator(tmp_path / "mine")
    given = features(3, 4)
    np.testing.assert_array_equal(loaded.estimate(given)[0], estimator.estimate(given)[0])
    assert loaded.identity.name == "mine"
    assert len(loaded.identity.sha256) == 64
    assert loaded.config == CONFIG
    assert json.loads((tmp_path / "mine" / "config.json").read_text())["fitted"] == {"screens": 3}


def made(seed: int, examples: int = 3) -> EffectNetwork:
    """A network with random weights that takes the scale of its inputs from examples, as a fit begins."""
    torch.manual_seed(seed)
    network = EffectNetwork(CONFIG).eval()
    torch.nn.init.normal_(network.weights.weight)
    network.standardize([inputs_of(features(20, 6, seed=example)) for example in range(examples)])
    return network


def test_the_estimate_is_what_the_members_agree_on():
    each = [made(seed) for seed in range(3)]
    network, config = joined(each, CONFIG)
    assert config.members == 3
    given = features(4, 5)
    told = [Estimator(one, CONFIG, Identity("one")).estimate(given) for one in each]
    effects, reliance = Estimator(network, config, Identity("all")).estimate(given)
    largest = [np.abs(one[0]).max(1, keepdims=True) for one in told]
    shapes = np.mean([one[0] / size for one, size in zip(told, largest, strict=True)], 0)
    np.testing.assert_allclose(effects, shapes * np.prod(largest, 0) ** (1 / 3), atol=1e-6)
    np.testing.assert_allclose(reliance, np.mean([one[1] for one in told], 0), atol=1e-6)
    assert np.abs(told[0][0] - told[1][0]).max() > 1e-3, "members that began differently differ"


def test_contents_and_states_are_seen_in_directions_of_equal_spread_whatever_the_seed():
    one, other = dict(made(0).named_buffers()), dict(made(1).named_buffers())
    for name, values in one.items():
        torch.testing.assert_close(values, other[name], rtol=0, atol=0)
    states = torch.cat([features(20, 6, seed=example).hidden for example in range(3)])
    seen = (states - one["state_mean"]) @ one["state_basis"]
    torch.testing.assert_close(torch.cov(seen.T)[:7, :7], torch.eye(7), atol=0.05, rtol=0)
    assert not seen[:, 7:].any(), "there are no more directions than the state has"


def test_networks_that_see_their_inputs_otherwise_are_not_joined():
    with pytest.raises(ValueError, match="differ in"):
        joined([made(0), made(1, examples=4)], CONFIG)


def test_networks_that_say_the_same_agree_on_that():
    told = torch.tensor([[[0.4, -0.2, 0.0], [3e-9, 1e-9, 0.0], [0.0, 0.0, 0.0]]])
    torch.testing.assert_close(agreed(told), told[0], rtol=0, atol=0)
    torch.testing.assert_close(agreed(told.expand(4, -1, -1)), told[0], rtol=1e-5, atol=0)


def test_a_loud_network_does_not_decide_alone_which_region_a_copied_token_rests_on():
    quiet, loud = torch.tensor([[1e-7, 0.0, 9e-8]]), torch.tensor([[0.0, 1e-5, 0.0]])
    assert torch.stack((quiet, quiet, loud)).mean(0).argmax() == 1
    assert agreed(torch.stack((quiet, quiet, loud))).argmax() == 0


def test_members_are_saved_and_loaded_together(tmp_path):
    network, config = joined([made(0), made(1)], CONFIG)
    config = replace(config, interval=(1.0,) * (len(SIZES) + 1))
    save_estimator(tmp_path / "both", network, config, {})
    loaded = load_estimator(tmp_path / "both")
    given = features(3, 4)
    estimator = Estimator(network, config, Identity("both"))
    for mine, theirs in zip(loaded.interval(given), estimator.interval(given), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert loaded.config.members == 2


def test_features_are_let_go_of_as_soon_as_nothing_more_is_wanted_of_them():
    for interval in ((), (1.0,) * (len(SIZES) + 1)):
        network, config = joined([made(0), made(1)], CONFIG)
        estimator = Estimator(network, replace(config, interval=interval), Identity("both"))
        given = features(3, 4)
        kept = weakref.ref(given.attention)
        estimator.estimate(given)
        estimator.interval(given)
        del given
        assert kept() is None


def test_another_model_is_refused(estimator):
    estimator.check(2, 3, "tiny")
    with pytest.raises(InputError, match="Calibrate"):
        estimator.check(36, 32, "a large model")
    wider = replace(features(3, 4), content=torch.zeros(4, 9))
    with pytest.raises(InputError, match="Calibrate"):
        estimator.estimate(wider)


def test_a_missing_or_damaged_estimator_gets_a_sentence(network, tmp_path):
    with pytest.raises(InputError, match="no estimator"):
        load_estimator(tmp_path)
    save_estimator(tmp_path, network, CONFIG, {})
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match="damaged"):
        load_estimator(tmp_path)
    (tmp_path / "config.json").write_text("not json")
    with pytest.raises(InputError, match="damaged"):
        load_estimator(tmp_path)
