"""The benchmark of segmenters measures what it says."""

from __future__ import annotations

import numpy as np
import pytest

from core.regions import region_map_from_labels
from models.bundled.screens import HELD_OUT
from models.segment_bench import HALVES, bench_screens, bench_segment, boundary_score, element_overlaps, table


def test_an_element_is_matched_by_a_region_with_all_that_lies_inside_it() -> None:
    labels = np.zeros((20, 20), int)
    labels[5:15, 5:15] = 1
    labels[8:12, 8:12] = 2
    region_map = region_map_from_labels(labels, parents={2: 1})
    square = np.ones((10, 10), bool)
    overlaps = element_overlaps(
        region_map,
        [((5, 5, 15, 15), square), ((8, 8, 12, 12), square[:4, :4]), ((0, 0, 5, 10), square[:, :5])],
    )
    assert overlaps[:2].tolist() == [1, 1]
    assert overlaps[2] < 0.2
    half = region_map_from_labels((labels == 2).astype(int))
    assert element_overlaps(half, [((5, 5, 15, 15), square)])[0] < 0.3


def test_boundaries_count_within_two_pixels() -> None:
    labels = np.zeros((40, 40), int)
    labels[10:30, 10:30] = 1
    assert boundary_score(labels, labels) == 1
    assert boundary_score(np.roll(labels, 2, 1), labels) == pytest.approx(1)
    assert boundary_score(np.roll(labels, 6, 1), labels) < 0.7
    assert boundary_score(np.zeros_like(labels), labels) == 0
    assert boundary_score(np.zeros_like(labels), np.zeros_like(labels)) == 1


def test_the_screens_are_held_out_and_of_both_sources() -> None:
    names = [name for name, _ in bench_screens(4)]
    assert len(set(names)) == 4
    assert sum(name.startswith("scene") for name in names) == 2
    assert all(int(name.rpartition("-")[2]) >= HELD_OUT for name in names)


def test_content_beats_a_grid() -> None:
    result = bench_segment(["opencv", "grid"], 3)
    rows = result["segmenters"]
    assert rows["opencv"]["mean_best_iou"] > rows["grid"]["mean_best_iou"]
    assert rows["opencv"]["recall_50"] >= rows["opencv"]["recall_75"]
    assert rows["grid"]["regions"] > 0
    text = table(result)
    assert "opencv" in text
    assert len(text.splitlines()) == 2 + 2 * 3, "a line for all screens, and one for each half"
    halves = [rows["opencv"][half] for half in HALVES]
    assert sum(half["elements"] for half in halves) == rows["opencv"]["elements"]
    weighted = sum(half["elements"] * half["mean_best_iou"] for half in halves)
    assert weighted / rows["opencv"]["elements"] == pytest.approx(rows["opencv"]["mean_best_iou"])
