"""Find the regions of a screenshot, and leave them as a PNG of labels and as COCO JSON."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli import DONE
from app.cli.console import answer, progress, say

if TYPE_CHECKING:
    from core.regions import RegionMap


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``sightline segment``."""
    parser.add_argument("image", metavar="IMAGE", help="the screenshot")
    parser.add_argument("--segmenter", metavar="S", help="how regions are found; sam:CHECKPOINT for a model")
    parser.add_argument("--granularity", metavar="G", default="fine", help="coarse, medium or fine (fine)")
    parser.add_argument("--max-regions", metavar="N", type=int, default=64, help="at most, up to 256 (64)")
    parser.add_argument(
        "--min-tokens", metavar="T", type=float, help="least size in visual tokens, such as 0.5"
    )
    parser.add_argument("--visual-tokens", metavar="N", type=int, help="how many a model makes of the image")
    parser.add_argument("--out", metavar="DIR", default="sightline-out", help="where to (./sightline-out)")


def run(args: Namespace) -> int:
    """Do ``sightline segment``: writes NAME.regions.png and NAME.regions.json."""
    from app.recording import make_folder
    from core.counted import counted
    from core.export.atomic import replacing
    from core.export.coco import coco_of
    from core.granularity import at_granularity, without_small
    from core.screenshot import load_screenshot
    from models.segmenters import DEFAULT, load_or_default, segment

    _check(args)
    screenshot = load_screenshot(args.image)
    name, _ = load_or_default(args.segmenter or DEFAULT, say)
    found = segment(screenshot, name, max_regions=args.max_regions, progress=progress())
    region_map = at_granularity(found, args.granularity)
    if args.min_tokens:
        region_map = without_small(
            region_map, args.min_tokens * screenshot.width * screenshot.height / args.visual_tokens
        )
    out = Path(args.out)
    make_folder(out)
    stem = Path(args.image).stem
    picture, coco = out / f"{stem}.regions.png", out / f"{stem}.regions.json"
    with replacing(picture) as part:
        label_picture(region_map).save(part, "PNG")
    with replacing(coco) as part:
        part.write_text(json.dumps(coco_of(screenshot.name, region_map)), encoding="utf-8")
    say(counted(len(region_map) - 1, "region"))
    answer(picture)
    answer(coco)
    return DONE


def _check(args: Namespace) -> None:
    from core.errors import InputError
    from core.granularity import DEPTHS

    if args.granularity not in DEPTHS:
        raise InputError(f"There is no granularity “{args.granularity}”. Choose one of: {', '.join(DEPTHS)}.")
    if args.min_tokens and (args.min_tokens < 0 or (args.visual_tokens or 0) < 1):
        raise InputError(
            "--min-tokens needs a positive number, and --visual-tokens: how many tokens the model makes of "
            "this screenshot (a trace's details tell)."
        )


def label_picture(region_map: RegionMap) -> Any:
    """A palette image whose pixel values are region ids, in colours that tell neighbours apart."""
    import colorsys

    from PIL import Image

    image = Image.fromarray(region_map.labels, "P")
    colours = [0, 0, 0]
    for i in range(1, 256):
        # Steps of the golden ratio: any two successive hues are far apart.
        saturation, value = 0.55 + 0.35 * (i % 2), 0.75 if i % 3 == 0 else 0.95
        colours += [round(255 * c) for c in colorsys.hsv_to_rgb(i * 0.618034 % 1.0, saturation, value)]
    image.putpalette(colours)
    return image
