"""The judges look at all boxes of a screen, in whatever order, and move sides within reason."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from core.errors import InputError
from models.sam_checkpoint import BUNDLED, JUDGE, load_its_jury
from models.sam_judge import FARTHEST, Judge, Jury, load_jury, moved
from models.sam_relations import relations
from models.screen_layout import Part


def _boxes(count: int = 12) -> np.ndarray:
    rng = np.random.default_rng(3)
    low = rng.integers(0, 80, (count, 2))
    return np.concatenate([low, low + rng.integers(8, 60, (count, 2))], 1)


def _jury(seeds: tuple[int, ...] = (0, 1)) -> Jury:
    judges = []
    for seed in seeds:
        torch.manual_seed(seed)
        judges.append(Judge(7))
    return Jury(judges)


def test_the_order_of_the_boxes_makes_no_difference() -> None:
    boxes, jury = _boxes(), _jury()
    seen = np.random.default_rng(0).normal(size=(12, 7)).astype(np.float32)
    turned = np.random.default_rng(1).permutation(12)
    first = jury.verdict(seen, relations(boxes).kinds)
    second = jury.verdict(seen[turned], relations(boxes[turned]).kinds)
    assert np.allclose(first.chosen[turned], second.chosen, atol=1e-5)
    assert np.allclose(first.fit[turned], second.fit, atol=1e-5)
    assert ((first.chosen >= 0) & (first.chosen <= 1)).all()
    assert np.abs(first.moves).max() <= FARTHEST


def test_a_box_is_judged_by_its_neighbours_too() -> None:
    boxes, jury = _boxes(2), _jury()
    boxes[1] = boxes[0] + (0, 0, 1, 1)
    seen = np.zeros((2, 7), np.float32)
    alone = jury.verdict(seen[:1], relations(boxes[:1]).kinds)
    assert jury.verdict(seen, relations(boxes).kinds).chosen[0] != alone.chosen[0]


def test_sides_are_moved_inside_the_picture_and_never_past_each_other() -> None:
    part = Part((2, 10, 40, 20), np.ones((10, 38), bool), "text", -1)
    assert moved(part, np.array([-4, 1, 2, 0]), 100, 50).box == (0, 11, 42, 20)
    assert moved(part, np.array([-4, 1, 2, 0]), 100, 50).mask.shape == (9, 42)
    assert moved(part, np.array([0, 4, 0, -4]), 100, 50) is part


def test_what_has_a_shape_of_its_own_keeps_it() -> None:
    mask = np.ones((10, 38), bool)
    mask[0, 0] = False
    part = Part((2, 10, 40, 20), mask, "icon", -1)
    assert moved(part, np.array([1, 1, 1, 1]), 100, 50) is part


def test_what_several_judges_think_is_averaged() -> None:
    seen, related = np.ones((12, 7), np.float32), relations(_boxes()).kinds
    one, two, both = (_jury(seeds).verdict(seen, related) for seeds in ((0,), (1,), (0, 1)))
    assert np.allclose(both.fit, (one.fit + two.fit) / 2, atol=1e-6)
    assert np.allclose(both.chosen, (one.chosen + two.chosen) / 2, atol=1e-6)


def test_judges_come_back_from_their_file(tmp_path: Path) -> None:
    jury = _jury()
    save_file(jury.state_dict(), tmp_path / JUDGE)
    seen, related = np.zeros((12, 7), np.float32), relations(_boxes()).kinds
    loaded = load_jury(tmp_path / JUDGE)
    assert np.array_equal(loaded.verdict(seen, related).chosen, jury.verdict(seen, related).chosen)


def test_the_bundled_sam_has_judges_and_other_checkpoints_have_none(tmp_path: Path) -> None:
    assert (BUNDLED / JUDGE).stat().st_size < 2**22
    assert load_its_jury(None) is not None
    assert load_its_jury(tmp_path / "sam_vit_b.pth") is None
    assert load_its_jury(tmp_path) is None


def test_damaged_judges_are_named_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / JUDGE).write_bytes(b"no weights")
    with pytest.raises(InputError, match=r"judges .* damaged"):
        load_its_jury(tmp_path)
