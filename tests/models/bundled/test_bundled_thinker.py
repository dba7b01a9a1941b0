"""The thinking model that comes with the app is an ordinary checkpoint that truly reads."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image

from models.bundled.screens import generate
from models.bundled.screens.samples import FOLDER as SAMPLES
from models.bundled.thinker.dataset import collate, make_row, resize
from models.bundled.thinker.evaluate import FOLDER, Reader, blind, normalized
from models.bundled.thinker.fast_forward import EXACT, encode_images, patchify
from models.bundled.thinker.peers import Peers


@pytest.fixture(scope="module")
def reader() -> Reader:
    return Reader(FOLDER)


def sample(name: str) -> tuple[np.ndarray, dict]:
    truth = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    return np.asarray(Image.open(SAMPLES / f"{name}.png").convert("RGB")), truth


def test_the_folder_is_small(reader: Reader) -> None:
    assert sum(f.stat().st_size for f in FOLDER.iterdir()) < 25 * 2**20
    assert sum(p.numel() for p in reader.model.parameters()) < 15_000_000


@pytest.mark.parametrize("name", ["invoice", "web_page"])
def test_it_reads_a_screen_it_never_saw_and_answers_exactly(reader: Reader, name: str) -> None:
    image, truth = sample(name)
    ((thinking, answer),) = reader.write([image], [truth["prompt"]])
    assert normalized(thinking) == normalized(truth["thinking"])
    assert normalized(answer) == normalized(truth["answer"])


def test_without_the_image_it_cannot_answer(reader: Reader) -> None:
    image, truth = sample("invoice")
    ((_, answer),) = reader.write([blind(image)], [truth["prompt"]])
    assert normalized(answer) != normalized(truth["answer"])


def test_training_sees_exactly_what_the_processor_sees(reader: Reader) -> None:
    image = generate("math", 3, ratio=2).image
    pixels = reader.processor.image_processor([Image.fromarray(image)], return_tensors="pt")["pixel_values"]
    own = patchify(resize(image)[None])[0]
    # Both round to whole grey levels after the same filter; one level is 1 / 255 / 0.26.
    assert torch.allclose(pixels, own, atol=0.02)


def test_training_uses_the_same_vision_tower(reader: Reader) -> None:
    screen = generate("general", 4)
    batch = collate([make_row(screen, reader.processor.tokenizer)], 0)
    own, _ = encode_images(reader.model, patchify(batch.images), batch.grid, EXACT)
    inputs = reader.processor.image_processor([Image.fromarray(screen.image)], return_tensors="pt")
    with torch.no_grad():
        theirs = reader.model.model.get_image_features(inputs["pixel_values"], inputs["image_grid_thw"])
    features = theirs.pooler_output if hasattr(theirs, "pooler_output") else theirs[0]
    assert torch.allclose(own[0], features[0], atol=0.05)


def test_hints_say_what_is_in_a_cell(reader: Reader) -> None:
    tokenizer = reader.processor.tokenizer
    screen = generate("general", 7)
    row = make_row(screen, tokenizer)
    columns = row.image.shape[1] // 32
    scale = row.image.shape[1] / screen.image.shape[1]
    for word in screen.words:
        x, y, w, h = (v * scale for v in word.bbox)
        cell = int((y + h / 2) // 32) * columns + int((x + w / 2) // 32)
        token = tokenizer(word.text, add_special_tokens=False).input_ids[0]
        assert any(c == cell and slot == 0 and t == token for c, _, slot, t in row.hints), word


def test_peers_end_with_the_mean_of_their_weights(tmp_path) -> None:
    from threading import Thread

    layers = [torch.nn.Linear(2, 2) for _ in range(2)]
    wanted = (layers[0].weight + layers[1].weight).detach() / 2
    peers = [Peers(tmp_path, me, 2) for me in range(2)]
    threads = [Thread(target=p.average, args=([m],)) for p, m in zip(peers, layers, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert torch.allclose(layers[0].weight, wanted)
    assert torch.allclose(layers[1].weight, wanted)
