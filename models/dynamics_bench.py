"""Does the shape of a reasoning warn of a wrong answer, and how early? Imports torch.

Generated screens, some of them blurred until the model errs; the warning is judged by the area under the ROC
curve over screens, from the first part of each text alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from PIL import Image

from core.calibration import Heard, Item, Say, read_out
from core.comparison import number
from core.dynamics import MEASURES, shape_of
from core.faithfulness import Interval, over_spans, roc_auc
from core.run import EffectEstimator
from core.trace import Sampling
from models.bundled.estimator.items import element_map
from models.bundled.screens import HELD_OUT, KINDS, Sample, generate
from models.thinker import Thinker

SHARES: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
BLURS: Final = (1.0, 0.6, 0.45, 0.35)
"""Each screen is shrunk to one of these, in turn, and enlarged again."""
FIRST_SEED: Final = 700_000
DOUBT: Final = "doubt"
"""Not of the path: minus the mean log-probability of the tokens so far, what anyone could look at."""
PATHS: Final = ("steps", "tokens")


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """One text: measures by (path, measure), each over ``SHARES``, and whether its answer is wrong."""

    kind: str
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


def bench_dynamics(
    thinker: Thinker,
    estimator: EffectEstimator,
    samples: int = 100,
    max_new_tokens: int = 160,
    say: Say | None = None,
) -> dict[str, Any]:
    """AUC with which the shape of the first part of a text tells that its answer will be wrong.

    Args:
        samples: screens of each kind, a quarter of them at each of ``BLURS``.

    Returns:
        plain JSON: {"screens", "wrong", "kinds": {kind: {"screens", "wrong"}}, "blurs", "shares",
        "auc": {path: {measure: [{"mean", "low", "high", "count"} for each share]}}}. Above ½: a larger value
        speaks for a wrong answer.
    """
    seen: list[Seen] = []
    for sample, pixels in _screens(samples):
        item = Item(f"{sample.kind}-{sample.seed}", pixels, sample.prompt, element_map(sample), sample.seed)
        heard = read_out(thinker, item, Sampling(max_new_tokens=max_new_tokens))
        if heard is not None:
            effects = estimator.estimate(heard.features)[0]
            wrong = answer_of(heard, thinker.markers.close) != " ".join(sample.answer.split())
            seen.append(Seen(sample.kind, wrong, measures_of(effects, heard)))
        if say is not None:
            say(f"Read {len(seen)} of {samples * len(KINDS)} screens", len(seen) / (samples * len(KINDS)))
    wrong_ones = np.array([one.wrong for one in seen], bool)
    return {
        "schema": "sightline.dynamics/1",
        "screens": len(seen),
        "wrong": int(wrong_ones.sum()),
        "kinds": {
            kind: {
                "screens": sum(one.kind == kind for one in seen),
                "wrong": sum(one.wrong for one in seen if one.kind == kind),
            }
            for kind in KINDS
        },
        "blurs": list(BLURS),
        "shares": list(SHARES),
        "auc": {
            path: {
                measure: [
                    asdict(_auc([one.measures[path, measure][i] for one in seen], wrong_ones))
                    for i in range(len(SHARES))
                ]
                for measure in (*MEASURES, DOUBT)
            }
            for path in PATHS
        },
    }


def _screens(samples: int) -> Iterator[tuple[Sample, np.ndarray]]:
    for index in range(samples):
        for kind in KINDS:
            sample = generate(kind, HELD_OUT + FIRST_SEED + index)
            yield sample, blurred(sample.image, BLURS[index % len(BLURS)])


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


def _auc(values: Sequence[float], wrong: np.ndarray, draws: int = 500) -> Interval:
    """AUC with a 95 % bootstrap interval over screens; nothing without both outcomes."""
    scores = np.asarray(values, np.float64)
    if wrong.all() or not wrong.any():
        return Interval(None, None, None, len(scores))
    rng, drawn = np.random.default_rng(0), []
    for _ in range(draws):
        picks = rng.integers(0, len(scores), len(scores))
        if wrong[picks].any() and not wrong[picks].all():
            drawn.append(roc_auc(scores[picks], wrong[picks]))
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(roc_auc(scores, wrong), float(low), float(high), len(scores))


def table(result: dict[str, Any]) -> str:
    """The result as text for a terminal."""
    shares: Sequence[float] = result["shares"]
    lines = [
        f"AUC of foretelling a wrong answer, {result['screens']} screens, {result['wrong']} answers wrong; "
        "above .5 a larger value speaks for a wrong answer",
        f"{'path':<8}{'measure':<15}" + "".join(f"{share:>7.0%}" for share in shares),
    ]
    for path, measures in result["auc"].items():
        for measure, row in measures.items():
            lines.append(f"{path:<8}{measure:<15}" + "".join(f"{number(at['mean']):>7}" for at in row))
    return "\n".join(lines)
