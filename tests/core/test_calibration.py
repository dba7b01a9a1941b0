"""Calibration collects what ablation shows, goes on after a kill, and learns what there is to learn."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from synthetic_examples import SAMPLING, Model, item, synthetic

from core.calibration import claim, collect, examine, load_example, save_example
from core.effect_fit import fit
from core.errors import InputError
from core.estimator import Estimator
from core.estimator_inputs import region_inputs
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


def test_a_note_of_the_model_that_a_kill_left_empty_is_written_again(tiny_thinker, tmp_path):
    (tmp_path / "thinker.txt").touch()
    claim(tmp_path, tiny_thinker)
    noted = (tmp_path / "thinker.txt").stat()
    assert noted.st_size > 0
    claim(tmp_path, tiny_thinker)
    assert (tmp_path / "thinker.txt").stat().st_ino == noted.st_ino  # not written again
    assert len(list(tmp_path.iterdir())) == 1


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


def test_a_fit_is_repeatable(tmp_path):
    save_example(tmp_path / "a.safetensors", synthetic(0))
    fits = [fit([tmp_path / "a.safetensors"], Model(), epochs=2)[0].state_dict() for _ in range(2)]
    for name, weight in fits[0].items():
        torch.testing.assert_close(weight, fits[1][name], atol=0, rtol=0)


def test_a_fit_finds_that_the_same_looks_mean_other_things_to_other_tokens(tmp_path):
    paths = []
    for seed in range(48):
        save_example(tmp_path / f"{seed}.safetensors", synthetic(seed, turned=True))
        paths.append(tmp_path / f"{seed}.safetensors")
    estimator = Estimator(*fit(paths, Model(), epochs=40, dropout=0.1), Identity(""))
    unseen = synthetic(1000, tokens=40, turned=True)
    effects, _ = estimator.estimate(unseen.features)
    assert lds(effects, unseen.masks.numpy(), unseen.log_probs.numpy()).mean() > 0.8
    blind = replace(unseen.features, hidden=torch.zeros_like(unseen.features.hidden))
    effects, _ = estimator.estimate(blind)
    blinded = lds(effects, unseen.masks.numpy(), unseen.log_probs.numpy()).mean()
    assert abs(blinded) < 0.3, "the hidden state alone says with which sign"


def test_network_inputs_are_finite_and_one_row_a_region():
    inputs = region_inputs(synthetic(0).features)
    assert inputs.shape == (12, 6, 6 * 2 + len(CARRIED) + 2 + 10)
    assert inputs.isfinite().all()


def test_fitting_on_nothing_gets_a_sentence():
    with pytest.raises(InputError, match="no examples"):
        fit([], Model())


def test_an_example_of_an_earlier_version_is_told_from_a_damaged_one(tmp_path):
    save_example(tmp_path / "a.safetensors", synthetic(0))
    tensors = load_file(tmp_path / "a.safetensors")
    del tensors["features.hidden"]
    save_file(tensors, tmp_path / "a.safetensors")
    with pytest.raises(InputError, match="another version of Sightline"):
        load_example(tmp_path / "a.safetensors")


def test_a_damaged_example_gets_a_sentence(tmp_path):
    (tmp_path / "a.safetensors").write_bytes(b"nothing")
    with pytest.raises(InputError, match="damaged"):
        load_example(tmp_path / "a.safetensors")
