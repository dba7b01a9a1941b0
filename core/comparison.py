"""Compares attribution methods over screens: the same texts, the same unseen masks. Imports torch."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any, Final

import numpy as np

from core.agreement import RELIANT
from core.attribution.linear_attention import LinearAttention
from core.attribution.method import Method, OpenModel
from core.attribution.registry import CEILING
from core.calibration import Item, Say
from core.faithfulness import Interval, bootstrap_groups, bootstrap_ratio
from core.flag import ESTIMATOR, judge_flag
from core.intervals import NOMINAL
from core.judging import BEST_SUM, CURVE_COLUMNS, LDS_COLUMNS, Judged, Score, Setting, judge
from core.links import LITTLE_EVIDENCE
from core.run import EffectEstimator
from core.thinking import ShouldStop
from core.trace import Sampling

SCHEMA: Final = "sightline.faithfulness/5"
EVERY: Final = 10
"""One screen in so many is judged thoroughly by the benchmark, where nothing else is asked for."""
SHARED: Final = ("steps", "tokens", "reliant_steps", "reliant_tokens")
"""Columns whose share of the ceiling is told."""
COLUMNS: Final = (*LDS_COLUMNS, "pointing", *CURVE_COLUMNS)


def judge_all(
    thinker: OpenModel,
    items: Iterable[Item],
    setting: Setting,
    every: int = 1,
    seconds: float = math.inf,
    say: Say | None = None,
    should_stop: ShouldStop | None = None,
) -> Iterator[Judged]:
    """Judge screens one after the other.

    Args:
        items: held-out screens.
        every: one screen in so many of each kind is judged thoroughly: costly methods and curves.
        seconds: stop taking screens after that long.
    """
    began, seen = time.monotonic(), dict[str, int]()
    for item in items:
        if time.monotonic() - began > seconds or (should_stop is not None and should_stop()):
            break
        count = seen.get(item.kind, 0)
        judged = judge(thinker, item, setting, thorough=count % every == 0)
        if judged is None:
            continue
        seen[item.kind] = count + 1
        if say is not None:
            say(f"Judged {sum(seen.values())} screens", None)
        yield judged


def compare(
    thinker: OpenModel,
    estimator: EffectEstimator | None,
    items: Iterable[Item],
    methods: Sequence[Method],
    masks: int = 64,
    sampling: Sampling | None = None,
    batch: int = 16,
    seconds: float = math.inf,
    say: Say | None = None,
    should_stop: ShouldStop | None = None,
    linear: LinearAttention | None = None,
    every: int = 1,
    half: bool = False,
    curves: bool = True,
) -> dict[str, Any]:
    """Judge methods over screens and sum up; arguments as in ``judge_all`` and ``Setting``."""
    setting = Setting(methods, estimator, linear, masks, sampling or Sampling(), batch, half, curves)
    judged = list(judge_all(thinker, items, setting, every, seconds, say, should_stop))
    return summarize(judged, methods, masks, half)


def summarize(
    judged: Sequence[Judged], methods: Sequence[Method], masks: int, half: bool = False
) -> dict[str, Any]:
    """The result of a comparison as plain JSON, with 95 % bootstrap intervals over screens.

    Returns:
        {"schema", "operator", "masks", "precision", "screens", "thorough_screens", "kinds": {kind: screens},
        "tokens", "seconds_per_pass", "moved": {"threshold" (``RELIANT``, nats), "tokens", "steps"}, each
        {"targets", "reliant", "spread", "spread_of_reliant"}: how many rely on the screenshot, and how far
        random masks move the others and those (median standard deviation over masks, nats),
        "flag": {"threshold" (nats), "tokens", "steps"} with what ``core.flag.judge_flag`` says of each,
        "intervals": {"nominal", "tokens", "steps",
        "kinds": {kind: {"tokens", "steps"}}} with "coverage", "width" (nats), "coverage_of_large" and
        "width_of_large" of each, or None without intervals,
        "methods": {name: {"description", "in_nats", "screens", "passes", "encodings",
        "seconds_per_token", each of ``COLUMNS``, "r2", "slope",
        "share_of_ceiling": {each of ``SHARED``, "r2"},
        "kinds": {kind: {each of ``COLUMNS``, "r2", "slope"}}}}}. Each column is {"mean", "low", "high",
        "count"}; ``passes``, ``encodings`` and ``seconds_per_token`` are means. The share of the ceiling is
        the ratio of LDS (or of R²) to that of ``CEILING`` over the screens that both were judged on.
    """
    kinds = sorted({one.kind for one in judged if one.kind})
    described = {method.name: (method.description, method.in_nats) for method in methods}
    encode = {method.name for method in methods if method.encodes}
    described[BEST_SUM] = ("ridge regression on the very masks that judge: the best that a sum can do", True)
    rows = {}
    for name, (description, in_nats) in described.items():
        mine = [one for one in judged if name in one.scores]
        if not mine:
            continue
        tokens = sum(one.tokens for one in mine)
        rows[name] = {
            "description": description,
            "in_nats": in_nats,
            "screens": len(mine),
            "passes": round(float(np.mean([one.scores[name].passes for one in mine])), 1),
            "encodings": round(float(np.mean([one.encodings for one in mine])), 1) if name in encode else 0.0,
            "seconds_per_token": sum(one.scores[name].seconds for one in mine) / max(tokens, 1),
            **_block([one.scores[name] for one in mine]),
            "share_of_ceiling": {
                **{of: asdict(_share_of_ceiling(mine, name, of)) for of in SHARED},
                "r2": asdict(_explained_of_ceiling(mine, name)),
            },
            "kinds": {kind: _block([one.scores[name] for one in mine if one.kind == kind]) for kind in kinds},
        }
    return {
        "schema": SCHEMA,
        "operator": "pixels",
        "masks": masks,
        "precision": "bfloat16" if half else "model",
        "screens": len(judged),
        "thorough_screens": sum(one.thorough for one in judged),
        "kinds": {kind: sum(one.kind == kind for one in judged) for kind in kinds},
        "tokens": sum(one.tokens for one in judged),
        "seconds_per_pass": float(np.mean([one.seconds_per_pass for one in judged])) if judged else None,
        "moved": {"threshold": RELIANT, **{of: _moved(judged, of) for of in ("tokens", "steps")}},
        "flag": {
            "threshold": LITTLE_EVIDENCE,
            **{
                of: judge_flag([one.reliance[of] for one in judged], [one.flags[of] for one in judged])
                for of in ("tokens", "steps")
            },
        },
        "intervals": _intervals(judged, kinds),
        "methods": rows,
    }


def _moved(judged: Sequence[Judged], of: str) -> dict[str, Any]:
    """How far random masks move targets that rely on the screenshot, and those that do not."""
    reliance, spread = (
        np.concatenate([np.zeros(0), *(values[of] for values in each)])
        for each in ([one.reliance for one in judged], [one.spread for one in judged])
    )
    reliant = reliance >= RELIANT
    medians = [float(np.median(spread[kept])) if kept.any() else None for kept in (~reliant, reliant)]
    return {
        "targets": len(reliant),
        "reliant": int(reliant.sum()),
        "spread": medians[0],
        "spread_of_reliant": medians[1],
    }


def _intervals(judged: Sequence[Judged], kinds: Sequence[str]) -> dict[str, Any] | None:
    """What the estimator's intervals hold, overall and by kind; None where it gives none."""
    judged = [one for one in judged if one.coverage]
    if not judged:
        return None

    def block(of: str, kind: str | None) -> dict[str, Any]:
        sums = np.array([one.coverage[of] for one in judged if kind in (None, one.kind)]).reshape(-1, 6)
        return {
            "coverage": asdict(bootstrap_ratio(sums[:, 0], sums[:, 1])),
            "width": asdict(bootstrap_ratio(sums[:, 2], sums[:, 1])),
            "coverage_of_large": asdict(bootstrap_ratio(sums[:, 3], sums[:, 4])),
            "width_of_large": asdict(bootstrap_ratio(sums[:, 5], sums[:, 4])),
        }

    return {
        "nominal": NOMINAL,
        **{of: block(of, None) for of in ("tokens", "steps")},
        "kinds": {kind: {of: block(of, kind) for of in ("tokens", "steps")} for kind in kinds},
    }


