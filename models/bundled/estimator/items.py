"""Generated screens to calibrate and judge on, with regions from their truth or from a segmenter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from core.calibration import Item
from core.errors import InputError
from core.evidence import Read, Truth
from core.partition import partition
from core.regions import RegionMap
from core.screenshot import Screenshot
from models import segmenters
from models.bundled.screens import HELD_OUT, KINDS, Sample, generate

SOURCES = ("sam", "truth", "sam", "opencv", "sam", "sam-12", "grid-12", "opencv")
"""Where the regions of training screens come from, in turn."""
MOST_REGIONS = 32
"""Regions that a segmenter finds at most, where its name says nothing else."""


def element_map(sample: Sample, max_regions: int = 24) -> RegionMap:
    """A region map of the elements' own boxes; smaller boxes lie on top."""
    height, width = sample.image.shape[:2]
    masks = []
    for element in sample.elements:
        x, y, w, h = element.bbox
        mask = np.zeros((height, width), bool)
        mask[max(0, round(y) - 1) : round(y + h) + 1, max(0, round(x) - 1) : round(x + w) + 1] = True
        masks.append(mask)
    return partition(
        masks, shape=(height, width), roles=[e.role for e in sample.elements], max_regions=max_regions,
        source="truth",
    )  # fmt: skip


def regions_of(sample: Sample, source: str) -> RegionMap:
    """The regions of a generated screen: "truth", or what a segmenter named so finds.

    After the name may come how many there are at most, as in "grid-12"; otherwise it is ``MOST_REGIONS``.

    Raises:
        InputError: there is no such segmenter, or the number is none.
    """
    if source == "truth":
        return element_map(sample)
    screenshot = Screenshot(sample.image, f"{sample.kind}-{sample.seed}", "")
    name, _, most = source.partition("-")
    if most and not most.isdecimal():
        raise InputError(f"“{source}” names no regions. Write a segmenter and a number, such as grid-12.")
    return segmenters.segment(screenshot, name, max_regions=int(most or MOST_REGIONS))


def truth_of(sample: Sample) -> Truth:
    """What a perfect reader would write about a screen, and where it would read it."""
    boxes = {element.id: element.bbox for element in sample.elements}
    reads = tuple(
        Read(evidence.start, evidence.end, tuple(boxes[i] for i in evidence.elements))
        for evidence in sample.evidence
    )
    return Truth(f"{sample.thinking}\n{sample.answer}", reads)


def items(
    count: int,
    held_out: bool = False,
    sources: Sequence[str] = SOURCES,
    first: int = 500_000,
    shard: tuple[int, int] = (0, 1),
) -> Iterator[Item]:
    """Screens of ``count`` seeds, the kinds and the sources of their regions in turn.

    Args:
        count: how many seeds, over all shards. A screen whose regions cannot be told apart (fewer than 3) is
            passed over.
        held_out: seeds start at ``HELD_OUT`` + ``first`` rather than at ``first``.
        sources: see ``regions_of``.
        first: first seed.
        shard: (k, n) makes the k-th of every n screens only, for n processes side by side.
    """
    first += HELD_OUT if held_out else 0
    for seed in range(first + shard[0], first + count, shard[1]):
        kind = KINDS[seed % len(KINDS)]
        source = sources[seed // len(KINDS) % len(sources)]
        sample = generate(kind, seed)
        region_map = regions_of(sample, source)
        if len(region_map) >= 3:
            name = f"{kind}-{source}-{seed}"
            yield Item(name, sample.image, sample.prompt, region_map, seed, kind, truth_of(sample))
