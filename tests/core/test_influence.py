"""What removing a region changes of the visual tokens, measured with few encodings."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.ablation.pixels import fill_colours
from core.coverage import coverage
from core.influence import apart, measure_influence, outcome
from core.regions import region_map_from_labels
from core.trace import Sampling


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(5).integers(0, 255, (96, 128, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def prepared(tiny_thinker, pixels):
    return tiny_thinker.prepare(pixels, "Hi?")


def tiles(rows: int, columns: int, height: int = 96, width: int = 128):
    """A region map of equal tiles, and no background."""
    down, across = np.arange(height) * rows // height, np.arange(width) * columns // width
    return region_map_from_labels(1 + down[:, None] * columns + across)


def influence(thinker, prepared, pixels, region_map, **how) -> np.ndarray:
    covered = coverage(region_map, prepared.cells)
    return outcome(measure_influence(thinker, prepared, pixels, region_map, covered, **how))


def test_with_an_encoding_for_each_region_it_is_what_removing_that_region_alone_changes(
    tiny_thinker, prepared, pixels
):
    region_map = tiles(2, 3)
    found = influence(tiny_thinker, prepared, pixels, region_map, encodings=len(region_map))
    whole = tiny_thinker.encode(prepared, pixels).embeddings
    filled = fill_colours(pixels, region_map)[region_map.labels]
    for region in range(len(region_map)):
        image = np.where((region_map.labels == region)[..., None], filled, pixels)
        without = tiny_thinker.encode(prepared, image).embeddings
        expected = (without - whole).norm(dim=1) / whole.norm(dim=1)
        np.testing.assert_allclose(found[:, region], expected.numpy(), atol=1e-5)


def test_a_shared_encoding_gives_each_change_to_what_is_near(tiny_thinker, prepared, pixels):
    region_map = tiles(3, 4)
    found = influence(tiny_thinker, prepared, pixels, region_map, encodings=4)
    alone = influence(tiny_thinker, prepared, pixels, region_map, encodings=len(region_map))
    covered = coverage(region_map, prepared.cells)
    assert (found.argmax(1) == covered.argmax(1)).mean() > 0.9, "each token is changed most by what it shows"
    assert np.corrcoef(found.ravel(), alone.ravel())[0, 1] > 0.8


def test_a_region_that_looks_like_what_fills_it_changes_nothing(tiny_thinker, prepared):
    flat = np.full((96, 128, 3), 200, np.uint8)
    flat[10:30, 10:40] = 20
    labels = np.zeros((96, 128), np.int32)
    labels[10:30, 10:40], labels[60:90, 70:120] = 1, 2
    found = influence(tiny_thinker, prepared, flat, region_map_from_labels(labels))
    assert found[:, 1].max() > 0.05
    assert found[:, 2].max() < 1e-5


@pytest.mark.parametrize("count", [1, 3, 8, 40])
def test_regions_are_divided_into_groups_of_such_as_lie_apart(count):
    region_map = tiles(4, 6)
    groups = apart(region_map, count)
    assert sorted(region for group in groups for region in group) == list(range(len(region_map)))
    assert len(groups) == min(count, len(region_map))
    if count == 8:
        boxes = [region_map.regions[i].bbox for i in range(len(region_map))]
        touching = {
            (a, b)
            for group in groups
            for a in group
            for b in group
            if 0 < a < b and _touch(boxes[a], boxes[b])
        }
        assert not touching, "with enough groups no neighbours go together"


def _touch(a, b) -> bool:
    across = a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and (a[1] + a[3] == b[1] or b[1] + b[3] == a[1])
    down = a[1] < b[1] + b[3] and b[1] < a[1] + a[3] and (a[0] + a[2] == b[0] or b[0] + b[2] == a[0])
    return across or down


def test_progress_rises_up_to_a_stop_which_leaves_nothing(tiny_thinker, prepared, pixels):
    region_map, told = tiles(2, 3), []
    steps = measure_influence(
        tiny_thinker, prepared, pixels, region_map, coverage(region_map, prepared.cells),
        should_stop=lambda: len(told) > 3, generation=7, share=0.5,
    )  # fmt: skip
    found = "not yet"
    while found == "not yet":
        try:
            told.append(next(steps))
        except StopIteration as end:
            found = end.value
    assert found is None
    fractions = [stage.fraction for stage in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], len(told), {stage.generation for stage in told}) == (0.0, 4, {7})
    assert fractions[-1] < 0.5


def test_features_share_attention_out_by_influence(tiny_thinker, prepared, pixels):
    region_map = tiles(2, 3)
    shares = coverage(region_map, prepared.cells)
    changes = influence(tiny_thinker, prepared, pixels, region_map)
    changes[3] = 0.0  # a token that no region changes is shared out by area
    ids = [drawn.id for drawn in tiny_thinker.decode(prepared, Sampling(temperature=1.0, max_new_tokens=6))]
    rows: dict[int, torch.Tensor] = {}
    features = tiny_thinker.teach(
        prepared, ids, shares, lambda layer, first, heard: rows.setdefault(layer, heard), influence=changes
    )
    sources = changes / np.maximum(changes.sum(1, keepdims=True), 1e-30)
    sources[3] = shares[3]
    for place, layer in enumerate(sorted(rows)):
        look = rows[layer][:, :, torch.as_tensor(prepared.image_tokens)].numpy()
        sourced = np.einsum("hnc,cr->nhr", look, sources)
        np.testing.assert_allclose(features.sourced[:, place].numpy(), sourced, atol=1e-5)
        stirred = np.einsum("hnc,cr->nhr", look, changes)
        np.testing.assert_allclose(features.stirred[:, place, 0].numpy(), stirred.mean(1), atol=1e-5)
        np.testing.assert_allclose(features.stirred[:, place, 1].numpy(), stirred.max(1), atol=1e-5)
    np.testing.assert_allclose(features.influence[:, 0].numpy(), changes.sum(0), rtol=1e-5)
    np.testing.assert_allclose(features.influence[:, 1].numpy(), changes.max(0), rtol=1e-5)
    np.testing.assert_allclose(
        features.influence[:, 2].numpy(), changes.sum(0) / shares.sum(0).clip(1e-3), rtol=1e-5
    )
    np.testing.assert_allclose(features.sourced.sum(-1).numpy(), features.image_mass.numpy(), atol=1e-5)
