"""What a Segment Anything model of any generation does for Sightline: masks for boxes and points."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from core.trace import Identity

Tick = Callable[[], None]
"""Called often while a model works; may raise to end the work."""


@dataclass(frozen=True, slots=True, eq=False)
class Masks:
    """Masks of one picture.

    Attributes:
        masks: bool [n, h, w].
        quality: float32 [n]; the IoU with the truth that the model expects of itself.
    """

    masks: np.ndarray
    quality: np.ndarray


class MaskModel(Protocol):
    """A loaded model that is shown a picture and then asked about it.

    Attributes:
        identity: name and content hash.
        window: pixels of a side that it sees sharply, if it wants a large picture shown in pieces, else None.
        exact: whether its masks follow outlines closely, and not only say roughly where something is.
        good: quality from which a mask counts that nothing but a point asked for.
        likely: quality from which there is something in a box that edges suggest.
    """

    identity: Identity
    window: int | None
    exact: bool
    good: float
    likely: float

    def look(self, pixels: np.ndarray, tick: Tick) -> None:
        """See a picture, uint8 [h, w, 3]; what is asked next is about it."""
        ...

    def in_boxes(self, boxes: np.ndarray, tick: Tick) -> Masks:
        """The one thing in each box, float32 [n, 4] (x0, y0, x1, y1)."""
        ...

    def automatic(self, points: np.ndarray, tick: Tick) -> Masks:
        """The different good masks at all points, float32 [n, 2], doubles left out."""
        ...

    def at_point(self, x: float, y: float) -> Masks:
        """Three granularities of what is at one point, from small to large."""
        ...
