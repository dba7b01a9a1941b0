"""Scenes: desktops, pages and phones crowded with elements over backdrops of all kinds, with their masks.

They are drawn to be seen, not read: letters are real, words are not. ``scene(seed)`` always gives the same
scene on the same versions of the fonts, numpy and OpenCV.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.bundled.sam.backdrops import any_colour, backdrop, photograph
from models.bundled.sam.canvas import Box, Canvas, disc, polygon, random_family, rounded
from models.bundled.sam.icons import icon, outline

Rng = np.random.Generator
_LETTERS = "etaoinshrdlucmfwypvbgkjqxz"
_WEIGHTS = 1.0 / (np.arange(len(_LETTERS)) + 3)
_WEIGHTS /= _WEIGHTS.sum()


def scene(seed: int, size: int = 512) -> Canvas:
    """Draw one scene with a longer side of ``size`` pixels.

    Args:
        seed: non-negative; from ``HELD_OUT`` (1,000,000,000) up never used for training.
        size: pixels.
    """
    rng = np.random.default_rng([77, seed])
    short = int(size * float(rng.choice([1.0, 0.75, 0.625, 0.5625, 0.46], p=[0.4, 0.15, 0.2, 0.15, 0.1])))
    height, width = (short, size) if rng.random() < 0.75 else (size, short)
    fine = 2 if rng.random() < 0.25 else 1
    kind = str(rng.choice(["desktop", "page", "phone"], p=[0.4, 0.45, 0.15]))
    canvas = Canvas(backdrop(rng, height * fine, width * fine, calm=kind == "page" and rng.random() < 0.8))
    # From a whole desktop shrunk to the size of the model to a close view of one card.
    text = fine * float(np.exp(rng.uniform(np.log(6.5), np.log(26)))) * size / 512
    _Scene(rng, canvas, text).draw(kind)
    if fine > 1:
        canvas = _halved(canvas)
    canvas.image = _worn(rng, canvas.image)
    return canvas


def _halved(canvas: Canvas) -> Canvas:
    """The canvas at half the size, as a screenshot of a dense display is shown: soft, averaged edges."""
    size = (canvas.width // 2, canvas.height // 2)
    half = Canvas(cv2.resize(canvas.image, size, interpolation=cv2.INTER_AREA))
    index = {-1: -1}
    for i, thing in enumerate(canvas.things):
        x0, y0, x1, y1 = thing.box
        full = np.zeros(((y1 + 1) // 2 * 2 - y0 // 2 * 2, (x1 + 1) // 2 * 2 - x0 // 2 * 2), np.float32)
        full[y0 % 2 : y0 % 2 + y1 - y0, x0 % 2 : x0 % 2 + x1 - x0] = thing.mask
        mask = full.reshape(full.shape[0] // 2, 2, full.shape[1] // 2, 2).mean((1, 3)) >= 0.5
        box = (x0 // 2, y0 // 2, x0 // 2 + mask.shape[1], y0 // 2 + mask.shape[0])
        index[i] = half.note(thing.role, box, mask, index[thing.parent])
        if index[i] >= 0:
            half.things[-1].whole = thing.whole // 4
    return half


def _worn(rng: Rng, image: np.ndarray) -> np.ndarray:
    """What happens to screenshots on their way: JPEG, noise, a change of contrast or tone."""
    if rng.random() < 0.3:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(35, 96))]
        image = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR)
    if rng.random() < 0.3:
        gain, shift = rng.uniform(0.6, 1.15, 3), rng.uniform(-25, 25)
        image = np.clip(image * gain + shift, 0, 255).astype(np.uint8)
    if rng.random() < 0.1:
        image = 255 - image
    if rng.random() < 0.1:
        image = np.repeat(image.mean(2, keepdims=True), 3, 2).astype(np.uint8)
    if rng.random() < 0.15:
        image = np.clip(image + rng.normal(0, rng.uniform(1, 5), image.shape), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(image)


class _Scene:
    """One scene while it is drawn; ``t`` is the height of ordinary text in pixels."""

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
        self.line = self.card + (self.ink - self.card) * float(rng.uniform(0.08, 0.3))
        self.accent = any_colour(rng)

    def draw(self, kind: str) -> None:
        rng, canvas = self.rng, self.canvas
        if kind == "desktop":
            if rng.random() < 0.75:
                self.launchers()
            for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.35, 0.35, 0.2, 0.1]))):
                self.window()
            if rng.random() < 0.7:
                self.task_bar()
            if rng.random() < 0.25:
                self.floating_text()
        elif kind == "page":
            top = self.bar(0, 0, canvas.width, self.px(2.2, 4)) if rng.random() < 0.7 else 0
            self.content((self.px(1), top + self.px(0.8), canvas.width - self.px(1), canvas.height), -1, 0)
            if rng.random() < 0.25:
                self.window()
        else:
            side = self.px(3, 5)
            self.icon_grid((0, self.px(2), canvas.width, canvas.height - side), side)
            self.bar(0, canvas.height - side, canvas.width, side)

    def px(self, low: float, high: float | None = None) -> int:
        """A length in pixels, from multiples of the text height."""
        return max(1, int(self.t * (low if high is None else self.rng.uniform(low, high))))

    def readable(self, colour: np.ndarray, box: Box) -> np.ndarray:
        """The colour, or black or white where it would hardly be seen."""
        part = self.canvas.image[max(box[1], 0) : max(box[3], 0), max(box[0], 0) : max(box[2], 0)]
        if not part.size:
            return colour
        ground = part[::2, ::2].reshape(-1, 3).mean(0)
        if float(np.abs(ground - colour).max()) >= 60:
            return colour
        return np.full(3, 12.0 if float(ground.mean()) > 128 else 246.0)

    # -- text ------------------------------------------------------------------------------------------------

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
        if centred:
            x += (width - self.canvas.text_width(line, size, self.family, bold)) // 2
        colour = self.readable(colour, (x, y, x + width, y + int(size * 1.2)))
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
        around = (
            min(b[0] for b in lines), min(b[1] for b in lines), max(b[2] for b in lines), max(b[3] for b in lines)
        )  # fmt: skip
        whole = self.canvas.note("paragraph", around, parent=parent) if len(lines) > 1 else -1
        for box in lines:
            self.canvas.note("text", box, parent=whole if whole >= slot else parent)
        return y0 + count * pitch

    # -- surfaces --------------------------------------------------------------------------------------------

    def surface(self, role: str, box: Box, parent: int, *, clear: bool = False, radius: float | None = None) -> int:
        """A filled box with its shadow and border, opaque or see-through; its index."""
        rng, canvas = self.rng, self.canvas
        width, height = box[2] - box[0], box[3] - box[1]
        if width < 2 or height < 2:
            return -1
        corner = int(self.radius if radius is None else radius)
        cover = rounded(width, height, corner)
        if rng.random() < (0.5 if role in ("window", "card") else 0.1):
            canvas.shadow(box, corner, float(rng.uniform(0.1, 0.5)), float(rng.uniform(1, 8)), self.px(0, 0.4))
        shade = self.card + rng.uniform(-8, 8)
        if role in ("button", "chip"):
            shade = self.accent if rng.random() < 0.5 else self.card + (self.ink - self.card) * rng.uniform(0.03, 0.2)
        paint: np.ndarray = np.clip(shade, 0, 255)
        if rng.random() < 0.12:
            ramp = np.linspace(-1, 1, height)[:, None, None] * rng.uniform(-30, 30, 3)
            paint = np.clip(paint + np.broadcast_to(ramp, (height, width, 3)), 0, 255)
        x0, y0 = max(box[0], 0), max(box[1], 0)
        behind = canvas.image[y0 : max(box[3], 0), x0 : max(box[2], 0)]
        if clear and behind.size and rng.random() < 0.6:
            behind[...] = cv2.GaussianBlur(behind, (0, 0), float(rng.uniform(2, 9)))
        canvas.paint(box[0], box[1], cover, paint, float(rng.uniform(0.35, 0.9)) if clear else 1.0)
        if rng.random() < 0.45:
            inner = np.pad(rounded(width - 2, height - 2, max(corner - 1, 0)), 1) if min(width, height) > 4 else cover
            canvas.paint(box[0], box[1], cover - np.minimum(inner, cover), self.line)
        canvas.cover(box, cover > 127, len(canvas.things) if parent < 0 else 0)
        return canvas.note(role, box, cover > 127, parent)

    def window(self) -> None:
        rng, canvas = self.rng, self.canvas
        width, height = int(canvas.width * rng.uniform(0.3, 0.85)), int(canvas.height * rng.uniform(0.3, 0.85))
        x = int(rng.uniform(-0.1, 1.0) * (canvas.width - width * 0.8))
        y = int(rng.uniform(-0.05, 1.0) * (canvas.height - height * 0.8))
        me = self.surface("window", (x, y, x + width, y + height), -1, clear=rng.random() < 0.15)
        if me < 0:
            return
        top = y
        if rng.random() < 0.8:
            top = self.bar(x, y, width, self.px(1.6, 2.6), me)
        if rng.random() < 0.4:
            top = self.tool_bar(x, top, width, me)
        left = x
        if rng.random() < 0.4:
            left = self.side_bar((x, top, x + self.px(6, 10), y + height), me)
        gap = self.px(0.6)
        self.content((left + gap, top + gap, x + width - gap, y + height - gap), me, 1)

    def bar(self, x: int, y: int, width: int, height: int, parent: int = -1) -> int:
        """A title or navigation bar; its lower edge."""
        rng = self.rng
        me = self.surface("bar", (x, y, x + width, y + height), parent, radius=0, clear=rng.random() < 0.2)
        size = min(self.t, height * 0.55)
        at, middle = x + self.px(0.6), y + (height - int(size * 1.25)) // 2
        if rng.random() < 0.5:
            at = self.put_icon(at, y + (height - int(size * 1.2)) // 2, int(size * 1.2), me) + self.px(0.5)
        end = x + width - self.px(1)
        while at < end - self.px(3):
            box = self.label(at, middle, end - at, me, size, self.ink, 2, bold=rng.random() < 0.3)
            if box is None or rng.random() < 0.25:
                break
            at = box[2] + self.px(0.9, 3)
        for _ in range(int(rng.integers(0, 4))):
            end -= int(size * 1.6)
            if end > at + self.px(2):
                self.put_icon(end, y + (height - int(size)) // 2, int(size), me, self.ink)
        return y + height

    def tool_bar(self, x: int, y: int, width: int, parent: int) -> int:
        rng = self.rng
        side = self.px(1.1, 1.8)
        height = int(side * rng.uniform(1.3, 2))
        me = parent
        if rng.random() < 0.5:
            me = self.surface("bar", (x, y, x + width, y + height), parent, radius=0)
        at = x + self.px(0.5)
        coloured = rng.random() < 0.4
        while at + side < x + width:
            self.put_icon(at, y + (height - side) // 2, side, me, None if coloured else self.ink)
            at += int(side * rng.uniform(1.25, 1.9)) + (self.px(1) if rng.random() < 0.15 else 0)
        return y + height

    def side_bar(self, box: Box, parent: int) -> int:
        me = self.surface("bar", box, parent, radius=0)
        self.rows((box[0] + self.px(0.5), box[1] + self.px(0.5), box[2] - self.px(0.3), box[3]), me)
        return box[2]

    def task_bar(self) -> None:
        rng, canvas = self.rng, self.canvas
        height = self.px(2.4, 3.6)
        y = canvas.height - height
        full = rng.random() < 0.75
        width = canvas.width if full else int(canvas.width * rng.uniform(0.4, 0.8))
        x = (canvas.width - width) // 2
        box = (x, y - (0 if full else self.px(0.5)), x + width, canvas.height - (0 if full else self.px(0.5)))
        me = self.surface("bar", box, -1, clear=rng.random() < 0.5, radius=0 if full else None)
        side = int(height * rng.uniform(0.45, 0.7))
        at = x + int(width * rng.uniform(0.02, 0.35))
        for _ in range(int(rng.integers(3, 12))):
            if at + side > x + width * 0.8:
                break
            self.put_icon(at, box[1] + (height - side) // 2, side, me)
            at += int(side * rng.uniform(1.3, 2))
        if rng.random() < 0.6:
            size = self.t * 0.85
            right = x + int(width * 0.86)
            self.label(right, box[1] + int(height * 0.12), x + width - right, me, size, self.ink, 2)
            self.label(right, box[1] + int(height * 0.55), x + width - right, me, size, self.ink, 2)

    # -- content ---------------------------------------------------------------------------------------------

    def content(self, area: Box, parent: int, depth: int) -> None:
        """Fill an area with blocks from top to bottom, in one or more columns."""
        rng = self.rng
        x0, y0, x1, y1 = area
        columns = int(rng.integers(1, max(2, min(4, (x1 - x0) // self.px(11) + 1))))
        gap = self.px(0.7, 1.6)
        pitch = (x1 - x0 + gap) // columns
        for i in range(columns):
            left, y = x0 + i * pitch, y0
            while y < y1 - self.px(2):
                y = self.block((left, y, left + pitch - gap, y1), parent, depth) + self.px(0.6, 1.8)

    def block(self, area: Box, parent: int, depth: int) -> int:
        """One block at the top of an area; where it ends."""
        rng = self.rng
        x0, y0, x1, y1 = area
        if x1 - x0 < self.px(3) or y1 - y0 < self.px(1.5):
            return y1
        kinds = ["heading", "paragraph", "button", "field", "picture", "rows", "table", "chart", "tiles", "card", "shapes"]
        weights = np.array([1, 2, 1.3, 1.2, 1, 1.2, 1, 0.8, 0.7, 2.0 if depth < 2 else 0, 0.4])
        kind = kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]
        if kind == "heading":
            size = self.t * float(rng.uniform(1.3, 2.6))
            self.label(x0, y0, x1 - x0, parent, size, self.ink if rng.random() < 0.7 else self.accent, 5, True)
            return y0 + int(size * 1.4)
        if kind == "paragraph":
            return max(self.paragraph(area, parent), y0 + self.px(1))
        if kind == "button":
            return self.buttons(area, parent)
        if kind == "field":
            return self.fields(area, parent)
        if kind == "picture":
            return self.picture((x0, y0, x1, min(y1, y0 + self.px(4, 12))), parent)
        if kind == "rows":
            return self.rows((x0, y0, x1, min(y1, y0 + self.px(4, 14))), parent)
        if kind == "table":
            return self.table((x0, y0, x1, min(y1, y0 + self.px(4, 12))), parent)
        if kind == "chart":
            return self.chart((x0, y0, x1, min(y1, y0 + self.px(6, 12))), parent)
        if kind == "tiles":
            return self.icon_grid((x0, y0, x1, min(y1, y0 + self.px(5, 10))), self.px(1.5, 3), parent)
        if kind == "shapes":
            return self.shapes((x0, y0, x1, min(y1, y0 + self.px(3, 6))), parent)
        bottom = min(y1, y0 + self.px(5, 14))
        me = self.surface("card", (x0, y0, x1, bottom), parent, clear=rng.random() < 0.2)
        gap = self.px(0.7)
        y = y0 + gap
        if rng.random() < 0.3:
            y = self.picture((x0, y0, x1, y0 + (bottom - y0) // 2), me, radius=0) + gap
        while y < bottom - self.px(2):
            y = self.block((x0 + gap, y, x1 - gap, bottom - gap), me, depth + 1) + self.px(0.5, 1)
        return bottom

    def buttons(self, area: Box, parent: int) -> int:
        rng = self.rng
        height = self.px(1.6, 2.4)
        at = area[0]
        radius = float(rng.choice([0, 0.3, 1.0])) * height / 2
        for _ in range(int(rng.integers(1, 5))):
            line = self.words(int(rng.integers(1, 3)))
            width = self.canvas.text_width(line, self.t, self.family) + self.px(1, 2.5)
            if at + width > area[2]:
                break
            me = self.surface("button", (at, area[1], at + width, area[1] + height), parent, radius=radius)
            if me >= 0:
                self.write_on(line, (at, area[1], at + width, area[1] + height))
            at += width + self.px(0.4, 1.2)
        return area[1] + height

    def write_on(self, line: str, box: Box) -> None:
        """A caption in the middle of a surface, in whichever of black and white reads better."""
        x0, y0, x1, y1 = box
        part = self.canvas.image[max(y0, 0) : max(y1, 0), max(x0, 0) : max(x1, 0)]
        light = part.size == 0 or float(part.mean()) > 140
        x = x0 + (x1 - x0 - self.canvas.text_width(line, self.t, self.family)) // 2
        y = y0 + (y1 - y0 - int(self.t * 1.25)) // 2
        self.canvas.text(x, y, line, self.t, np.full(3, 20.0 if light else 245.0), self.family)

    def fields(self, area: Box, parent: int) -> int:
        rng = self.rng
        height, y = self.px(1.6, 2.4), area[1]
        for _ in range(int(rng.integers(1, 4))):
            if y + height > area[3]:
                break
            left = area[0]
            if rng.random() < 0.7:
                box = self.label(left, y + (height - int(self.t * 1.25)) // 2, (area[2] - left) // 3, parent, self.t, self.ink, 2)
                left = area[0] + (area[2] - area[0]) // 3 + self.px(0.5) if box else left
            me = self.surface("field", (left, y, area[2], y + height), parent)
            if me >= 0 and rng.random() < 0.7:
                self.label(left + self.px(0.5), y + (height - int(self.t * 1.25)) // 2, area[2] - left - self.px(1), me, self.t, self.faint, 3, note=False)
            y += height + self.px(0.4, 1)
        return y

    def picture(self, box: Box, parent: int, radius: float | None = None) -> int:
        width, height = box[2] - box[0], box[3] - box[1]
        if min(width, height) < 8:
            return box[3]
        cover = rounded(width, height, int(self.radius if radius is None else radius))
        self.canvas.paint(box[0], box[1], cover, photograph(self.rng, height, width).astype(np.float32))
        self.canvas.note("picture", box, cover > 127, parent)
        return box[3]

    def rows(self, area: Box, parent: int) -> int:
        """A list: an icon or picture, a title, perhaps a second line and a value at the right."""
        rng = self.rng
        x0, y0, x1, y1 = area
        two = rng.random() < 0.4
        pitch = self.px(2.6, 3.6) if two else self.px(1.5, 2.4)
        side = int(pitch * rng.uniform(0.45, 0.75)) if rng.random() < 0.6 else 0
        value, coloured, y = rng.random() < 0.4, rng.random() < 0.5, y0
        while y + pitch <= y1:
            row = parent
            if rng.random() < 0.08:
                row = self.surface("chip", (x0, y, x1, y + pitch), parent)
            at = x0 + self.px(0.3)
            if side:
                at = self.put_icon(at, y + (pitch - side) // 2, side, row, None if coloured else self.ink) + self.px(0.5)
            end = x1 - (self.px(4) if value else 0)
            top = y + int(pitch * 0.12) if two else y + (pitch - int(self.t * 1.25)) // 2
            self.label(at, top, end - at, row, self.t, self.ink, 4)
            if two:
                self.label(at, y + int(pitch * 0.55), end - at, row, self.t * 0.85, self.faint, 6)
            if value:
                self.label(x1 - self.px(3.5), top, self.px(3.5), row, self.t, self.faint, 1)
            y += pitch
        return y

    def table(self, area: Box, parent: int) -> int:
        rng = self.rng
        x0, y0, x1, y1 = area
        columns = int(rng.integers(2, 6))
        width, pitch = (x1 - x0) // columns, self.px(1.5, 2.6)
        count = (y1 - y0) // pitch
        if count < 2 or width < self.px(2):
            return self.paragraph(area, parent)
        me = self.canvas.note("table", (x0, y0, x0 + columns * width, y0 + count * pitch), parent=parent)
        ruled, striped, headed = rng.random() < 0.5, rng.random() < 0.3, rng.random() < 0.5
        for row in range(count):
            top = y0 + row * pitch
            if (headed and row == 0) or (striped and row % 2):
                shade = self.card + (self.ink - self.card) * (0.16 if row == 0 else 0.06)
                self.canvas.paint(x0, top, np.full((pitch, columns * width), 255, np.uint8), shade)
            if ruled:
                self.canvas.paint(x0, top, np.full((1, columns * width), 255, np.uint8), self.line)
            for column in range(columns):
                self.label(
                    x0 + column * width + self.px(0.3), top + (pitch - int(self.t * 1.25)) // 2,
                    width - self.px(0.6), me, self.t, self.ink, 2, bold=headed and row == 0,
                )  # fmt: skip
        return y0 + count * pitch

    def chart(self, area: Box, parent: int) -> int:
        rng, canvas = self.rng, self.canvas
        x0, y0, x1, y1 = area
        if x1 - x0 < self.px(5) or y1 - y0 < self.px(5):
            return y1
        me = canvas.note("chart", area, parent=parent)
        if rng.random() < 0.4:  # pie
            side = min(x1 - x0, y1 - y0)
            edges = np.concatenate([[0], np.sort(rng.uniform(0.05, 0.95, int(rng.integers(1, 6)))), [1]]) * 2 * np.pi
            for start, end in zip(edges[:-1], edges[1:], strict=True):
                turn = np.linspace(start, end, max(3, int((end - start) * 12)))
                rim = side / 2 + 0.48 * side * np.stack([np.cos(turn), np.sin(turn)], 1)
                cover = polygon(np.concatenate([[[side / 2, side / 2]], rim]), side, side)
                canvas.paint(x0, y0, cover, any_colour(rng))
                self.note_cover("mark", x0, y0, cover, me)
            return y1
        count = int(rng.integers(3, 9))
        pitch, base = (x1 - x0) / count, y1 - self.px(1.5)
        colour, several = any_colour(rng), rng.random() < 0.5
        for i in range(count):
            tall = int((base - y0) * rng.uniform(0.1, 0.9))
            left, right = int(x0 + pitch * (i + 0.15)), int(x0 + pitch * (i + 0.85))
            if right - left >= 3 and tall >= 3:
                cover = rounded(right - left, tall, int(self.radius) if rng.random() < 0.2 else 0)
                canvas.paint(left, base - tall, cover, any_colour(rng) if several else colour)
                canvas.note("mark", (left, base - tall, right, base), cover > 127, me)
            self.label(int(x0 + pitch * i), base + 2, int(pitch), me, self.t * 0.9, self.faint, 1, centred=True)
        return y1

    def shapes(self, area: Box, parent: int) -> int:
        rng = self.rng
        side = area[3] - area[1]
        at = area[0]
        while at + side <= area[2] and side >= 8:
            if rng.random() < 0.5:
                cover = disc(side)
            else:
                turn = np.linspace(0, 2 * np.pi, int(rng.integers(3, 8)), endpoint=False) + rng.uniform(0, 6)
                cover = polygon(side / 2 + side * 0.48 * np.stack([np.cos(turn), np.sin(turn)], 1), side, side)
            self.canvas.paint(at, area[1], cover, any_colour(rng))
            self.note_cover("mark", at, area[1], cover, parent)
            at += int(side * rng.uniform(1.1, 1.6))
        return area[3]

    def icon_grid(self, area: Box, side: int, parent: int = -1) -> int:
        """Icons in rows, each perhaps with a caption below."""
        rng = self.rng
        caption = rng.random() < 0.6
        size = self.t * float(rng.uniform(0.8, 1.0))
        across = int(side * rng.uniform(1.3, 2.4))
        down = int(side * rng.uniform(1.2, 1.7)) + (int(size * 1.4) if caption else 0)
        y, skip = area[1], float(rng.choice([0, 0.3]))
        while y + down <= area[3]:
            x = area[0]
            while x + across <= area[2]:
                if rng.random() >= skip:
                    self.launcher(x, y, across, side, size if caption else 0, parent)
                x += across
            y += down
        return max(y, area[1] + side)

    def launcher(self, x: int, y: int, width: int, side: int, size: float, parent: int) -> None:
        """An icon with its caption, which on a wallpaper has a shadow."""
        rng = self.rng
        self.put_icon(x + (width - side) // 2, y, side, parent)
        if not size:
            return
        line = self.fitting(width, size, 2)
        if not line:
            return
        at = x + (width - self.canvas.text_width(line, size, self.family)) // 2
        top = y + side + max(1, int(size * 0.15))
        colour = self.ink
        if parent < 0:
            part = self.canvas.image[max(top, 0) : top + int(size * 1.2), max(x, 0) : x + width]
            light = part.size > 0 and float(part.mean()) > 150 and rng.random() < 0.6
            colour = np.full(3, 10.0 if light else 250.0)
            if rng.random() < 0.7:
                self.canvas.text(at + 1, top + 1, line, size, 255 - colour, self.family)
        self.canvas.note("text", self.canvas.text(at, top, line, size, colour, self.family), parent=parent)

    def launchers(self) -> None:
        """Icons on the desktop, in columns from the left."""
        rng, canvas = self.rng, self.canvas
        side = self.px(2.4, 4.5)
        width, pitch = int(side * rng.uniform(1.6, 2.3)), side + self.px(2, 4)
        for column in range(int(rng.integers(1, 5))):
            for row in range(int((canvas.height - self.px(3)) // pitch)):
                if rng.random() < 0.8:
                    self.launcher(column * width, self.px(0.5) + row * pitch, width, side, self.t, -1)

    def floating_text(self) -> None:
        canvas = self.canvas
        x, y = int(canvas.width * self.rng.uniform(0.3, 0.8)), int(canvas.height * self.rng.uniform(0.05, 0.8))
        size = self.t * float(self.rng.choice([1, 1, 3, 5]))
        for i in range(int(self.rng.integers(1, 4))):
            self.label(x, y + int(i * size * 1.4), canvas.width - x, -1, size, np.full(3, 250.0), 4)

    def put_icon(self, x: int, y: int, side: int, parent: int, ink: np.ndarray | None = None) -> int:
        """Draw and note an icon; its right edge."""
        if side >= 4:
            ink = None if ink is None else self.readable(ink, (x, y, x + side, y + side))
            colours, cover = icon(self.rng, side, ink)
            self.canvas.paint(x, y, cover, colours)
            self.note_cover("icon", x, y, outline(cover).astype(np.uint8) * 255, parent)
        return x + side

    def note_cover(self, role: str, x: int, y: int, cover: np.ndarray, parent: int) -> None:
        """Note what a coverage holds, cut down to its own box."""
        mask = cover > 127
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if len(rows):
            y0, y1, x0, x1 = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
            box = (x + int(x0), y + int(y0), x + int(x1), y + int(y1))
            self.canvas.note(role, box, mask[y0:y1, x0:x1], parent)
