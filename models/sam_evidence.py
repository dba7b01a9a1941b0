"""What speaks for each box that edges propose: numbers that ``models/sam_judge.py`` weighs.

SAM's answer, the edges along each side and next to it, colours inside and around, how many readings of the
edges agree, and what else is proposed there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models import opencv
from models.mask_model import Tick
from models.sam_outline import hull_of
from models.sam_proposals import box_overlaps
from models.sam_relations import AROUND, INSIDE, Related
from models.screen_content import steepness, steps_across, steps_down
from models.screen_layout import Part

OFFSETS = (-3, -2, -1, 0, 1, 2, 3)
"""Pixels from a side, outwards, at which there may be an edge."""
_ROLES = (
    "text",
    "icon",
    "card",
    "button",
    "picture",
    "shape",
    "drawing",
    "group",
    "icons",
    "window",
    "panel",
)
_STEEP, _STEEPER, _SATURATED = 8, 28, 48
"""Grey levels between neighbouring pixels: an edge, a clear one, and from where it makes no difference."""
_ALIKE = (0.6, 0.75, 0.85, 0.95)
"""IoU from which a reading of the edges means the same box."""
_MARGIN = 20
"""Pixels from a box to the end of what SAM was shown, from which it makes no difference."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """The boxes of a picture that SAM is asked about.

    Attributes:
        parts: n boxes with their masks.
        suggested: int [n, 4], their boxes (x0, y0, x1, y1) before they were drawn in.
        decided: how many of them, from the first, the OpenCV segmenter would have shown.
        readings: int [m, 4], what is connected, of all readings of the edges.
    """

    parts: Sequence[Part]
    suggested: np.ndarray
    decided: int
    readings: np.ndarray

    @property
    def boxes(self) -> np.ndarray:
        """int64 [n, 4]."""
        return np.array([part.box for part in self.parts], np.int64).reshape(-1, 4)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What SAM said to n boxes.

    Attributes:
        quality: float [n], how sure it is.
        seen: int [n, 4], the box of its mask; zeros where it is empty.
        agreement: float [n], IoU of that mask with the part's.
        filled: float [n], share of ``seen`` that the mask fills.
        shown: int [n, 4], the piece of the picture that it was shown.
    """

    quality: np.ndarray
    seen: np.ndarray
    agreement: np.ndarray
    filled: np.ndarray
    shown: np.ndarray


def evidence(
    pixels: np.ndarray, asked: Asked, answers: Answers, related: Related, tick: Tick = lambda: None
) -> np.ndarray:
    """Numbers float32 [n, features] on each of n boxes of a picture, uint8 [h, w, 3], related like that.

    ``tick`` is called often and may raise to end the work.
    """
    boxes = asked.boxes
    numbers = (
        _shapes(asked, boxes, *pixels.shape[:2]),
        _opinions(answers, boxes),
        _outlines(pixels, asked.parts, tick),
        _sides(pixels, boxes, tick),
        _colours(pixels, boxes, tick),
        _votes(boxes, asked.readings, tick),
        _company(boxes, related.alike, related.kinds, answers.quality, tick),
    )
    return np.concatenate(numbers, 1).astype(np.float32)


def _shapes(asked: Asked, boxes: np.ndarray, height: int, width: int) -> np.ndarray:
    """Size and place of the boxes, who proposed them, and how much they were drawn in."""
    wide, high = (boxes[:, 2:] - boxes[:, :2]).T.astype(float)
    role = np.array([part.role for part in asked.parts])
    numbers = [
        np.log(wide),
        np.log(high),
        np.log(wide * high),
        np.log(wide / high),
        wide / width,
        high / height,
        wide * high / (width * height),
        boxes[:, 0] <= 1,
        boxes[:, 1] <= 1,
        boxes[:, 2] >= width - 1,
        boxes[:, 3] >= height - 1,
        np.arange(len(boxes)) < asked.decided,
        np.array([part.mask.mean() for part in asked.parts]),
        np.full(len(boxes), np.log(max(width, height))),
        *(np.abs(boxes - asked.suggested).T / 3),
        *(role == name for name in _ROLES),
    ]
    return np.stack([np.asarray(number, float) for number in numbers], 1)


def _opinions(answers: Answers, boxes: np.ndarray) -> np.ndarray:
    """What SAM saw: how sure it is, and how its mask lies to the box."""
    size, seen, shown = boxes[:, 2:] - boxes[:, :2], answers.seen, answers.shown
    off = (seen - boxes) / np.concatenate([size, size], 1)
    share = (seen[:, 2:] - seen[:, :2]).prod(1) / size.prod(1)
    margin = np.concatenate([boxes[:, :2] - shown[:, :2], shown[:, 2:] - boxes[:, 2:]], 1)
    numbers = [
        answers.quality,
        answers.agreement,
        answers.filled,
        share.clip(0, 3),
        np.log((shown[:, 2:] - shown[:, :2]).max(1)),
        seen.any(1),
        *off.clip(-1, 1).T,
        *(margin.clip(0, _MARGIN) / _MARGIN).T,
    ]
    return np.stack([np.asarray(number, float) for number in numbers], 1)


