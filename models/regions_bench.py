"""Which regions carry effects best: LDS by where regions come from, all on the same screens. Imports torch.

    uv run python -m models.regions_bench [--screens 6] [--jpeg 30] [--json FILE] [--held-out]

Judging each source by masks of its own regions flatters large regions that mean nothing: a dozen tiles are
easily put in order, because each holds something of everything. So what is judged by is also what an analyst
would take away: the screen's true elements, at random. What a source says of such a mask is the sum of its
regions' estimated effects, each by the share of its pixels that the mask keeps.

The thinker's screens are drawn with clean edges, which screenshots on the web seldom have any more;
``--jpeg`` stores and reads each screen as a JPEG first, for the segmenter and the thinker alike.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from core.ablation import half_masks, measure
from core.calibration import Item, read_again, read_out
from core.estimator import Estimator, load_estimator
from core.faithfulness import bootstrap_groups, lds, over_spans, spearman
from core.figure_text import short_interval
from core.regions import RegionMap
from core.trace import Sampling
from models.bundled.estimator.items import element_map, regions_of
from models.bundled.screens import HELD_OUT, KINDS, Sample, generate
from models.estimators import bundled_estimator
from models.thinker import Thinker, load_thinker

SOURCES: Final = ("sam", "opencv", "grid", "grid-12")
"""What is judged beside the true elements themselves."""
SCHEMA: Final = "sightline.regions/1"
_FEWEST = 3


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One screen with the regions of one source.

    Attributes:
        regions: how many there are.
        own: LDS of each step over masks of these regions.
        common: the same over masks of the screen's true elements.
    """

    regions: int
    own: np.ndarray
    common: np.ndarray


def as_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    """The image, uint8 [H, W, 3], as a JPEG file of a quality from 1 to 95 gives it back."""
    stored = io.BytesIO()
    Image.fromarray(image).save(stored, "JPEG", quality=quality)
    return np.array(Image.open(stored))


def kept_shares(regions: RegionMap, elements: RegionMap, masks: np.ndarray) -> np.ndarray:
    """The share of each region's pixels that each mask of elements keeps: float64 [M, regions].

    Args:
        masks: bool [M, elements]; True where kept.
    """
    pixels = np.zeros((len(regions), len(elements)))
    np.add.at(pixels, (regions.labels.ravel(), elements.labels.ravel()), 1.0)
    shares: np.ndarray = masks @ (pixels / pixels.sum(1, keepdims=True).clip(1.0)).T
    return shares


def see(
    thinker: Thinker, estimator: Estimator, sample: Sample, sources: Sequence[str], masks: int = 64
) -> dict[str, Seen]:
    """Judge the true elements as regions, and regions of each source, on one screen.

    Empty where any has too few regions to tell apart.
    """
    elements = element_map(sample)
    found = {"truth": elements} | {source: regions_of(sample, source) for source in sources}
    if min(map(len, found.values())) < _FEWEST:
        return {}
    item = Item(sample.kind, sample.image, sample.prompt, elements, sample.seed)
    heard = read_out(thinker, item, Sampling(max_new_tokens=160))
    if heard is None:
        return {}
    seen: dict[str, Seen] = {}
    for source, regions in found.items():
        keep = half_masks(len(regions), masks, sample.seed)
        rows = measure(thinker, heard.prepared, sample.image, regions, heard.token_ids, keep)
        measured = over_spans(rows.astype(np.float64), heard.spans)
        if regions is elements:
            features, of_elements, without_elements = heard.features, keep, measured
        else:
            read = read_again(thinker, heard.prepared, heard.token_ids, replace(item, region_map=regions))
            if read is None:
                return {}
            features = read[1]
        effects = over_spans(estimator.estimate(features)[0].T.astype(np.float64), heard.spans)
        predicted = kept_shares(regions, elements, of_elements) @ effects
        seen[source] = Seen(
            len(regions), lds(effects.T, keep, measured), spearman(predicted, without_elements)
        )
    return seen


def summarize(screens: Sequence[dict[str, Seen]]) -> dict[str, dict[str, Any]]:
    """By source: regions a screen, LDS by own and by common masks, and how far the latter is behind SAM's.

    Intervals redraw screens.
    """
    figures: dict[str, dict[str, Any]] = {}
    for source in screens[0]:
        seen = [screen[source] for screen in screens]
        figures[source] = {
            "regions": float(np.mean([one.regions for one in seen])),
            "own": asdict(bootstrap_groups([one.own for one in seen])),
            "common": asdict(bootstrap_groups([one.common for one in seen])),
        }
        if source != "sam" and "sam" in screens[0]:
            behind = [screen["sam"].common - screen[source].common for screen in screens]
            figures[source]["behind_sam"] = asdict(bootstrap_groups(behind))
    return figures


def table(figures: dict[str, dict[str, Any]]) -> str:
    """The figures as a table for people and for the documentation."""
    lines = ["| regions | a screen | LDS, elements removed | behind SAM | LDS, own regions removed |"]
    lines.append("|---|---|---|---|---|")
    for source, found in figures.items():
        cells = [f"`{source}`", f"{found['regions']:.1f}", short_interval(found["common"])]
        cells += [short_interval(found[of]) if of in found else "" for of in ("behind_sam", "own")]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table, and write the figures where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--screens", type=int, default=6, help="of each kind")
    parser.add_argument("--masks", type=int, default=64)
    parser.add_argument("--jpeg", type=int, metavar="QUALITY", help="1 to 95")
    parser.add_argument("--first", type=int, default=3_000_000, help="first seed")
    parser.add_argument("--held-out", action="store_true", help="seeds that nothing was tuned on")
    parser.add_argument("--json", type=Path)
    args = parser.parse_args(arguments)
    thinker, estimator = load_thinker("bundled"), load_estimator(bundled_estimator())
    screens = []
    for seed in range(args.first, args.first + args.screens * len(KINDS)):
        sample = generate(KINDS[seed % len(KINDS)], seed + HELD_OUT * args.held_out)
        if args.jpeg:
            sample = replace(sample, image=as_jpeg(sample.image, args.jpeg))
        if seen := see(thinker, estimator, sample, SOURCES, args.masks):
            screens.append(seen)
    figures = summarize(screens)
    print(f"{len(screens)} screens" + (f", JPEG of quality {args.jpeg}" if args.jpeg else ""))
    print(table(figures))
    if args.json:
        result = {"schema": SCHEMA, "screens": len(screens), "jpeg": args.jpeg, "sources": figures}
        args.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
