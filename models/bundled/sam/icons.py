"""Icons of many styles: app icons, folders, papers, round marks, line drawings. They mean nothing."""

from __future__ import annotations

import cv2
import numpy as np

from models.bundled.sam.backdrops import any_colour
from models.bundled.sam.canvas import disc, polygon, rounded

Rng = np.random.Generator
_FINE = 2


def icon(rng: Rng, size: int, ink: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """An icon of ``size`` pixels: colours float32 [size, size, 3] and coverage uint8 [size, size].

    With ``ink`` (a colour) it is drawn in that alone, as toolbars and status bars have them.
    """
    fine = size * _FINE
    colours = np.zeros((fine, fine, 3), np.float32)
    cover = np.zeros((fine, fine), np.uint8)
    if ink is not None:
        _line_drawing(rng, colours, cover, ink)
    else:
        _coloured(rng, colours, cover)
    small = cv2.resize(cover, (size, size), interpolation=cv2.INTER_AREA)
    weighted = cv2.resize(colours * (cover[..., None] / 255.0), (size, size), interpolation=cv2.INTER_AREA)
    share = np.maximum(small.astype(np.float32) / 255.0, 1e-3)[..., None]
    return np.clip(weighted / share, 0, 255), small


def outline(cover: np.ndarray) -> np.ndarray:
    """The mask of an icon as a person would cut it out: bool, the convex hull of its coverage."""
    points = cv2.findNonZero((cover > 70).astype(np.uint8))
    mask = np.zeros(cover.shape, np.uint8)
    if points is not None:
        cv2.fillConvexPoly(mask, cv2.convexHull(points), 1)
    return mask.astype(bool)


def _lay(colours: np.ndarray, cover: np.ndarray, shape: np.ndarray, colour: np.ndarray) -> None:
    share = shape[..., None].astype(np.float32) / 255.0
    colours += (colour - colours) * share
    np.maximum(cover, shape, out=cover)


def _coloured(rng: Rng, colours: np.ndarray, cover: np.ndarray) -> None:
    side = len(cover)
    base = any_colour(rng)
    kind = int(rng.integers(5))
    if kind == 0:  # app tile
        shape = rounded(side, side, int(side * rng.uniform(0, 0.3)))
    elif kind == 1:  # round
        shape = disc(side)
    elif kind == 2:  # folder
        shape = np.zeros((side, side), np.uint8)
        top = int(side * rng.uniform(0.1, 0.2))
        shape[top + side // 8 :, :] = rounded(side, side - top - side // 8, side // 12)
        shape[top : top + side // 4, : int(side * 0.45)] = 255
    elif kind == 3:  # paper
        margin = int(side * rng.uniform(0.08, 0.2))
        shape = np.zeros((side, side), np.uint8)
        shape[:, margin : side - margin] = 255
        base = np.clip(base * 0.2 + 200, 0, 255)
    else:  # a figure of its own
        shape = _blob(rng, side)
    ramp = np.linspace(-1, 1, side, dtype=np.float32)[:, None, None] * rng.uniform(-50, 50, 3)
    _lay(colours, cover, shape, np.clip(base + ramp, 0, 255).astype(np.float32))
    for _ in range(int(rng.integers(1, 5))):
        part = _part(rng, side)
        inside = np.minimum(part, shape) if rng.random() < 0.8 else part
        _lay(colours, cover, inside, any_colour(rng) if rng.random() < 0.5 else np.float32(255) - base * 0.4)


def _line_drawing(rng: Rng, colours: np.ndarray, cover: np.ndarray, ink: np.ndarray) -> None:
    side = len(cover)
    thick = max(2, int(side * rng.uniform(0.05, 0.12)))
    shape = np.zeros((side, side), np.uint8)
    for _ in range(int(rng.integers(2, 5))):
        kind = int(rng.integers(4))
        a, b = rng.integers(thick, side - thick, 2), rng.integers(thick, side - thick, 2)
        if kind == 0:
            cv2.line(shape, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), 255, thick)
        elif kind == 1:
            radius = int(side * rng.uniform(0.15, 0.42))
            cv2.circle(shape, (side // 2, side // 2), radius, 255, thick)
        elif kind == 2:
            m = int(side * rng.uniform(0.1, 0.3))
            cv2.rectangle(shape, (m, m), (side - m, side - m), 255, thick)
        else:
            shape = np.maximum(shape, _blob(rng, side) if rng.random() < 0.3 else shape)
            for y in np.linspace(side * 0.25, side * 0.75, 3):
                cv2.line(shape, (side // 6, int(y)), (side - side // 6, int(y)), 255, thick)
    _lay(colours, cover, shape, ink)


def _blob(rng: Rng, side: int) -> np.ndarray:
    count = int(rng.integers(3, 9))
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False) + rng.uniform(0, 1)
    radius = side * (0.48 if rng.random() < 0.5 else rng.uniform(0.25, 0.5, count))
    points = side / 2 + np.stack([np.cos(turn) * radius, np.sin(turn) * radius], 1)
    return polygon(points, side, side)


def _part(rng: Rng, side: int) -> np.ndarray:
    shape = np.zeros((side, side), np.uint8)
    kind = int(rng.integers(4))
    w, h = (int(side * rng.uniform(0.12, 0.7)) for _ in range(2))
    x, y = int(rng.uniform(0, side - w)), int(rng.uniform(0, side - h))
    if kind == 0:
        shape[y : y + h, x : x + w] = rounded(w, h, int(min(w, h) * rng.uniform(0, 0.5)))
    elif kind == 1:
        size = min(w, h)
        shape[y : y + size, x : x + size] = disc(size)
    elif kind == 2:
        shape = np.roll(_blob(rng, side) // 1, int(side * rng.uniform(-0.2, 0.2)), int(rng.integers(2)))
    else:
        thick = max(2, side // 12)
        cv2.ellipse(shape, (side // 2, side // 2), (w // 2 + 1, h // 2 + 1), 0, 0, 300, 255, thick)
    return shape
