"""Fonts of the generated screens: the families that matplotlib installs with itself."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from PIL import ImageFont

# family -> (regular, bold, factor that makes families look equally large)
FAMILIES: dict[str, tuple[str, str, float]] = {
    "sans": ("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", 0.94),
    "serif": ("DejaVuSerif.ttf", "DejaVuSerif-Bold.ttf", 0.94),
    "mono": ("DejaVuSansMono.ttf", "DejaVuSansMono-Bold.ttf", 0.94),
    "times": ("STIXGeneral.ttf", "STIXGeneralBol.ttf", 1.12),
    "grotesque": ("cmss10.ttf", "cmss10.ttf", 1.08),
}


@lru_cache(maxsize=1)
def _folder() -> Path:
    import matplotlib

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@lru_cache(maxsize=2048)
def _face(name: str, pixels: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_folder() / name), pixels)


def word_mask(family: str, bold: bool, pixels: float, word: str) -> tuple[np.ndarray, int, int, int]:
    """A word as (uint8 coverage [h, w], left bearing, top bearing, advance), all in device pixels."""
    regular, heavy, factor = FAMILIES[family]
    return _mask(heavy if bold else regular, max(4, round(pixels * factor)), word)


def letter_centres(family: str, bold: bool, pixels: float, word: str) -> tuple[float, ...]:
    """Where the middle of each letter stands, in device pixels from the word's origin."""
    regular, heavy, factor = FAMILIES[family]
    return _centres(heavy if bold else regular, max(4, round(pixels * factor)), word)


@lru_cache(maxsize=60_000)
def _centres(name: str, pixels: int, word: str) -> tuple[float, ...]:
    face = _face(name, pixels)
    edges = [face.getlength(word[:i]) for i in range(len(word) + 1)]
    return tuple((a + b) / 2 for a, b in pairwise(edges))


@lru_cache(maxsize=60_000)
def _mask(name: str, pixels: int, word: str) -> tuple[np.ndarray, int, int, int]:
    face = _face(name, pixels)
    mask, (dx, dy) = face.getmask2(word, mode="L")
    width, height = mask.size
    pixels_ = np.frombuffer(bytes(mask), np.uint8).reshape(height, width) if width and height else None
    glyphs = pixels_ if pixels_ is not None else np.zeros((0, 0), np.uint8)
    return glyphs, int(dx), int(dy), round(face.getlength(word))
