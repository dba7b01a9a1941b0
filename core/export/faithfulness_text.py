"""What the README says of faithfulness, written from a result of the benchmark."""

from __future__ import annotations

import textwrap
from typing import Any, Final

import numpy as np

from core.agreement import RELIANT
from core.attribution.registry import CEILING
from core.comparison import EVERY
from core.figure_text import short, short_interval

WIDTH: Final = 119

ROWS: Final = {
    "random": "random",
    "mean attention": "mean attention",
    "prior": "attention, sink- and area-corrected",
    "attention rollout": "attention rollout",
    "linear attention": "the paper's linear map of attention",
    "gradient × input": "gradient × input",
    "integrated gradients": "integrated gradients",
    "estimator": "**estimator**",
    "leave-one-out": "leave-one-out",
    "ridge 64": "ridge on 64 ablations of the same text",
    "ridge 256": "ridge on 256",
}
"""Methods of the README's table, and what it calls them; the JSON beside it has all."""


def section(result: dict[str, Any]) -> str:
    """What ``core.comparison.summarize`` returned, as Markdown."""
    kinds = result["kinds"]
    each = set(kinds.values())
    samples = max(each)
    per_kind = f"{samples if len(each) == 1 else f'{min(each)} to {samples}'} of each kind"
    asked = {"--samples": (samples, 100), "--every": (result["every"], EVERY)}
    command = "uv run sightline bench faithfulness" + "".join(
        f" {option} {value}" for option, (value, usual) in asked.items() if value != usual
    )
    half = ", run in bfloat16" if result["precision"] == "bfloat16" else ""
    parts = [
        _wrapped(
            "**Faithfulness.** Regions are removed by random halves, and the model is asked again. LDS, the "
            "linear datamodeling score, is the rank correlation of what a method foretells with what was "
            f"measured: 1 is perfect, 0 is chance. {result['screens']} held-out screens ({per_kind}), "
            f"{result['masks']} random masks of pixels each{half}, 95 % bootstrap intervals; methods with "
            f"passes of their own on {result['thorough_screens']} of the screens (`{command}`; [all methods "
            "and columns](docs/faithfulness.json))."
        ),
        _table(result["methods"]),
        _wrapped(
            "*Steps*: LDS of all steps of the reasoning. *Those that rest on it*: of steps whose measured "
            f"reliance on the screenshot is at least {RELIANT:g} nat. *Read* and *carried tokens*: LDS of "
            "words read off the screenshot, and of words that came from it through earlier thoughts. "
            "*Pointing*: how often the region with the largest effect holds the element that a word was read "
            "from. *Forward passes*: means; of random ablations, those that differ (few regions have few). "
            "*Encodings* are passes of the vision encoder alone, once for a screenshot and its regions, "
            "however long the text. *Random* scores are all positive, so they count the regions that are "
            "kept, and that alone foretells something."
        ),
    ]
    said = [_wrapped(text) for text in (_of_ceiling(result), _trust(result)) if text]
    return "\n\n".join([*parts, *said]) + "\n"


def _table(methods: dict[str, Any]) -> str:
    lines = [
        "| method | steps | those that rest on it | read tokens | carried tokens | pointing | R², nats "
        "| forward passes |",
        "|" + "---|" * 8,
    ]
    for name, title in ROWS.items():
        if name not in methods:
            continue
        row = methods[name]
        figures = [row[column]["mean"] for column in ("direct_tokens", "carried_tokens", "pointing", "r2")]
        passes = f"{row['passes']:.0f}" + (f" + {row['encodings']:.0f} encodings" if row["encodings"] else "")
        cells = [
            *(short_interval(row[of]) for of in ("steps", "reliant_steps")),
            *map(_figure, figures),
            passes,
        ]
        if name == "estimator":
            cells = [f"**{cell}**" for cell in cells]
        lines.append(f"| {' | '.join([title, *cells])} |")
    return "\n".join(lines)


def _of_ceiling(result: dict[str, Any]) -> str:
    """A sentence on how near the estimator comes to ablations of the same text, on the same screens."""
    methods = result["methods"]
    if not {"estimator", CEILING} <= methods.keys():
        return ""
    share = {of: short_interval(ratio) for of, ratio in methods["estimator"]["share_of_ceiling"].items()}
    moved = result["moved"]
    still = {of: 100 * (1 - moved[of]["reliant"] / moved[of]["targets"]) for of in ("steps", "tokens")}
    return (
        f"On the {methods[CEILING]['screens']} screens that both were judged on, the estimator reaches "
        f"{share['reliant_steps']} of the LDS of {CEILING} for steps that rest on the screenshot and "
        f"{share['reliant_tokens']} for such tokens, {share['steps']} and {share['tokens']} for all, and "
        f"{share['r2']} of its R² in nats. What does not rest on it ({still['steps']:.0f} % of the steps, "
        f"{still['tokens']:.0f} % of the tokens) mostly copies earlier thoughts, and hardly moves: random "
        f"masks move such a step by about {_plain(moved['steps']['spread'])} nats, and one that rests on it "
        f"by about {_plain(moved['steps']['spread_of_reliant'])} (medians of the standard deviation)."
    )


def _plain(value: float | None) -> str:
    """``0.00001``: one digit that counts, and no exponent."""
    return "–" if value is None else np.format_float_positional(float(f"{value:.1g}"), trim="-")


def _trust(result: dict[str, Any]) -> str:
    """A sentence on the flag and one on intervals, where the result has them (older ones do not)."""
    said = []
    flag = result.get("flag")
    if flag and "estimated reliance" in flag["tokens"]["auc"]:
        estimated, looked = (
            {of: short_interval(flag[of]["auc"][name]) for of in ("tokens", "steps")}
            for name in ("estimated reliance", "attention on the image")
        )
        said.append(
            f"**Trust.** *No visual evidence* (a reliance below {flag['threshold']} nats) is told from the "
            f"rest with an area under the ROC curve of {estimated['tokens']} for tokens and "
            f"{estimated['steps']} for steps; by attention on the image alone, with {looked['tokens']} and "
            f"{looked['steps']}."
        )
    intervals = result.get("intervals")
    if intervals:
        tokens, steps = intervals["tokens"], intervals["steps"]
        said.append(
            f"{100 * intervals['nominal']:.0f} % intervals hold {_percent(tokens['coverage'])} of the "
            f"measured effects of single regions on tokens (mean width {tokens['width']['mean']:.2f} nats) "
            f"and {_percent(steps['coverage'])} of those on steps ({steps['width']['mean']:.2f} nats)."
        )
    return " ".join(said)


def _percent(interval: dict[str, Any]) -> str:
    low, high = (f"{100 * interval[end]:.1f}" for end in ("low", "high"))
    return f"{100 * interval['mean']:.1f} % [{low}, {high}]"


def _figure(value: float | None) -> str:
    """As ``short``, but ``<0`` for whatever is below 0: how far below tells nothing."""
    text = short(value)
    return "<0" if text.startswith("-") else text


def _wrapped(text: str) -> str:
    return "\n".join(textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False))
