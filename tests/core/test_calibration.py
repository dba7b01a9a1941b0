"""Calibration collects what ablation shows, goes on after a kill, and learns what there is to learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from synthetic_examples import SAMPLING, Model, item, synthetic

from core.calibration import Example, collect, examine, fit, fit_interval, load_example, save_example
from core.errors import InputError
from core.estimator import Estimator, region_inputs
from core.faithfulness import lds
from core.features import CARRIED
from core.trace import Identity


def test_an_example_holds_what_teaching_and_scoring_say(tiny_thinker):
    example = examine(tiny_thinker, item("a", 1), 4, SAMPLING)
    assert example is not None
    assert example.masks.shape == (4, 3)
    assert example.log_probs.shape == (4, len(example.token_ids))
    assert example.singles.shape == (3, len(example.token_ids))
    assert example.features.attention.shape == (len(example.token_ids), 3, 4, 3)
    assert example.spans[0][0] == 0
    assert example.spans[-1][1] == len(example.token_ids)
    assert (example.nothing - example.features.log_prob).abs().max() > 1e-3


def test_examples_survive_the_disk(tiny_thinker, tmp_path):
    example = examine(tiny_thinker, item("a", 1), 4, SAMPLING)
    save_example(tmp_path / "a.safetensors", example)
    again = load_example(tmp_path / "a.safetensors")
    assert again.spans == example.spans
    assert again.token_ids == example.token_ids
    torch.testing.assert_close(again.log_probs, example.log_probs)
    torch.testing.assert_close(again.features.attention, example.features.attention, atol=1e-3, rtol=1e-3)
    assert [file.name for file in tmp_path.iterdir()] == ["a.safetensors"]


def test_collecting_goes_on_where_it_was(tiny_thinker, tmp_path):
    items = [item("a", 1), item("b", 2), item("c", 3)]
    first = collect(
        tiny_thinker, items, 3, tmp_path, 3, SAMPLING, should_stop=lambda: any(tmp_path.glob("b.*"))
    )
    assert [path.stem for path in first] == ["a", "b"]
    before = first[0].stat().st_mtime_ns
    again = collect(tiny_thinker, items, 3, tmp_path, 3, SAMPLING)
    assert [path.stem for path in again] == ["a", "b", "c"]
    assert again[0].stat().st_mtime_ns == before


def test_examples_of_two_models_do_not_mix(tiny_thinker, tmp_path):
    (tmp_path / "thinker.txt").write_text("another 00\n")
    with pytest.raises(InputError, match="another model"):
        collect(tiny_thinker, [item("a", 1)], 1, tmp_path, 3, SAMPLING)


def test_a_fit_finds_effects_that_are_there_to_be_found(tmp_path):
    paths = []
    for seed in range(24):
        save_example(tmp_path / f"{seed}.safetensors", synthetic(seed))
        paths.append(tmp_path / f"{seed}.safetensors")
    network, config = fit(paths, Model(), epochs=40)
    assert (config.layers, config.heads, config.thinker) == (1, 2, "synthetic")
    unseen = synthetic(1000)
    effects, reliance = Estimator(network, config, Identity("")).estimate(unseen.features)
    scores = lds(effects, unseen.masks.numpy(), unseen.log_probs.numpy())
    assert scores.mean() > 0.85
    truth = (unseen.features.direct[:, 0, 1] * 3).numpy()
    slope = (effects * truth).sum() / (truth * truth).sum()
    assert slope == pytest.approx(1, abs=0.25), "effects come out in nats"
    assert np.corrcoef(reliance, truth.sum(1))[0, 1] > 0.5


def test_nine_of_ten_measurements_of_unseen_texts_lie_in_the_intervals(tmp_path):
    """What leaving out a region measures is off by noise whose size can be read off the token's doubt."""

    def noisy(seed: int) -> Example:
        example = synthetic(seed)
        rng = np.random.default_rng(seed)
        size = (-example.features.log_prob).numpy() + 0.01
        noise = rng.normal(0, 1, example.singles.shape) * size
        return replace(example, singles=example.singles + torch.from_numpy(noise).float())

    paths = []
    for seed in range(30):
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
    inside, widths, doubt = [], [], []
    for seed in range(1000, 1030):
        example = noisy(seed)
        effects = estimator.estimate(example.features)[0]
        lower, upper = estimator.interval(example.features)
        measured = (example.features.log_prob.unsqueeze(1) - example.singles.T).numpy()
        inside.append((lower <= measured) & (measured <= upper))
        assert (lower < effects).all()
        assert (effects < upper).all()
        widths.append((upper - lower).mean(1))
        doubt.append(-example.features.log_prob.numpy())
    assert np.concatenate(inside).mean() == pytest.approx(0.9, abs=0.03)
    assert np.corrcoef(np.concatenate(widths), np.concatenate(doubt))[0, 1] > 0.5, "wider where it is noisier"


def test_too_few_examples_promise_no_interval(tmp_path):
    save_example(tmp_path / "a.safetensors", synthetic(0))
    network, config = fit([tmp_path / "a.safetensors"], Model(), epochs=1)
    assert fit_interval(network, config, [tmp_path / "a.safetensors"], []) == config


def test_a_fit_is_repeatable(tmp_path):
    save_example(tmp_path / "a.safetensors", synthetic(0))
    fits = [fit([tmp_path / "a.safetensors"], Model(), epochs=2)[0].state_dict() for _ in range(2)]
    for name, weight in fits[0].items():
        torch.testing.assert_close(weight, fits[1][name], atol=0, rtol=0)


def test_network_inputs_are_finite_and_one_row_a_region():
    inputs = region_inputs(synthetic(0).features)
    assert inputs.shape == (12, 6, 3 * 2 + len(CARRIED) + 4)
    assert inputs.isfinite().all()


def test_fitting_on_nothing_gets_a_sentence():
    with pytest.raises(InputError, match="no examples"):
        fit([], Model())


def test_a_damaged_example_gets_a_sentence(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match="damaged"):
        load_example(tmp_path / "a.safetensors")
