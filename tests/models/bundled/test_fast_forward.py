"""The fast forward equals transformers' own, in values and in gradients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForImageTextToText, Qwen3VLForConditionalGeneration
from transformers.models.qwen2_vl import Qwen2VLImageProcessor

from models.bundled.thinker.architecture import build_config, build_model, parameter_count
from models.bundled.thinker.fast_forward import (
    EXACT,
    FAST,
    encode_images,
    language_loss,
    mrope_positions,
    patchify,
    target_logits,
    text_forward,
)

IMAGE, VIDEO, START, END, EOS, PAD = 1, 2, 3, 4, 5, 0
PREFIX = 7
GRIDS = [(4, 4), (14, 18), (6, 10), (20, 8)]


@pytest.fixture(scope="module")
def model() -> Qwen3VLForConditionalGeneration:
    torch.manual_seed(0)
    built = build_model(build_config(1000, IMAGE, VIDEO, START, END, EOS, PAD))
    with torch.no_grad():  # biases and norms start at 0 and 1: errors in them must show
        for parameter in built.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.03)
    return built.train()


def prompt(grid: tuple[int, int], batch: int = 3, after: int = 12) -> torch.Tensor:
    count = grid[0] * grid[1] // 4
    ids = torch.randint(6, 1000, (batch, PREFIX + count + after))
    ids[:, PREFIX - 1] = START
    ids[:, PREFIX : PREFIX + count] = IMAGE
    ids[:, PREFIX + count] = END
    return ids


def screens(grid: tuple[int, int], batch: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (batch, grid[0] * 16, grid[1] * 16, 3), dtype=np.uint8)


def reference(model, ids: torch.Tensor, images: np.ndarray, grid: tuple[int, int], **more) -> torch.Tensor:
    processor = Qwen2VLImageProcessor(patch_size=16, merge_size=2, temporal_patch_size=1, do_resize=False)
    pixels = processor(images=list(images), return_tensors="pt")
    assert pixels["image_grid_thw"].tolist() == [[1, *grid]] * len(images)
    return model(
        input_ids=ids,
        pixel_values=pixels["pixel_values"],
        image_grid_thw=pixels["image_grid_thw"],
        mm_token_type_ids=(ids == IMAGE).int(),
        use_cache=False,
        **more,
    ).logits


def fast(
    model, ids: torch.Tensor, images: np.ndarray, grid: tuple[int, int], options=EXACT, keep_from: int = 0
):
    features, deepstack = encode_images(model, patchify(images), grid, options)
    positions = mrope_positions(model.config, PREFIX, grid, ids.shape[1])
    return text_forward(model, ids, features, deepstack, positions, PREFIX, keep_from, options)


def test_size_and_reload(model, tmp_path: Path) -> None:
    assert 5_000_000 < parameter_count(model) < 15_000_000
    model.save_pretrained(tmp_path)
    again = AutoModelForImageTextToText.from_pretrained(tmp_path)
    assert type(again) is Qwen3VLForConditionalGeneration
    assert again.lm_head.weight.data_ptr() == again.model.language_model.embed_tokens.weight.data_ptr()
    for name, value in model.state_dict().items():
        assert torch.equal(value, again.state_dict()[name]), name


@pytest.mark.parametrize("temporal", [1, 2])
@pytest.mark.parametrize("grid", GRIDS)
def test_patchify_equals_the_processor(grid, temporal) -> None:
    images = screens(grid)
    processor = Qwen2VLImageProcessor(
        patch_size=16, merge_size=2, temporal_patch_size=temporal, do_resize=False
    )
    expected = processor(images=list(images), return_tensors="pt")["pixel_values"]
    mine = patchify(images, temporal_patch_size=temporal)
    torch.testing.assert_close(mine.flatten(0, 1), expected, atol=1e-5, rtol=0)


def test_patchify_refuses_other_sizes() -> None:
    with pytest.raises(ValueError, match="not a multiple"):
        patchify(np.zeros((1, 48, 64, 3), np.uint8))


@pytest.mark.parametrize("grid", GRIDS)
def test_positions(model, grid) -> None:
    ids = prompt(grid)
    expected, _ = model.model.get_rope_index(ids, (ids == IMAGE).int(), torch.tensor([[1, *grid]] * len(ids)))
    mine = mrope_positions(model.config, PREFIX, grid, ids.shape[1], batch=len(ids))
    assert torch.equal(mine, expected)


@pytest.mark.parametrize("sdpa", [False, True])
@pytest.mark.parametrize("grid", GRIDS)
def test_logits_with_image(model, grid, sdpa) -> None:
    ids, images = prompt(grid), screens(grid)
    options = type(EXACT)(dtype=torch.float32, sdpa=sdpa, merge_projections=not sdpa)
    with torch.no_grad():
        expected = reference(model, ids, images, grid)
        mine = model.lm_head(fast(model, ids, images, grid, options))
        late = model.lm_head(fast(model, ids, images, grid, options, keep_from=ids.shape[1] - 9))
    torch.testing.assert_close(mine, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(late, expected[:, -9:], atol=1e-4, rtol=1e-4)


def test_text_only_and_right_padding(model) -> None:
    ids = torch.randint(6, 1000, (2, 20))
    mask = torch.ones_like(ids)
    ids[1, 13:], mask[1, 13:] = PAD, 0
    model.model.rope_deltas = None  # state that a call with an image leaves behind
    with torch.no_grad():
        expected = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        mine = model.lm_head(text_forward(model, ids, options=EXACT))
    torch.testing.assert_close(mine[0], expected[0], atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(mine[1, :13], expected[1, :13], atol=1e-4, rtol=1e-4)


def test_gradients(model) -> None:
    grid = (6, 10)
    ids, images = prompt(grid), screens(grid)
    targets = torch.roll(ids, -1, 1)
    targets[:, :-9], targets[:, -1] = -100, -100

    def gradients(loss: torch.Tensor) -> dict[str, torch.Tensor]:
        model.zero_grad()
        loss.backward()
        return {name: p.grad.clone() for name, p in model.named_parameters()}

    logits = reference(model, ids, images, grid)
    plain = gradients(torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten()))
    keep = ids.shape[1] - 9
    exact = gradients(language_loss(model, fast(model, ids, images, grid, EXACT, keep), targets[:, keep:]))
    rough = gradients(language_loss(model, fast(model, ids, images, grid, FAST, keep), targets[:, keep:]))
    for name, gradient in plain.items():
        torch.testing.assert_close(exact[name], gradient, atol=1e-5, rtol=1e-3, msg=name)
    whole, near = (torch.cat([g.flatten() for g in x.values()]) for x in (plain, rough))
    assert torch.cosine_similarity(whole, near, dim=0) > 0.98


def test_target_logits(model) -> None:
    hidden, targets = torch.randn(2, 5, 256), torch.full((2, 5), -100)
    targets[0, 3], targets[1, 1] = 8, 9
    logits, wanted = target_logits(model, hidden, targets)
    assert wanted.tolist() == [8, 9]
    torch.testing.assert_close(logits, model.lm_head(torch.stack((hidden[0, 3], hidden[1, 1]))))
