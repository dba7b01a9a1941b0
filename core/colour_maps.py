"""Colours for effects, the same in the window and in every export.

A colour map has two tables, both readable with any common colour vision: a *sequential* one for effects that
are shown only where they are positive, and a *diverging* one for signed effects, with white for no effect in
its middle. An effect of zero is transparent, so that the screenshot stays visible.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

SCALE_FLOOR: Final = 0.25
"""Smallest scale, in nats (a factor of 1.3 in probability): below it colours would show mere noise."""

_ALPHA_EXPONENT: Final = 0.6
"""Alpha grows as this power of |effect| / scale: below 1, so that a tenth of the scale is still seen."""


@dataclass(frozen=True, slots=True, eq=False)
class ColourMap:
    """Two tables of colours, uint8 [256, 3] RGB, read only.

    Attributes:
        sequential: from an effect of 0 to the scale, dark to bright.
        diverging: from −scale (speaks against the token) over white to +scale (supports it).
    """

    sequential: np.ndarray
    diverging: np.ndarray


def _table(control_points: str) -> np.ndarray:
    """A table through evenly spaced control points, written as hexadecimal colours."""
    points = np.array([list(bytes.fromhex(colour)) for colour in control_points.split()], float)
    at = np.linspace(0, len(points) - 1, 256)
    channels = [np.interp(at, np.arange(len(points)), points[:, i]) for i in range(3)]
    table = np.stack(channels, 1).round().astype(np.uint8)
    table.setflags(write=False)
    return table


COLOUR_MAPS: Final = {
    # viridis; blue and vermilion after Okabe and Ito's palette
    "default": ColourMap(
        _table("440154 482475 414487 355f8d 2a788e 21918c 22a884 44bf70 7ad151 bddf26 fde725"),
        _table("00528f 0072b2 2c90c8 72b8e0 ffffff f6b988 ec8f45 d55e00 b34800"),
    ),
    # cividis; the purple and green of ColorBrewer's PRGn
    "purple and green": ColourMap(
        _table("00204d 00306f 39486b 575d6d 707173 8a8779 a69d75 c4b56c e4cf5b ffea46"),
        _table("4d0a5a 762a83 9457a6 b68cc4 ffffff 8fd08a 4aa556 1b7837 0a5526"),
    ),
}
"""Every colour map by the name that ``app.session.Display.colour_map`` carries."""


def scale_of(effects: np.ndarray, floor: float = SCALE_FLOOR) -> float:
    """The |effect| in nats that gets the strongest colour.

    Args:
        effects: [regions], or [spans, regions] for one scale over many spans, in nats.
        floor: smallest scale returned, in nats.

    Returns:
        The largest |effect| of one span; over many spans the 98th percentile of each span's largest, so that
        a single outlier does not fade everything else. Never below ``floor``; values that are not finite
        count as 0.
    """
    sizes = np.abs(_finite(effects))
    if not sizes.size:
        return floor
    if sizes.ndim == 1:
        return max(floor, float(sizes.max()))
    return max(floor, float(np.percentile(sizes.max(-1), 98, method="higher")))


def map_effects(effects: np.ndarray, scale: float, signed: bool, name: str = "default") -> np.ndarray:
    """The colour of each region.

    Args:
        effects: [...] in nats; values that are not finite count as 0.
        scale: the |effect| in nats that gets the strongest colour, more than 0.
        signed: True shows negative effects in the diverging map; False leaves them transparent.
        name: which colour map.

    Returns:
        uint8 [..., 4], RGBA with straight (not premultiplied) alpha: 0 where the effect is 0, 255 from
        ``scale`` on. Views multiply alpha by their own opacity.
    """
    relative = _finite(effects) / np.float32(scale)
    relative = np.clip(relative, -1.0 if signed else 0.0, 1.0)
    if signed:
        table, place = COLOUR_MAPS[name].diverging, (relative + 1) * 127.5
    else:
        table, place = COLOUR_MAPS[name].sequential, relative * 255
    colours = np.empty((*relative.shape, 4), np.uint8)
    colours[..., :3] = table[place.round().astype(np.uint8)]
    colours[..., 3] = (np.abs(relative) ** _ALPHA_EXPONENT * 255).round()
    return colours


def _finite(effects: np.ndarray) -> np.ndarray:
    """Effects as float32, 0 where they are not finite."""
    effects = np.asarray(effects, np.float32)
    if np.isfinite(effects).all():  # as nearly always, and a fifth of the time that replacing takes
        return effects
    return np.nan_to_num(effects, nan=0.0, posinf=0.0, neginf=0.0)


def composite(colours: np.ndarray, background: np.ndarray | tuple[int, int, int]) -> np.ndarray:
    """Lay straight-alpha RGBA uint8 [..., 4] over RGB uint8 [..., 3]: uint8 [..., 3]."""
    alpha = colours[..., 3:].astype(np.float32) / 255
    below = np.asarray(background, np.float32)
    return (colours[..., :3] * alpha + below * (1 - alpha)).round().astype(np.uint8)


def luminance(colours: np.ndarray | tuple[int, int, int]) -> np.ndarray:
    """Relative luminance [...] of sRGB colours [..., 3] in 0 .. 255 (WCAG 2.2, "relative luminance")."""
    channels = np.asarray(colours, np.float64) / 255
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return linear @ np.array([0.2126, 0.7152, 0.0722])


def contrast(a: np.ndarray | tuple[int, int, int], b: np.ndarray | tuple[int, int, int]) -> np.ndarray:
    """Contrast ratio [...] of colours [..., 3], from 1 to 21 (WCAG 2.2); text needs at least 4.5."""
    one, two = luminance(a), luminance(b)
    return (np.maximum(one, two) + 0.05) / (np.minimum(one, two) + 0.05)


def ink_on(colours: np.ndarray | tuple[int, int, int]) -> np.ndarray:
    """Black or white, uint8 [..., 3]: whichever reads better on opaque colours [..., 3].

    The contrast is at least 4.58 on every colour: that of the grey on which both read equally well.
    """
    black = luminance(colours) > 0.1791  # the luminance at which both have a contrast of 4.58
    return np.where(black[..., None], np.uint8(0), np.uint8(255)) * np.ones(3, np.uint8)
