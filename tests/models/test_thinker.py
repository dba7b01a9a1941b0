"""A thinking model loads, decodes as transformers does, scores in batches, and keeps runs apart."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_checkpoints import drop_weight, edit_config
from transformers import LogitsProcessorList, TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from core.errors import InputError
from core.trace import Sampling
from models import checkpoint
from models.sampling import draw
from models.thinker import load_thinker


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=np.uint8)


def reference_inputs(thinker, pixels: np.ndarray, prompt: str) -> dict:
    """The processor's own answer, by the road that transformers documents."""
    from PIL import Image

    content = [{"type": "image", "image": Image.fromarray(pixels)}, {"type": "text", "text": prompt}]
    return thinker.processor.apply_chat_template(
        [{"role": "user", "content": content}],
        tokenize=True, return_dict=True, return_tensors="pt", add_generation_prompt=True,
    )  # fmt: skip


def test_own_loop_draws_the_tokens_of_generate(tiny_thinker):
    pixels = picture(100, 170)
    inputs = reference_inputs(tiny_thinker, pixels, "Hi?")
    expected = tiny_thinker.model.generate(**inputs, max_new_tokens=60, do_sample=False)
    prepared = tiny_thinker.prepare(pixels, "Hi?")
    drawn = list(tiny_thinker.decode(prepared, Sampling(max_new_tokens=60)))
    generated = expected[0, inputs["input_ids"].shape[1] :].tolist()
    assert [token.id for token in drawn] == [i for i in generated if i not in tiny_thinker.stops]
    assert "".join(token.text for token in drawn).encode() != b""


def test_interleaved_runs_equal_separate_runs(tiny_thinker):
    jobs = [
        (tiny_thinker.prepare(picture(64, 200, 1), "One?"), Sampling(max_new_tokens=15)),
        (tiny_thinker.prepare(picture(150, 90, 2), "Another question?"), Sampling(max_new_tokens=15)),
    ]
    alone = [[(d.id, d.log_prob) for d in tiny_thinker.decode(*job)] for job in jobs]
    together = [[], []]
    running = [tiny_thinker.decode(*job) for job in jobs]
    for _ in range(15):
        for run, drawn in zip(running, together, strict=True):
            token = next(run)
            drawn.append((token.id, token.log_prob))
    assert together == alone


def test_scores_of_a_batch_equal_single_forward_passes(tiny_thinker):
    pixels = picture(96, 128)
    prepared = tiny_thinker.prepare(pixels, "Hi?")
    ids = [d.id for d in tiny_thinker.decode(prepared, Sampling(temperature=1, max_new_tokens=12))]
    images = np.stack([picture(96, 128, seed) for seed in range(3)])
    scores = tiny_thinker.score(prepared, images, ids)
    assert scores.shape == (3, len(ids))
    for image, row in zip(images, scores, strict=True):
        inputs = reference_inputs(tiny_thinker, image, "Hi?")
        start = inputs["input_ids"].shape[1]
        inputs["input_ids"] = torch.cat((inputs["input_ids"], torch.tensor([ids])), 1)
        inputs["mm_token_type_ids"] = (inputs["input_ids"] == tiny_thinker.model.config.image_token_id).int()
        del inputs["attention_mask"]
        logits = tiny_thinker.model(**inputs).logits[0, start - 1 : -1]
        expected = torch.log_softmax(logits, -1).gather(1, torch.tensor(ids)[:, None])[:, 0]
        torch.testing.assert_close(torch.from_numpy(row), expected, atol=1e-4, rtol=1e-4)
    assert np.abs(scores[0] - scores[1]).max() > 1e-3, "the image must matter for this test to mean anything"


def test_log_probabilities_are_those_before_sampling(tiny_thinker):
    pixels = picture(96, 96)
    prepared = tiny_thinker.prepare(pixels, "Hi?")
    sampling = Sampling(temperature=1.7, top_k=5, seed=4, max_new_tokens=10)
    drawn = list(tiny_thinker.decode(prepared, sampling))
    scored = tiny_thinker.score(prepared, pixels[None], [d.id for d in drawn])[0]
    np.testing.assert_allclose([d.log_prob for d in drawn], scored, atol=1e-4)


