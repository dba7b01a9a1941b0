"""More boxes for SAM to judge: what is connected at several strengths and several gaps.

The OpenCV segmenter decides for one reading of a screen and has to be right. SAM says itself where it sees
nothing, so here a box may be wrong: what straight edges frame, and letters joined to words, words to lines
and lines to blocks, at faint and at strong edges, and blocks cut into lines again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.overlap import overlap
from models import opencv
from models.mask_model import Tick
from models.sam_cuts import cut_up, strokes
from models.sam_frames import framed
from models.screen_content import steepness
from models.screen_layout import Box, Part

_STRENGTHS = (12, 28, 56, 110)
"""Grey levels between neighbouring pixels from which there is an edge."""
_REACHES = ((1, 1), (5, 1), (9, 1), (15, 1), (9, 3), (3, 3), (15, 9), (27, 7))
"""Pixels across and down within which edges belong together."""
_SMALLEST, _LARGEST = 6, 0.9
_FRAMES = 60
"""Boxes of what is framed by straight edges, at most."""
_CUTS = 0.2
"""Share of the boxes that is left to what was cut."""
_CUT_FROM = 28
"""Grey levels from which an edge is a stroke of what is cut."""
_SAME = 0.75
"""Boxes whose intersection is this share of their union are one proposal."""
_NEAR = 0.65
"""The same of boxes around masks that may be one proposal."""


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """What many readings of the edges of a picture suggest, boxes int64 [n, 4] (x0, y0, x1, y1).

    Attributes:
        joined: what is connected, in each reading again.
        framed: between straight edges, those best framed first.
        cut: rows of what is connected.
    """

    joined: np.ndarray
    framed: np.ndarray
    cut: np.ndarray


def readings(pixels: np.ndarray, tick: Tick = lambda: None) -> Readings:
    """All readings of a working copy, uint8 [h, w, 3].

    ``tick`` is called often and may raise to end the work.
    """
    cv2 = opencv.load()
    height, width = pixels.shape[:2]
    steep, across = steepness(pixels), strokes(pixels)
    found: list[np.ndarray] = []
    pieces: list[np.ndarray] = []
    for strength in _STRENGTHS:
        edges = (steep > strength).astype(np.uint8)
        first = len(found)
        for reach in _REACHES:
            tick()
            joined = cv2.dilate(edges, np.ones(reach[::-1], np.uint8))
            _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
            x, y, w, h = stats[1:, :4].T
            # The edge itself lies a pixel inside what is steep, which lies inside what was dilated.
            dx, dy = reach[0] // 2 + 1, reach[1] // 2 + 1
            low = np.stack([np.where(x > 0, x + dx, 0), np.where(y > 0, y + dy, 0)], 1)
            high = np.stack(
                [np.where(x + w < width, x + w - dx, width), np.where(y + h < height, y + h - dy, height)], 1
            )
            found.append(np.concatenate([low, high], 1))
        if strength >= _CUT_FROM:
            tick()
            pieces.append(cut_up(across > strength, np.concatenate(found[first:])))
    tick()
    frames = framed(pixels)
    tick()
    joined_boxes, cuts = np.concatenate(found).astype(np.int64), np.concatenate(pieces)
    return Readings(_of_a_size(joined_boxes, height, width), frames, _of_a_size(cuts, height, width))


def more_parts(
    pixels: np.ndarray, known: Sequence[Part], limit: int, tick: Tick = lambda: None
) -> list[Part]:
    """At most ``limit`` boxes of a working copy, uint8 [h, w, 3], that are not among the known ones.

    ``tick`` is called often and may raise to end the work.
    """
    return chosen_parts(readings(pixels, tick), known, limit, tick)


def chosen_parts(found: Readings, known: Sequence[Part], limit: int, tick: Tick = lambda: None) -> list[Part]:
    """At most ``limit`` of the boxes read that are not among the known ones.

    Their masks are their boxes. What is framed comes first, then boxes that several readings agree on, then
    rows of blocks. A known part of another shape than its box does not keep that box out. Deterministic.
    """
    near = np.array([part.box for part in known if part.mask.mean() >= _SAME]).reshape(-1, 4)
    taken = _unlike_boxes(found.framed, range(len(found.framed)), near, min(_FRAMES, limit), tick)
    near = np.concatenate([near, np.array(taken).reshape(-1, 4)])
    agreed = _agreed(found.joined, near, max(0, limit - len(taken) - int(_CUTS * limit)), tick)
    near = np.concatenate([near, np.array(agreed).reshape(-1, 4)])
    taken += agreed
    taken += _agreed(found.cut, near, min(int(_CUTS * limit), limit - len(taken)), tick)
    return [Part(box, np.ones((box[3] - box[1], box[2] - box[0]), bool), _role(box), -1) for box in taken]


def unlike_masks(parts: Sequence[Part], known: Sequence[Part], limit: int) -> list[Part]:
    """At most ``limit`` of the parts, the first ones, with masks unlike the known ones and each other."""
    together = list(known)
    boxes = np.array([part.box for part in known]).reshape(-1, 4)
    for part in parts:
        if len(together) == len(known) + limit:
            break
        # Masks that are nearly the same have boxes that are.
        near = np.flatnonzero(box_overlaps(boxes, np.array(part.box)) >= _NEAR)
        if all(overlap(part, together[index]) < _SAME for index in near.tolist()):
            together.append(part)
            boxes = np.concatenate([boxes, np.array([part.box])])
    return together[len(known) :]


def _of_a_size(boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Those of the boxes int [n, 4] that are neither crumbs nor all of the picture."""
    size = boxes[:, 2:] - boxes[:, :2]
    return boxes[(size.min(1) >= _SMALLEST) & (size.prod(1) <= _LARGEST * height * width)]


