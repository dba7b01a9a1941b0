"""The pixel budget of a model can be seen and changed, and the overlay stays exact whatever it is."""

from __future__ import annotations

import numpy as np
import pytest

from core.errors import InputError
from models.checkpoint import Loading
from models.image_budget import budget, limit
from models.thinker import load_thinker


def test_a_smaller_budget_makes_fewer_larger_cells_over_the_same_screenshot(tiny_folder):
    thinker = load_thinker(str(tiny_folder), loading=Loading("cpu", visual_tokens=16))
    assert budget(thinker.processor) == 16
    pixels = np.zeros((300, 403, 3), np.uint8)
    prepared = thinker.prepare(pixels, "Hi?")
    assert 8 <= len(prepared.cells) <= 16
    assert prepared.image_size[0] * prepared.image_size[1] == 32 * 32 * len(prepared.cells)
    boxes = prepared.cells.boxes
    assert (boxes[:, :2].min(0) == 0).all()
    assert boxes[:, 2].max() == 403
    assert boxes[:, 3].max() == 300
    assert thinker.identity.details["visual_tokens_at_most"] == 16


def test_the_models_own_budget_is_the_default(tiny_thinker):
    assert budget(tiny_thinker.processor) == 24
    assert "visual_tokens_at_most" not in tiny_thinker.identity.details


def test_a_larger_budget_lets_a_large_screenshot_be_seen_finer(tiny_folder):
    pixels = np.zeros((640, 960, 3), np.uint8)
    thinker = load_thinker(str(tiny_folder), loading=Loading("cpu", visual_tokens=256))
    assert 24 < len(thinker.prepare(pixels, "Hi?").cells) <= 256


def test_ablation_sees_the_screenshot_at_the_same_size(tiny_folder):
    thinker = load_thinker(str(tiny_folder), loading=Loading("cpu", visual_tokens=16))
    pixels = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    prepared = thinker.prepare(pixels, "Hi?")
    assert thinker.score(prepared, pixels[None], [65, 66]).shape == (1, 2)


def test_impossible_budgets_are_refused(tiny_folder, tiny_thinker):
    with pytest.raises(InputError, match="at least 16 visual tokens"):
        load_thinker(str(tiny_folder), loading=Loading("cpu", visual_tokens=2))

    class Fixed:
        image_processor = type("Tiles", (), {"size": {"height": 448, "width": 448}, "merge_size": 0})()

    assert budget(Fixed()) is None
    with pytest.raises(InputError, match="is fixed"):
        limit(Fixed(), 64)
