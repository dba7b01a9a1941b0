"""Coverage is exact: it equals areas summed pixel by pixel, whatever the cells are."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core import coverage as module
from core.coverage import Cells, coverage, grid_cells
from core.regions import RegionMap, region_map_from_labels


def _slow(region_map: RegionMap, cells: Cells) -> np.ndarray:
    """Overlap of every cell with every pixel, one by one."""
    out = np.zeros((len(cells), len(region_map)))
    for i, (x0, y0, x1, y1) in enumerate(cells.boxes.astype(float)):
        for y in range(region_map.height):
            for x in range(region_map.width):
                across = max(0.0, min(x1, x + 1) - max(x0, x))
                down = max(0.0, min(y1, y + 1) - max(y0, y))
                out[i, region_map.labels[y, x]] += across * down
        if out[i].sum() <= 1e-6 * (x1 - x0) * (y1 - y0):
            out[i] = np.arange(len(region_map)) == 0
        out[i] /= out[i].sum()
    return out


small_maps = (
    st.tuples(st.integers(1, 9), st.integers(1, 9))
    .flatmap(lambda shape: arrays(np.int64, shape, elements=st.integers(0, 4)))
    .map(region_map_from_labels)
)
boxes = st.lists(
    st.tuples(st.floats(-3, 9), st.floats(-3, 9), st.floats(0.05, 6), st.floats(0.05, 6)),
    min_size=1,
    max_size=6,
).map(lambda rows: np.array([[x, y, x + w, y + h] for x, y, w, h in rows], np.float32))


@settings(max_examples=40, deadline=None)
@given(small_maps, st.integers(1, 7), st.integers(1, 7))
def test_grids_equal_the_slow_reference(region_map: RegionMap, rows: int, cols: int) -> None:
    cells = grid_cells(rows, cols, region_map.width, region_map.height)
    shares = coverage(region_map, cells)
    assert shares.dtype == np.float32
    assert shares.shape == (rows * cols, len(region_map))
    np.testing.assert_allclose(shares, _slow(region_map, cells), atol=2e-6)
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-6)


@settings(max_examples=40, deadline=None)
@given(small_maps, boxes)
def test_any_boxes_equal_the_slow_reference(region_map: RegionMap, corners: np.ndarray) -> None:
    """Overlapping, reaching outside, smaller than a pixel."""
    np.testing.assert_allclose(
        coverage(region_map, Cells(corners)), _slow(region_map, Cells(corners)), atol=2e-6
    )


@settings(max_examples=20, deadline=None)
@given(small_maps, boxes)
def test_the_path_for_many_unrelated_boxes_is_the_same(region_map: RegionMap, corners: np.ndarray) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_MAX_FINE", 0)
        np.testing.assert_allclose(
            coverage(region_map, Cells(corners)), _slow(region_map, Cells(corners)), atol=2e-6
        )


def test_a_cell_across_a_border_is_shared_by_area() -> None:
    labels = np.zeros((2, 4), int)
    labels[:, 3] = 1
    shares = coverage(region_map_from_labels(labels), Cells(np.array([[2.5, 0, 3.5, 2]], np.float32)))
    np.testing.assert_allclose(shares, [[0.5, 0.5]])


def test_a_screenshot_of_one_pixel_under_many_cells() -> None:
    region_map = region_map_from_labels(np.ones((1, 1), int))
    shares = coverage(region_map, grid_cells(4, 4, 1, 1))
    assert shares.tolist() == [[0.0, 1.0]] * 16


def test_grid_cells_tile_the_screenshot_row_by_row() -> None:
    cells = grid_cells(2, 3, 300, 100)
    assert (len(cells), cells.rows, cells.cols) == (6, 2, 3)
    assert cells.boxes.dtype == np.float32
    assert cells.boxes[1].tolist() == [100, 0, 200, 50]
    assert cells.boxes[3].tolist() == [0, 50, 100, 100]


def test_padding_outside_counts_as_background() -> None:
    region_map = region_map_from_labels(np.ones((4, 4), int))
    assert coverage(region_map, Cells(np.array([[5, 5, 8, 8]], np.float32))).tolist() == [[1.0, 0.0]]


def test_cells_without_area_are_refused() -> None:
    region_map = region_map_from_labels(np.ones((4, 4), int))
    with pytest.raises(ValueError, match="positive width"):
        coverage(region_map, Cells(np.array([[1, 1, 1, 3]], np.float32)))
    with pytest.raises(ValueError, match="cannot lay"):
        grid_cells(0, 3, 4, 4)


def _large_map() -> RegionMap:
    """3239 × 2159 with 128 regions: nested boxes and discs."""
    rng = np.random.default_rng(0)
    labels = np.zeros((2159, 3239), np.int32)
    y, x = np.mgrid[:2159, :3239].astype(np.int32)
    for label in range(1, 128):
        cx, cy, w, h = (
            rng.integers(0, 3239),
            rng.integers(0, 2159),
            rng.integers(20, 500),
            rng.integers(20, 200),
        )
        box = np.s_[max(cy - h, 0) : cy + h, max(cx - w, 0) : cx + w]
        if label % 4:
            labels[box] = label
        else:
            inside = ((x[box] - cx) / w) ** 2 + ((y[box] - cy) / h) ** 2 < 1
            labels[box][inside] = label
    return region_map_from_labels(labels)


def test_a_large_screen_is_fast_and_exact() -> None:
    region_map = _large_map()
    cells = grid_cells(80, 125, region_map.width, region_map.height)
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        shares = coverage(region_map, cells)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.5, "meant to take well under 0.1 s; the margin is for busy machines"
    weights = (cells.boxes[:, 2] - cells.boxes[:, 0]) * (cells.boxes[:, 3] - cells.boxes[:, 1])
    areas = [region.area for region in region_map.regions]
    np.testing.assert_allclose(weights @ shares.astype(np.float64), areas, rtol=1e-4, atol=2)