def _outlines(pixels: np.ndarray, parts: Sequence[Part], tick: Tick) -> np.ndarray:
    """Of parts with a shape: how much of its outline is an edge, how hollow it is, and how it differs from
    what is around it in colour; zeros for those that fill their boxes."""
    cv2 = opencv.load()
    height, width = pixels.shape[:2]
    brush = np.ones((3, 3), np.uint8)
    steep = cv2.dilate(steepness(pixels), brush)
    edges = [(steep > level).astype(np.uint8) for level in (_STEEP, _STEEPER)]
    numbers = np.zeros((len(parts), 5))
    for row, part in zip(numbers, parts, strict=True):
        tick()
        if part.mask.all():
            continue
        x0, y0, x1, y1 = part.box
        left, top, right, bottom = min(x0, 2), min(y0, 2), min(width - x1, 2), min(height - y1, 2)
        mask = np.pad(part.mask, ((top, bottom), (left, right))).astype(np.uint8)
        near = (slice(y0 - top, y1 + bottom), slice(x0 - left, x1 + right))
        outline = mask - cv2.erode(mask, brush, borderValue=1)
        length = cv2.countNonZero(outline)
        if not length:
            continue
        grown = cv2.dilate(mask, brush)
        ring = cv2.dilate(grown, brush) - grown
        inside, spread = cv2.meanStdDev(pixels[near], mask=mask)
        outside = cv2.mean(pixels[near], ring)[:3] if ring.any() else inside[:, 0]
        row[:] = (
            *(cv2.countNonZero(cv2.bitwise_and(edge[near], outline)) / length for edge in edges),
            cv2.countNonZero(mask) / max(cv2.contourArea(hull_of(mask)), 1.0),
            np.abs(inside[:, 0] - outside).max() / 64,
            spread.max() / 64,
        )
    return numbers


def _sides(pixels: np.ndarray, boxes: np.ndarray, tick: Tick) -> np.ndarray:
    """Strength of the edge along each side at each of ``OFFSETS``, and the share of it where there is one."""
    height, width = pixels.shape[:2]
    across, down = np.zeros((2, height + 1, width + 1), np.uint8)
    across[:-1, 1:-1] = steps_across(pixels)
    down[1:-1, :-1] = steps_down(pixels)
    sums = [
        [
            _running(np.minimum(steps, _SATURATED) / np.float32(_SATURATED), axis),
            _running(steps > _STEEP, axis),
        ]
        for steps, axis in ((across, 0), (down, 1))
    ]
    x0, y0, x1, y1 = boxes.T
    numbers = []
    for place, outwards, low, high, end, axis in (
        (x0, -1, y0, y1, width, 0),
        (x1, 1, y0, y1, width, 0),
        (y0, -1, x0, x1, height, 1),
        (y1, 1, x0, x1, height, 1),
    ):
        tick()
        for offset in OFFSETS:
            at = place + outwards * offset
            on = (at >= 0) & (at <= end)
            at = at.clip(0, end)
            for table in sums[axis]:
                total = table[high, at] - table[low, at] if axis == 0 else table[at, high] - table[at, low]
                numbers.append(np.where(on, total / (high - low), 0))
    return np.stack(numbers, 1)


def _running(values: np.ndarray, axis: int) -> np.ndarray:
    """Sums along an axis, before each place; float32, one longer than the values."""
    shape = list(values.shape)
    shape[axis] += 1
    out = np.zeros(shape, np.float32)
    np.cumsum(values, axis, out=out[1:] if axis == 0 else out[:, 1:])
    return out


