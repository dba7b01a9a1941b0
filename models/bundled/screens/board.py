"""A drawing board for screens: anti-aliased shapes and text in logical pixels, which notes what it drew."""

from __future__ import annotations

import cv2
import numpy as np

from models.bundled.screens.fonts import FAMILIES, letter_centres, word_mask
from models.bundled.screens.sample import Box, Element, Thought, Word
from models.bundled.screens.words import COLOURS, CONTENT, made_up

Colour = tuple[int, int, int]

# Logical sizes, all multiples of the 32-pixel cell and within the bundled processor's pixel budget, so that
# a screen drawn at any pixel ratio is read at exactly its logical size.
SIZES = ((320, 224), (288, 224), (256, 256), (224, 288), (224, 320), (352, 192))
_SHIFT = 4


class Board:
    """One screen while it is drawn.

    Attributes:
        rng: the screen's own source of randomness.
        width, height: logical pixels; ``ratio`` device pixels each.
        image: uint8 [H, W, 3] at device resolution.
        family: font family.
        dark: theme; ``ground``, ``ink``, ``faint``, ``card``, ``line``, ``accent``, ``link`` are its colours.
        elements, words: what was drawn.
    """

    def __init__(
        self,
        rng: np.random.Generator,
        ratio: float | None = None,
        novel: float = 0.0,
        novel_held_out: bool = False,
    ) -> None:
        self.rng = rng
        self.width, self.height = SIZES[rng.integers(len(SIZES))]
        drawn_ratio = float(rng.choice([1.5, 2, 2, 2, 3]))
        self.ratio = drawn_ratio if ratio is None else ratio
        self.family = str(rng.choice(list(FAMILIES)))
        self._novel, self._novel_held_out = novel, novel_held_out
        self._used: set[str] = set()
        self._choose_theme()
        size = (round(self.height * self.ratio), round(self.width * self.ratio))
        self.image = np.empty((*size, 3), np.uint8)
        self.image[:] = self.ground
        if rng.random() < 0.25:
            self._gradient()
        self.elements: list[Element] = []
        self.words: list[Word] = []

    # -- choices ---------------------------------------------------------------------------------------------

    def _choose_theme(self) -> None:
        rng = self.rng
        self.dark = bool(rng.random() < 0.4)
        tint = rng.integers(-9, 10, 3)

        def grey(low: int, high: int) -> Colour:
            return _colour(rng.integers(low, high) + tint)

        if self.dark:
            self.ground, self.card = grey(14, 48), grey(52, 76)
            self.ink, self.faint, self.line = grey(225, 250), grey(145, 175), grey(85, 115)
        else:
            self.ground, self.card = grey(232, 256), grey(246, 256)
            self.ink, self.faint, self.line = grey(5, 45), grey(100, 135), grey(170, 205)
        accents = ((30, 95, 200), (0, 120, 110), (150, 50, 130), (175, 60, 30), (70, 80, 100), (50, 120, 50))
        self.accent = _colour(np.array(accents[rng.integers(len(accents))]) + rng.integers(-15, 16, 3))
        self.link = (120, 170, 255) if self.dark else (20, 70, 200)

    def _gradient(self) -> None:
        end = np.clip(np.array(self.ground, int) + self.rng.integers(-12, 13, 3), 0, 255)
        share = np.linspace(0, 1, self.image.shape[0])[:, None, None]
        self.image[:] = (np.array(self.ground) * (1 - share) + end * share).astype(np.uint8)

    def pick(self, words: tuple[str, ...] | list[str]) -> str:
        """A word that this screen has not used yet; made up with the board's probability of novel words."""
        while True:
            if self._novel and self.rng.random() < self._novel:
                word = made_up(self.rng, self._novel_held_out)
            else:
                word = str(words[self.rng.integers(len(words))])
            if word not in self._used:
                self._used.add(word)
                return word

    def any_word(self) -> str:
        return self.pick(CONTENT)

    def number(self, low: int = 0, high: int = 999) -> int:
        """A whole number, every count of digits being about equally welcome from two on."""
        if low < 100 <= high and self.rng.random() < 0.4:
            high = 99
        return int(self.rng.integers(low, high + 1))

    def one_of(self, *options: str) -> str:
        return options[int(self.rng.integers(len(options)))]

    def accent_ink(self) -> Colour:
        """The accent, or plain ink where the accent would be hard to read."""
        return self.ink if self.dark else self.accent

    def shade(self, name: str) -> Colour:
        """A named colour, a little varied."""
        return _colour(np.array(COLOURS[name]) + self.rng.integers(-14, 15, 3))

    # -- drawing ---------------------------------------------------------------------------------------------

    def text_width(self, text: str, size: float, bold: bool = False) -> float:
        """Width of a line in logical pixels."""
        pixels = size * self.ratio
        parts = text.split(" ")
        advance = sum(word_mask(self.family, bold, pixels, p)[3] for p in parts)
        return (advance + (len(parts) - 1) * self._space(size, bold)) / self.ratio

    def _space(self, size: float, bold: bool) -> int:
        return max(word_mask(self.family, bold, size * self.ratio, " ")[3], round(size * self.ratio * 0.3))

    def text(
        self, x: float, y: float, text: str, size: float, colour: Colour | None = None, bold: bool = False
    ) -> Box:
        """Draw a line, its em box's top left at (x, y); notes every word. Returns its box, device pixels."""
        pixels = size * self.ratio
        left, top = round(x * self.ratio), round(y * self.ratio)
        boxes = []
        for part in text.split(" "):
            mask, dx, dy, advance = word_mask(self.family, bold, pixels, part)
            box = self._blend(mask, left + dx, top + dy, colour or self.ink)
            if (word := part.strip(":,.")) and box[2] > 0:
                centres = letter_centres(self.family, bold, pixels, word)
                self.words.append(Word(word, box, tuple(left + c for c in centres)))
            boxes.append(box)
            left += advance + self._space(size, bold)
        x0, y0 = min(b[0] for b in boxes), min(b[1] for b in boxes)
        x1, y1 = max(b[0] + b[2] for b in boxes), max(b[1] + b[3] for b in boxes)
        return (x0, y0, x1 - x0, y1 - y0)

    def _blend(self, mask: np.ndarray, left: int, top: int, colour: Colour) -> Box:
        height, width = self.image.shape[:2]
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + mask.shape[1], width), min(top + mask.shape[0], height)
        if x1 <= x0 or y1 <= y0:
            return (float(x0), float(y0), 0.0, 0.0)
        cover = mask[y0 - top : y1 - top, x0 - left : x1 - left, None].astype(np.uint16)
        under = self.image[y0:y1, x0:x1]
        blended = (under * (255 - cover) + np.array(colour, np.uint16) * cover + 127) // 255
        self.image[y0:y1, x0:x1] = blended
        return (float(x0), float(y0), float(x1 - x0), float(y1 - y0))

    def box(
        self,
        x: float,
        y: float,
        w: float,
        h: float,
        fill: Colour | None = None,
        border: Colour | None = None,
        radius: float = 0.0,
    ) -> Box:
        """A rectangle with rounded corners. Returns its box in device pixels."""
        r = self.ratio
        x0, y0, x1, y1 = round(x * r), round(y * r), round((x + w) * r) - 1, round((y + h) * r) - 1
        round_ = int(min(radius * r, (x1 - x0) / 2, (y1 - y0) / 2))
        edge = max(1, round(r * 0.75))
        if border is not None:
            self._rounded(x0, y0, x1, y1, round_, border)
            if fill is not None:
                inner = max(0, round_ - edge)
                self._rounded(x0 + edge, y0 + edge, x1 - edge, y1 - edge, inner, fill)
        elif fill is not None:
            self._rounded(x0, y0, x1, y1, round_, fill)
        return (float(x0), float(y0), float(x1 - x0 + 1), float(y1 - y0 + 1))

    def _rounded(self, x0: int, y0: int, x1: int, y1: int, radius: int, colour: Colour) -> None:
        if radius < 1:
            cv2.rectangle(self.image, (x0, y0), (x1, y1), colour, -1)
            return
        cv2.rectangle(self.image, (x0 + radius, y0), (x1 - radius, y1), colour, -1)
        cv2.rectangle(self.image, (x0, y0 + radius), (x1, y1 - radius), colour, -1)
        for cx in (x0 + radius, x1 - radius):
            for cy in (y0 + radius, y1 - radius):
                cv2.circle(self.image, (cx, cy), radius, colour, -1, cv2.LINE_AA)

    def polygon(self, points: list[tuple[float, float]], colour: Colour) -> Box:
        """A filled polygon from logical points. Returns its box in device pixels."""
        corners = np.array(points) * self.ratio
        fixed = np.round(corners * (1 << _SHIFT)).astype(np.int32)
        cv2.fillPoly(self.image, [fixed], colour, cv2.LINE_AA, _SHIFT)
        (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
        return (float(x0), float(y0), float(x1 - x0), float(y1 - y0))

    def lines(self, points: list[tuple[float, float]], colour: Colour, thickness: float = 1.0) -> None:
        """An open polyline through logical points."""
        fixed = np.round(np.array(points) * self.ratio * (1 << _SHIFT)).astype(np.int32)
        width = max(1, round(thickness * self.ratio))
        cv2.polylines(self.image, [fixed], False, colour, width, cv2.LINE_AA, _SHIFT)

    def disc(self, cx: float, cy: float, radius: float, colour: Colour) -> Box:
        """A filled circle. Returns its box in device pixels."""
        r = self.ratio
        scale = 1 << _SHIFT
        centre = (round(cx * r * scale), round(cy * r * scale))
        cv2.circle(self.image, centre, round(radius * r * scale), colour, -1, cv2.LINE_AA, _SHIFT)
        return ((cx - radius) * r, (cy - radius) * r, 2 * radius * r, 2 * radius * r)

    # -- the truth -------------------------------------------------------------------------------------------

    def add(self, role: str, text: str, bbox: Box, colour: str = "", value: str = "") -> Element:
        """Note an element of the screen."""
        element = Element(len(self.elements), role, text, bbox, colour, value)
        self.elements.append(element)
        return element

    def thought(self) -> Thought:
        return Thought()


def readable_on(colour: Colour) -> Colour:
    """Black or white, whichever reads better on a colour."""
    red, green, blue = colour
    return (20, 20, 24) if 0.3 * red + 0.59 * green + 0.11 * blue > 145 else (250, 250, 250)


def _colour(values: np.ndarray) -> Colour:
    red, green, blue = (int(v) for v in np.clip(values, 0, 255))
    return red, green, blue
