"""The screens that the thinker learns from, with the mask of everything that was drawn on them."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from models.bundled.sam.canvas import Box, Canvas
from models.bundled.screens import KINDS, charts, desktops, papers, quantities, webpage
from models.bundled.screens.board import Board

_DRAW: dict[str, Any] = {
    "code": webpage.draw,
    "math": quantities.draw,
    "document": papers.draw,
    "science": charts.draw,
    "general": desktops.draw,
}
_CAPTION = 0.12
"""A box with one text of at least this share of its area is a button: one thing with its caption."""


class RecordingBoard(Board):
    """A board that keeps the box and mask of every shape and line of text, in the order of drawing."""

    def __init__(self, rng: np.random.Generator, ratio: float | None = None) -> None:
        self.drawn: list[tuple[str, Box, np.ndarray | None]] = []
        super().__init__(rng, ratio)

    def text(self, *args: Any, **kwargs: Any) -> tuple[float, float, float, float]:
        box = super().text(*args, **kwargs)
        self._keep("text", box, None)
        return box

    def box(self, x: float, y: float, w: float, h: float, *args: Any, **kwargs: Any) -> Any:
        before = self.image.copy()
        box = super().box(x, y, w, h, *args, **kwargs)
        self._keep("card", box, self._changed(box, before))
        return box

    def polygon(self, *args: Any, **kwargs: Any) -> Any:
        before = self.image.copy()
        box = super().polygon(*args, **kwargs)
        self._keep("mark", box, self._changed(box, before))
        return box

    def disc(self, *args: Any, **kwargs: Any) -> Any:
        before = self.image.copy()
        box = super().disc(*args, **kwargs)
        self._keep("mark", box, self._changed(box, before))
        return box

    def _changed(self, box: Any, before: np.ndarray) -> np.ndarray:
        """Where drawing changed the image inside a box, holes (what it drew in the same colour) filled."""
        x0, y0, x1, y1 = _whole(box)
        part = (slice(max(y0, 0), max(y1, 0)), slice(max(x0, 0), max(x1, 0)))
        changed = np.zeros((y1 - y0, x1 - x0), np.uint8)
        diff = (self.image[part] != before[part]).any(2)
        top, left = max(y0, 0) - y0, max(x0, 0) - x0
        changed[top : top + diff.shape[0], left : left + diff.shape[1]] = diff
        contours, _ = cv2.findContours(changed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(changed, contours, -1, 1, cv2.FILLED)
        return changed.astype(bool)

    def _keep(self, role: str, box: Any, mask: np.ndarray | None) -> None:
        x0, y0, x1, y1 = _whole(box)
        if x1 > x0 and y1 > y0:
            self.drawn.append((role, (x0, y0, x1, y1), mask))


def recorded(kind: str, seed: int, ratio: float | None = None) -> Canvas:
    """The screen ``generate(kind, seed)`` draws, as a canvas of its things.

    Args:
        kind: one of ``KINDS``.
        seed, ratio: as for ``models.bundled.screens.generate``.
    """
    board = RecordingBoard(np.random.default_rng([KINDS.index(kind), seed]), ratio)
    _DRAW[kind](board)
    canvas = Canvas(board.image)
    boxes = [box for _, box, _ in board.drawn]
    masks = [mask if mask is not None else _full(box) for _, box, mask in board.drawn]
    areas = [int(mask.sum()) for mask in masks]
    parents = [_holder(i, boxes, masks, areas) for i in range(len(boxes))]
    inside = [[k for k, p in enumerate(parents) if p == i] for i in range(len(boxes))]
    index = {-1: -1}
    for i, (role, box, _) in enumerate(board.drawn):
        above = parents[i]
        caption = (
            role == "text" and above >= 0 and len(inside[above]) == 1 and areas[i] >= _CAPTION * areas[above]
        )
        index[i] = index[above] if caption else canvas.note(role, box, masks[i], index[above])
        if index[i] < 0:
            index[i] = index[above]
    return canvas


def _holder(i: int, boxes: list[Box], masks: list[np.ndarray], areas: list[int]) -> int:
    """Index of the smallest earlier thing that holds thing ``i``, or -1."""
    best = -1
    x0, y0, x1, y1 = boxes[i]
    for k in range(i):
        a0, b0, a1, b1 = boxes[k]
        u0, v0, u1, v1 = max(x0, a0), max(y0, b0), min(x1, a1), min(y1, b1)
        if u0 >= u1 or v0 >= v1 or areas[k] <= areas[i]:
            continue
        shared = (
            masks[k][v0 - b0 : v1 - b0, u0 - a0 : u1 - a0] & masks[i][v0 - y0 : v1 - y0, u0 - x0 : u1 - x0]
        )
        if int(shared.sum()) >= 0.8 * areas[i] and (best < 0 or areas[k] < areas[best]):
            best = k
    return best


def _full(box: Box) -> np.ndarray:
    return np.ones((box[3] - box[1], box[2] - box[0]), bool)


def _whole(box: tuple[float, float, float, float]) -> Box:
    """(x, y, width, height) as whole (x0, y0, x1, y1)."""
    return (
        int(np.floor(box[0])), int(np.floor(box[1])),
        int(np.ceil(box[0] + box[2])), int(np.ceil(box[1] + box[3])),
    )  # fmt: skip
