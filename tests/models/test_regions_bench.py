"""Sources of regions are compared by what is removed from all of them alike."""

from __future__ import annotations

import numpy as np
import pytest

from core.estimator import load_estimator
from core.regions import region_map_from_labels
from models.bundled.screens import generate
from models.estimators import bundled_estimator
from models.regions_bench import Seen, as_jpeg, kept_shares, see, summarize, table
from models.thinker import load_thinker


def test_a_mask_of_elements_keeps_of_a_region_the_share_of_its_pixels_that_lie_in_kept_elements():
    elements = region_map_from_labels(np.array([[0, 0, 1, 1], [0, 0, 2, 2]]))
    regions = region_map_from_labels(np.array([[0, 1, 1, 1], [0, 0, 0, 0]]))
    masks = np.array([[True, False, False], [False, True, True], [True, True, False]])
    expected = [[3 / 5, 1 / 3], [2 / 5, 2 / 3], [3 / 5, 1.0]]
    np.testing.assert_allclose(kept_shares(regions, elements, masks), expected)


def test_a_jpeg_has_the_size_of_the_screen_and_loses_fine_detail():
    image = generate("math", 5).image
    stored = as_jpeg(image, 30)
    assert (stored.shape, stored.dtype) == (image.shape, image.dtype)
    away = np.abs(stored.astype(int) - image)
    assert 0.2 < away.mean() < 10
    assert away.mean() > np.abs(as_jpeg(image, 95).astype(int) - image).mean()


def test_regions_that_are_the_elements_are_judged_alike_by_own_and_by_common_masks():
    seen = see(
        load_thinker("bundled", device="cpu"), load_estimator(bundled_estimator()), generate("math", 5),
        ("grid",), masks=16,
    )  # fmt: skip
    np.testing.assert_allclose(seen["truth"].own, seen["truth"].common, atol=1e-9)
    assert seen["truth"].common.mean() > 0.5
    assert seen["grid"].regions > seen["truth"].regions
    assert seen["grid"].own.shape == seen["truth"].own.shape


def test_screens_count_by_their_steps_and_sources_are_told_by_how_far_they_are_behind_sam():
    def seen(*common):
        return Seen(4, np.array(common) / 2, np.array(common))

    screens = [
        {"sam": seen(0.9, 0.9, 0.9), "grid": seen(0.5, 0.5, 0.5)},
        {"sam": seen(0.5), "grid": seen(0.5)},
    ]
    figures = summarize(screens)
    assert figures["sam"]["common"]["mean"] == pytest.approx(0.8)
    assert figures["sam"]["own"]["mean"] == pytest.approx(0.4)
    assert figures["grid"]["behind_sam"]["mean"] == pytest.approx(0.3)
    assert "| `sam` | 4.0 | .80 [.50, .90] |  | .40 [.25, .45] |" in table(figures)
    assert "| `grid` | 4.0 | .50 [.50, .50] | .30 [.00, .40] |" in table(figures)
