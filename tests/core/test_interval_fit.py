"""The intervals of an estimator hold nine of ten measurements of texts that it has not seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from synthetic_examples import Model, synthetic

from core.calibration import Example, save_example
from core.effect_fit import fit
from core.estimator import SIZES, Estimator, size_of
from core.interval_fit import fit_interval
from core.trace import Identity


def test_nine_of_ten_measurements_of_unseen_texts_lie_in_the_intervals(tmp_path):
    """What leaving out a region measures is off by noise that grows with its effect."""

    def noisy(seed: int) -> Example:
        example = synthetic(seed)
        rng = np.random.default_rng(seed)
        size = (example.features.log_prob - example.singles).abs().numpy() / 2 + 0.01
        noise = rng.normal(0, 1, example.singles.shape) * size
        return replace(example, singles=example.singles + torch.from_numpy(noise).float())

    paths = []
    for seed in range(60):
        save_example(tmp_path / f"{seed}.safetensors", noisy(seed))
        paths.append(tmp_path / f"{seed}.safetensors")
    fitted, kept = paths[:20], paths[20:]
    network, config = fit(fitted, Model(), epochs=25)
    assert Estimator(network, config, Identity("")).interval(noisy(1).features) is None
    before = {name: value.clone() for name, value in network.state_dict().items() if "error" not in name}
    config = fit_interval(network, config, fitted, kept)
    for name, value in before.items():
        assert torch.equal(network.state_dict()[name], value), "the effects are as they were"
    estimator = Estimator(network, config, Identity(""))
    inside, widths, told, sizes = [], [], [], []
    for seed in range(1000, 1030):
        example = noisy(seed)
        effects = estimator.estimate(example.features)[0]
        lower, upper = estimator.interval(example.features)
        measured = (example.features.log_prob.unsqueeze(1) - example.singles.T).numpy()
        inside.append((lower <= measured) & (measured <= upper))
        assert (lower < effects).all()
        assert (effects < upper).all()
        widths.append(upper - lower)
        told.append(np.abs(effects))
        sizes.append(size_of(torch.from_numpy(effects)).numpy())
    found, size, width, effect = map(np.concatenate, (inside, sizes, widths, told))
    assert found.mean() == pytest.approx(0.9, abs=0.03)
    for kind in range(len(SIZES) + 1):
        if (of_it := size == kind).sum() > 100:
            assert found[of_it].mean() == pytest.approx(0.9, abs=0.06), "small and large alike"
    most = size == np.bincount(size.ravel()).argmax()
    assert np.corrcoef(width[most], effect[most])[0, 1] > 0.3, "of one size, wider where it is noisier"


def test_too_few_examples_promise_no_interval(tmp_path):
    save_example(tmp_path / "a.safetensors", synthetic(0))
    network, config = fit([tmp_path / "a.safetensors"], Model(), epochs=1)
    assert fit_interval(network, config, [tmp_path / "a.safetensors"], []) == config
