"""Flat surfaces of a screen: windows, cards, bars, buttons, fields, plain shapes.

What designers draw is filled with one colour or a soft gradient and bounded by straight or rounded
outlines. A photograph or a wallpaper also has smooth patches, but their outlines wander: those are left.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models import opencv

MARGIN = 8
"""Empty pixels around the cut-out in which a surface is completed."""
FLAT = 4
"""Largest difference between neighbouring pixels, in grey levels, inside one surface."""


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """One surface with everything on it.

    Attributes:
        box: x0, y0, x1, y1 in working pixels.
        mask: bool [y1 - y0, x1 - x0], holes filled.
        area: pixels of the mask.
        patch: number of its smooth patch in the image of patches.
        colour: float [3], mean of the patch.
        plain: bool; a shape other than a rectangle, such as a circle, a pie slice, a triangle.
    """

    box: tuple[int, int, int, int]
    mask: np.ndarray
    area: int
    patch: int
    colour: np.ndarray
    plain: bool


def smooth_patches(steepness: np.ndarray, level: int = FLAT) -> tuple[np.ndarray, np.ndarray]:
    """Connected areas without edges: int32 labels [H, W] from 1 on (0: edges), and cv2's stats of each.

    ``level`` is the largest difference between neighbouring pixels, in grey levels, inside one.
    """
    cv2 = opencv.load()
    flat = (steepness <= level).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(flat, connectivity=4)
    return labels, stats


def find_surfaces(
    pixels: np.ndarray,
    steepness: np.ndarray,
    patches: np.ndarray,
    stats: np.ndarray,
    tick: Callable[[], None] = lambda: None,
) -> list[Surface]:
    """Surfaces among the smooth patches, largest first; what fills the whole screen is not one.

    ``tick`` is called before each patch and may raise to end the work.
    """
    height, width = patches.shape
    screen = height * width
    surfaces = []
    for patch in range(1, len(stats)):
        x, y, w, h, area = (int(v) for v in stats[patch])
        if area < 48 or w < 6 or h < 6 or w * h > 40 * area or area > 0.97 * screen:
            continue
        tick()
        crop = patches[y : y + h, x : x + w] == patch
        surface = _surface(pixels[y : y + h, x : x + w], crop, (x, y), patch, (height, width))
        if surface is None or surface.area >= 0.92 * screen or not _is_crisp(surface, steepness):
            continue
        if not (is_small(surface.box, (height, width)) and _is_stroke(surface, pixels, patches, stats)):
            surfaces.append(surface)
    return sorted(surfaces, key=lambda s: (-s.area, s.box))


def _surface(
    pixels: np.ndarray, crop: np.ndarray, corner: tuple[int, int], patch: int, screen: tuple[int, int]
) -> Surface | None:
    """The surface that a patch fills, grown by the pixel that its edge took; None if its outline wanders."""
    cv2 = opencv.load()
    padded = np.pad(crop, MARGIN).astype(np.uint8)
    outline, filled = filled_outline(padded)
    straight = _straightness(outline - MARGIN + np.array(corner), screen)
    if min(crop.shape) >= 24:
        # Letters that touch the edge leave bays: shut their mouths, fill, and go back to the old outline.
        width = 13 if min(crop.shape) >= 60 or max(crop.shape) >= 200 else 7
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
        _, wide = filled_outline(cv2.dilate(filled, disc))
        outline, filled = filled_outline(cv2.erode(wide, disc))
    area = int(filled.sum())
    box_area = crop.shape[0] * crop.shape[1]
    hull = max(cv2.contourArea(cv2.convexHull(outline)), 1.0)
    solidity = min(area / hull, 1.0)
    fullness = area / box_area
    uniform = int(np.ptp(pixels[crop].astype(np.int16), axis=0).max()) <= 10
    if not uniform and solidity < 0.96 and straight < 0.8:
        return None
    size = area / (screen[0] * screen[1])
    rectangle = fullness >= 0.85 and solidity >= 0.9
    plain = uniform and solidity >= 0.88 and fullness >= 0.35 and size >= 0.003
    if size < 0.01:
        drawn = rectangle or plain or (solidity >= 0.93 and fullness >= 0.7)
    else:
        x, y = corner
        cut_off = x == 0 or y == 0 or x + crop.shape[1] == screen[1] or y + crop.shape[0] == screen[0]
        rounded = solidity >= 0.97 and fullness >= 0.7 and not cut_off
        drawn = plain or rounded or straight >= (0.4 if rectangle else 0.8)
    if not drawn:
        return None
    box, grown = grown_by_its_edge(filled, (corner[0] - MARGIN, corner[1] - MARGIN), screen)
    colour = pixels[crop].mean(0)
    return Surface(box, grown, int(grown.sum()), patch, colour, plain and not rectangle)


def _is_crisp(surface: Surface, steepness: np.ndarray) -> bool:
    """Whether most of the outline, the screen's edge left out, is a step rather than a fading gradient.

    A rectangle may be as faint as it likes (a pale button on white): pictures hardly have any.
    """
    if surface.mask.mean() >= 0.9:
        return True
    cv2 = opencv.load()
    x0, y0, x1, y1 = surface.box
    mask = surface.mask.astype(np.uint8)
    inside = cv2.erode(np.pad(mask, 1), np.ones((3, 3), np.uint8))[1:-1, 1:-1]
    outline = (mask > 0) & (inside == 0)
    height, width = steepness.shape
    rows, columns = np.arange(y0, y1), np.arange(x0, x1)
    outline &= ((rows > 1) & (rows < height - 2))[:, None] & (columns > 1) & (columns < width - 2)
    if not outline.any():
        return True
    return bool(np.percentile(steepness[y0:y1, x0:x1][outline], 30) >= 3 * FLAT)


def filled_outline(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The longest outline of a uint8 mask, as cv2 has it, and the mask inside it, holes filled."""
    cv2 = opencv.load()
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(contours, key=cv2.contourArea)
    filled = np.zeros_like(mask)
    cv2.drawContours(filled, [outline], -1, 1, cv2.FILLED)
    return outline, filled


