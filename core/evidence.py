"""What a generated text was read from, where whoever made the screenshot knows."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

import numpy as np

from core.regions import RegionMap

Box = tuple[float, float, float, float]
"""x, y, width, height in pixels of the screenshot."""
HOLDS: Final = 0.5
"""Share of an element's box in a region, or of a region in the box, from which it is held."""


@dataclass(frozen=True, slots=True)
class Read:
    """Characters ``start`` to ``end`` of the true text were read from elements in these boxes."""

    start: int
    end: int
    boxes: tuple[Box, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """What a perfect reader would write, and what it would read where."""

    text: str
    reads: tuple[Read, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Located:
    """The truth found again in a generated text of T tokens.

    Attributes:
        reads: those that were written word for word, each with its range of tokens.
        direct: bool [T]; tokens that lie in one of them.
        elsewhere: bool [T]; tokens written word for word as in the truth, outside of everything read: what
            they owe to the screenshot was carried by earlier tokens.
    """

    reads: tuple[tuple[Read, tuple[int, int]], ...]
    direct: np.ndarray
    elsewhere: np.ndarray


def locate(truth: Truth, texts: Sequence[str]) -> Located:
    """Find what was read in a text given as what each token adds to it.

    The two texts are aligned by their longest common runs. A token that differs from the truth belongs to
    neither kind: nobody knows what it was read from.
    """
    written = "".join(texts)
    origin = np.full(len(written), -1)
    for block in SequenceMatcher(None, truth.text, written, autojunk=False).get_matching_blocks():
        origin[block.b : block.b + block.size] = np.arange(block.a, block.a + block.size)
    owner = np.full(len(truth.text) + 1, -1)  # which read each character of the truth is in; the last for −1
    for index, read in enumerate(truth.reads):
        owner[read.start : read.end] = index
    edges = np.cumsum([0, *(len(text) for text in texts)])
    direct, elsewhere = np.zeros(len(texts), bool), np.zeros(len(texts), bool)
    whole = {
        index
        for index, read in enumerate(truth.reads)
        if np.isin(np.arange(read.start, read.end), origin).all() and _together(origin, read)
    }
    tokens_of: dict[int, list[int]] = {}
    for token, (start, end) in enumerate(itertools.pairwise(edges)):
        places = origin[start:end]
        if not len(places) or (places < 0).any():
            continue
        owners = {int(i) for i in owner[places] if i >= 0}
        elsewhere[token] = not owners
        for index in owners & whole:
            direct[token] = True
            tokens_of.setdefault(index, []).append(token)
    reads = tuple(
        (truth.reads[index], (tokens[0], tokens[-1] + 1)) for index, tokens in sorted(tokens_of.items())
    )
    return Located(reads, direct, elsewhere)


def _together(origin: np.ndarray, read: Read) -> bool:
    """Whether the characters of a read were written next to each other."""
    places = np.flatnonzero((origin >= read.start) & (origin < read.end))
    return bool((np.diff(places) == 1).all())


def holders(region_map: RegionMap, boxes: Sequence[Box]) -> np.ndarray:
    """Which regions hold one of some elements, bool [regions].

    A region holds an element when half of the element's box belongs to it, or when half of the region lies in
    the box (an element that was cut into several regions).
    """
    count = len(region_map)
    areas = np.array([max(region.area, 1) for region in region_map.regions])
    found = np.zeros(count, bool)
    for x, y, width, height in boxes:
        rows = slice(max(round(y), 0), max(round(y + height), round(y) + 1))
        columns = slice(max(round(x), 0), max(round(x + width), round(x) + 1))
        inside = region_map.labels[rows, columns]
        if inside.size:
            shared = np.bincount(inside.ravel(), minlength=count)
            found |= (shared >= HOLDS * inside.size) | (shared >= HOLDS * areas)
    return found
