"""Gradients at the visual tokens are those of the model, to its first layer and to every deeper one."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from core.trace import Sampling

IDS = 5


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 255, (64, 96, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def prepared(tiny_thinker, pixels):
    return tiny_thinker.prepare(pixels, "Hi?")


@pytest.fixture(scope="module")
def token_ids(tiny_thinker, prepared):
    sampling = Sampling(temperature=1.0, max_new_tokens=IDS)
    return [drawn.id for drawn in tiny_thinker.decode(prepared, sampling)]


@pytest.fixture(scope="module")
def eager(tiny_folder):
    """The same checkpoint in double precision, so that small differences can be divided by small steps."""
    from transformers import AutoModelForImageTextToText

    model = AutoModelForImageTextToText.from_pretrained(tiny_folder, attn_implementation="eager")
    return model.double().eval()


def log_probs(eager, prepared, token_ids, levels) -> torch.Tensor:
    features = SimpleNamespace(
        pooler_output=(levels[0],), deepstack_features=[(level,) for level in levels[1:]]
    )
    ids = torch.cat((prepared.inputs["input_ids"], torch.tensor([token_ids])), 1)
    with torch.no_grad():
        output = eager(
            input_ids=ids,
            mm_token_type_ids=(ids == eager.config.image_token_id).int(),
            image_grid_thw=prepared.inputs["image_grid_thw"],
            mm_encoder_outputs={"image": features},
        )
    rows = torch.log_softmax(output.logits[0, prepared.prompt_length - 1 : -1], -1)
    return rows.gather(1, torch.tensor(token_ids)[:, None])[:, 0]


def test_gradient_times_input_is_what_stretching_a_visual_token_does(
    tiny_thinker, prepared, token_ids, eager
):
    with torch.no_grad():
        output = eager.model.get_image_features(
            prepared.inputs["pixel_values"].double(), prepared.inputs["image_grid_thw"]
        )
    levels = [output.pooler_output[0], *(level[0] for level in output.deepstack_features)]
    found = tiny_thinker.input_gradients(prepared, token_ids)
    assert found.shape == (IDS, len(prepared.cells))
    step = 1e-2  # norms and rotations stay in single precision
    for cell in range(len(prepared.cells)):
        stretched = []
        for sign in (1, -1):
            moved = [level.clone() for level in levels]
            for level in moved:
                level[cell] *= 1 + sign * step
            stretched.append(log_probs(eager, prepared, token_ids, moved))
        expected = (stretched[0] - stretched[1]) / (2 * step)
        np.testing.assert_allclose(found[:, cell], expected.numpy(), atol=3e-4, rtol=1e-2)
    assert np.abs(found).max() > 0.01


def test_integrated_gradients_add_up_to_what_the_baseline_costs(tiny_thinker, prepared, pixels, token_ids):
    blank = np.full_like(pixels, 128)
    whole, without = tiny_thinker.score(prepared, np.stack([pixels, blank]), token_ids)
    found = tiny_thinker.input_gradients(prepared, token_ids, blank, 32)
    assert np.abs(whole - without).max() > 0.1
    np.testing.assert_allclose(found.sum(1), whole - without, atol=0.02)


@pytest.mark.parametrize("positions", [1, 150])
def test_gradients_do_not_depend_on_how_many_points_share_a_pass(
    tiny_thinker, prepared, pixels, token_ids, monkeypatch, positions
):
    blank = np.full_like(pixels, 128)
    together = tiny_thinker.input_gradients(prepared, token_ids, blank, 7)
    monkeypatch.setattr("models.gradients._POSITIONS_AT_ONCE", positions)
    apart = tiny_thinker.input_gradients(prepared, token_ids, blank, 7)
    np.testing.assert_allclose(together, apart, rtol=1e-4, atol=1e-6)


def test_gradients_of_a_constant_image_from_itself_are_nothing(tiny_thinker, prepared, pixels, token_ids):
    assert np.abs(tiny_thinker.input_gradients(prepared, token_ids, pixels, 1)).max() < 1e-6


def test_gradients_leave_nothing_on_the_model(tiny_thinker, prepared, token_ids):
    tiny_thinker.input_gradients(prepared, token_ids)
    assert all(parameter.grad is None for parameter in tiny_thinker.model.parameters())


def test_no_tokens_are_refused(tiny_thinker, prepared):
    with pytest.raises(ValueError, match="no tokens"):
        tiny_thinker.input_gradients(prepared, [])
