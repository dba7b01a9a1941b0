"""What lies behind the elements of a scene: gradients, textures and things that look like photographs.

Wallpapers and pictures are what plain generated screens lack, and what a segmenter shatters. All of them
are drawn here from noise and curves; none is a photograph.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

Rng = np.random.Generator


def backdrop(rng: Rng, height: int, width: int, calm: bool = False) -> np.ndarray:
    """A wallpaper or, if ``calm``, a page's ground: uint8 [height, width, 3]."""
    makers = (plain, gradient, glow, photograph)
    shares = [0.75, 0.18, 0.07, 0.0] if calm else [0.15, 0.17, 0.1, 0.58]
    return makers[int(rng.choice(4, p=shares))](rng, height, width)


def photograph(rng: Rng, height: int, width: int) -> np.ndarray:
    """Something like a photograph, a painting or a rendering: uint8 [height, width, 3]."""
    makers: tuple[Callable[[Rng, int, int], np.ndarray], ...] = (clouds, hills, petals, lights, mosaic, weave)
    image = makers[int(rng.choice(6, p=[0.24, 0.2, 0.24, 0.12, 0.1, 0.1]))](rng, height, width)
    if rng.random() < 0.5:  # grain of a sensor
        grain = rng.normal(0, float(rng.uniform(1, 7)), (height, width, 1)).astype(np.float32)
        image = np.clip(image + grain, 0, 255).astype(np.uint8)
    if rng.random() < 0.25:  # out of focus
        image = cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.7, 3)))
    return image


def any_colour(rng: Rng) -> np.ndarray:
    """float32 [3]; greys and muted colours are as common as bright ones."""
    grey = rng.uniform(0, 255)
    spread = float(rng.choice([8, 40, 120]))
    return np.clip(grey + rng.uniform(-spread, spread, 3), 0, 255).astype(np.float32)


def plain(rng: Rng, height: int, width: int) -> np.ndarray:
    colour = np.clip(float(rng.choice([250, 238, 225, 40, 24, 128])) + rng.uniform(-14, 14, 3), 0, 255)
    return np.full((height, width, 3), colour, np.uint8)


def gradient(rng: Rng, height: int, width: int) -> np.ndarray:
    """A soft turn from one colour over a second to a third along any direction."""
    angle = rng.uniform(0, 2 * np.pi)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    along = (x / width - 0.5) * np.cos(angle) + (y / height - 0.5) * np.sin(angle) + 0.5
    return _ramp(along, [any_colour(rng) for _ in range(int(rng.integers(2, 4)))])


