"""Blocks of content: headings, buttons, fields, pictures, lists, tables, charts, tiles, cards."""

from __future__ import annotations

import itertools

import numpy as np

from models.bundled.sam.backdrops import photograph
from models.bundled.sam.canvas import Box, disc, polygon, rounded
from models.bundled.sam.pen import Pen


class Blocks(Pen):
    """Fills areas with content."""

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
        kinds = [
            "heading",
            "paragraph",
            "button",
            "field",
            "picture",
            "rows",
            "table",
            "chart",
            "tiles",
            "card",
            "shapes",
        ]
        weights = np.array([1, 2, 1.3, 1.2, 1, 1.2, 1, 0.8, 0.7, 2.0 if depth < 2 else 0, 0.4])
        kind = kinds[int(rng.choice(len(kinds), p=weights / weights.sum()))]
        if kind == "heading":
            size = self.t * float(rng.uniform(1.3, 2.6))
            self.label(
                x0, y0, x1 - x0, parent, size, self.ink if rng.random() < 0.7 else self.accent, 5, True
            )
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

    def fields(self, area: Box, parent: int) -> int:
        rng = self.rng
        height, y = self.px(1.6, 2.4), area[1]
        for _ in range(int(rng.integers(1, 4))):
            if y + height > area[3]:
                break
            left = area[0]
            if rng.random() < 0.7:
                box = self.label(
                    left,
                    y + (height - int(self.t * 1.25)) // 2,
                    (area[2] - left) // 3,
                    parent,
                    self.t,
                    self.ink,
                    2,
                )
                left = area[0] + (area[2] - area[0]) // 3 + self.px(0.5) if box else left
            me = self.surface("field", (left, y, area[2], y + height), parent)
            if me >= 0 and rng.random() < 0.7:
                self.label(
                    left + self.px(0.5),
                    y + (height - int(self.t * 1.25)) // 2,
                    area[2] - left - self.px(1),
                    me,
                    self.t,
                    self.faint,
                    3,
                    note=False,
                )
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
        pitch = self.px(3.0, 4.0) if two else self.px(1.5, 2.4)
        side = int(pitch * rng.uniform(0.45, 0.75)) if rng.random() < 0.6 else 0
        value, coloured, y = rng.random() < 0.4, rng.random() < 0.5, y0
        while y + pitch <= y1:
            row = parent
            if rng.random() < 0.08:
                row = self.surface("chip", (x0, y, x1, y + pitch), parent)
            at = x0 + self.px(0.3)
            if side:
                at = self.put_icon(
                    at, y + (pitch - side) // 2, side, row, None if coloured else self.ink
                ) + self.px(0.5)
            end = x1 - (self.px(4) if value else 0)
            top = y + int(pitch * 0.12) if two else y + (pitch - int(self.t * 1.25)) // 2
            self.label(at, top, end - at, row, self.t, self.ink, 4)
            if two:
                self.label(
                    at,
                    y + int(pitch * 0.12) + int(self.t * 1.35),
                    end - at,
                    row,
                    self.t * 0.85,
                    self.faint,
                    6,
                )
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
            edges = (
                np.concatenate([[0], np.sort(rng.uniform(0.05, 0.95, int(rng.integers(1, 6)))), [1]])
                * 2
                * np.pi
            )
            last = self.ground((x0, y0, x0 + side, y0 + side)).mean(0)
            for start, end in itertools.pairwise(edges):
                turn = np.linspace(start, end, max(3, int((end - start) * 12)))
                rim = side / 2 + 0.48 * side * np.stack([np.cos(turn), np.sin(turn)], 1)
                cover = polygon(np.concatenate([[[side / 2, side / 2]], rim]), side, side)
                last = self.other_colour(last)
                canvas.paint(x0, y0, cover, last)
                self.note_cover("mark", x0, y0, cover, me)
            return y1
        count = int(rng.integers(3, 9))
        pitch, base = (x1 - x0) / count, y1 - self.px(1.5)
        ground = self.ground(area).mean(0)
        colour, several = self.other_colour(ground), rng.random() < 0.5
        for i in range(count):
            tall = int((base - y0) * rng.uniform(0.1, 0.9))
            left, right = int(x0 + pitch * (i + 0.15)), int(x0 + pitch * (i + 0.85))
            if right - left >= 3 and tall >= 3:
                cover = rounded(right - left, tall, int(self.radius) if rng.random() < 0.2 else 0)
                canvas.paint(left, base - tall, cover, self.other_colour(ground) if several else colour)
                canvas.note("mark", (left, base - tall, right, base), cover > 127, me)
            self.label(
                int(x0 + pitch * i), base + 2, int(pitch), me, self.t * 0.9, self.faint, 1, centred=True
            )
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
                cover = polygon(
                    side / 2 + side * 0.48 * np.stack([np.cos(turn), np.sin(turn)], 1), side, side
                )
            ground = self.ground((at, area[1], at + side, area[1] + side)).mean(0)
            self.canvas.paint(at, area[1], cover, self.other_colour(ground))
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
            around = self.ground((x, top, x + width, top + int(size * 1.2))).mean(1)
            light = float(np.median(around)) > 150
            colour = np.full(3, 10.0 if light else 250.0)
            if float(np.percentile(np.abs(around - colour[0]), 10)) < 90 or rng.random() < 0.6:
                self.canvas.text(at + 1, top + 1, line, size, 255 - colour, self.family)
        self.canvas.note("text", self.canvas.text(at, top, line, size, colour, self.family), parent=parent)
