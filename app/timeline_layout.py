"""Where things are in the timeline strip, in logical pixels."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRect

from app import theme

HEAD = 7
"""Above the bands, for the handle of the playhead."""

RELIANCE = 30
RIMS = 5
"""What the band of steps needs beyond a line of text: the phase above it and the frames of chosen steps."""
MOST_ROWS = 12


def height_for(rows: int, line: int) -> int:
    """The height that ``rows`` rows and the one of all other regions need, ``line`` pixels each."""
    return HEAD + (rows + 3) * line + RIMS + RELIANCE + 3 * theme.TIGHT


def rows_in(height: int, line: int) -> int:
    """How many regions get a row of their own."""
    return max(1, min(MOST_ROWS, (height - height_for(0, line)) // line))


@dataclass(frozen=True, slots=True)
class TimelineLayout:
    """Bands from the top: phases, steps, effects (one line for each row), reliance.

    Attributes:
        width, height: of the strip.
        line: height of a line of text, and of a row.
        span: tokens from the left to the right end of the track.
        rows: rows of effects, the one of all other regions included.
    """

    width: int
    height: int
    line: int
    span: int
    rows: int

    @property
    def track(self) -> QRect:
        """Where tokens are drawn; names stand left of it."""
        names = 0 if self.width < 420 else min(190, max(110, self.width // 6))
        left = names + theme.GAP
        width = max(1, self.width - left - theme.WIDE)
        return QRect(left, HEAD, width, self.height - HEAD - theme.TIGHT)

    @property
    def names_width(self) -> int:
        """Room for the name of a row, 0 where there is none."""
        width = self.track.x() - theme.GAP - theme.WIDE
        return width if width >= 60 else 0

    @property
    def phases(self) -> QRect:
        track = self.track
        return QRect(track.x(), track.y(), track.width(), self.line)

    @property
    def steps(self) -> QRect:
        return self.phases.translated(0, self.line).adjusted(0, 0, 0, RIMS)

    @property
    def effects(self) -> QRect:
        steps = self.steps
        return QRect(steps.x(), steps.bottom() + 1 + theme.TIGHT, steps.width(), self.rows * self.line)

    @property
    def reliance(self) -> QRect:
        effects, bottom = self.effects, self.track.bottom()
        top = effects.bottom() + 1 + theme.TIGHT
        return QRect(effects.x(), top, effects.width(), max(16, bottom - top + 1))

    @property
    def per_token(self) -> float:
        """Width of a token."""
        return self.track.width() / self.span

    def token_x(self, index: float) -> float:
        """The left edge of a token."""
        return self.track.x() + index * self.per_token

    def token_at(self, x: float) -> int:
        """The token at a horizontal place; may be one that does not exist."""
        return int((x - self.track.x()) // self.per_token)

    def row_at(self, y: float) -> int:
        """The row at a height, or -1; the last one is that of all other regions."""
        row = int((y - self.effects.y()) // self.line)
        return row if 0 <= row < self.rows else -1