def _block(scores: Sequence[Score]) -> dict[str, dict[str, Any]]:
    """Every column of some screens' scores, as plain JSON."""
    none = np.zeros(0)
    block = {
        name: asdict(bootstrap_groups([score.columns.get(name, none) for score in scores]))
        for name in COLUMNS
    }
    sums = np.array([score.scale for score in scores if score.scale is not None]).reshape(-1, 4)
    missed = bootstrap_ratio(sums[:, 0], sums[:, 1])
    block["r2"] = asdict(
        missed
        if missed.mean is None or missed.low is None or missed.high is None
        else Interval(1 - missed.mean, 1 - missed.high, 1 - missed.low, missed.count)
    )
    block["slope"] = asdict(bootstrap_ratio(sums[:, 2], sums[:, 3]))
    return block


def _share_of_ceiling(judged: Sequence[Judged], name: str, column: str) -> Interval:
    both = [one.scores for one in judged if CEILING in one.scores]
    return bootstrap_ratio(
        np.array([scores[name].columns[column].sum() for scores in both]),
        np.array([scores[CEILING].columns[column].sum() for scores in both]),
    )


def _explained_of_ceiling(judged: Sequence[Judged], name: str) -> Interval:
    """Ratio of R² to that of ``CEILING``: both are shares of the same variation over masks."""
    pairs = [(one.scores[name].scale, one.scores[CEILING].scale) for one in judged if CEILING in one.scores]
    explained = np.array(
        [
            [mine[1] - mine[0], best[1] - best[0]]
            for mine, best in pairs
            if mine is not None and best is not None
        ]
    ).reshape(-1, 2)
    return bootstrap_ratio(explained[:, 0], explained[:, 1])


