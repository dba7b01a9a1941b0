"""Scenes: desktops, pages and phones crowded with elements over backdrops of all kinds, with their masks.

They are drawn to be seen, not read: letters are real, words are not. ``scene(seed)`` always gives the same
scene on the same versions of the fonts, numpy and OpenCV.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.bundled.sam.backdrops import backdrop
from models.bundled.sam.blocks import Blocks
from models.bundled.sam.canvas import Box, Canvas

Rng = np.random.Generator


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
        image = np.asarray(cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR))
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


class _Scene(Blocks):
    """One scene while it is drawn."""

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

    def window(self) -> None:
        rng, canvas = self.rng, self.canvas
        width, height = (
            int(canvas.width * rng.uniform(0.3, 0.85)),
            int(canvas.height * rng.uniform(0.3, 0.85)),
        )
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
        x, y = (
            int(canvas.width * self.rng.uniform(0.3, 0.8)),
            int(canvas.height * self.rng.uniform(0.05, 0.8)),
        )
        size = self.t * float(self.rng.choice([1, 1, 3, 5]))
        height = int(size * 1.4)
        taken = [t.box for t in canvas.things if t.role != "bar"]
        for i in range(int(self.rng.integers(1, 4))):
            top = y + i * height
            if any(b[0] < canvas.width and x < b[2] and b[1] < top + height and top < b[3] for b in taken):
                break  # a clock on the wallpaper stands free
            self.label(x, y + int(i * size * 1.4), canvas.width - x, -1, size, np.full(3, 250.0), 4)
