"""From region labels to pictures: the overlay, outlines and rings of the canvas.

Everything works on the labels as they fall on the pixels of the *view*, so that the cost of a new selection
depends on the size of the window and not on that of the screenshot: an ``Indexed8`` image gets a new colour
table and is converted once to premultiplied ARGB32, the fastest way that was measured. Outlines come from the
same sampled labels: they are hairlines at every zoom.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtGui import QImage

DARK_EDGE = 0x8C000000
LIGHT_EDGE = 0xA0A0A0A0
"""Outlines are a dark line beside a light one (premultiplied ARGB), so that they show on any screenshot."""


def sample_labels(
    labels: np.ndarray, scale: float, left: int, top: int, width: int, height: int
) -> np.ndarray:
    """The label under each pixel of a view, uint8 [height, width].

    Args:
        labels: uint8 [H, W] of the screenshot.
        scale: view pixels for one screenshot pixel.
        left, top: where the view begins, in view pixels from the screenshot's corner (not negative).
    """
    ys = ((np.arange(top, top + height) + 0.5) / scale).astype(np.intp).clip(0, labels.shape[0] - 1)
    xs = ((np.arange(left, left + width) + 0.5) / scale).astype(np.intp).clip(0, labels.shape[1] - 1)
    return labels[ys].take(xs, axis=1)


class LabelPicture:
    """Sampled labels as a picture whose colours can be exchanged quickly.

    Attributes:
        labels: uint8 [height, width]; the buffer that the ``Indexed8`` image reads, kept alive here.
    """

    def __init__(self, labels: np.ndarray) -> None:
        height, width = labels.shape
        self._buffer = np.zeros((height, -(-width // 4) * 4), np.uint8)  # scan lines are 32-bit aligned
        self._buffer[:, :width] = labels
        self.labels = self._buffer[:, :width]
        self._indexed = QImage(
            self._buffer.data, width, height, self._buffer.shape[1], QImage.Format.Format_Indexed8
        )
        self._rims: tuple[int, np.ndarray] | None = None

    def coloured(self, table: list[int]) -> QImage:
        """The picture in the colours of ``table`` (256 unpremultiplied ARGB values), ready to be drawn."""
        self._indexed.setColorTable(table)
        return self._indexed.convertToFormat(QImage.Format.Format_ARGB32_Premultiplied)

    def rims(self, table: list[int], thickness: int) -> QImage:
        """As ``coloured``, but only within ``thickness`` pixels of another region."""
        if self._rims is None or self._rims[0] != thickness:
            self._rims = thickness, ~_near_border(self.labels, thickness)
        image = self.coloured(table)
        argb = np.frombuffer(image.bits(), np.uint32).reshape(image.height(), -1)
        argb[:, : image.width()][self._rims[1]] = 0
        return image


def colour_table(rgba: np.ndarray, opacity: float) -> list[int]:
    """256 unpremultiplied ARGB values from uint8 [regions, 4] and an opacity (0 to 1), then clear ones."""
    wide = np.zeros((256, 4), np.uint32)
    wide[: len(rgba)] = rgba
    alpha = (wide[:, 3] * min(1.0, max(0.0, opacity))).round().astype(np.uint32)
    packed = (alpha << 24) | (wide[:, 0] << 16) | (wide[:, 1] << 8) | wide[:, 2]
    colours: list[int] = packed.tolist()
    return colours


def premultiplied(rgba: np.ndarray, opacity: float) -> QImage:
    """A picture from straight-alpha uint8 [height, width, 4] and an opacity (0 to 1)."""
    alpha = rgba[..., 3:].astype(np.float32) * (min(1.0, max(0.0, opacity)) / 255)
    red, green, blue = np.moveaxis((rgba[..., :3] * alpha).round().astype(np.uint32), -1, 0)
    return _owned(((alpha[..., 0] * 255).round().astype(np.uint32) << 24) | (red << 16) | (green << 8) | blue)


def smoothed(values: np.ndarray, radius: int) -> np.ndarray:
    """Values [height, width] averaged twice over boxes of ``radius`` cells to each side."""
    for axis in (0, 1, 0, 1):
        pad = [(0, 0), (0, 0)]
        pad[axis] = (radius + 1, radius)
        sums = np.pad(values, pad, mode="edge").cumsum(axis, dtype=np.float64)
        span = 2 * radius + 1
        upper = np.take(sums, np.arange(span, sums.shape[axis]), axis)
        lower = np.take(sums, np.arange(sums.shape[axis] - span), axis)
        values = (upper - lower) / span
    return values.astype(np.float32)


def _near_border(labels: np.ndarray, thickness: int) -> np.ndarray:
    """Pixels that have another label within ``thickness`` pixels to a side, above or below."""
    near = np.zeros(labels.shape, bool)
    across = labels[:, 1:] != labels[:, :-1]
    down = labels[1:] != labels[:-1]
    for shift in range(thickness):
        width, height = across.shape[1] - shift, down.shape[0] - shift
        if width > 0:
            near[:, shift + 1 :] |= across[:, :width]
            near[:, :width] |= across[:, shift:]
        if height > 0:
            near[shift + 1 :] |= down[:height]
            near[:height] |= down[shift:]
    return near


def outlines(labels: np.ndarray, thickness: int = 1) -> QImage:
    """Lines between the regions of a sampled label image, dark on one side and light on the other."""
    argb = np.zeros(labels.shape, np.uint32)
    for shift in range(1, thickness + 1):
        across = labels[:, shift:] != labels[:, :-shift]
        down = labels[shift:, :] != labels[:-shift, :]
        argb[:, shift:][across] = LIGHT_EDGE
        argb[shift:, :][down] = LIGHT_EDGE
    for shift in range(1, thickness + 1):
        across = labels[:, shift:] != labels[:, :-shift]
        down = labels[shift:, :] != labels[:-shift, :]
        argb[:, :-shift][across] = DARK_EDGE
        argb[:-shift, :][down] = DARK_EDGE
    return _owned(argb)


def reach(thickness: int) -> int:
    """How many pixels beyond its mask a ``ring`` goes, which the mask needs around it."""
    return thickness - 1 + max(1, thickness // 2)


def ring(mask: np.ndarray, thickness: int, colour: int, halo: int) -> QImage:
    """A line of ``thickness`` pixels around ``mask`` (bool [height, width]), a halo beyond.

    Only its innermost pixel lies on the mask, so that small text stays readable, and something is seen of the
    ring of a region that fills the view.

    Args:
        colour, halo: opaque ARGB of the line and of a thin line beside it, to set it off from any content.
    """
    argb = np.zeros(mask.shape, np.uint32)
    argb[mask & ~_eroded(mask)] = colour
    outer = mask
    for depth in range(1, reach(thickness) + 1):
        grown = _grown(outer)
        argb[grown & ~outer] = colour if depth < thickness else halo
        outer = grown
    return _owned(argb)


def _grown(mask: np.ndarray) -> np.ndarray:
    """``mask`` and the 4-neighbours of its pixels."""
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    return grown


def _eroded(mask: np.ndarray) -> np.ndarray:
    """``mask`` without its outermost pixels (4-neighbours; the border of the image counts as outside)."""
    core = np.zeros_like(mask)
    core[1:-1, 1:-1] = mask[1:-1, 1:-1] & mask[:-2, 1:-1] & mask[2:, 1:-1] & mask[1:-1, :-2] & mask[1:-1, 2:]
    return core


def _owned(argb: np.ndarray) -> QImage:
    """A QImage that owns its memory, from premultiplied ARGB uint32 [height, width]."""
    height, width = argb.shape
    view = QImage(argb.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)
    return view.copy()
