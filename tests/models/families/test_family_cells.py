"""For every family: a cell is the part of the screenshot that its visual token sees."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.coverage import coverage
from core.influence import measure_influence, outcome
from models.thinker import load_thinker

PAINTED, TRIED = (250, 30, 30), 14
MIXING = ("attn.proj.", "o_proj.", "projection_layer.")


@pytest.fixture(scope="module")
def unmixed(folder):
    """The model with a vision tower in which no patch hears of another."""
    thinker = load_thinker(str(folder), device="cpu")
    tower = getattr(thinker.model.model, "visual", None) or thinker.model.model.vision_tower
    silenced = [p for name, p in tower.named_parameters() if any(part in name for part in MIXING)]
    assert silenced
    for parameter in silenced:
        parameter.zero_()
    return thinker


@pytest.mark.parametrize(("height", "width"), [(40, 400), (400, 40), (101, 203), (33, 31)])
def test_painting_a_cell_changes_its_own_visual_token_most(unmixed, height, width):
    plain = np.random.default_rng(1).integers(0, 255, (height, width, 3), dtype=np.uint8)
    prepared = unmixed.prepare(plain, "?")
    boxes = prepared.cells.boxes
    views = np.zeros(len(boxes), int) if prepared.cells.views is None else prepared.cells.views
    before = unmixed.encode(prepared, plain).embeddings
    assert len(before) == len(boxes) == len(prepared.image_tokens)
    rng = np.random.default_rng(0)
    tried = {0, len(boxes) - 1, *rng.permutation(len(boxes))[:TRIED].tolist()}
    for index in tried:
        x0, y0, x1, y1 = boxes[index]
        painted = plain.copy()
        painted[round(float(y0)) : round(float(y1)), round(float(x0)) : round(float(x1))] = PAINTED
        change = (unmixed.encode(prepared, painted).embeddings - before).abs().sum(1)
        for view in np.unique(views):
            own = np.flatnonzero(views == view)
            most = own[int(change[torch.from_numpy(own)].argmax())]
            if view == views[index]:
                assert most == index
            else:  # the same place as another view shows it
                overlap = (
                    np.minimum(boxes[most], boxes[index])[2:] - np.maximum(boxes[most], boxes[index])[:2]
                )
                assert (overlap > 0).all()


@pytest.mark.parametrize("encodings", [2, 8])
def test_a_region_changes_the_visual_tokens_that_show_it(unmixed, pixels, region_map, encodings):
    prepared = unmixed.prepare(pixels, "?")
    covered = coverage(region_map, prepared.cells)
    found = outcome(measure_influence(unmixed, prepared, pixels, region_map, covered, encodings=encodings))
    for region in (1, 2, 3):
        shown = covered[:, region] > 0.3 * covered[:, region].max()
        assert found[shown, region].mean() > 4 * found[covered[:, region] == 0, region].mean()


def test_the_cells_of_each_view_tile_the_screenshot(unmixed):
    cells = unmixed.prepare(np.zeros((101, 203, 3), np.uint8), "?").cells
    views = np.zeros(len(cells), int) if cells.views is None else cells.views
    for view in np.unique(views):
        boxes = cells.boxes[views == view].astype(np.float64)
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        assert areas.sum() == pytest.approx(101 * 203)
        assert boxes.min() == 0
        assert tuple(boxes.max(0)[2:]) == (203, 101)
