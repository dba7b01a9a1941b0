"""Checkpoints load as segment-anything loads them, and what is wrong with one is said in a sentence."""

from __future__ import annotations

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from sam_checkpoints import save_tiny_sam, save_tiny_sam2

from core.errors import InputError
from core.screenshot import from_array
from models import sam_checkpoint, segmenters
from models.sam_checkpoint import find_checkpoint, load_mask_model
from models.segment_anything_model import SegmentAnythingModel, sam_model_registry
from models.segmenters import DEFAULT, SEGMENTERS, load_or_default, load_segmenter, segment

STILL = lambda: None  # noqa: E731 - a tick that does nothing


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint of ViT-B's real layout with random weights (358 MiB, removed at the end)."""
    path = tmp_path_factory.mktemp("vit") / "sam_vit_b_random.pth"
    torch.manual_seed(0)
    torch.save(sam_model_registry["vit_b"]().state_dict(), path)
    yield path
    path.unlink()


def test_an_official_checkpoint_gives_what_segment_anythings_own_route_gives(official: Path) -> None:
    """Keys, preprocessing (1024 px, normalisation, padding) and the decoder's output, bit for bit.

    Both get the same image embedding, and the encoders are compared weight for weight: a forward pass of
    ViT-B takes a minute on a busy machine.
    """
    ours = load_mask_model(official)
    assert isinstance(ours, SegmentAnythingModel)
    own = sam_model_registry["vit_b"](checkpoint=str(official))
    theirs = own.state_dict()
    assert ours.sam.state_dict().keys() == theirs.keys()
    assert all(torch.equal(value, theirs[name]) for name, value in ours.sam.state_dict().items())
    assert type(ours.sam.image_encoder) is type(own.image_encoder)
    assert ours.sam.image_encoder.img_size == 1024

    pixels = np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8)
    seen: list[torch.Tensor] = []
    embedding = torch.randn(1, 256, 64, 64)
    for sam in (ours.sam, own):

        def encoder(image: torch.Tensor) -> torch.Tensor:
            seen.append(image)
            return embedding

        sam.image_encoder.forward = encoder
    from segment_anything import SamPredictor

    predictor = SamPredictor(own)
    predictor.set_image(pixels)
    ours.look(pixels, STILL)
    assert seen[0].shape == (1, 3, 1024, 1024)
    assert torch.equal(seen[0], seen[1])
    box = np.array([20.0, 10.0, 90.0, 60.0])
    masks, quality, _ = predictor.predict(box=box, multimask_output=False)
    found = ours.in_boxes(box[None], STILL)
    assert np.array_equal(found.masks, masks)
    assert np.array_equal(found.quality, quality)
    three, qualities, _ = predictor.predict(np.array([[50, 40]]), np.array([1]))
    clicked = ours.at_point(50, 40)
    order = np.argsort(three.sum((1, 2)), kind="stable")
    assert np.array_equal(clicked.masks, three[order])
    assert np.array_equal(clicked.quality, qualities[order])
    assert ours.identity.details == {"type": "vit_b"}


def test_automatic_masks_are_those_of_the_unmodified_generator(tmp_path: Path) -> None:
    from segment_anything import SamAutomaticMaskGenerator

    model = load_mask_model(save_tiny_sam(tmp_path / "tiny"))
    assert isinstance(model, SegmentAnythingModel)
    model.good = -10.0  # random weights think little of themselves
    pixels = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    points = np.array([[10.0, 10.0], [60.0, 45.0], [110.0, 80.0]])
    model.look(pixels, STILL)
    found = model.automatic(points, STILL)
    generator = SamAutomaticMaskGenerator(
        model.sam,
        points_per_side=None,
        point_grids=[points / [120, 90]],
        pred_iou_thresh=-10.0,
        stability_score_thresh=0.85,
    )
    own = generator.generate(pixels)
    assert len(found.masks) == len(own)
    assert all(np.array_equal(a, b["segmentation"]) for a, b in zip(found.masks, own, strict=True))


