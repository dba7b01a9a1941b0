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
from core.calibration import Heard, Item, read_out
from core.estimator import Estimator, load_estimator
from core.faithfulness import bootstrap_groups, lds, over_spans, spearman
from core.regions import RegionMap
from core.trace import Sampling
from models.bundled.estimator.items import element_map, regions_of
from models.bundled.screens import HELD_OUT, KINDS, Sample, generate
from models.estimators import bundled_estimator
from models.thinker import Thinker, load_thinker

SOURCES: Final = ("truth", "sam", "opencv", "grid", "grid-12")
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
    """Judge regions of each source on one screen; empty where any has too few to tell apart."""
    elements = element_map(sample)
    found = {source: regions_of(sample, source) for source in sources}
    if min(len(regions) for regions in (elements, *found.values())) < _FEWEST:
        return {}
    keep = half_masks(len(elements), masks, sample.seed)
    seen: dict[str, Seen] = {}
    without_elements: np.ndarray | None = None
    for source, regions in found.items():
        item = Item(source, sample.image, sample.prompt, regions, sample.seed, sample.kind)
        heard = read_out(thinker, item, Sampling(max_new_tokens=160))
        if heard is None:
            return {}
        if without_elements is None:  # the text is the same, whatever the regions
            without_elements = _steps_without(thinker, heard, sample, elements, keep)
        effects = over_spans(estimator.estimate(heard.features)[0].T.astype(np.float64), heard.spans)
        own = half_masks(len(regions), masks, sample.seed)
        seen[source] = Seen(
            regions=len(regions),
            own=lds(effects.T, own, _steps_without(thinker, heard, sample, regions, own)),
            common=spearman(kept_shares(regions, elements, keep) @ effects, without_elements),
        )
    return seen


def _steps_without(
    thinker: Thinker, heard: Heard, sample: Sample, regions: RegionMap, keep: np.ndarray
) -> np.ndarray:
    """Log-probability of each step under each mask: float64 [M, steps], nats."""
    rows = measure(thinker, heard.prepared, sample.image, regions, heard.token_ids, keep)
    return over_spans(rows.astype(np.float64), heard.spans)


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
        if "sam" in screens[0]:
            behind = [screen["sam"].common - screen[source].common for screen in screens]
            figures[source]["behind_sam"] = asdict(bootstrap_groups(behind))
    return figures


def table(figures: dict[str, dict[str, Any]]) -> str:
    """The figures as a table for people and for the documentation."""
    lines = ["| regions | a screen | LDS, elements removed | behind SAM | LDS, own regions removed |"]
    lines.append("|---|---|---|---|---|")
    for source, found in figures.items():
        cells = [f"`{source}`", f"{found['regions']:.1f}", told(found["common"])]
        cells += [told(found["behind_sam"]) if "behind_sam" in found else "", told(found["own"])]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def told(interval: dict[str, float]) -> str:
    """A mean with its interval, as ".71 [.66, .75]"."""
    mean, low, high = (f"{interval[name]:.2f}".replace("0.", ".") for name in ("mean", "low", "high"))
    return f"{mean} [{low}, {high}]"


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
