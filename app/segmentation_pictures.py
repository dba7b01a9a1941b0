"""Pictures of what a segmenter finds: ``python -m app.segmentation_pictures FOLDER [--out docs/images]``.

One picture for each PNG of a folder, scaled down: regions tinted and outlined over the greyed screenshot.
Prints the number of regions, the seconds and the peak memory of each.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np
from PIL import Image

from core.counted import counted
from core.export.atomic import replacing
from core.regions import RegionMap
from core.screenshot import load_screenshot
from models.segmenters import DEFAULT, load_segmenter, segment

_LONGEST = 1000
"""Pixels of the longer side of a picture."""
_COLOURS = 64
"""Of the palette: keeps a picture below 400 KB."""


def overlay(pixels: np.ndarray, region_map: RegionMap) -> Image.Image:
    """The regions over a screenshot, uint8 [H, W, 3], its longer side at most ``_LONGEST``."""
    from app.cli.segment import label_picture

    height, width = pixels.shape[:2]
    scale = min(1.0, _LONGEST / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    grey = Image.fromarray(np.ascontiguousarray(pixels)).convert("L").resize(size, Image.Resampling.BOX)
    small = label_picture(region_map).resize(size, Image.Resampling.NEAREST)
    labels = np.asarray(small)
    edges = np.zeros(labels.shape, bool)
    edges[:, 1:] |= labels[:, 1:] != labels[:, :-1]
    edges[1:] |= labels[1:] != labels[:-1]
    ground = np.repeat(np.asarray(grey, np.float32)[..., None], 3, 2)
    colours = np.asarray(small.convert("RGB"), np.float32)
    share = np.where(labels > 0, 0.4, 0.0)[..., None]
    share[edges] = 1.0
    mixed = ground * (1 - share) + colours * share
    return Image.fromarray(mixed.astype(np.uint8)).quantize(_COLOURS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("docs/images"))
    parser.add_argument("--segmenter", default=DEFAULT)
    options = parser.parse_args()
    load_segmenter(options.segmenter)  # once, and not counted
    for path in sorted(options.folder.glob("*.png")):
        screenshot = load_screenshot(path)
        began = time.perf_counter()
        region_map = segment(screenshot, options.segmenter)
        seconds = time.perf_counter() - began
        with replacing(options.out / f"regions-{path.stem}.png") as part:
            overlay(screenshot.pixels, region_map).save(part, "PNG", optimize=True)
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # MiB on Linux
        print(
            f"{path.name}: {screenshot.width} × {screenshot.height}, "
            f"{counted(len(region_map) - 1, 'region')}, {seconds:.2f} s, {memory:.0f} MiB"
        )


if __name__ == "__main__":
    main()