def glow(rng: Rng, height: int, width: int) -> np.ndarray:
    """Light falling off from a point."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    cx, cy = rng.uniform(0, width), rng.uniform(0, height)
    distance = np.hypot(x - cx, y - cy) / np.hypot(height, width)
    return _ramp(distance * float(rng.uniform(1, 2)), [any_colour(rng), any_colour(rng)])


def clouds(rng: Rng, height: int, width: int) -> np.ndarray:
    """Noise of all sizes through a few colours: sky, water, stone, foliage, fur."""
    levels = [any_colour(rng) for _ in range(int(rng.integers(2, 5)))]
    share = noise(rng, height, width, float(rng.uniform(0.35, 0.75)), stretch=float(rng.choice([1, 1, 3, 8])))
    if rng.random() < 0.4:
        share = share * 0.5 + np.linspace(0, 0.5, height, dtype=np.float32)[:, None]
    image = _ramp(share, levels).astype(np.float32)
    tint = noise(rng, height, width, 0.4)[..., None] - 0.5
    return np.clip(image + tint * rng.uniform(-70, 70, 3).astype(np.float32), 0, 255).astype(np.uint8)


def hills(rng: Rng, height: int, width: int) -> np.ndarray:
    """Ridges one behind the other under a sky."""
    image = gradient(rng, height, width)
    count = int(rng.integers(2, 6))
    near, far = any_colour(rng), any_colour(rng)
    x = np.arange(width)
    for i in range(count):
        line = _wiggle(rng, width, roughness=float(rng.uniform(0.3, 0.8)))
        top = height * (0.3 + 0.6 * i / count) + line * height * 0.25
        below = np.arange(height)[:, None] > top[None, x]
        share = i / max(count - 1, 1)
        colour = far * (1 - share) + near * share
        texture = noise(rng, height, width, 0.6)[..., None] * float(rng.uniform(0, 70))
        image = np.where(below[..., None], np.clip(colour + texture - 20, 0, 255), image).astype(np.uint8)
    return image


def petals(rng: Rng, height: int, width: int) -> np.ndarray:
    """Overlapping smooth sheets with bright rims, as many desktop wallpapers have them."""
    image = gradient(rng, height, width)
    base = any_colour(rng)
    size = max(height, width)
    cx, cy = rng.uniform(0.1, 0.9) * width, rng.uniform(0.2, 1.0) * height
    for _ in range(int(rng.integers(4, 14))):
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(4, 8))))
        radii = rng.uniform(0.08, 0.55, len(angles)) * size
        turn = np.linspace(0, 2 * np.pi, 72, endpoint=False)
        radius = np.interp(turn, angles, radii, period=2 * np.pi)
        radius = np.convolve(np.tile(radius, 3), np.hanning(25) / np.hanning(25).sum(), "same")[72:144]
        ox, oy = cx + rng.normal(0, 0.14) * size, cy + rng.normal(0, 0.14) * size
        points = np.stack([ox + radius * np.cos(turn), oy + radius * np.sin(turn)], 1)
        mask = np.zeros((height, width), np.uint8)
        cv2.fillPoly(mask, [np.round(points * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        colours = [np.clip(base + rng.uniform(-80, 80, 3), 0, 255) for _ in range(2)]
        angle = rng.uniform(0, 2 * np.pi)
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        along = ((x - ox) * np.cos(angle) + (y - oy) * np.sin(angle)) / (0.6 * size) + 0.5
        blend(image, mask, _ramp(along, [c.astype(np.float32) for c in colours]), float(rng.uniform(0.6, 1)))
        if rng.random() < 0.6:
            rim = np.clip(base + 90, 0, 255).astype(int).tolist()
            cv2.polylines(image, [np.round(points * 16).astype(np.int32)], True, rim, 1, cv2.LINE_AA, 4)
    return image


def lights(rng: Rng, height: int, width: int) -> np.ndarray:
    """Blurred discs over a dark or bright ground."""
    image = glow(rng, height, width)
    for _ in range(int(rng.integers(6, 40))):
        disc = np.zeros((height, width), np.uint8)
        centre = (int(rng.uniform(0, width)), int(rng.uniform(0, height)))
        cv2.circle(disc, centre, int(rng.uniform(0.01, 0.12) * max(height, width)) + 2, 255, -1, cv2.LINE_AA)
        blend(image, disc, np.broadcast_to(any_colour(rng), image.shape), float(rng.uniform(0.2, 0.8)))
    return cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.6, 6)))


def mosaic(rng: Rng, height: int, width: int) -> np.ndarray:
    """Facets, tiles and buildings: hard edges that are no elements."""
    cells = int(rng.integers(3, 22))
    small = rng.integers(0, 256, (cells, int(cells * rng.uniform(0.5, 2)) + 1, 3), dtype=np.uint8)
    base = any_colour(rng)
    spread = float(rng.uniform(0.1, 0.7))
    small = np.clip(base + (small - 128.0) * spread, 0, 255).astype(np.uint8)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    bend = float(rng.uniform(0, 0.15)) * max(height, width)
    shift_x = (noise(rng, height, width, 0.3) - 0.5) * bend
    shift_y = (noise(rng, height, width, 0.3) - 0.5) * bend
    turn = rng.uniform(-0.6, 0.6)
    u = (x + shift_x) * np.cos(turn) + (y + shift_y) * np.sin(turn)
    v = (y + shift_y) * np.cos(turn) - (x + shift_x) * np.sin(turn)
    column = (u / width * small.shape[1]).astype(int) % small.shape[1]
    row = (v / height * small.shape[0]).astype(int) % small.shape[0]
    return cv2.GaussianBlur(small[row, column], (0, 0), 0.7)


def weave(rng: Rng, height: int, width: int) -> np.ndarray:
    """Stripes, dots and cloth."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    first, second = any_colour(rng), any_colour(rng)
    angle, period = rng.uniform(0, np.pi), float(rng.uniform(4, 40))
    wave = np.sin(2 * np.pi * (x * np.cos(angle) + y * np.sin(angle)) / period)
    if rng.random() < 0.5:
        wave = wave * np.sin(2 * np.pi * (y * np.cos(angle) - x * np.sin(angle)) / period)
    if rng.random() < 0.5:
        wave = np.tanh(4 * wave)
    return _ramp(wave * float(rng.uniform(0.1, 0.5)) + 0.5, [first, second])


def noise(rng: Rng, height: int, width: int, roughness: float, stretch: float = 1.0) -> np.ndarray:
    """Smooth random values, float32 [height, width] in 0 .. 1: octaves, each ``roughness`` as strong."""
    total = np.zeros((height, width), np.float32)
    weight, cells = 1.0, 2
    while cells < max(height, width) / 2:
        grid = rng.random((max(2, int(cells * height / width)), max(2, int(cells / stretch)))).astype(
            np.float32
        )
        total += weight * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        weight, cells = weight * roughness, cells * 2
    low, high = float(total.min()), float(total.max())
    return (total - low) / max(high - low, 1e-6)


def blend(image: np.ndarray, mask: np.ndarray, paint: np.ndarray, opacity: float = 1.0) -> None:
    """Lay paint [h, w, 3] over an image uint8 [h, w, 3] where a uint8 mask says; in place."""
    share = mask.astype(np.float32)[..., None] * (opacity / 255.0)
    image[...] = (image + (paint - image.astype(np.float32)) * share + 0.5).astype(np.uint8)


def _ramp(share: np.ndarray, colours: list[np.ndarray]) -> np.ndarray:
    """uint8 [h, w, 3]: colours along 0 .. 1 of a float image, by a table of 256."""
    steps = np.linspace(0, 1, len(colours))
    table = np.stack([np.interp(np.linspace(0, 1, 256), steps, [c[i] for c in colours]) for i in range(3)], 1)
    return table.astype(np.uint8)[(np.clip(share, 0, 1) * 255).astype(np.uint8)]


def _wiggle(rng: Rng, length: int, roughness: float) -> np.ndarray:
    """A random line, about -1 .. 1."""
    total, weight, cells = np.zeros(length), 1.0, 3
    while cells < length / 3:
        knots = rng.uniform(-1, 1, cells + 1)
        total += weight * np.interp(np.linspace(0, cells, length), np.arange(cells + 1), knots)
        weight, cells = weight * roughness, cells * 2
    return total
