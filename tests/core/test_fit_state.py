"""A fit that is killed goes on where it was, and comes out as if nothing had happened."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from synthetic_examples import Model, synthetic

from core.calibration import save_example
from core.effect_fit import fit
from core.estimator import EffectNetwork, Estimator, joined
from core.fit_state import FitState, fit_key
from core.trace import Identity

PASSES = 12


@pytest.fixture
def examples(tmp_path):
    paths = [tmp_path / f"{seed}.safetensors" for seed in range(3)]
    for seed, path in enumerate(paths):
        save_example(path, synthetic(seed))
    return paths


def fitted(examples: list[Path], **more: object) -> dict[str, torch.Tensor]:
    return dict(fit(examples, Model(), epochs=PASSES, hidden=8, **more)[0].state_dict())


def assert_same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    for name, weight in first.items():
        assert torch.equal(weight, second[name]), name


def test_a_fit_that_stops_and_goes_on_equals_an_unbroken_one_bit_by_bit(examples, tmp_path):
    told: list[str] = []
    state = tmp_path / "state.safetensors"
    say = lambda text, part: told.append(text)  # noqa: E731
    fitted(examples, state=state, say=say, should_stop=lambda: len(told) == 5)
    assert len(told) == 5
    again = fitted(examples, state=state, say=say)
    assert told[5].startswith("Pass 6 of")
    assert_same(again, fitted(examples))


def test_the_state_of_another_fit_is_not_taken_up(examples, tmp_path):
    state = tmp_path / "state.safetensors"
    fitted(examples[:2], state=state)
    assert_same(fitted(examples, state=state), fitted(examples))


def test_a_damaged_state_is_worth_no_more_than_none(examples, tmp_path):
    state = tmp_path / "state.safetensors"
    fitted(examples, state=state, should_stop=lambda: state.exists())
    whole = state.read_bytes()
    for damaged in (b"", whole[: len(whole) // 2], whole[:200] + b"\xff" * 40 + whole[240:]):
        state.write_bytes(damaged)
        assert_same(fitted(examples, state=state), fitted(examples))


def test_a_state_that_lacks_something_leaves_everything_untouched(tmp_path):
    network = torch.nn.Linear(2, 1)
    optimizer = torch.optim.AdamW(network.parameters())
    state = FitState(tmp_path / "s.safetensors", fit_key(["a"]))
    state.keep({"network": network}, optimizer, 3, 1.5)
    other = torch.nn.Linear(2, 1)
    before = {name: value.clone() for name, value in other.state_dict().items()}
    assert state.recall({"network": other, "more": torch.nn.Linear(1, 1)}, optimizer) == (0, 0.0)
    assert_same(dict(other.state_dict()), before)
    assert state.recall({"network": other}, optimizer) == (3, 1.5)
    assert_same(dict(other.state_dict()), dict(network.state_dict()))


def test_adapting_begins_with_what_the_estimator_knows(examples):
    network, config = fit(examples, Model(), epochs=PASSES, hidden=8)
    start = Estimator(network, config, Identity("known", "1"))
    adapted = fit(examples[:1], Model(), epochs=1, start=start)[0]
    moved = max(
        float((adapted.state_dict()[name] - weight).abs().max())
        for name, weight in network.state_dict().items()
    )
    assert 0 < moved < 0.01


def test_members_that_are_adapted_together_learn_as_if_each_were_alone(examples):
    def adapted(start: Estimator) -> EffectNetwork:
        return fit(examples, Model(), epochs=2, start=start, dropout=0.0)[0]

    alone = [fit(examples, Model(), epochs=2, seed=seed, hidden=8) for seed in (0, 1)]
    config = alone[0][1]
    starts = [Estimator(network, config, Identity("one")) for network, _ in alone]
    both = Estimator(*joined([start.network for start in starts], config), Identity("both"))
    together = dict(adapted(both).named_parameters())
    each = [dict(adapted(start).named_parameters()) for start in starts]
    for name, weight in together.items():
        if not name.startswith("error."):  # which a fit leaves alone
            expected = torch.cat([one[name] for one in each])
            torch.testing.assert_close(weight, expected, atol=1e-6, rtol=1e-4)