def test_a_sam_2_folder_goes_the_same_way(tmp_path: Path) -> None:
    folder = save_tiny_sam2(tmp_path / "sam2")
    model = load_mask_model(folder)
    model.good = -10.0
    pixels = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    model.look(pixels, STILL)
    found = model.in_boxes(np.array([[20, 10, 90, 60], [5, 5, 30, 30]], np.float32), STILL)
    assert found.masks.shape == (2, 90, 120)
    assert found.quality.shape == (2,)
    three = model.at_point(50, 40)
    assert three.masks.shape == (3, 90, 120)
    areas = three.masks.sum((1, 2)).tolist()
    assert areas == sorted(areas)
    everywhere = model.automatic(np.array([[10.0, 10.0], [60.0, 45.0]]), STILL)
    assert everywhere.masks.shape[1:] == (90, 120)
    region_map = segment(from_array(pixels, "noise"), f"sam:{folder}")
    assert region_map.labels.shape == (90, 120)
    (folder / "model.safetensors").write_bytes(b"cut short")
    with pytest.raises(InputError, match=r"SAM 2 model in .* cannot be loaded"):
        load_mask_model(folder)


class _Boom:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "damaged, cut short"),
        (b"PK\x03\x04 not really a zip", "damaged, cut short"),
        (b"<html>404 not found</html>", "damaged, cut short"),
        ("malicious pickle", "program code"),
        ("tensors", "no Segment Anything model"),
        ("list", "no list of weights"),
        ("half a model", "weights are missing"),
        ("truncated", "damaged, cut short"),
        ("malicious zip", "program code"),
    ],
)
def test_a_bad_checkpoint_gets_a_sentence_and_never_runs(
    content: bytes | str, sentence: str, tmp_path: Path
) -> None:
    path, mark = tmp_path / "weights.pth", tmp_path / "it ran"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content == "half a model":
        torch.save({f"image_encoder.blocks.{i}.norm1.weight": torch.zeros(768) for i in range(12)}, path)
    elif content == "truncated":
        torch.save({f"image_encoder.blocks.{i}.norm1.weight": torch.zeros(768) for i in range(12)}, path)
        path.write_bytes(path.read_bytes()[:9000])
    elif content == "malicious zip":
        torch.save({"a": _Boom(mark)}, path)
    elif content == "malicious pickle":
        path.write_bytes(pickle.dumps({"a": _Boom(mark)}, protocol=2))
    else:
        torch.save({"a": torch.zeros(3)} if content == "tensors" else [1, 2], path)
    with pytest.raises(InputError, match=sentence) as told:
        load_mask_model(path)
    assert str(told.value).count("\n") == 0
    assert not mark.exists()


def test_a_bad_folder_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no config.json that can be read"):
        load_mask_model(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(InputError, match="of type “bert”"):
        load_mask_model(tmp_path)
    folder = save_tiny_sam(tmp_path / "tiny")
    (folder / "config.json").write_text(json.dumps({"image_size": 64}))
    with pytest.raises(InputError, match="damaged or incomplete"):
        load_mask_model(folder)
    folder = save_tiny_sam(tmp_path / "tiny")
    (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:5000])
    with pytest.raises(InputError, match="damaged or incomplete"):
        load_mask_model(folder)


def test_what_is_not_on_this_machine_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no checkpoint"):
        find_checkpoint(str(tmp_path / "none.pth"))
    with pytest.raises(InputError, match="not on this machine"):
        find_checkpoint("facebook/never-heard-of-it")
    with pytest.raises(InputError, match="No home folder"):
        find_checkpoint("~nobody-of-this-name/sam.pth")
    assert find_checkpoint(str(tmp_path)) == tmp_path


def test_a_bad_checkpoint_is_told_and_the_default_used_instead(tmp_path: Path) -> None:
    told: list[str] = []
    name, segmenter = load_or_default(f"sam:{tmp_path / 'none.pth'}", told.append)
    assert name == ("sam" if sam_checkpoint.bundled() else DEFAULT)
    assert segmenter is load_segmenter(name)
    assert told == [
        f"There is no checkpoint {tmp_path / 'none.pth'}. Check the path and try again. "
        f"Regions come from “{name}” instead."
    ]
    with pytest.raises(InputError, match="no segmenter called"):
        load_or_default("wishful", told.append)
    assert load_or_default("grid", told.append)[0] == "grid"
    assert len(told) == 1


def test_sam_is_listed_where_its_weights_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert ("sam" in SEGMENTERS) == sam_checkpoint.bundled()
    monkeypatch.setattr(sam_checkpoint, "BUNDLED", tmp_path / "nothing")
    monkeypatch.setattr(segmenters, "_loaded", {})
    with pytest.raises(InputError, match="without weights of its own"):
        load_mask_model(None)
    monkeypatch.setattr(sam_checkpoint, "BUNDLED", save_tiny_sam(tmp_path / "tiny"))
    assert sam_checkpoint.bundled()
    assert load_mask_model(None).identity.name == "sam"
