"""A canvas that remembers the mask of everything drawn on it, also after something else covers it."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.bundled.sam.backdrops import blend
from models.bundled.sam.legibility import outline_stands_out, text_stands_out
from models.bundled.screens.fonts import FAMILIES, word_mask
from models.screen_content import steepness

Box = tuple[int, int, int, int]
_SHIFT = 4
SMALLEST = 5
"""Pixels; what is thinner is no element."""
GROUPS = ("paragraph", "table", "chart")
"""Roles of what is drawn of other elements and has no outline of its own."""


@dataclass(slots=True, eq=False)
class Thing:
    """One element.

    Attributes:
        role: "window", "card", "bar", "button", "field", "icon", "text", "paragraph", "picture", "mark" …
        box: x0, y0, x1, y1 in pixels.
        mask: bool [y1 - y0, x1 - x0]; with everything on it, without what covers it.
        parent: index of the thing that it lies on, -1 for none.
        whole: pixels of the mask before anything covered it.
    """

    role: str
    box: Box
    mask: np.ndarray
    parent: int
    whole: int


class Canvas:
    """An image under construction, uint8 [height, width, 3], and the things on it, parents first."""

    def __init__(self, image: np.ndarray) -> None:
        self.image = image
        self.things: list[Thing] = []

    @property
    def height(self) -> int:
        return int(self.image.shape[0])

    @property
    def width(self) -> int:
        return int(self.image.shape[1])

    def note(self, role: str, box: Box, mask: np.ndarray | None = None, parent: int = -1) -> int:
        """Remember a thing, cut at the edges of the canvas; its index, or -1 if it is too small to count."""
        x0, y0, x1, y1 = box
        cut = (max(x0, 0), max(y0, 0), min(x1, self.width), min(y1, self.height))
        if min(cut[2] - cut[0], cut[3] - cut[1]) < SMALLEST:
            return -1
        if mask is None:
            mask = np.ones((y1 - y0, x1 - x0), bool)
        mask = mask[cut[1] - y0 : cut[3] - y0, cut[0] - x0 : cut[2] - x0].copy()
        if int(mask.sum()) < SMALLEST * SMALLEST:
            return -1
        self.things.append(Thing(role, cut, mask, parent, int(mask.sum())))
        return len(self.things) - 1

    def cover(self, box: Box, mask: np.ndarray, keep_from: int) -> None:
        """Take a mask's pixels away from all things before ``keep_from``: something opaque lies there."""
        x0, y0, x1, y1 = box
        for thing in self.things[:keep_from]:
            a0, b0, a1, b1 = thing.box
            u0, v0, u1, v1 = max(x0, a0), max(y0, b0), min(x1, a1), min(y1, b1)
            if u0 < u1 and v0 < v1:
                part = mask[v0 - y0 : v1 - y0, u0 - x0 : u1 - x0]
                thing.mask[v0 - b0 : v1 - b0, u0 - a0 : u1 - a0] &= ~part

    def visible(self, least: float = 0.35) -> list[tuple[int, Thing]]:
        """Things of which at least a share is left and which stand out, with their indices."""
        change = steepness(self.image)
        return [
            (i, t)
            for i, t in enumerate(self.things)
            if (left := int(t.mask.sum())) >= max(least * t.whole, SMALLEST * SMALLEST)
            and left <= 0.95 * self.width * self.height
            and self._stands_out(t, change)
        ]

    def _stands_out(self, thing: Thing, change: np.ndarray) -> bool:
        if thing.role in GROUPS:
            return True
        if thing.role == "text":
            return text_stands_out(self.image, thing.box)
        return outline_stands_out(change, thing.box, thing.mask)

    # -- shapes ----------------------------------------------------------------------------------------------

    def paint(self, x: int, y: int, cover: np.ndarray, colour: np.ndarray, opacity: float = 1.0) -> None:
        """Blend a colour [3] or picture [h, w, 3] through a uint8 coverage [h, w] whose corner is at x, y."""
        x0, y0 = max(x, 0), max(y, 0)
        x1, y1 = min(x + cover.shape[1], self.width), min(y + cover.shape[0], self.height)
        if x1 <= x0 or y1 <= y0:
            return
        part = (slice(y0 - y, y1 - y), slice(x0 - x, x1 - x))
        paint = colour[part] if colour.ndim == 3 else colour
        blend(self.image[y0:y1, x0:x1], cover[part], np.asarray(paint, np.float32), opacity)

    def shadow(self, box: Box, radius: int, strength: float, spread: float, drop: int) -> None:
        """Darken softly around and below a box."""
        pad = int(3 * spread) + 2
        cover = np.pad(rounded(box[2] - box[0], box[3] - box[1], radius), pad)
        soft = cv2.GaussianBlur(cover, (0, 0), spread)
        self.paint(box[0] - pad, box[1] - pad + drop, soft, np.zeros(3), strength)

    def text(
        self, x: int, y: int, line: str, size: float, colour: np.ndarray, family: str, bold: bool = False
    ) -> Box:
        """Write a line, its em box's top left at x, y; the box around its ink."""
        left, boxes = x, []
        space = max(2, round(size * 0.3))
        for word in line.split(" "):
            mask, dx, dy, advance = word_mask(family, bold, size, word)
            if mask.size:
                self.paint(left + dx, y + dy, mask, colour)
                boxes.append((left + dx, y + dy, left + dx + mask.shape[1], y + dy + mask.shape[0]))
            left += advance + space
        if not boxes:
            return (x, y, x, y)
        x0, y0 = min(b[0] for b in boxes), min(b[1] for b in boxes)
        return (x0, y0, max(b[2] for b in boxes), max(b[3] for b in boxes))

    @staticmethod
    def text_width(line: str, size: float, family: str, bold: bool = False) -> int:
        words = line.split(" ")
        space = max(2, round(size * 0.3))
        return sum(word_mask(family, bold, size, w)[3] for w in words) + space * (len(words) - 1)


def rounded(width: int, height: int, radius: int) -> np.ndarray:
    """uint8 coverage [height, width] of a rectangle with round corners, smooth at the edges."""
    radius = int(min(radius, width // 2, height // 2))
    cover = np.full((height, width), 255, np.uint8)
    if radius < 1:
        return cover
    corner = np.zeros((radius, radius), np.uint8)
    cv2.circle(
        corner,
        ((radius << _SHIFT) - 8, (radius << _SHIFT) - 8),
        radius << _SHIFT,
        255,
        -1,
        cv2.LINE_AA,
        _SHIFT,
    )
    cover[:radius, :radius] = corner
    cover[:radius, -radius:] = corner[:, ::-1]
    cover[-radius:, :radius] = corner[::-1]
    cover[-radius:, -radius:] = corner[::-1, ::-1]
    return cover


def disc(size: int) -> np.ndarray:
    """uint8 coverage [size, size] of a circle."""
    return rounded(size, size, size // 2)


def polygon(points: np.ndarray, width: int, height: int) -> np.ndarray:
    """uint8 coverage [height, width] of a polygon, float points [n, 2]."""
    cover = np.zeros((height, width), np.uint8)
    cv2.fillPoly(cover, [np.round(points * (1 << _SHIFT)).astype(np.int32)], 255, cv2.LINE_AA, _SHIFT)
    return cover


def random_family(rng: np.random.Generator) -> str:
    names = list(FAMILIES)
    return names[int(rng.integers(len(names)))]