def _agreed(boxes: np.ndarray, known: np.ndarray, limit: int, tick: Tick) -> list[Box]:
    """Boxes int [n, 4] unlike the known ones and each other, those with most alike first."""
    boxes, counts = np.unique(boxes, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[: 8 * limit]
    boxes = boxes[order]
    votes = counts[order]
    for number, box in enumerate(boxes):
        tick()
        votes[number] += int((box_overlaps(boxes, box) >= _SAME).sum())
    return _unlike_boxes(boxes, np.argsort(-votes, kind="stable"), known, limit, tick)


def _unlike_boxes(
    boxes: np.ndarray, order: Sequence[int] | np.ndarray, known: np.ndarray, limit: int, tick: Tick
) -> list[Box]:
    """At most ``limit`` of the boxes int [n, 4] in that order, unlike the known ones and each other."""
    taken: list[Box] = []
    near = known
    for index in order:
        tick()
        if len(taken) == limit:
            break
        box = boxes[index]
        if len(near) and float(box_overlaps(near, box).max()) >= _SAME:
            continue
        near = np.concatenate([near, box[None]])
        taken.append((int(box[0]), int(box[1]), int(box[2]), int(box[3])))
    return taken


def box_overlaps(boxes: np.ndarray, box: np.ndarray) -> np.ndarray:
    """IoU of boxes [n, 4] with one, float64 [n]."""
    shared = np.minimum(boxes[:, 2:], box[2:]) - np.maximum(boxes[:, :2], box[:2])
    both = np.maximum(shared, 0).prod(1)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1) + (box[2:] - box[:2]).prod()
    return np.asarray(both / np.maximum(areas - both, 1))


def _role(box: Box) -> str:
    """Text is wider than high; what is neither wide nor small is a card."""
    wide, high = box[2] - box[0], box[3] - box[1]
    if high <= 40 and wide >= 1.7 * high:
        return "text"
    return "icon" if max(wide, high) <= 72 else "card"
