"""Does the shape of a reasoning warn of a wrong answer, and how early? Imports torch.

Generated screens, most of them degraded until the model errs; the warning is judged by the area under the ROC
curve over screens, from the first part of each text alone.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from PIL import Image

from core.calibration import Heard, Item, Say, read_out
from core.comparison import number
from core.dynamics import MEASURES, shape_of
from core.faithfulness import bootstrap_auc, over_spans, roc_auc
from core.figure_text import short
from core.regions import RegionMap, region_map_from_labels
from core.run import EffectEstimator
from core.trace import Sampling
from models.bundled.estimator.items import element_map
from models.bundled.screens import HELD_OUT, KINDS, generate
from models.thinker import Thinker

SCHEMA: Final = "sightline.dynamics/2"
SHARES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
DEGRADATIONS: Final = (
    ("none", 0.0), ("blur", 0.45), ("noise", 40.0), ("shrink", 0.9),
    ("blur", 0.35), ("noise", 60.0), ("blur", 0.25), ("shrink", 0.8),
)  # fmt: skip
"""What is done to screens, in turn, and how much of it: the share of the size that blurring and shrinking
leave, the standard deviation of the noise in grey levels."""
FIRST_SEED: Final = 700_000
DOUBT: Final = "doubt"
"""Not of the path: minus the mean log-probability of the tokens so far, what anyone could look at."""
TOLD: Final = (0.1, 0.3, 0.5, 0.7, 1.0)
"""Of ``SHARES``, those that the documentation shows."""
PATHS: Final = ("steps", "tokens")


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One text: measures by (path, measure), each over ``SHARES``, and whether its answer is wrong."""

    kind: str
    degraded: str
    wrong: bool
    measures: dict[tuple[str, str], list[float]]


def blurred(image: np.ndarray, factor: float) -> np.ndarray:
    """The image, uint8 [H, W, 3], shrunk to ``factor`` of its size and enlarged again; 1 leaves it alone."""
    if factor == 1.0:
        return image
    height, width = image.shape[:2]
    small = (max(1, round(width * factor)), max(1, round(height * factor)))
    picture = Image.fromarray(image).resize(small, Image.Resampling.BOX)
    return np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))


def shrunken(image: np.ndarray, factor: float, fill: np.ndarray | int) -> np.ndarray:
    """The image, uint8 [H, W] or [H, W, 3], at ``factor`` of its size, in the upper left of a whole sheet.

    Labels [H, W] are not mixed.
    """
    height, width = image.shape[:2]
    rows, columns = max(1, round(height * factor)), max(1, round(width * factor))
    method = Image.Resampling.BOX if image.ndim == 3 else Image.Resampling.NEAREST
    result = np.empty_like(image)
    result[:] = fill
    result[:rows, :columns] = np.asarray(Image.fromarray(image).resize((columns, rows), method))
    return result


def noisy(image: np.ndarray, spread: float) -> np.ndarray:
    """The image, uint8, with normal noise of standard deviation ``spread``; the same for the same size."""
    noise = np.random.default_rng(0).normal(0.0, spread, image.shape)
    return (image + noise).clip(0, 255).astype(np.uint8)


def degraded(image: np.ndarray, regions: RegionMap, how: str, amount: float) -> tuple[np.ndarray, RegionMap]:
    """A screen and its regions after one of ``DEGRADATIONS``."""
    match how:
        case "blur":
            return blurred(image, amount), regions
        case "noise":
            return noisy(image, amount), regions
        case "shrink":
            labels = shrunken(regions.labels.astype(np.uint8), amount, 0)
            return shrunken(image, amount, image[0, 0]), region_map_from_labels(labels)
    return image, regions


def bench_dynamics(
    thinker: Thinker,
    estimator: EffectEstimator,
    samples: int = 100,
    max_new_tokens: int = 160,
    say: Say | None = None,
) -> dict[str, Any]:
    """AUC with which the shape of the first part of a text tells that its answer will be wrong.

    Args:
        samples: screens of each kind; each of ``DEGRADATIONS`` takes its turn.

    Returns:
        plain JSON: {"screens", "wrong", "kinds": {kind: {"screens", "wrong"}},
        "degradations": {name: {"screens", "wrong"}}, "shares",
        "auc": {path: {measure: [{"mean", "low", "high", "count", "alike"} for each share]}}}. Above ½: a
        larger value speaks for a wrong answer. "alike" compares only screens that were degraded in the same
        way, so that what merely shows the degradation counts for nothing.
    """
    seen: list[Seen] = []
    total = samples * len(KINDS)
    for index in range(total):
        kind, place = KINDS[index % len(KINDS)], index // len(KINDS)
        sample = generate(kind, HELD_OUT + FIRST_SEED + place)
        how, amount = DEGRADATIONS[place % len(DEGRADATIONS)]
        pixels, regions = degraded(sample.image, element_map(sample), how, amount)
        item = Item(f"{kind}-{sample.seed}", pixels, sample.prompt, regions, sample.seed)
        heard = read_out(thinker, item, Sampling(max_new_tokens=max_new_tokens))
        if heard is not None:
            effects = estimator.estimate(heard.features)[0]
            wrong = answer_of(heard, thinker.markers.close) != " ".join(sample.answer.split())
            name = how if how == "none" else f"{how} {amount:g}"
            seen.append(Seen(kind, name, wrong, measures_of(effects, heard)))
        if say is not None:
            say(f"Read {index + 1} of {total} screens", (index + 1) / total)
    return {
        "schema": SCHEMA,
        "screens": len(seen),
        "wrong": sum(one.wrong for one in seen),
        "kinds": _counts(seen, [one.kind for one in seen]),
        "degradations": _counts(seen, [one.degraded for one in seen]),
        "shares": list(SHARES),
        "auc": {
            path: {
                measure: [_auc(seen, (path, measure), place) for place in range(len(SHARES))]
                for measure in (*MEASURES, DOUBT)
            }
            for path in PATHS
        },
    }