def _colours(pixels: np.ndarray, boxes: np.ndarray, tick: Tick) -> np.ndarray:
    """How restless it is in a box, on its rim and around it, and how these differ in colour."""
    cv2 = opencv.load()
    height, width = pixels.shape[:2]
    end = np.array([width, height, width, height])
    steps = np.zeros((height, width), np.uint8)
    steps[:, 1:] = steps_across(pixels)
    steps[1:] = np.maximum(steps[1:], steps_down(pixels))
    full = np.uint8(64)
    edges = np.stack([np.minimum(steps, full), full * (steps > _STEEP), full * (steps > _STEEPER)], 2)
    tick()
    colour, square = cv2.integral2(np.ascontiguousarray(pixels), sdepth=cv2.CV_64F, sqdepth=cv2.CV_64F)
    tick()
    table = np.concatenate([colour, square, cv2.integral(edges, sdepth=cv2.CV_64F)], 2)

    def measured(outer: np.ndarray, inner: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
        """Mean colour [n, 3], and spread and share of edges [n, 4], of boxes less what lies in others."""
        tick()
        total, count = _within(table, outer)
        if inner is not None:
            less, fewer = _within(table, inner)
            total, count = total - less, count - fewer
        mean = total / np.maximum(count, 1)[:, None]
        spread = np.sqrt(np.maximum(mean[:, 3:6] - mean[:, :3] ** 2, 0)).max(1, keepdims=True)
        return mean[:, :3] / 64, np.concatenate([spread, mean[:, 6:]], 1) / 64

    def grown(by: int) -> np.ndarray:
        return np.clip(boxes + np.array([-by, -by, by, by]), 0, end)

    middle = (boxes[:, :2] + boxes[:, 2:]) // 2
    core = np.concatenate([np.minimum(boxes[:, :2] + 2, middle), np.maximum(boxes[:, 2:] - 2, middle)], 1)
    inside, rim, heart = measured(boxes), measured(boxes, core), measured(core)
    rings = [measured(grown(1), boxes), measured(grown(3), grown(1)), measured(grown(8), grown(3))]
    numbers = [part[1] for part in (inside, rim, heart, *rings)]
    for one, other in (
        (inside, rings[1]),
        (rim, rings[1]),
        (heart, rim),
        (rings[0], rings[1]),
        (rings[1], rings[2]),
        (rim, rings[0]),
    ):
        numbers.append(np.abs(one[0] - other[0]).max(1, keepdims=True))
    x0, y0, x1, y1 = boxes.T
    for within, beyond in (
        ((x0, y0, np.minimum(x0 + 2, x1), y1), (x0 - 3, y0, x0 - 1, y1)),
        ((np.maximum(x1 - 2, x0), y0, x1, y1), (x1 + 1, y0, x1 + 3, y1)),
        ((x0, y0, x1, np.minimum(y0 + 2, y1)), (x0, y0 - 3, x1, y0 - 1)),
        ((x0, np.maximum(y1 - 2, y0), x1, y1), (x0, y1 + 1, x1, y1 + 3)),
    ):
        strip, beside = measured(np.stack(within, 1)), measured(np.clip(np.stack(beyond, 1), 0, end))
        numbers += [
            np.abs(strip[0] - beside[0]).max(1, keepdims=True),
            strip[1][:, :1],
            beside[1][:, :3],
        ]
    return np.concatenate(numbers, 1)


def _within(table: np.ndarray, boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums [n, c] over boxes [n, 4] from an integral image [h + 1, w + 1, c], and their pixels [n]."""
    x0, y0, x1, y1 = boxes.T
    return table[y1, x1] - table[y0, x1] - table[y1, x0] + table[y0, x0], (x1 - x0) * (y1 - y0)


def _votes(boxes: np.ndarray, readings: np.ndarray, tick: Tick) -> np.ndarray:
    """How many readings of the edges mean each box, as logarithms, for each degree of ``_ALIKE``."""
    different, counts = np.unique(readings.reshape(-1, 4).astype(np.float32), axis=0, return_counts=True)
    votes = np.zeros((len(boxes), len(_ALIKE)))
    for i, box in enumerate(boxes.astype(np.float32)):
        tick()
        alike = box_overlaps(different, box)
        votes[i] = [counts[alike >= degree].sum() for degree in _ALIKE]
    return np.log1p(votes)


def _company(
    boxes: np.ndarray, alike: np.ndarray, relations: np.ndarray, quality: np.ndarray, tick: Tick
) -> np.ndarray:
    """How many others stand in each relation to a box, and what SAM thinks of them."""
    quality = quality.astype(np.float32)
    numbers = []
    for relation in relations:
        tick()
        count = relation.sum(1).astype(np.float32)
        numbers += [
            np.log1p(count),
            np.where(relation, quality, 0).max(1),
            relation.astype(np.float32) @ quality / np.maximum(count, 1),
        ]
    alike = np.where(np.eye(len(boxes), dtype=bool), 0, alike)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(1).astype(np.float32)
    holder = np.where(relations[INSIDE], areas, np.inf).min(1)
    numbers += [
        alike.max(1),
        np.where(alike >= 0.4, quality, 0).max(1) - quality,
        np.where(relations[AROUND], areas, 0).max(1) / areas,
        np.minimum(np.where(relations[AROUND] & (quality > 0.3), areas, 0).sum(1) / areas, 3),
        areas / holder,
    ]
    return np.stack(numbers, 1)
