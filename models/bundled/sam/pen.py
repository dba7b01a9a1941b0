"""Writes text and draws surfaces in the theme of one scene."""

from __future__ import annotations

import cv2
import numpy as np

from models.bundled.sam.backdrops import any_colour
from models.bundled.sam.canvas import Box, Canvas, random_family, rounded
from models.bundled.sam.icons import icon, outline

Rng = np.random.Generator
_LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
_WEIGHTS = 1.0 / (np.arange(len(_LETTERS)) + 3)
_WEIGHTS /= _WEIGHTS.sum()
_CLEAR = 70
"""Grey levels between ink and ground that a designer would take."""


class Pen:
    """What everything of one scene is drawn with.

    Args:
        rng: the scene's source of randomness.
        canvas: what is drawn on.
        t: height of ordinary text in pixels.
    """

    def __init__(self, rng: Rng, canvas: Canvas, t: float) -> None:
        self.rng, self.canvas, self.t = rng, canvas, t
        self.family = random_family(rng)
        self.radius = float(rng.choice([0, 0.2, 0.5, 1.0])) * t
        self.dark = bool(rng.random() < 0.4)
        tint = rng.uniform(-10, 10, 3)
        near, far = ((30, 62), (215, 250)) if self.dark else ((238, 256), (10, 70))
        self.card = np.clip(rng.uniform(*near) + tint, 0, 255)
        self.ink = np.clip(rng.uniform(*far) + tint, 0, 255)
        self.faint = self.card + (self.ink - self.card) * 0.55
        self.line = self.card + (self.ink - self.card) * float(rng.uniform(0.1, 0.3))
        self.accent = any_colour(rng)

    def px(self, low: float, high: float | None = None) -> int:
        """A length in pixels, from multiples of the text height."""
        return max(1, int(self.t * (low if high is None else self.rng.uniform(low, high))))

    def readable(self, colour: np.ndarray, box: Box) -> np.ndarray:
        """The colour, or black or white where it would hardly be seen."""
        ground = self.ground(box)
        choices = [colour, np.full(3, 12.0), np.full(3, 246.0)]
        # What nine tenths of the ground differ by; brightness is what letters are told apart by.
        clear = [float(np.percentile(np.abs((ground - choice).mean(1)), 10)) for choice in choices]
        return colour if clear[0] >= _CLEAR else choices[int(np.argmax(clear))]

    def ground(self, box: Box) -> np.ndarray:
        """Some of the pixels in a box, float64 [n, 3], at least one."""
        part = self.canvas.image[max(box[1], 0) : max(box[3], 0), max(box[0], 0) : max(box[2], 0)]
        if not part.size:
            return np.full((1, 3), 128.0)
        step = max(1, int((part.shape[0] * part.shape[1] / 400) ** 0.5))
        return part[::step, ::step].reshape(-1, 3).astype(np.float64)

    def other_colour(self, than: np.ndarray) -> np.ndarray:
        """A colour that is told apart from another."""
        colour = any_colour(self.rng)
        for _ in range(8):
            if float(np.abs(colour - than).max()) >= 45:
                break
            colour = any_colour(self.rng)
        return colour

    def words(self, count: int) -> str:
        rng = self.rng
        found = []
        for _ in range(count):
            if rng.random() < 0.15:
                found.append(str(rng.integers(0, 10 ** int(rng.integers(1, 6)))))
                continue
            letters = rng.choice(len(_LETTERS), int(rng.integers(2, 10)), p=_WEIGHTS)
            word = "".join(_LETTERS[i] for i in letters)
            found.append(word.capitalize() if rng.random() < 0.3 else word)
        return " ".join(found)

    def fitting(self, width: int, size: float, most: int = 12, bold: bool = False) -> str:
        """As many words as fit, at most ``most``; empty if none does."""
        line = self.words(most)
        while line and self.canvas.text_width(line, size, self.family, bold) > width:
            line = line.rpartition(" ")[0]
        return line

    def label(
        self, x: int, y: int, width: int, parent: int, size: float, colour: np.ndarray, most: int = 4,
        bold: bool = False, centred: bool = False, note: bool = True,
    ) -> Box | None:  # fmt: skip
        """A line of text at most ``width`` wide, noted as "text"; its box."""
        line = self.fitting(width, size, int(self.rng.integers(1, most + 1)), bold)
        if not line:
            return None
        wide = self.canvas.text_width(line, size, self.family, bold)
        if centred:
            x += (width - wide) // 2
        colour = self.readable(colour, (x, y, x + wide, y + int(size * 1.2)))
        box = self.canvas.text(x, y, line, size, colour, self.family, bold)
        if note:
            self.canvas.note("text", box, parent=parent)
        return box

    def paragraph(self, area: Box, parent: int) -> int:
        """Lines of text, noted one by one and as a paragraph; where they end."""
        rng = self.rng
        x0, y0, x1, y1 = area
        size = self.t * float(rng.choice([0.85, 1.0, 1.2]))
        pitch = int(size * rng.uniform(1.2, 1.7)) + 1
        count = min(int(rng.integers(1, 8)), (y1 - y0) // pitch)
        if count < 1:
            return y0
        colour = self.readable(self.ink if rng.random() < 0.7 else self.faint, area)
        slot = len(self.canvas.things)
        lines = []
        for i in range(count):
            width = int((x1 - x0) * (rng.uniform(0.3, 1) if i == count - 1 else rng.uniform(0.85, 1)))
            line = self.fitting(width, size, 14)
            if line:
                lines.append(self.canvas.text(x0, y0 + i * pitch, line, size, colour, self.family))
        if not lines:
            return y0
        low, high = np.array(lines).min(0), np.array(lines).max(0)
        around = (int(low[0]), int(low[1]), int(high[2]), int(high[3]))
        whole = self.canvas.note("paragraph", around, parent=parent) if len(lines) > 1 else -1
        for box in lines:
            self.canvas.note("text", box, parent=whole if whole >= slot else parent)
        return y0 + count * pitch

    def surface(
        self, role: str, box: Box, parent: int, *, clear: bool = False, radius: float | None = None
    ) -> int:
        """A filled box with its shadow and border, opaque or see-through; its index."""
        rng, canvas = self.rng, self.canvas
        width, height = box[2] - box[0], box[3] - box[1]
        if width < 2 or height < 2:
            return -1
        corner = int(self.radius if radius is None else radius)
        cover = rounded(width, height, corner)
        if rng.random() < (0.5 if role in ("window", "card") else 0.1):
            canvas.shadow(
                box, corner, float(rng.uniform(0.1, 0.5)), float(rng.uniform(1, 8)), self.px(0, 0.4)
            )
        shade = self.card + rng.uniform(-8, 8)
        if role in ("button", "chip"):
            shade = (
                self.accent
                if rng.random() < 0.5
                else self.card + (self.ink - self.card) * rng.uniform(0.03, 0.2)
            )
        around = np.median(self.ground((box[0] - 2, box[1] - 2, box[2] + 2, box[1] + 2)), 0)
        alike = float(np.abs(shade - around).max()) < 14
        if alike and rng.random() < 0.5:  # else a border tells them apart
            shade = shade + (self.ink - self.card) * rng.uniform(0.08, 0.2)
            alike = False
        paint: np.ndarray = np.clip(shade, 0, 255)
        if rng.random() < 0.12:
            ramp = np.linspace(-1, 1, height)[:, None, None] * rng.uniform(-30, 30, 3)
            paint = np.clip(paint + np.broadcast_to(ramp, (height, width, 3)), 0, 255)
        x0, y0 = max(box[0], 0), max(box[1], 0)
        behind = canvas.image[y0 : max(box[3], 0), x0 : max(box[2], 0)]
        frosted = clear and behind.size and rng.random() < 0.7
        if frosted:
            behind[...] = cv2.GaussianBlur(behind, (0, 0), self.t * float(rng.uniform(0.4, 0.9)))
        sheer = rng.uniform(0.35, 0.9) if frosted else rng.uniform(0.8, 0.95)
        canvas.paint(box[0], box[1], cover, paint, float(sheer) if clear else 1.0)
        if alike or rng.random() < 0.4:
            inner = (
                np.pad(rounded(width - 2, height - 2, max(corner - 1, 0)), 1)
                if min(width, height) > 4
                else cover
            )
            canvas.paint(box[0], box[1], cover - np.minimum(inner, cover), self.line)
        canvas.cover(box, cover > 127, len(canvas.things) if parent < 0 else 0)
        return canvas.note(role, box, cover > 127, parent)

    def write_on(self, line: str, box: Box) -> None:
        """A caption in the middle of a surface, in whichever of black and white reads better."""
        x0, y0, x1, y1 = box
        part = self.canvas.image[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
        light = part.size == 0 or float(part.mean()) > 140
        x = x0 + (x1 - x0 - self.canvas.text_width(line, self.t, self.family)) // 2
        y = y0 + (y1 - y0 - int(self.t * 1.25)) // 2
        self.canvas.text(x, y, line, self.t, np.full(3, 20.0 if light else 245.0), self.family)

    def put_icon(self, x: int, y: int, side: int, parent: int, ink: np.ndarray | None = None) -> int:
        """Draw and note an icon; its right edge."""
        if side >= 4:
            ink = None if ink is None else self.readable(ink, (x, y, x + side, y + side))
            colours, cover = icon(self.rng, side, ink)
            for _ in range(3):
                if ink is not None or self._differs(colours, cover, x, y):
                    break
                colours, cover = icon(self.rng, side)
            self.canvas.paint(x, y, cover, colours)
            self.note_cover("icon", x, y, outline(cover).astype(np.uint8) * 255, parent)
        return x + side

    def _differs(self, colours: np.ndarray, cover: np.ndarray, x: int, y: int) -> bool:
        """Whether a picture with its coverage stands out from what lies behind most of its outline."""
        inside = cover > 127
        rim = inside & ~cv2.erode(inside.astype(np.uint8), np.ones((3, 3), np.uint8), borderValue=0).astype(
            bool
        )
        behind = np.median(self.ground((x, y, x + cover.shape[1], y + cover.shape[0])), 0)
        off = np.abs(colours[rim] - behind).max(1)
        return bool(len(off)) and float(np.percentile(off, 35)) >= 30

    def note_cover(self, role: str, x: int, y: int, cover: np.ndarray, parent: int) -> None:
        """Note what a coverage holds, cut down to its own box."""
        mask = cover > 127
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if len(rows):
            y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
            box = (x + int(x0), y + int(y0), x + int(x1), y + int(y1))
            self.canvas.note(role, box, mask[y0:y1, x0:x1], parent)
