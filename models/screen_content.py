"""What lies on the surfaces of a screen: text runs, icons, pictures, drawn lines.

Edges are joined to marks (a letter, a glyph, a drawing), marks to words and words to runs, by the gaps
between them measured in their own heights: words of a sentence stand closer than a label and its value.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models import opencv

WORD_GAP = 1.0
"""Words of one run are nearer than this many heights of the taller one. A space is 0.3 em in most fonts and
0.6 em in fixed-width ones, plus the margins of the letters; capitals are 0.7 em high."""
LETTER_GAP = 0.35
"""Letters of one word, likewise."""
GROWTH = 1
"""``steepness`` makes marks larger by this many pixels on every side."""


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One thing on a surface.

    Attributes:
        box: x0, y0, x1, y1 in working pixels.
        mask: bool [y1 - y0, x1 - x0].
        role: "text", "icon", "picture" or "drawing".
        owner: index of the surface that it lies on, -1 for the screen itself.
    """

    box: tuple[int, int, int, int]
    mask: np.ndarray
    role: str
    owner: int


@dataclass(frozen=True, slots=True, eq=False)
class _Marks:
    """Connected edges: boxes int [n, 4] (x0, y0, x1, y1), owners [n], ids [n] in the image of marks."""

    boxes: np.ndarray
    owners: np.ndarray
    ids: np.ndarray


def steepness(pixels: np.ndarray) -> np.ndarray:
    """uint8 [H, W]: largest difference within 3 × 3 pixels, over the colour channels."""
    cv2 = opencv.load()
    return _strongest(cv2.morphologyEx(pixels, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)))


def steps_across(pixels: np.ndarray) -> np.ndarray:
    """uint8 [H, W - 1]: grey levels from each pixel to the one right of it, the largest of the channels."""
    return _strongest(opencv.load().absdiff(pixels[:, 1:], pixels[:, :-1]))


def steps_down(pixels: np.ndarray) -> np.ndarray:
    """uint8 [H - 1, W]: grey levels from each pixel to the one below it, the largest of the channels."""
    return _strongest(opencv.load().absdiff(pixels[1:], pixels[:-1]))


def _strongest(channels: np.ndarray) -> np.ndarray:
    """The largest of three channels; several times faster than ``max(2)``."""
    return np.maximum(np.maximum(channels[..., 0], channels[..., 1]), channels[..., 2])


def find_items(pixels: np.ndarray, steep: np.ndarray, patches: np.ndarray, owner: np.ndarray) -> list[Item]:
    """Text runs, icons, pictures and drawings, each inside one surface.

    Args:
        pixels: uint8 [H, W, 3].
        steep: as ``steepness`` gives it.
        patches: int32 [H, W], as ``smooth_patches`` gives them.
        owner: int32 [H, W], index of the topmost surface at each pixel, -1 for none.
    """
    cv2 = opencv.load()
    restless = _restlessness(steep, owner)
    content, seam = _content(pixels, steep, owner, restless)
    count, ids, stats, _ = cv2.connectedComponentsWithStats(content.astype(np.uint8), connectivity=8)
    if count == 1:
        return []
    place = np.flatnonzero(ids)
    number = ids.ravel()[place]
    owner_of = np.zeros(count, int)
    owner_of[number] = owner.ravel()[place]
    peak = np.zeros(count, np.uint8)
    np.maximum.at(peak, number, steep.ravel()[place])
    clinging = np.bincount(ids[seam], minlength=count) >= 0.6 * stats[:, 4]
    crisp = _crisp(peak, stats[:, 4], owner_of, restless)
    marks, drawn = _marks(stats, owner_of, ~clinging & crisp, ids.shape)
    pictures = _pictures(drawn, ids, patches, owner)
    marks = _outside(marks, pictures)
    groups = _words_to_runs(marks)
    items = [_item(marks, group, ids) for group in groups]
    return pictures + [item for item in items if item is not None]


def _restlessness(steep: np.ndarray, owner: np.ndarray) -> np.ndarray:
    """Median steepness on each surface, int [surfaces + 1], the screen itself first."""
    counts = np.bincount(((owner + 1) * 256 + steep).ravel(), minlength=(int(owner.max()) + 2) * 256)
    below = counts.reshape(-1, 256).cumsum(1)
    return (below < 0.5 * below[:, -1:]).sum(1)