def test_a_seed_repeats_a_run_and_another_does_not(tiny_thinker):
    prepared = tiny_thinker.prepare(picture(96, 96), "Hi?")
    runs = [
        [d.id for d in tiny_thinker.decode(prepared, Sampling(temperature=1.5, seed=s, max_new_tokens=12))]
        for s in (1, 1, 2)
    ]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize(
    "sampling",
    [Sampling(temperature=0.7), Sampling(temperature=1.0, top_k=7), Sampling(temperature=1.0, top_p=0.6),
     Sampling(temperature=1.3, top_k=20, top_p=0.8)],
)  # fmt: skip
def test_sampling_has_the_distribution_of_transformers_warpers(sampling):
    logits = torch.randn(50, generator=torch.Generator().manual_seed(1)) * 2
    warpers = LogitsProcessorList([TemperatureLogitsWarper(sampling.temperature)])
    if sampling.top_k:
        warpers.append(TopKLogitsWarper(sampling.top_k))
    if sampling.top_p < 1:
        warpers.append(TopPLogitsWarper(sampling.top_p))
    expected = warpers(torch.zeros(1, 1, dtype=torch.long), logits[None])[0].softmax(-1)
    generator = torch.Generator().manual_seed(0)
    drawn = [draw(logits.log_softmax(-1), sampling, generator) for _ in range(4000)]
    shares = torch.bincount(torch.tensor(drawn), minlength=50) / 4000
    assert ((shares > 0) <= (expected > 0)).all()
    torch.testing.assert_close(shares, expected, atol=0.035, rtol=0)


def test_text_streams_without_broken_characters(tiny_thinker):
    ids = tiny_thinker.tokenizer("Größe: 3 µm, 数 🙂", add_special_tokens=False)["input_ids"]
    assert "".join(tiny_thinker.texts(ids)) == "Größe: 3 µm, 数 🙂"
    assert not any("�" in text for text in tiny_thinker.texts(ids))


def test_markers_are_found_by_id_and_shown_as_nothing(tiny_thinker):
    vocabulary = tiny_thinker.tokenizer.get_vocab()
    assert tiny_thinker.markers.close == vocabulary["</think>"]
    assert tiny_thinker.markers.opened
    assert tiny_thinker.texts([vocabulary["</think>"]]) == [""]


@pytest.fixture(scope="module")
def tiny_unmixed(tiny_folder):
    """The tiny model with a vision tower in which no patch hears of another."""
    thinker = load_thinker(str(tiny_folder), device="cpu")
    thinker.model.model.visual.blocks = torch.nn.ModuleList()
    return thinker


@pytest.mark.parametrize(("height", "width"), [(40, 400), (400, 40), (101, 203), (64, 64), (33, 31)])
def test_a_cell_is_the_part_of_the_screenshot_that_its_visual_token_sees(tiny_unmixed, height, width):
    """Paint one cell; with mixing between patches switched off, its own visual token changes the most."""

    def tokens(pixels: np.ndarray) -> torch.Tensor:
        inputs = tiny_unmixed.prepare(pixels, "?").inputs
        with torch.no_grad():
            return tiny_unmixed.model.model.get_image_features(
                inputs["pixel_values"], inputs["image_grid_thw"]
            ).pooler_output[0]

    plain = np.full((height, width, 3), 120, np.uint8)
    before = tokens(plain)
    cells = tiny_unmixed.prepare(plain, "?").cells
    assert len(cells) == len(before)
    for index, (x0, y0, x1, y1) in enumerate(cells.boxes):
        painted = plain.copy()
        painted[round(float(y0)) : round(float(y1)), round(float(x0)) : round(float(x1))] = (250, 30, 30)
        assert int((tokens(painted) - before).abs().sum(1).argmax()) == index


def test_a_run_stops_after_the_token_at_which_it_is_told_to(tiny_thinker):
    prepared = tiny_thinker.prepare(picture(96, 96), "Hi?")
    drawn = list(tiny_thinker.decode(prepared, Sampling(max_new_tokens=50), should_stop=lambda: True))
    assert len(drawn) == 1


def test_an_empty_prompt_gets_a_sentence(tiny_thinker):
    with pytest.raises(InputError, match="empty"):
        tiny_thinker.prepare(picture(64, 64), "  \n")


def test_an_extreme_shape_gets_a_sentence(tiny_thinker):
    with pytest.raises(InputError, match="cannot take"):
        tiny_thinker.prepare(picture(2, 900), "Hi?")


def test_a_single_pixel_is_a_screenshot_too(tiny_thinker):
    assert len(tiny_thinker.prepare(picture(1, 1), "Hi?").cells) >= 1