def grown_by_its_edge(
    mask: np.ndarray, corner: tuple[int, int], screen: tuple[int, int]
) -> tuple[tuple[int, int, int, int], np.ndarray]:
    """A uint8 mask grown by the pixel that its edge took, as its box on the screen and bool mask of that.

    Args:
        mask: with an empty rim.
        corner: x, y of its upper left pixel; may lie outside the screen.
        screen: height and width.
    """
    grown = opencv.load().dilate(mask, np.ones((3, 3), np.uint8)).astype(bool)
    x0, y0 = corner
    grown = grown[max(-y0, 0) : screen[0] - y0, max(-x0, 0) : screen[1] - x0]
    rows, columns = np.flatnonzero(grown.any(1)), np.flatnonzero(grown.any(0))
    grown = grown[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    x0, y0 = max(x0, 0) + int(columns[0]), max(y0, 0) + int(rows[0])
    return (x0, y0, x0 + grown.shape[1], y0 + grown.shape[0]), grown


def is_small(box: tuple[int, int, int, int], screen: tuple[int, int]) -> bool:
    """Whether a box has the size of an icon or a letter."""
    return max(box[2] - box[0], box[3] - box[1]) <= max(0.1 * max(screen), 76)


def _is_stroke(surface: Surface, pixels: np.ndarray, patches: np.ndarray, stats: np.ndarray) -> bool:
    """Whether a small surface is part of a letter or a thin outline rather than something filled.

    The inside of an “o” has the colour of the ground around the letter; the ring of an “o” is seen through
    to it; the stem of an “l” is narrow.
    """
    x0, y0, x1, y1 = surface.box
    w, h = x1 - x0, y1 - y0
    if min(w, h) <= 12 and max(w, h) >= 2.5 * min(w, h):
        return True
    reach = max(6, min(w, h) // 2)
    top, left = max(y0 - reach, 0), max(x0 - reach, 0)
    around = patches[top : y1 + reach, left : x1 + reach]
    outside = np.ones(around.shape, bool)
    outside[y0 - top : y1 - top, x0 - left : x1 - left] = ~surface.mask
    seen, counts = np.unique(around[outside & (around > 0)], return_counts=True)
    if not len(seen):
        return False
    ground = seen[counts.argmax()]
    colour = pixels[top : y1 + reach, left : x1 + reach][around == ground].mean(0)
    hole = surface.mask & (patches[y0:y1, x0:x1] != surface.patch)
    cv2 = opencv.load()
    inner = cv2.erode(np.pad(surface.mask, 1).astype(np.uint8), np.ones((7, 7), np.uint8))[1:-1, 1:-1] > 0
    if np.abs(surface.colour - colour).max() <= 14 and not (hole & inner).any():
        return True
    window = pixels[y0:y1, x0:x1].astype(np.float32)
    to_ground, to_own = (np.abs(window - c).max(2) for c in (colour, surface.colour))
    seen_through = hole & (to_ground <= 10) & (to_ground < to_own)
    share = int(seen_through.sum()) / surface.area
    framed = surface.area >= 0.88 * w * h and min(w, h) >= 24 and max(w, h) <= 1.4 * min(w, h)
    return share >= (0.4 if framed else 0.15)


def _straightness(outline: np.ndarray, screen: tuple[int, int]) -> float:
    """Share of an outline, the screen's edge left out, that runs along horizontal and vertical lines."""
    cv2 = opencv.load()
    corners = cv2.approxPolyDP(outline.astype(np.int32), 2.0, True)[:, 0].astype(float)
    ends = np.roll(corners, -1, 0)
    steps = np.abs(ends - corners)
    lengths = np.hypot(steps[:, 0], steps[:, 1])
    last = np.array([screen[1] - 1, screen[0] - 1])
    on_edge = ((corners <= 3) & (ends <= 3)) | ((corners >= last - 3) & (ends >= last - 3))
    lengths[on_edge.any(1)] = 0
    straight = (steps.min(1) <= 2) & (lengths >= 8)
    return float((lengths[straight].sum() + 1) / (lengths.sum() + 1))