def _crisp(peak: np.ndarray, area: np.ndarray, owner_of: np.ndarray, restless: np.ndarray) -> np.ndarray:
    """Which marks, bool [marks], stand out from a restless ground as its text does; all on a calm one.

    Text over a photograph is drawn with high contrast; the edges of its clouds are soft.
    """
    crisp = np.ones(len(peak), bool)
    for index in np.flatnonzero(restless):
        mine = np.flatnonzero(owner_of == index - 1)
        if len(mine):
            order = mine[peak[mine].argsort()]
            weight = area[order].cumsum()
            strong = int(peak[order[np.searchsorted(weight, 0.9 * weight[-1])]])
            crisp[mine] = peak[mine] >= min(0.3 * strong, 56)
    return crisp


def _content(
    pixels: np.ndarray, steep: np.ndarray, owner: np.ndarray, restless: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Edges that are neither the outline of a surface nor a rule or frame; and the seams of surfaces.

    Both bool [H, W]. The threshold follows how restless the surface is, so that clouds do not count as
    drawing.
    """
    cv2 = opencv.load()
    height, width = steep.shape
    threshold = np.minimum(14 + 8 * restless, 64).astype(np.uint8)
    content = steep > threshold[owner + 1]
    shifted = owner.astype(np.float32)
    cross = np.ones((5, 5), np.uint8)
    content &= cv2.dilate(shifted, cross) == cv2.erode(shifted, cross)
    wide = np.ones((9, 9), np.uint8)
    seam = cv2.dilate(shifted, wide) != cv2.erode(shifted, wide)

    along_x = _strongest(cv2.morphologyEx(pixels, cv2.MORPH_GRADIENT, np.ones((1, 3), np.uint8)))
    along_y = _strongest(cv2.morphologyEx(pixels, cv2.MORPH_GRADIENT, np.ones((3, 1), np.uint8)))
    span = int(np.clip(max(height, width) / 9, 48, 110))
    for calm, shape in ((along_x, (1, span)), (along_y, (span, 1))):
        straight = (content & (calm <= 8)).astype(np.uint8)
        line = cv2.morphologyEx(straight, cv2.MORPH_OPEN, np.ones(shape, np.uint8))
        content &= ~cv2.dilate(line, np.ones((3, 3), np.uint8)).astype(bool)
    return content, seam


def _marks(
    stats: np.ndarray, owner_of: np.ndarray, wanted: np.ndarray, screen: tuple[int, ...]
) -> tuple[_Marks, _Marks]:
    """Small marks (letters, glyphs) and large ones (drawings, pictures), of those wanted (bool [marks])."""
    x, y, w, h, area = stats[1:].T
    keep = (area >= 4) & (np.maximum(w, h) >= 3) & wanted[1:]
    numbers = np.flatnonzero(keep) + 1
    boxes = np.stack([x, y, x + w, y + h], 1)[keep].astype(int)
    owners = owner_of[numbers]
    tall = boxes[:, 3] - boxes[:, 1]
    wide = boxes[:, 2] - boxes[:, 0]
    unit = max(screen)
    large = (tall > max(0.08 * unit, 44)) | ((tall > 0.03 * unit) & (wide > 0.3 * unit))
    return (
        _Marks(boxes[~large], owners[~large], numbers[~large]),
        _Marks(boxes[large], owners[large], numbers[large]),
    )


def _pictures(drawn: _Marks, ids: np.ndarray, patches: np.ndarray, owner: np.ndarray) -> list[Item]:
    """Large marks with what they enclose.

    A picture is busy inside; a frame, or the axes and lines of a chart, enclose one smooth patch or nothing:
    of those only the lines themselves are taken.
    """
    cv2 = opencv.load()
    items = []
    for (x0, y0, x1, y1), number, mine in zip(drawn.boxes, drawn.ids, drawn.owners, strict=True):
        lines = (ids[y0:y1, x0:x1] == number).astype(np.uint8)
        _close_at_box(lines)
        contours, _ = cv2.findContours(np.pad(lines, 1), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        filled = np.zeros((y1 - y0 + 2, x1 - x0 + 2), np.uint8)
        cv2.drawContours(filled, contours, -1, 1, cv2.FILLED)
        inside = filled[1:-1, 1:-1].astype(bool) & (owner[y0:y1, x0:x1] == mine)
        sizes = np.bincount(patches[y0:y1, x0:x1][inside])
        largest = int(sizes[1:].max()) if len(sizes) > 1 else 0
        busy = inside.mean() > 0.3 and largest <= 0.5 * inside.sum()
        mask = inside if busy else cv2.dilate(lines, np.ones((5, 5), np.uint8)).astype(bool)
        box = (int(x0), int(y0), int(x1), int(y1))
        items.append(Item(box, mask, "picture" if busy else "drawing", int(mine)))
    return items


def _close_at_box(lines: np.ndarray) -> None:
    """Draw the sides of the box from the first to the last point that touches them.

    A picture that is cut off, by the edge of the screen or by a bar, thereby becomes a closed outline.
    """
    for side in (lines[0], lines[-1], lines[:, 0], lines[:, -1]):
        touched = np.flatnonzero(side)
        side[touched[0] : touched[-1] + 1] = 1


def _outside(marks: _Marks, pictures: list[Item]) -> _Marks:
    """The marks whose centre lies in no picture."""
    keep = np.ones(len(marks.ids), bool)
    cx, cy = (marks.boxes[:, 0] + marks.boxes[:, 2]) // 2, (marks.boxes[:, 1] + marks.boxes[:, 3]) // 2
    for item in pictures:
        if item.role != "picture":
            continue
        x0, y0, x1, y1 = item.box
        candidate = np.flatnonzero((cx >= x0) & (cx < x1) & (cy >= y0) & (cy < y1))
        keep[candidate[item.mask[cy[candidate] - y0, cx[candidate] - x0]]] = False
    return _Marks(marks.boxes[keep], marks.owners[keep], marks.ids[keep])


def _words_to_runs(marks: _Marks) -> list[np.ndarray]:
    """Indices of the marks that belong together."""
    word = _joined(marks, np.arange(len(marks.ids)), _letters_touch)
    run = _joined(marks, word, _words_follow)
    return [np.flatnonzero(run == number) for number in np.unique(run)]


def _joined(marks: _Marks, group: np.ndarray, related: Callable[..., np.ndarray]) -> np.ndarray:
    """Merge groups whose boxes are related; the new group number of each mark."""
    numbers, inverse = np.unique(group, return_inverse=True)
    boxes = group_boxes(marks.boxes, inverse, len(numbers))
    owners = np.zeros(len(numbers), int)
    owners[inverse] = marks.owners
    single = np.bincount(inverse) == 1
    parent = np.arange(len(numbers))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for start in range(0, len(numbers), 256):
        rows = slice(start, start + 256)
        near = related(boxes[rows, None], boxes[None], single[rows, None], single[None])
        near &= owners[rows, None] == owners[None]
        for i, j in zip(*np.nonzero(near), strict=True):
            a, b = root(int(i) + start), root(int(j))
            if a != b:
                parent[max(a, b)] = min(a, b)
    return np.array([root(i) for i in range(len(numbers))])[inverse]


def group_boxes(boxes: np.ndarray, group: np.ndarray, count: int) -> np.ndarray:
    """Boxes int [count, 4] around the boxes of each group 0 .. count - 1."""
    out = np.empty((count, 4), int)
    out[:, :2], out[:, 2:] = np.iinfo(int).max, -1
    np.minimum.at(out[:, :2], group, boxes[:, :2])
    np.maximum.at(out[:, 2:], group, boxes[:, 2:])
    return out


def _geometry(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, ...]:
    """Gaps between boxes [..., 4] in x and y (negative: overlap) and heights, less the growth."""
    grown = 2 * GROWTH
    gap_x = np.maximum(a[..., 0], b[..., 0]) - np.minimum(a[..., 2], b[..., 2]) + grown
    gap_y = np.maximum(a[..., 1], b[..., 1]) - np.minimum(a[..., 3], b[..., 3]) + grown
    height_a, height_b = (np.maximum(box[..., 3] - box[..., 1] - grown, 1) for box in (a, b))
    return gap_x, gap_y, height_a, height_b


def _letters_touch(a: np.ndarray, b: np.ndarray, single_a: np.ndarray, single_b: np.ndarray) -> np.ndarray:
    """Marks of one word (side by side, nearly touching) or of one glyph (dot over i, strokes)."""
    gap_x, gap_y, ha, hb = _geometry(a, b)
    tall, low = np.maximum(ha, hb), np.minimum(ha, hb)
    wa, wb = a[..., 2] - a[..., 0], b[..., 2] - b[..., 0]
    narrow = np.minimum(wa / ha, wb / hb) <= 0.6
    reach = np.where(narrow, 1.3 * LETTER_GAP, np.where(low >= 16, 0.25, LETTER_GAP)) * np.minimum(
        tall, 1.5 * low
    )
    reach = np.where(tall > 1.7 * low, 0.2 * low, reach)
    beside = (-gap_y >= 0.5 * low) & (gap_x <= np.maximum(reach, 3))
    stacked = (-gap_x >= 0.5 * np.minimum(wa, wb)) & (gap_y <= np.maximum(0.25 * np.minimum(tall, 16), 3))
    stacked &= np.where(ha < hb, wa, wb) <= 1.1 * np.where(ha < hb, wb, wa)
    dots = (np.maximum(tall, np.maximum(wa, wb)) <= 7) & (gap_x <= 6) & (gap_y <= 6)
    return beside | stacked | dots


def _words_follow(a: np.ndarray, b: np.ndarray, single_a: np.ndarray, single_b: np.ndarray) -> np.ndarray:
    """Words of one run. Two things as wide as high are icons side by side, not words."""
    gap_x, gap_y, ha, hb = _geometry(a, b)
    tall, low = np.maximum(ha, hb), np.minimum(ha, hb)
    wa, wb = a[..., 2] - a[..., 0], b[..., 2] - b[..., 0]
    wordy_a = (~single_a & (ha <= 40) & (wa >= 1.2 * ha)) | (wa >= 1.7 * ha)
    wordy_b = (~single_b & (hb <= 40) & (wb >= 1.2 * hb)) | (wb >= 1.7 * hb)
    follows = (-gap_y >= 0.55 * low) & (gap_x <= WORD_GAP * tall)
    both = wordy_a & wordy_b & (tall <= 1.8 * low)
    one = (wordy_a | wordy_b) & (tall <= 1.8 * low)
    one &= np.where(wordy_a, hb, ha) <= 1.2 * np.where(wordy_a, ha, hb) + 1
    punctuation = (low <= 0.5 * tall) & (tall <= 40) & (gap_x <= 0.7 * tall)
    return follows & (both | one | punctuation)


def _item(marks: _Marks, group: np.ndarray, ids: np.ndarray) -> Item | None:
    """The text run or icon that a group of marks is; None if it is a speck."""
    boxes = marks.boxes[group]
    x0, y0, x1, y1 = (int(v) for v in (*boxes[:, :2].min(0), *boxes[:, 2:].max(0)))
    w, h = x1 - x0, y1 - y0
    if max(w, h) < 5 or w * h < 30 or (min(w, h) <= 6 and max(w, h) >= 20):
        return None
    wordy = w >= 1.7 * h or (h <= 16 and len(group) == 1 and w < h) or _letters(boxes)
    return Item(
        (x0, y0, x1, y1), np.ones((h, w), bool), "text" if wordy else "icon", int(marks.owners[group[0]])
    )


def _letters(boxes: np.ndarray) -> bool:
    """Whether marks (boxes int [n, 4]) are short text: two or more on one line, of one height."""
    if len(boxes) < 2:
        return False
    tall = boxes[:, 3] - boxes[:, 1]
    inline = np.ptp(boxes[:, 3]) <= 0.15 * tall.max() and tall.min() >= 0.8 * tall.max()
    order = np.argsort(boxes[:, 0])
    apart = (boxes[order[1:], 0] - boxes[order[:-1], 2] >= -2 * GROWTH).all()
    return bool(inline and apart and tall.max() <= 60)