def test_pixels_that_must_not_be_written_to_are_read_like_others(tiny_thinker):
    pixels = picture(64, 64)[None]
    writable = tiny_thinker.image_inputs(pixels)["pixel_values"]
    pixels.setflags(write=False)
    assert torch.equal(tiny_thinker.image_inputs(pixels)["pixel_values"], writable)


@pytest.fixture
def copied(tiny_folder, tmp_path):
    return shutil.copytree(tiny_folder, tmp_path / "model")


def test_missing_weights_are_an_error(copied):
    drop_weight(copied, "layers.1.mlp.up_proj")
    with pytest.raises(InputError, match="lacks weights"):
        load_thinker(str(copied), device="cpu")


def test_left_over_weights_are_an_error(copied):
    path = copied / "model.safetensors"
    save_file(load_file(path) | {"model.extra.weight": torch.zeros(3)}, path, metadata={"format": "pt"})
    with pytest.raises(InputError, match="belong to another model"):
        load_thinker(str(copied), device="cpu")


def test_weights_of_another_shape_are_an_error(copied):
    path, name = copied / "model.safetensors", "model.language_model.layers.0.mlp.up_proj.weight"
    save_file(load_file(path) | {name: torch.zeros(5, 5)}, path, metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"wrong shape|cannot be loaded"):
        load_thinker(str(copied), device="cpu")


def test_the_token_of_the_image_in_a_text_gets_a_sentence(tiny_thinker):
    pixels = np.zeros((64, 64, 3), np.uint8)
    prepared = tiny_thinker.prepare(pixels, "Hi?")
    image = tiny_thinker.model.config.image_token_id
    with pytest.raises(InputError, match="cannot be scored"):
        tiny_thinker.score(prepared, pixels[None], [5, image, 6])
    assert np.isfinite(tiny_thinker.score(prepared, pixels[None], [5, 6, image])).all()


def test_the_token_of_the_image_in_a_prompt_gets_a_sentence(tiny_thinker):
    with pytest.raises(InputError, match=r"<\|image_pad\|>"):
        tiny_thinker.prepare(picture(64, 64), "What does <|image_pad|> mean?")


def test_an_unknown_kind_of_model_is_refused_with_the_supported_ones(copied):
    edit_config(copied, model_type="llava_next")
    with pytest.raises(InputError, match=r"llava_next.*Supported: Qwen3-VL"):
        load_thinker(str(copied))


def test_a_folder_without_a_model_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"config\.json"):
        load_thinker(str(tmp_path))


def test_a_truncated_checkpoint_is_refused(copied):
    weights = copied / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:2000])
    with pytest.raises(InputError, match="cannot be loaded"):
        load_thinker(str(copied), device="cpu")


def test_a_name_that_is_nothing_is_refused():
    with pytest.raises(InputError, match="no model"):
        load_thinker("/nowhere/at/all")
    with pytest.raises(InputError, match="No home folder"):
        load_thinker("~nobody-of-this-name/model")
    with pytest.raises(InputError, match="cannot be used"):
        load_thinker("x" * 5000)


def test_a_model_of_the_hub_is_not_fetched_without_consent(monkeypatch, tmp_path):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"not on this machine. Fetch it with"):
        load_thinker("someone/a-model-that-is-not-here")


def test_an_unusable_device_is_refused(tiny_folder):
    with pytest.raises(InputError, match="device"):
        load_thinker(str(tiny_folder), device="nonsense")


def test_a_checkpoint_says_how_it_wants_to_be_sampled(copied):
    assert load_thinker(str(copied), device="cpu").sampling.temperature == 0
    (copied / "generation_config.json").write_text('{"do_sample": true, "temperature": 0.6, "top_k": 20}')
    sampling = load_thinker(str(copied), device="cpu").sampling
    assert (sampling.temperature, sampling.top_k) == (0.6, 20)


def test_a_large_checkpoint_and_one_fine_tuned_from_it_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint, "_HASHED_WHOLE", 2**20)
    base = np.random.default_rng(0).integers(0, 255, 8 * 2**20, dtype=np.uint8)
    hashes = []
    for name, changed in (("base", 0), ("copy", 0), ("tuned", 100_000)):
        weights = base.copy()
        weights[6 * 2**20 : 6 * 2**20 + changed] += 1
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
        (tmp_path / name / "model.safetensors").write_bytes(weights.tobytes())
        hashes.append(checkpoint.content_hash(tmp_path / name))
    assert hashes[0] == hashes[1] != hashes[2]
