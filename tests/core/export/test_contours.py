import numpy as np
import pytest

from core.export.contours import contours, path_data, region_paths


def filled(polygons, shape):
    """The mask that polygons enclose, counting crossings to the left of each pixel's middle."""
    inside = np.zeros(shape, bool)
    for polygon in polygons:
        for (x0, y0), (x1, y1) in zip(polygon, [*polygon[1:], polygon[0]], strict=True):
            if x0 == x1:
                inside[min(y0, y1) : max(y0, y1), x0:] ^= True
    return inside


def area(polygon):
    xs, ys = np.array(polygon).T
    return (xs * np.roll(ys, -1) - ys * np.roll(xs, -1)).sum() / 2


@pytest.mark.parametrize("seed", range(12))
def test_outlines_enclose_exactly_the_mask(seed):
    rng = np.random.default_rng(seed)
    mask = rng.random(rng.integers(1, 14, 2)) < rng.choice([0.1, 0.5, 0.9])
    polygons = contours(mask)
    assert (filled(polygons, mask.shape) == mask).all()
    assert sum(map(area, polygons)) == mask.sum()  # outer outlines count up, holes down
    for polygon in polygons:
        sides = np.diff([*polygon, polygon[0]], axis=0)
        assert ((sides[:, 0] == 0) != (sides[:, 1] == 0)).all()


def test_parts_that_touch_at_a_corner_are_apart_and_holes_run_backwards():
    assert len(contours(np.eye(3, dtype=bool))) == 3
    ring = np.ones((5, 5), bool)
    ring[1:4, 1:4] = False
    assert sorted(map(area, contours(ring))) == [-9, 25]
    assert contours(np.zeros((2, 2), bool)) == []


def test_a_path_is_written_in_straight_lines():
    square = contours(np.ones((2, 3), bool))
    assert path_data(square) == "M0 0H3V2H0Z"
    assert path_data(square, (1, 5), 2) == "M2 10H8V14H2Z"


def test_every_region_has_a_path_at_its_place():
    labels = np.zeros((6, 8), np.uint8)
    labels[1:3, 2:7] = 1
    paths = region_paths(labels, 3)
    assert paths[1] == "M2 1H7V3H2Z"
    assert paths[2] == ""
