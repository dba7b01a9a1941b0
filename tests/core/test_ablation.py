"""A region is removed by filling it with the colour around it; effects are measured by running again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.ablation import (
    PIXELS,
    RING,
    ablate_pixels,
    distinct_masks,
    fill_colours,
    half_masks,
    measure,
    measure_spans,
    single_masks,
)
from core.regions import region_map_from_labels
from core.trace import Sampling


def random_map(height: int, width: int, regions: int, seed: int):
    """Blobs of any shape: nearest of random centres, with some regions scattered over several places."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, [height, width], (regions * 2, 2))
    ys, xs = np.mgrid[:height, :width]
    nearest = ((ys[..., None] - centres[:, 0]) ** 2 + (xs[..., None] - centres[:, 1]) ** 2).argmin(-1)
    return region_map_from_labels((nearest % regions).astype(np.int32))


def slow_fill_colours(pixels: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Pixel by pixel: the median of all other pixels within the ring of each region."""
    height, width = labels.shape
    colours = []
    for region in range(count):
        ring = [
            pixels[y, x]
            for y in range(height)
            for x in range(width)
            if labels[y, x] != region
            and (labels[max(0, y - RING) : y + RING + 1, max(0, x - RING) : x + RING + 1] == region).any()
        ]
        colours.append(np.median(np.array(ring or pixels.reshape(-1, 3)), 0).round())
    return np.array(colours).astype(np.uint8)


@pytest.mark.parametrize("seed", range(3))
def test_a_region_gets_the_median_colour_of_the_ring_around_it(seed):
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 255, (25, 37, 3), dtype=np.uint8)
    region_map = random_map(25, 37, 5, seed)
    expected = slow_fill_colours(pixels, region_map.labels, len(region_map))
    np.testing.assert_array_equal(fill_colours(pixels, region_map), expected)


def test_a_word_on_a_card_vanishes_into_the_card():
    pixels = np.full((60, 80, 3), 240, np.uint8)
    labels = np.zeros((60, 80), np.int32)
    pixels[10:50, 10:70], labels[10:50, 10:70] = (30, 90, 200), 1
    pixels[25:30, 20:40], labels[25:30, 20:40] = 255, 2
    ablated = ablate_pixels(pixels, region_map_from_labels(labels), np.array([True, True, False]))
    assert (ablated[10:50, 10:70] == (30, 90, 200)).all()
    assert (ablated[:10] == 240).all()


def test_keeping_everything_changes_nothing_and_keeping_nothing_leaves_one_colour():
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 3), dtype=np.uint8)
    region_map = random_map(20, 30, 4, 0)
    np.testing.assert_array_equal(ablate_pixels(pixels, region_map, np.ones(4, bool)), pixels)
    assert len(np.unique(ablate_pixels(pixels, region_map, np.zeros(4, bool)).reshape(-1, 3), axis=0)) == 1


def test_a_map_of_one_region_can_be_ablated():
    pixels = np.random.default_rng(0).integers(0, 255, (8, 9, 3), dtype=np.uint8)
    region_map = region_map_from_labels(np.zeros((8, 9), np.int32))
    assert ablate_pixels(pixels, region_map, np.array([False])).shape == pixels.shape


def test_half_masks_keep_half_and_repeat_with_their_seed():
    masks = half_masks(20, 500, 3)
    assert abs(masks.mean() - 0.5) < 0.02
    np.testing.assert_array_equal(masks, half_masks(20, 500, 3))
    assert (masks != half_masks(20, 500, 4)).any()


@pytest.fixture(scope="module")
def case(tiny_thinker):
    pixels = np.random.default_rng(5).integers(0, 255, (96, 128, 3), dtype=np.uint8)
    prepared = tiny_thinker.prepare(pixels, "Hi?")
    ids = [d.id for d in tiny_thinker.decode(prepared, Sampling(temperature=1.0, max_new_tokens=9))]
    return pixels, random_map(96, 128, 4, 1), prepared, ids


def test_batched_measurements_equal_a_run_for_each_ablated_screenshot(tiny_thinker, case):
    pixels, region_map, prepared, ids = case
    masks = half_masks(4, 5, 0)
    rows = measure(tiny_thinker, prepared, pixels, region_map, ids, masks, batch=3)
    colours = slow_fill_colours(pixels, region_map.labels, 4)
    for mask, row in zip(masks, rows, strict=True):
        image = pixels.copy()
        for region in np.flatnonzero(~mask):
            image[region_map.labels == region] = colours[region]
        if not mask.any():
            image[:] = np.median(pixels.reshape(-1, 3), 0).round()
        alone = tiny_thinker.prepare(image, "Hi?")
        features = tiny_thinker.teach(alone, ids, np.ones((len(alone.cells), 1), np.float32))
        np.testing.assert_allclose(row, features.log_prob.numpy(), atol=1e-4)


def test_effects_of_spans_are_differences_of_summed_log_probabilities(tiny_thinker, case):
    pixels, region_map, prepared, ids = case
    found = measure_spans(tiny_thinker, prepared, pixels, region_map, ids, [(0, 4), (4, 9)], 3, seed=2)
    single = measure(tiny_thinker, prepared, pixels, region_map, ids, single_masks(4))
    base = tiny_thinker.score(prepared, pixels[None], ids)[0]
    assert [(m.start, m.end, m.operator) for m in found] == [(0, 4, "pixels"), (4, 9, "pixels")]
    for m in found:
        assert m.base_log_prob == pytest.approx(base[m.start : m.end].sum(), abs=1e-4)
        expected = base[m.start : m.end].sum() - single[:, m.start : m.end].sum(1)
        np.testing.assert_allclose(m.effects, expected, atol=1e-3)
        assert m.masks.shape == (3, 4)
        assert m.mask_log_probs.shape == (3,)
    assert max(abs(m.reliance) for m in found) > 1e-3


SIX_MASKS = np.array(
    [[0, 0, 1, 0], [0, 1, 1, 0], [0, 0, 1, 0], [1, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0]], bool
)
"""Four that differ; the first two come again."""


def test_distinct_masks_are_those_that_differ_as_they_first_appear():
    distinct, which = distinct_masks(SIX_MASKS)
    np.testing.assert_array_equal(distinct, SIX_MASKS[[0, 1, 3, 4]])
    assert which.tolist() == [0, 1, 0, 2, 3, 1]
    many = half_masks(5, 300, 1)
    distinct, which = distinct_masks(many)
    assert len({mask.tobytes() for mask in many}) == len(distinct) == 32
    np.testing.assert_array_equal(distinct[which], many)


def test_a_mask_that_comes_again_is_not_measured_again(tiny_thinker, case):
    pixels, region_map, prepared, ids = case
    asked: list[np.ndarray] = []

    def scorer(*given):
        score = PIXELS.scorer(*given)
        return lambda masks, token_ids: asked.append(masks) or score(masks, token_ids)

    spying = replace(PIXELS, scorer=scorer)
    rows = measure(tiny_thinker, prepared, pixels, region_map, ids, SIX_MASKS, 3, operator=spying)
    np.testing.assert_array_equal(np.concatenate(asked), SIX_MASKS[[0, 1, 3, 4]])
    alone = [measure(tiny_thinker, prepared, pixels, region_map, ids, mask[None])[0] for mask in SIX_MASKS]
    np.testing.assert_allclose(rows, alone, atol=1e-4)


def test_measuring_nothing_gives_nothing(tiny_thinker, case):
    pixels, region_map, prepared, ids = case
    none = np.zeros((0, 4), bool)
    assert measure(tiny_thinker, prepared, pixels, region_map, ids, none).shape == (0, len(ids))


@pytest.mark.parametrize(("passes", "rows"), [(0, 0), (1, 3), (2, 6)])
def test_measuring_can_be_cancelled_between_passes(tiny_thinker, case, passes, rows):
    pixels, region_map, prepared, ids = case
    calls: list[float] = []
    found = measure(
        tiny_thinker, prepared, pixels, region_map, ids, SIX_MASKS, 2,
        progress=calls.append, should_stop=lambda: len(calls) == passes,
    )  # fmt: skip
    assert len(found) == rows  # up to the first mask that was not measured
    assert calls == [pytest.approx(0.5), pytest.approx(1.0)][:passes]
