"""Whatever is wrong with a checkpoint, it is said in a sentence and regions are found all the same."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch

from app.engine import Engine
from app.finding import FellBack, find_regions
from core.errors import InputError
from core.screenshot import from_array


class _Malicious:
    def __reduce__(self):
        return os.system, ("echo run > ran",)


def _missing(path):
    pass


def _truncated(path):
    torch.save({"image_encoder.pos_embed": torch.zeros(1000)}, path)
    path.write_bytes(path.read_bytes()[:700])


def _wrong(path):
    torch.save({"some.weight": torch.zeros(3)}, path)


def _malicious(path):
    torch.save({"image_encoder.pos_embed": _Malicious()}, path)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (_missing, "There is no checkpoint"),
        (_truncated, "cut short"),
        (_wrong, "holds no Segment Anything model"),
        (_malicious, "It was not run"),
    ],
)
def test_a_bad_checkpoint_is_named_and_another_segmenter_finds_the_regions(
    tmp_path, monkeypatch, spoil, words
):
    monkeypatch.chdir(tmp_path)
    spoil(tmp_path / "sam.pth")
    pixels = np.full((90, 150, 3), 250, np.uint8)
    pixels[20:50, 20:60] = (200, 30, 30)
    told = []
    region_map, identity = find_regions(
        Engine(),
        from_array(pixels, "screen"),
        f"sam:{tmp_path / 'sam.pth'}",
        lambda text, part: None,
        lambda: False,
        told.append,
    )
    assert len(told) == 1
    assert isinstance(told[0], FellBack)
    assert words in told[0].text
    assert told[0].text.endswith("instead.")
    assert identity.name == told[0].segmenter in ("sam", "opencv")
    assert region_map.labels.shape == (90, 150)
    assert not (tmp_path / "ran").exists()


def test_a_segmenter_that_is_no_checkpoint_has_nothing_to_fall_back_to():
    shot = from_array(np.zeros((30, 40, 3), np.uint8), "n")
    with pytest.raises(InputError, match="no segmenter called"):
        find_regions(Engine(), shot, "wishful", lambda text, part: None, lambda: False, lambda fell: None)
