"""Prompts on generated scenes, and what a perfect segmenter would answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from torch import Tensor

from core.overlap import overlap
from models.bundled.sam.canvas import Canvas, Thing
from models.bundled.sam.recorded import recorded
from models.bundled.sam.scenes import scene
from models.bundled.screens import KINDS
from models.opencv_segmenter import find_parts
from models.sam_outline import outlined
from models.sam_proposals import box_overlaps, more_parts
from models.screen_layout import Part

Frame = tuple[float, float, float, float]
LEVELS = 3
"""Masks of a point: the finest element there, what holds it, and the outermost."""
_SCREENS = 0.3
"""Share of screens of the thinker's generator; the rest are scenes."""
_CROPPED = 0.75
"""Share of examples that are pieces; the others show the whole screen, as ``models/sam.py`` asks."""
_PIECE = (0.5, 1.3)
"""Sides of a piece, in sides of the model's image: small text is judged better when it is shown enlarged."""
_SIZES, _SIZES_SHARES = (384, 512, 768), (0.25, 0.55, 0.2)
"""Longer sides of scenes, in pixels, and how many are of each."""
_POOL = 64
"""Drawn screens kept to be shown again."""
_SHOWN = 8
"""Times that a screen is shown: drawing costs a third of a training step."""
_GROUND = 1 / 6
"""Share of points on the backdrop."""
_EDGE_BOXES, _MORE_BOXES = 280, 220
"""Boxes proposed at most, as ``models/sam.py`` has them."""
_FOUND, _FAIR = 0.45, 0.5
"""IoU from which a proposal means an element, and the share of boxes that do: most proposals mean nothing."""
_BY_HAND = 0.25
"""Share of the boxes around elements that are drawn around them, as in the window, and not proposed."""


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One screenshot with prompts.

    Attributes:
        image: uint8 [h, w, 3]; the longer side is the model's image size.
        points: float32 [P, 2], x and y in its pixels.
        boxes: float32 [B, 4], x0, y0, x1, y1.
        targets: uint8 [P + B, 1 + LEVELS, m, m], 255 inside; masks at a quarter of a patch, zero beyond the
            image. Slot 0 is the one answer to a box, the others the levels at a point.
        asked: bool [P + B, 1 + LEVELS]; whether a prompt of this kind is answered in the slot.
        nothing: bool [P + B]; there is no element where the prompt points: the quality to predict is 0.
        extents: float32 [2, e, e, 4], x0, y0, x1, y1 in pixels of the finest element at every second pixel of
            the masks, and of the next finest there.
        held: bool [2, e, e]; whether there are such.
    """

    image: np.ndarray
    points: np.ndarray
    boxes: np.ndarray
    targets: np.ndarray
    asked: np.ndarray
    nothing: np.ndarray
    extents: np.ndarray
    held: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Screen:
    """A canvas and the boxes that ``models/sam.py`` would ask about on it.

    Attributes:
        canvas: with the things that a perfect segmenter would find.
        boxes: float64 [n, 4], x0, y0, x1, y1.
        meant: int [n]; index of the thing that a box is around, -1 for nothing, -2 if it cannot be said.
    """

    canvas: Canvas
    boxes: np.ndarray
    meant: np.ndarray


def with_proposals(canvas: Canvas) -> Screen:
    """A whole screen with the boxes that its edges suggest."""
    pixels = np.ascontiguousarray(canvas.image)
    parts = find_parts(pixels, _EDGE_BOXES, lambda text, share: None)
    parts = [outlined(pixels, part) for part in parts + more_parts(pixels, parts, _MORE_BOXES)]
    things = canvas.visible()
    boxes = np.array([part.box for part in parts], np.float64).reshape(-1, 4)
    places = np.array([thing.box for _, thing in things])
    return Screen(canvas, boxes, np.array([_meant(part, things, places) for part in parts], int))


def _meant(part: Part, things: list[tuple[int, Thing]], places: np.ndarray) -> int:
    """The thing, of those at ``places`` [n, 4], that a proposal overlaps most, or -1."""
    if not things:
        return -1
    best, most = -1, _FOUND
    for k in np.flatnonzero(box_overlaps(places, np.array(part.box)) > 0.3).tolist():
        i, thing = things[k]
        if (share := overlap(part, thing)) >= most:
            best, most = i, share
    return best


def draw_screen(rng: np.random.Generator, seed: int, ease: float = 0.0) -> Canvas:
    """A whole screen of any source, at the scale at which it was drawn.

    ``ease`` from 0 to 1 leaves out more and more of the scenes, which are harder than the thinker's screens.
    """
    if rng.random() < _SCREENS + (1 - _SCREENS) * ease:
        return recorded(KINDS[int(rng.integers(len(KINDS)))], seed)
    return scene(seed, int(rng.choice(_SIZES, p=_SIZES_SHARES)))


def framed(rng: np.random.Generator, screen: Screen, size: int) -> Screen:
    """What the model is shown of a screen, its longer side ``size``: a sharp piece, or all of it shrunk.

    Half of them mirrored; the colours swapped. Of the proposals those are left that would be asked there.
    """
    canvas, boxes = screen.canvas, screen.boxes
    kept = np.ones(len(boxes), bool)
    index = np.arange(len(canvas.things))
    if rng.random() < _CROPPED:
        side = int(size * float(np.exp(rng.uniform(*np.log(_PIECE)))))
        width, height = min(side, canvas.width), min(side, canvas.height)
        left = int(rng.integers(canvas.width - width + 1))
        top = int(rng.integers(canvas.height - height + 1))
        kept &= (boxes[:, :2] >= (left, top)).all(1) & (boxes[:, 2:] <= (left + width, top + height)).all(1)
        canvas, index = _cut(canvas, left, top, width, height)
        boxes = boxes - (left, top, left, top)
    elif max(canvas.width, canvas.height) > 1.3 * size:
        kept &= (boxes[:, 2:] - boxes[:, :2]).max(1) > 0.5 * size
    factor = size / max(canvas.width, canvas.height)
    canvas, again = _resized(canvas, size)
    index = np.where(index >= 0, np.append(again, -1)[index], -1)
    boxes = boxes * factor
    kept &= (boxes[:, 2:] - boxes[:, :2]).min(1) >= 3
    canvas, mirrored = _recoloured(canvas, rng)
    if mirrored:
        boxes = np.stack(
            [canvas.width - boxes[:, 2], boxes[:, 1], canvas.width - boxes[:, 0], boxes[:, 3]], 1
        )
    meant = np.where(screen.meant >= 0, np.append(index, -1)[screen.meant], screen.meant)
    meant[(screen.meant >= 0) & (meant < 0)] = -2
    return Screen(canvas, boxes[kept], meant[kept])


def prompts(
    rng: np.random.Generator, screen: Screen, grid: int, points: int, boxes: int, ease: float = 0.0
) -> Example | None:
    """Points and boxes on a screen; None if there is nothing on it.

    Args:
        screen: the longer side of its canvas is the model's image size.
        grid: pixels of a side of the masks.
        points, boxes: how many of each.
        ease: from 0 to 1; how much more often large elements are asked for than small ones.
    """
    canvas = screen.canvas
    things = dict(canvas.visible())
    if not things:
        return None
    size = max(canvas.width, canvas.height)
    scale = size // grid
    cells = {i: _shrunk(t, scale, grid) for i, t in things.items()}
    seen = {i for i, cell in cells.items() if int(cell.max()) > 127}
    things = {i: t for i, t in things.items() if i in seen}
    if not things:
        return None
    chance = _chances(things, ease)
    order = list(things)
    empty = np.zeros((grid, grid), np.uint8)
    targets, asked, nothing = [], [], []
    spots: list[tuple[float, float]] = []
    for i in range(points):
        spot = _ground(rng, canvas, things) if i and rng.random() < _GROUND else None
        if spot is not None:
            levels: list[np.ndarray] = [empty] * LEVELS
        else:
            thing = things[order[int(rng.choice(len(order), p=chance))]]
            rows, columns = np.nonzero(thing.mask)
            k = int(rng.integers(len(rows)))
            x, y = thing.box[0] + int(columns[k]), thing.box[1] + int(rows[k])
            levels = [cells[j] for j in _levels(things, canvas.things, x, y)]
            spot = (x + 0.5, y + 0.5)
        spots.append(spot)
        targets.append(np.stack([empty, *levels]))
        asked.append([False] + [True] * LEVELS)
        nothing.append(levels[0] is empty)
    frames: list[Frame] = []
    for _ in range(boxes):
        j, frame = _box(rng, screen, things, order, chance)
        frames.append(frame)
        nothing.append(j < 0)
        targets.append(np.stack([cells[j] if j >= 0 else empty, *[empty] * LEVELS]))
        asked.append([True] + [False] * LEVELS)
    return Example(
        canvas.image,
        np.array(spots, np.float32).reshape(-1, 2),
        np.array(frames, np.float32).reshape(-1, 4),
        np.stack(targets),
        np.array(asked),
        np.array(nothing),
        *_extents(things, cells, grid),
    )


class Examples(torch.utils.data.IterableDataset):
    """An endless stream of examples.

    Args:
        seed: where the stream starts; two different ones never meet.
        size, grid: of the images and of the masks, in pixels of a side.
        points, boxes: prompts an example.
    """

    def __init__(self, seed: int, size: int, grid: int, points: int, boxes: int) -> None:
        self.seed, self.size, self.grid = seed, size, grid
        self.points, self.boxes = points, boxes
        # Shared memory, so that processes that draw see it change.
        self.ease = torch.zeros(1).share_memory_()

    def __iter__(self) -> Iterator[tuple[Tensor, ...]]:
        seed = self.seed
        pool: list[tuple[Screen, int]] = []  # screens and how often they were shown
        while True:
            seed += 1
            rng = np.random.default_rng([78, seed])
            if len(pool) >= _POOL:
                screen, shown = pool.pop(int(rng.integers(len(pool))))
            else:
                screen, shown = with_proposals(draw_screen(rng, seed, float(self.ease))), 0
            if shown + 1 < _SHOWN:
                pool.append((screen, shown + 1))
            example = prompts(
                rng, framed(rng, screen, self.size), self.grid, self.points, self.boxes, float(self.ease)
            )
            if example is None:
                continue
            image = np.ascontiguousarray(example.image.transpose(2, 0, 1))
            parts = (image, example.points, example.boxes, example.targets, example.asked, example.nothing)
            yield tuple(torch.from_numpy(part) for part in (*parts, example.extents, example.held))


def _levels(things: dict[int, Thing], everything: list[Thing], x: int, y: int) -> list[int]:
    """Indices of the finest thing at a pixel, of what holds it, and of the outermost, each at least once."""
    here = [i for i, t in things.items() if _holds(t, x, y)]
    finest = min(here, key=lambda i: (int(things[i].mask.sum()), -i))
    chain, above = [finest], everything[finest].parent
    while above >= 0:
        if above in things and _holds(things[above], x, y):
            chain.append(above)
        above = everything[above].parent
    return [chain[0], chain[min(1, len(chain) - 1)], chain[-1]]


def _holds(thing: Thing, x: int, y: int) -> bool:
    x0, y0, x1, y1 = thing.box
    return x0 <= x < x1 and y0 <= y < y1 and bool(thing.mask[y - y0, x - x0])


def _chances(things: dict[int, Thing], ease: float) -> np.ndarray:
    """How likely each thing is asked for: rare roles are nearly as welcome as frequent ones."""
    roles = [t.role for t in things.values()]
    weight = np.array([1.0 / roles.count(role) ** 0.6 for role in roles])
    weight *= np.array([int(t.mask.sum()) for t in things.values()]) ** (0.5 * ease)
    return weight / weight.sum()


def _extents(
    things: dict[int, Thing], cells: dict[int, np.ndarray], grid: int
) -> tuple[np.ndarray, np.ndarray]:
    """Boxes of the finest and the next finest thing at every second pixel of the masks: see ``Example``."""
    boxes = np.zeros((2, grid // 2, grid // 2, 4), np.float32)
    held = np.zeros((2, grid // 2, grid // 2), bool)
    for i in sorted(things, key=lambda i: (-int(things[i].mask.sum()), i)):
        inside = cells[i][::2, ::2] > 127
        boxes[1][inside], held[1][inside] = boxes[0][inside], held[0][inside]
        boxes[0][inside], held[0][inside] = things[i].box, True
    return boxes, held


def _ground(rng: np.random.Generator, canvas: Canvas, things: dict[int, Thing]) -> tuple[float, float] | None:
    """A pixel of the backdrop, some way from every element; None if none is found."""
    for _ in range(8):
        x, y = int(rng.integers(canvas.width)), int(rng.integers(canvas.height))
        near = any(
            t.box[0] - 4 <= x < t.box[2] + 4 and t.box[1] - 4 <= y < t.box[3] + 4 for t in things.values()
        )
        if not near:
            return (x + 0.5, y + 0.5)
    return None


def _box(
    rng: np.random.Generator, screen: Screen, things: dict[int, Thing], order: list[int], chance: np.ndarray
) -> tuple[int, Frame]:
    """A box to ask about and the thing that it means, or -1: a proposal, or what a hand would draw."""
    meant = np.array([m if m < 0 or m in things else -2 for m in screen.meant.tolist()], int)
    good = rng.random() < _FAIR
    fitting = np.flatnonzero(meant >= 0 if good else meant == -1)
    if not len(fitting) or (good and rng.random() < _BY_HAND):
        j = order[int(rng.choice(len(order), p=chance))]
        return j, _jittered(rng, things[j], screen.canvas)
    if good:  # one thing may have many proposals, and a frequent role many things
        owners = np.unique(meant[fitting])
        share = np.array([chance[order.index(i)] for i in owners.tolist()])
        fitting = fitting[meant[fitting] == rng.choice(owners, p=share / share.sum())]
    index = int(rng.choice(fitting))
    x0, y0, x1, y1 = screen.boxes[index].tolist()
    return int(meant[index]), (x0, y0, x1, y1)


def _jittered(rng: np.random.Generator, thing: Thing, canvas: Canvas) -> Frame:
    """The box around what is seen of a thing, as a hand or a detector would draw it."""
    rows, columns = np.flatnonzero(thing.mask.any(1)), np.flatnonzero(thing.mask.any(0))
    x0, x1 = thing.box[0] + columns[0], thing.box[0] + columns[-1] + 1
    y0, y1 = thing.box[1] + rows[0], thing.box[1] + rows[-1] + 1
    spread = float(rng.choice([0.01, 0.04, 0.09]))
    dx, dy = spread * (x1 - x0) + 0.7, spread * (y1 - y0) + 0.7
    jitter = np.clip(rng.normal(0, 1, 4), -2, 2) * (dx, dy, dx, dy)
    a, b, c, d = np.array([x0, y0, x1, y1]) + jitter
    return (
        float(np.clip(a, 0, canvas.width - 2)), float(np.clip(b, 0, canvas.height - 2)),
        float(np.clip(c, a + 2, canvas.width)), float(np.clip(d, b + 2, canvas.height)),
    )  # fmt: skip


def _shrunk(thing: Thing, scale: int, grid: int) -> np.ndarray:
    """uint8 [grid, grid]: the share of each cell of ``scale`` pixels that the thing covers, times 255."""
    x0, y0, x1, y1 = thing.box
    u0, v0, u1, v1 = x0 // scale, y0 // scale, -(-x1 // scale), -(-y1 // scale)
    full = np.zeros(((v1 - v0) * scale, (u1 - u0) * scale), np.float32)
    full[y0 - v0 * scale : y1 - v0 * scale, x0 - u0 * scale : x1 - u0 * scale] = thing.mask
    cells = np.zeros((grid, grid), np.uint8)
    cells[v0:v1, u0:u1] = full.reshape(v1 - v0, scale, u1 - u0, scale).mean((1, 3)) * 255
    return cells


def _cut(canvas: Canvas, left: int, top: int, width: int, height: int) -> tuple[Canvas, np.ndarray]:
    """A part of a canvas, with what is seen of its things there; the new index of each thing, -1 for none."""
    part = Canvas(np.ascontiguousarray(canvas.image[top : top + height, left : left + width]))
    index = {-1: -1}
    kept = np.full(len(canvas.things), -1)
    for i, thing in enumerate(canvas.things):
        x0, y0, x1, y1 = thing.box
        box = (x0 - left, y0 - top, x1 - left, y1 - top)
        kept[i] = index[i] = part.note(thing.role, box, thing.mask, index[thing.parent])
        if index[i] < 0:
            index[i] = index[thing.parent]
    return part, kept


def _recoloured(canvas: Canvas, rng: np.random.Generator) -> tuple[Canvas, bool]:
    """The colours swapped and, half the time, left and right as well; whether those were."""
    image = canvas.image[..., rng.permutation(3)]
    if rng.random() < 0.5:
        same = Canvas(np.ascontiguousarray(image))
        same.things = canvas.things
        return same, False
    image = image[:, ::-1]
    result = Canvas(np.ascontiguousarray(image))
    for thing in canvas.things:
        x0, y0, x1, y1 = thing.box
        box = (canvas.width - x1, y0, canvas.width - x0, y1)
        result.things.append(replace(thing, box=box, mask=thing.mask[:, ::-1]))
    return result, True


def _resized(canvas: Canvas, size: int) -> tuple[Canvas, np.ndarray]:
    """The canvas with its longer side ``size`` pixels, as SAM's own transform would make it.

    And the new index of each thing, -1 for none.
    """
    factor = size / max(canvas.width, canvas.height)
    kept = np.arange(len(canvas.things))
    if factor == 1:
        return canvas, kept
    width, height = round(canvas.width * factor), round(canvas.height * factor)
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    result = Canvas(cv2.resize(canvas.image, (width, height), interpolation=how))
    index = {-1: -1}
    for i, thing in enumerate(canvas.things):
        x0, y0, x1, y1 = (round(v * factor) for v in thing.box)
        index[i], kept[i] = index[thing.parent], -1
        if x1 - x0 < 1 or y1 - y0 < 1:
            continue
        mask = cv2.resize(thing.mask.astype(np.float32), (x1 - x0, y1 - y0), interpolation=how) >= 0.5
        kept[i] = result.note(thing.role, (x0, y0, x1, y1), mask, index[thing.parent])
        index[i] = int(kept[i]) if kept[i] >= 0 else index[i]
    return result, kept
