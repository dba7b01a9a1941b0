"""The run as moving pictures: the screenshot with what the moment rests on, the text as it advances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw

from core.colour_maps import map_effects, scale_of
from core.export.annotate import tint
from core.export.composition import INK, PAPER, RULE, SOFT_INK, made_by, signed
from core.export.format import Steps, checked_steps, token_range
from core.export.lettering import lettering
from core.export.look import Look
from core.export.running_text import RunningText
from core.export.thumbnail import thumbnail
from core.quantity import UNCALIBRATED
from core.trace import Trace

THINKING: Final = (90, 74, 156)
ANSWER: Final = (15, 107, 80)
NOW: Final = (255, 224, 138)
LINES: Final = 4
END_SECONDS: Final = 2.0
SHORTEST_STEP: Final = 1.0
"""Seconds that a step is shown at least."""


@dataclass(frozen=True, slots=True)
class Moment:
    """Tokens ``start`` to ``end`` (exclusive), shown together for some seconds."""

    start: int
    end: int
    seconds: float


def moments(trace: Trace, steps: Steps, by: str, speed: int, most_a_second: int) -> list[Moment]:
    """What is shown after what.

    Args:
        by: "tokens" or "steps".
        speed: tokens a second.
        most_a_second: pictures a second; faster runs show several tokens at once.
    """
    start, end = token_range(trace, steps)
    if by == "steps":
        spans = [(step.start, step.end) for step in map(trace.step, range(*steps))]
        return [Moment(a, b, max(SHORTEST_STEP, (b - a) / speed)) for a, b in spans]
    size = -(-speed // most_a_second)
    spans = [(at, min(at + size, end)) for at in range(start, end, size)]
    return [Moment(a, b, size / speed) for a, b in spans]


class Film:
    """Draws the moments of a run.

    Attributes:
        moments: in order; empty for a trace without tokens.
        size: width and height of the pictures, both even.
    """

    def __init__(
        self,
        trace: Trace,
        steps: Steps | None,
        look: Look,
        by: str,
        speed: int,
        width: int,
        most_a_second: int,
    ) -> None:
        steps = checked_steps(trace, steps)
        self._trace, self._look = trace, look
        self._first, self._last = token_range(trace, steps)
        self.moments = moments(trace, steps, by, speed, most_a_second)
        self._pixels, self._labels = thumbnail(trace, width, round(width * 1.25))
        sums = [trace.span_effects(m.start, m.end) for m in self.moments]
        self._scale = look.scale or (scale_of(np.array(sums)) if sums else 1.0)
        letters = max(11, round(width / 48))
        self._font, self._bold = lettering(letters), lettering(letters, bold=True)
        self._small = lettering(max(10, round(letters * 0.8)))
        self._margin = letters
        room = width - 2 * letters
        self._title = self._bold.wrap(trace.prompt.strip() or "(no prompt)", room, 2)
        self._made_by = self._small.elide(made_by(trace), room)
        texts = [token.text for token in trace.tokens[self._first : self._last]]
        self._text = RunningText(texts, self._font, room)
        self._curve = self._draw_curve(width)
        head = letters + self._bold.line * len(self._title) + self._small.line
        self._top = head + letters // 2
        self._below = self._top + len(self._pixels) + letters // 2
        height = self._below + len(self._curve) + self._font.line * (LINES + 1) + 2 * letters
        self.size = (width + width % 2, height + height % 2)
        self._canvas = self._draw_still()

    def frames(self) -> Iterator[np.ndarray]:
        """A picture for each moment, uint8 [height, width, 3]; one for a trace without tokens."""
        for moment in self.moments:
            yield self.frame(moment)
        if not self.moments:
            yield np.asarray(self._canvas)

    def frame(self, moment: Moment) -> np.ndarray:
        """The picture of a moment, uint8 [height, width, 3]."""
        canvas = self._canvas.copy()
        trace, look = self._trace, self._look
        effects = np.nan_to_num(trace.span_effects(moment.start, moment.end))
        colours = map_effects(effects, self._scale, look.signed, look.colour_map)
        picture = self._pixels.copy()
        tint(picture, self._labels, colours, look.opacity)
        canvas.paste(Image.fromarray(picture), self._place)
        draw = ImageDraw.Draw(canvas)
        y = self._below
        self._draw_playhead(draw, moment, y)
        y += len(self._curve) + self._margin // 2
        self._bold.draw(draw, (self._margin, y + self._font.line / 2), self._heading(moment), SOFT_INK)
        y += self._font.line
        for line in self._text.at(moment.start - self._first, moment.end - self._first, LINES):
            for piece in line:
                left = self._margin + piece.x
                if piece.now:
                    right = left + self._font.width(piece.text)
                    draw.rectangle((left, y + 1, right, y + self._font.line - 2), fill=NOW)
                self._font.draw(draw, (left, y + self._font.line / 2), piece.text, INK)
            y += self._font.line
        return np.asarray(canvas)

    @property
    def _place(self) -> tuple[int, int]:
        """Where the screenshot is."""
        return (self.size[0] - self._pixels.shape[1]) // 2, self._top

    def _heading(self, moment: Moment) -> str:
        trace = self._trace
        step = trace.tokens[moment.start].step
        words = f"Step {step + 1} of {trace.step_count} · {trace.tokens[moment.start].phase}"
        if moment.end > trace.estimated:
            return f"{words} · effects were not estimated"
        reliance = float(trace.reliance[moment.start : moment.end].sum())
        if trace.quantity is UNCALIBRATED:
            return f"{words} · uncalibrated attention, not effects"
        return f"{words} · estimated reliance: {signed(reliance)} nats"

    def _draw_still(self) -> Image.Image:
        """What all pictures share."""
        canvas = Image.new("RGB", self.size, PAPER)
        draw = ImageDraw.Draw(canvas)
        y = self._margin
        for line in self._title:
            self._bold.draw(draw, (self._margin, y + self._bold.line / 2), line, INK)
            y += self._bold.line
        self._small.draw(draw, (self._margin, y + self._small.line / 2), self._made_by, SOFT_INK)
        picture = Image.fromarray(self._pixels)
        canvas.paste(picture, self._place)
        left, top = self._place
        draw.rectangle((left - 1, top - 1, left + picture.width, top + picture.height), outline=RULE)
        canvas.paste(Image.fromarray(self._curve), (0, self._below))
        return canvas

    def _draw_curve(self, width: int) -> np.ndarray:
        """The reliance of the run over time, uint8 [height, width, 3]; thinking and answer in two colours."""
        height = max(24, width // 24)
        strip = np.empty((height, width, 3), np.uint8)
        strip[:] = PAPER
        count = self._last - self._first
        if not count:
            return strip
        reliance = np.maximum(np.nan_to_num(self._trace.reliance[self._first : self._last]), 0)
        tall = reliance / max(float(np.percentile(reliance, 99)), 0.25)
        room = width - 2 * self._margin
        owner = np.arange(room) * count // room
        owner_end = np.maximum((np.arange(room) + 1) * count // room, owner + 1)
        for x, (a, b) in enumerate(zip(owner, owner_end, strict=True)):
            bar = round((height - 2) * min(1.0, float(tall[a:b].max())))
            phase = self._trace.tokens[self._first + int(a)].phase
            colour = ANSWER if phase == "answer" else THINKING
            strip[height - 1 - bar : height - 1, self._margin + x] = colour
        strip[-1, self._margin : self._margin + room] = SOFT_INK
        return strip

    def _draw_playhead(self, draw: ImageDraw.ImageDraw, moment: Moment, y: int) -> None:
        room = self.size[0] - 2 * self._margin
        count = max(1, self._last - self._first)
        left = self._margin + room * (moment.start - self._first) // count
        right = max(left + 2, self._margin + room * (moment.end - self._first) // count)
        draw.rectangle((left, y, right, y + len(self._curve) - 1), outline=INK, width=2)