def _counts(seen: Sequence[Seen], groups: Sequence[str]) -> dict[str, dict[str, int]]:
    """How many screens each group has, and how many of their answers are wrong."""
    return {
        name: {
            "screens": groups.count(name),
            "wrong": sum(one.wrong for one, group in zip(seen, groups, strict=True) if group == name),
        }
        for name in dict.fromkeys(groups)
    }


def answer_of(heard: Heard, close: int | None) -> str:
    """What was written after the thinking, white space made one; empty if the thinking never ended."""
    if close not in heard.token_ids:
        return ""
    return " ".join("".join(heard.texts[heard.token_ids.index(close) + 1 :]).split())


def measures_of(effects: np.ndarray, heard: Heard) -> dict[tuple[str, str], list[float]]:
    """All measures after each of ``SHARES`` of the tokens, for the path of steps and that of tokens.

    Args:
        effects: [T, regions], nats.
    """
    found: dict[tuple[str, str], list[float]] = {}
    log_probs = heard.features.log_prob.float().cpu().numpy()
    for share in SHARES:
        count = max(1, round(share * len(effects)))
        spans = [span for span in heard.spans if span[1] <= count]
        steps = over_spans(effects.T, spans).T if spans else effects[:0]
        for path, vectors in (("steps", steps), ("tokens", effects[:count])):
            shape = shape_of(vectors)
            for measure in MEASURES:
                found.setdefault((path, measure), []).append(float(getattr(shape, measure)))
            found.setdefault((path, DOUBT), []).append(float(-log_probs[:count].mean()))
    return found


def _auc(seen: Sequence[Seen], measure: tuple[str, str], place: int) -> dict[str, Any]:
    """AUC of a measure after one of ``SHARES``: overall, with a 95 % interval, and among screens alike."""
    values = np.array([one.measures[measure][place] for one in seen])
    wrong = np.array([one.wrong for one in seen], bool)
    overall = bootstrap_auc(list(values[:, None]), list(wrong[:, None]))
    return asdict(overall) | {"alike": auc_alike(values, wrong, [one.degraded for one in seen])}


def auc_alike(values: np.ndarray, positive: np.ndarray, groups: Sequence[str]) -> float | None:
    """The share of pairs of one positive and one negative *of the same group* that values, [n], put in order.

    None where no group has both.
    """
    members, above, pairs = np.array(groups), 0.0, 0
    for group in set(groups):
        mine = members == group
        count = int(positive[mine].sum()) * int((~positive[mine]).sum())
        if count:
            above += roc_auc(values[mine], positive[mine]) * count
            pairs += count
    return above / pairs if pairs else None


def table(result: dict[str, Any]) -> str:
    """The result as text for a terminal."""
    shares: Sequence[float] = result["shares"]
    lines = [
        f"AUC of foretelling a wrong answer, {result['screens']} screens, {result['wrong']} answers wrong; "
        "above .5 a larger value speaks for a wrong answer. Second line: among screens degraded alike",
        f"{'path':<8}{'measure':<15}" + "".join(f"{share:>7.0%}" for share in shares),
    ]
    for path, measures in result["auc"].items():
        for measure, row in measures.items():
            lines.append(f"{path:<8}{measure:<15}" + "".join(f"{number(at['mean']):>7}" for at in row))
            lines.append(" " * 23 + "".join(f"{number(at['alike']):>7}" for at in row))
    lines.append(
        "Wrong answers: "
        + ", ".join(
            f"{name} {one['wrong']} of {one['screens']}" for name, one in result["degradations"].items()
        )
    )
    return "\n".join(lines)


def section(result: dict[str, Any]) -> str:
    """The result as Markdown: of the path of steps, overall and among screens degraded alike."""
    samples = max(one["screens"] for one in result["kinds"].values())
    command = "sightline bench dynamics" + (f" --samples {samples}" if samples != 100 else "")
    wrong = "; ".join(
        f"{name} {one['wrong']} of {one['screens']}" for name, one in result["degradations"].items()
    )
    places = [result["shares"].index(share) for share in TOLD]
    lines = [
        *textwrap.wrap(
            f"`{command}`: {result['screens']} screens, {result['wrong']} answers wrong ({wrong}). AUC with "
            "which each measure foretells a wrong answer after a share of the text, with its 95 % interval, "
            "then among screens degraded alike:",
            119,
        ),
        "",
        f"| measure | {' | '.join(f'{share:.0%}'.replace('%', ' %') for share in TOLD)} |",
        "|" + "---|" * (len(TOLD) + 1),
    ]
    for measure, row in result["auc"]["steps"].items():
        cells = [
            "{} [{}, {}], {}".format(*(short(at[name]) for name in ("mean", "low", "high", "alike")))
            for at in (row[place] for place in places)
        ]
        lines.append(f"| {measure} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
