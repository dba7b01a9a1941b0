"""Run lengths of all regions of a map at once: one pass over the pixels, however many regions there are."""

from __future__ import annotations

import numpy as np


def region_runs(labels: np.ndarray, count: int) -> list[list[int]]:
    """What ``core.rle.encode`` gives for each region, in COCO's order.

    Args:
        labels: integers [H, W], the region of each pixel, all below ``count``.
        count: number of regions.

    Returns:
        For each region the lengths of its runs of 0 and 1 by turns, column by column, zeros first.
    """
    flat = labels.ravel(order="F")
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    ends = np.append(starts[1:], flat.size)
    order = np.argsort(flat[starts], kind="stable")
    bounds = np.searchsorted(flat[starts][order], np.arange(count + 1))
    runs = []
    for region in range(count):
        own = order[bounds[region] : bounds[region + 1]]
        # 0, start and end of each run, the end of the image: the differences are the counts
        edges = np.stack([starts[own], ends[own]], 1).ravel()
        counts = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
        if len(counts) > 1 and counts[-1] == 0:
            counts.pop()
        runs.append(counts)
    return runs
