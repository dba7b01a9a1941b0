"""The effects of a whole run in as many columns as there are pixels, brought up to date column by column.

A column stands for a power of two of tokens. Of each row it shows the effect with the largest size among
them, so that a single strong token is seen however long the run is. The rows are the regions with the largest
total effect, by importance or as they lie in each other, then all others together.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from core.colour_maps import composite, map_effects, scale_of
from core.hierarchy import by_hierarchy
from core.trace import Trace

Order = Literal["importance", "hierarchy"]


class EffectColumns:
    """What the heat strip draws.

    Attributes:
        rows: region ids in the order asked for; the last row of ``values`` is all other regions together.
        tokens_per_column: a power of two.
        values: float32 [rows + 1, capacity], nats.
        reliance: float32 [capacity], nats.
        used: columns that hold estimated tokens.
        scale: nats at the strongest colour.
    """

    def __init__(self, trace: Trace) -> None:
        self._trace = trace
        self._totals = np.zeros(len(trace.region_map), np.float64)
        self._places = {region: place for place, region in enumerate(by_hierarchy(trace.region_map))}
        self._counted = 0
        self._ordered_at = 0
        self.rows: tuple[int, ...] = ()
        self.tokens_per_column = 0
        self.values = np.zeros((1, 0), np.float32)
        self.reliance = np.zeros(0, np.float32)
        self.used = 0
        self.scale = scale_of(np.zeros(1, np.float32))
        self._argb = np.zeros((1, 0), np.uint32)
        self._coloured = 0
        self._coloured_as: object = None

    def arrange(
        self, span: int, columns: int, row_count: int, keep: int = -1, order: Order = "importance"
    ) -> None:
        """Fit ``span`` tokens into at most ``columns`` columns and choose the ``row_count`` most important
        regions, in ``order``.

        The region ``keep`` gets a row in any case. Columns are made anew only when tokens per column or rows
        change; rows are put in order again when the run has grown by a quarter, so that they do not dance.
        """
        self._count_totals()
        per_column = 1
        while span > per_column * max(1, columns):
            per_column *= 2
        rows = self._choose_rows(row_count, keep)
        if order == "hierarchy":
            rows = tuple(sorted(rows, key=self._places.__getitem__))
        if per_column != self.tokens_per_column or rows != self.rows:
            self.rows, self.tokens_per_column = rows, per_column
            capacity = 256
            while capacity * per_column < span:
                capacity *= 2
            self.values = np.zeros((len(rows) + 1, capacity), np.float32)
            self.reliance = np.zeros(capacity, np.float32)
            self.used = self._coloured = 0
            self._coloured_as = None
            self.update(0)

    def update(self, start: int) -> None:
        """Bring the columns of the tokens from ``start`` on up to date."""
        end, size = self._trace.estimated, self.tokens_per_column
        if not size or end <= start:
            return
        first, stop = start // size, -(-end // size)
        while stop > len(self.reliance):
            self.values = np.concatenate([self.values, np.zeros_like(self.values)], 1)
            self.reliance = np.concatenate([self.reliance, np.zeros_like(self.reliance)])
            self._coloured_as = None
        effects = self._trace.effects[first * size : end]
        reliance = self._trace.reliance[first * size : end]
        chosen = list(self.rows)
        rest = np.ones(effects.shape[1], bool)
        rest[chosen] = False
        self.values[:-1, first:stop] = _extremes(effects[:, chosen], size).T
        others = _extremes(effects[:, rest], size)
        self.values[-1, first:stop] = _extreme_of(others, 1) if others.shape[1] else 0.0
        self.reliance[first:stop] = _extremes(reliance[:, None], size)[:, 0]
        self.used = max(self.used, stop)
        self._coloured = min(self._coloured, first)

    def colours(self, signed: bool, colour_map: str, paper: tuple[int, int, int]) -> np.ndarray:
        """Opaque ARGB of each row and used column over ``paper``, uint32 [rows + 1, used].

        Only new columns are coloured, unless the scale or the way of colouring has changed.
        """
        self.scale = scale_of(self.values[:, : self.used].T) if self.used else self.scale
        wanted = (signed, colour_map, paper, self.scale, self.values.shape)
        if wanted != self._coloured_as:
            self._argb = np.zeros(self.values.shape, np.uint32)
            self._coloured, self._coloured_as = 0, wanted
        fresh = slice(self._coloured, self.used)
        rgba = map_effects(self.values[:, fresh], self.scale, signed, colour_map)
        rgba[..., 3] = rgba[..., 3].astype(np.uint16) ** 2 // 255  # small effects, many here, recede
        rgb = composite(rgba, paper).astype(np.uint32)
        self._argb[:, fresh] = 0xFF000000 | (rgb[..., 0] << 16) | (rgb[..., 1] << 8) | rgb[..., 2]
        self._coloured = self.used
        return self._argb[:, : self.used]

    def _count_totals(self) -> None:
        end = self._trace.estimated
        if end > self._counted:
            self._totals += np.abs(self._trace.effects[self._counted : end]).sum(0)
            self._counted = end

    def _choose_rows(self, count: int, keep: int) -> tuple[int, ...]:
        count = max(1, min(count, len(self._totals)))
        finished = self._trace.status != "running" and self._ordered_at != self._counted
        if finished or self._counted >= self._ordered_at * 1.25 + 1 or len(self.rows) != count:
            self._order = tuple(int(i) for i in np.argsort(-self._totals, kind="stable"))
            self._ordered_at = self._counted
        rows = self._order[:count]
        return rows if keep < 0 or keep in rows else (*rows[:-1], keep)


def _extreme_of(values: np.ndarray, axis: int) -> np.ndarray:
    """The value with the largest size along an axis, with its sign."""
    high, low = values.max(axis), values.min(axis)
    return np.where(high >= -low, high, low)


def _extremes(values: np.ndarray, size: int) -> np.ndarray:
    """[tokens, n] to [columns, n]: of each ``size`` tokens the value with the largest size."""
    if size == 1:
        return values
    missing = -len(values) % size
    padded = (
        np.concatenate([values, np.zeros((missing, values.shape[1]), values.dtype)]) if missing else values
    )
    return _extreme_of(padded.reshape(-1, size, values.shape[1]), 1)
