"""Cells ↔ pixels ↔ regions: which share of each visual token's rectangle lies in each region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from core.regions import BACKGROUND, RegionMap

_MAX_FINE = 40_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """The rectangles of the screenshot that the visual tokens stand for.

    Attributes:
        boxes: float32 [n, 4]; x0, y0, x1, y1 in pixels of the screenshot, in the order of the tokens.
            Edges may fall between pixels, and a cell may be smaller than a pixel.
        rows, cols: size of the grid when the cells are one row-major grid, else None.
        views: int [n]; which view of the screenshot each cell belongs to, or None if there is only one. Cells
            of different views overlap, when a model sees tiles and a thumbnail.
    """

    boxes: np.ndarray
    rows: int | None = None
    cols: int | None = None
    views: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.boxes)


def grid_cells(rows: int, cols: int, width: int, height: int) -> Cells:
    """A row-major grid of equal cells over a screenshot of ``width`` × ``height`` pixels."""
    if min(rows, cols, width, height) < 1:
        raise ValueError(f"cannot lay {rows} × {cols} cells over {width} × {height} pixels")
    xs = np.linspace(0, width, cols + 1).astype(np.float32)
    ys = np.linspace(0, height, rows + 1).astype(np.float32)
    boxes = np.empty((rows, cols, 4), np.float32)
    boxes[..., 0], boxes[..., 2] = xs[:-1], xs[1:]
    boxes[..., 1], boxes[..., 3] = ys[:-1, None], ys[1:, None]
    return Cells(boxes.reshape(-1, 4), rows, cols)


def coverage(region_map: RegionMap, cells: Cells) -> np.ndarray:
    """Share of each cell's area that lies in each region: float32 [cells, regions]; rows sum to 1.

    Exact, not sampled. What sticks out of the screenshot does not count; a cell wholly outside (padding,
    with less than a millionth of it inside) is background.

    Raises:
        ValueError: a cell has no area.
    """
    boxes = cells.boxes.astype(np.float64)
    if ((boxes[:, 2] <= boxes[:, 0]) | (boxes[:, 3] <= boxes[:, 1])).any():
        raise ValueError("every cell needs a positive width and height")
    full = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    boxes[:, 0::2] = boxes[:, 0::2].clip(0, region_map.width)
    boxes[:, 1::2] = boxes[:, 1::2].clip(0, region_map.height)
    outside = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]) <= 1e-6 * full
    xs, columns = np.unique(boxes[:, 0::2], return_inverse=True)
    ys, rows = np.unique(boxes[:, 1::2], return_inverse=True)
    if len(xs) * len(ys) * len(region_map) <= _MAX_FINE:
        areas = _by_edges(region_map, xs, ys, columns.reshape(-1, 2), rows.reshape(-1, 2))
    else:
        areas = np.stack([_one_box(region_map, box) for box in boxes])
    areas[outside] = 0.0
    areas[outside, BACKGROUND] = 1.0
    return (areas / areas.sum(1, keepdims=True)).astype(np.float32)


def _by_edges(
    region_map: RegionMap, xs: np.ndarray, ys: np.ndarray, columns: np.ndarray, rows: np.ndarray
) -> np.ndarray:
    """Areas float64 [cells, regions] by way of the grid that all cell edges span together.

    Cells of a grid share their edges, so that grid is the cells themselves; overlapping tilings make it a
    little finer. ``columns`` and ``rows`` [cells, 2] are the indices of each cell's edges in xs and ys.
    """
    regions, nx, ny = len(region_map), len(xs) - 1, len(ys) - 1
    if nx < 1 or ny < 1:
        return np.zeros((len(columns), regions))
    fine = _grid_areas(region_map.labels, regions, xs, ys)
    first = rows[:, 0] * nx + columns[:, 0]
    single = (columns[:, 1] - columns[:, 0] == 1) & (rows[:, 1] - rows[:, 0] == 1)
    if single.all():
        return fine[first]
    corner = np.zeros((ny + 1, nx + 1, regions))
    corner[1:, 1:] = fine.reshape(ny, nx, regions).cumsum(0).cumsum(1)
    (x0, x1), (y0, y1) = columns.T, rows.T
    summed = corner[y1, x1] - corner[y0, x1] - corner[y1, x0] + corner[y0, x0]
    return np.maximum(summed, 0.0)


def _grid_areas(labels: np.ndarray, regions: int, xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """Areas float64 [rows × cols, regions] over the grid with edges ``xs``, ``ys``.

    Screens are mostly repeated rows and long runs. Equal neighbouring rows are taken together and each is
    cut into runs of one region, so that the image becomes some ten thousand rectangles; each is spread over
    the cells it meets, where its share is a product of two overlaps.
    """
    height, width = labels.shape
    nx = len(xs) - 1
    starts = np.flatnonzero(np.concatenate([[True], (labels[1:] != labels[:-1]).any(1)]))
    bands = labels[starts]
    change = np.ones(bands.shape, bool)
    np.not_equal(bands[:, 1:], bands[:, :-1], out=change[:, 1:])
    flat = np.flatnonzero(change)
    band, left = np.divmod(flat, width)
    right = np.append(left[1:], width)
    right[right == 0] = width
    top, bottom = starts, np.append(starts[1:], height)

    run, column, across = _spread(left, right, xs)
    band_of, row, down = _spread(top, bottom, ys)
    band_count = np.bincount(band_of, minlength=len(starts))
    band_first = np.cumsum(band_count) - band_count
    repeat = band_count[band[run]]
    pieces = np.repeat(np.arange(len(run)), repeat)
    offset = np.arange(len(pieces)) - np.repeat(np.cumsum(repeat) - repeat, repeat)
    piece_run = run[pieces]
    vertical = band_first[band[piece_run]] + offset
    index = (row[vertical] * nx + column[pieces]) * regions + bands.ravel()[flat[piece_run]].astype(np.int64)
    weight = across[pieces] * down[vertical]
    return np.bincount(index, weight, nx * (len(ys) - 1) * regions).reshape(-1, regions)


def _spread(
    low: np.ndarray, high: np.ndarray, edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut the intervals [low, high) at ``edges``: interval index, slot index and length of every piece."""
    low, high = np.maximum(low, edges[0]), np.minimum(high, edges[-1])
    first = np.searchsorted(edges, low, side="right") - 1
    last = np.searchsorted(edges, high, side="left")
    count = np.where(high > low, last - first, 0)
    interval = np.repeat(np.arange(len(low)), count)
    slot = np.repeat(first, count) + np.arange(len(interval)) - np.repeat(np.cumsum(count) - count, count)
    length = np.minimum(high[interval], edges[slot + 1]) - np.maximum(low[interval], edges[slot])
    return interval, slot, length


def _one_box(region_map: RegionMap, box: np.ndarray) -> np.ndarray:
    """Areas float64 [regions] inside one box, for cells that share no edges."""
    x0, y0, x1, y1 = box
    if x1 <= x0 or y1 <= y0:
        return np.zeros(len(region_map))
    across, left = _pixel_overlap(x0, x1)
    down, top = _pixel_overlap(y0, y1)
    part = region_map.labels[top : top + len(down), left : left + len(across)]
    return np.bincount(part.ravel(), np.outer(down, across).ravel(), len(region_map))


def _pixel_overlap(low: float, high: float) -> tuple[np.ndarray, int]:
    """Length of [low, high) in each pixel it meets, and the first such pixel."""
    first, last = int(np.floor(low)), int(np.ceil(high))
    pixel = np.arange(first, last)
    return np.minimum(high, pixel + 1) - np.maximum(low, pixel), first