def table(result: dict[str, Any]) -> str:
    """The result as text for a terminal."""
    kinds: list[str] = list(result["kinds"])
    names = {"steps": "steps", "tokens": "tokens", "carried_tokens": "carried", "direct_tokens": "direct"}
    lines = [
        "LDS of steps with 95 % intervals, then by kind, of tokens, of tokens that carry evidence on and of "
        f"those that read it. {result['screens']} screens ({result['thorough_screens']} of them for costly "
        f"methods and curves), {result['masks']} masks each, operator {result['operator']}.",
        _line("method", "steps", ["", *kinds, *list(names.values())[1:]]),
    ]
    for name, row in result["methods"].items():
        steps = row["steps"]
        cells = [_range(steps)]
        cells += [number(row["kinds"][kind]["steps"]["mean"]) for kind in kinds]
        cells += [number(row[column]["mean"]) for column in list(names)[1:]]
        lines.append(_line(name, number(steps["mean"]), cells))
    columns: dict[str, Callable[[dict[str, Any]], str]] = {
        "R² nats": lambda row: number(row["r2"]["mean"]),
        "slope": lambda row: number(row["slope"]["mean"]),
        "pointing": lambda row: number(row["pointing"]["mean"]),
        "deletion": lambda row: number(row["deletion"]["mean"]),
        "insertion": lambda row: number(row["insertion"]["mean"]),
        "top-1": lambda row: number(row["top1"]["mean"]),
        "top-3": lambda row: number(row["top3"]["mean"]),
        "top-5": lambda row: number(row["top5"]["mean"]),
        "of ceiling": lambda row: number(row["share_of_ceiling"]["steps"]["mean"]),
        "passes": lambda row: f"{row['passes']:.0f}",
        "encodings": lambda row: f"{row['encodings']:.0f}",
        "ms/token": lambda row: f"{row['seconds_per_token'] * 1000:.3g}",
    }
    lines += ["", f"{'method':<22}" + "".join(f"{name:>11}" for name in columns)]
    for name, row in result["methods"].items():
        lines.append(f"{name:<22}" + "".join(f"{show(row):>11}" for show in columns.values()))
    lines += ["", *_flag_lines(result["flag"])]
    if result["intervals"] is not None:
        lines += ["", *_interval_lines(result["intervals"])]
    return "\n".join(lines)


def _flag_lines(flag: dict[str, Any]) -> list[str]:
    lines = [
        f"No visual evidence (measured reliance below {flag['threshold']} nats), area under the ROC curve:",
        f"{'score':<26}{'tokens':>8} {'':<15}{'steps':>8}",
    ]
    for name in flag["tokens"]["auc"]:
        cells = [flag[of]["auc"][name] for of in ("tokens", "steps")]
        lines.append(f"{name:<26}" + " ".join(f"{number(at['mean']):>8} {_range(at):<14}" for at in cells))
    for of in ("tokens", "steps"):
        one = flag[of]
        text = f"{one['without']:,} of {one['targets']:,} {of} lack it"
        if ESTIMATOR in one["auc"]:
            text += f"; {number(one['right']['mean'])} of those flagged do"
            text += f", {number(one['found']['mean'])} of those that do are flagged"
        lines.append(text)
    return lines


def _interval_lines(intervals: dict[str, Any]) -> list[str]:
    lines = [
        f"Intervals, nominally {intervals['nominal']:.0%}: share of measured single drops inside, and mean "
        "width in nats; then of drops of at least 0.1 nats",
        f"{'':<22}" + "".join(f"{head:>14}" for head in "tokens width large steps width large".split()),
    ]
    columns = ("coverage", "width", "coverage_of_large")
    for name, block in (("all", intervals), *intervals["kinds"].items()):
        cells = [block[of][column]["mean"] for of in ("tokens", "steps") for column in columns]
        lines.append(f"{name:<22}" + "".join(f"{number(cell):>14}" for cell in cells))
    return lines


def _range(interval: dict[str, Any]) -> str:
    return f"[{number(interval['low'])}, {number(interval['high'])}]"


def _line(name: str, steps: str, cells: Sequence[str]) -> str:
    return f"{name:<22}{steps:>6} {cells[0]:<15}" + "".join(f"{cell:>10}" for cell in cells[1:])


def number(value: float | None) -> str:
    """A figure of the table, or a dash for none."""
    return "–" if value is None else f"{value:.3f}"
