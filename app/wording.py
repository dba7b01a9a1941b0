"""How numbers and findings are worded, the same in every pane.

Everything that the model or a file wrote (token text, region names) goes through ``plain_tooltip`` before it
reaches a tool tip: Qt would otherwise guess that "<b>" is markup.
"""

from __future__ import annotations

import html
import math

import numpy as np

from core.counted import counted
from core.following import follow
from core.intervals import NOMINAL, Bounds
from core.links import LEAST_EFFECT, LITTLE_EVIDENCE, SHARE_OF_STRONGEST, least_effect
from core.quantity import ESTIMATED, Quantity
from core.regions import RegionMap
from core.trace import Trace
from core.trail import trail

NOT_CALIBRATED = (
    "This model has no estimator here. What is shown is where it looks beyond its habits, not what an "
    "ablation would change; only the order of regions means something."
)

ALONE = 0.1
"""Share of the reliance that a region's effect needs for the selection to depend on it by itself: what
several regions say, or an earlier thought has noted, stays likely without any one of them."""

CARRIED = 0.5
"""Of what a selection leads back to, the part that was read before it, from which that is told."""
NAMED = 2
"""Regions that are named where attention leads to several."""


def two_digits(value: float) -> str:
    """``1.3``, ``27`` or ``2,600``: a rough figure with no more digits than it deserves."""
    return f"{float(f'{value:.2g}'):,g}"


def signed_number(value: float, digits: int = 2) -> str:
    """``+4.20``, ``−0.10`` (a true minus sign) or ``0.00``."""
    text = f"{abs(value):.{digits}f}"
    if float(text) == 0.0:
        return text
    return ("+" if value > 0 else "−") + text


def nats(value: float, digits: int = 1) -> str:
    """``4.2 nats`` or ``−0.1 nats``."""
    text = f"{abs(value):.{digits}f} nats"
    return text if value >= 0 or float(text.split()[0]) == 0.0 else "−" + text


def shares(effects: np.ndarray, quantity: Quantity = ESTIMATED) -> np.ndarray:
    """Share of each region in the support: its positive effect over the sum of positive effects.

    Takes and returns float [regions]; regions that do not support the selection get 0, and so do all where
    the support in nats is next to nothing: shares of nothing mean nothing.
    """
    support = np.maximum(np.asarray(effects, np.float64), 0.0)
    total = support.sum()
    least = LEAST_EFFECT if quantity is ESTIMATED else 0.0
    return support / total if total > least else np.zeros_like(support)


def percent(share: float) -> str:
    """``43 %``; a share that is not zero is never rounded to it."""
    if share <= 0:
        return "–"
    return "< 1 %" if share < 0.01 else f"{100 * share:.0f} %"


def region_finding(
    region_map: RegionMap,
    region_id: int,
    effects: np.ndarray | None,
    quantity: Quantity = ESTIMATED,
    bounds: Bounds | None = None,
) -> str:
    """Lines about one region: its name, its estimated effect on the selection and its share, its interval."""
    name = region_map.regions[region_id].name
    if effects is None:
        return name
    effect = f"{signed_number(float(effects[region_id]))} {quantity.unit}"
    effect += " estimated" if quantity is ESTIMATED else f" {quantity.noun}, {quantity.kind}"
    share = float(shares(effects, quantity)[region_id])
    lines = [name, f"{effect} · {percent(share)} of the support" if share > 0 else effect]
    if bounds is not None:
        lines.append(interval_text(float(bounds[0][region_id]), float(bounds[1][region_id])))
    return "\n".join(lines)


def difference_name(quantity: Quantity) -> str:
    """``difference of estimated effects`` or ``difference of uncalibrated attention``."""
    return f"difference of {quantity.kind} {quantity.noun}{'s' if quantity is ESTIMATED else ''}"


def difference_finding(
    region_map: RegionMap, region_id: int, differences: np.ndarray | None, quantity: Quantity = ESTIMATED
) -> str:
    """Lines about one region where two moments or runs are compared: its name, and how much more it counts.

    There is no share: differences are parts of nothing.
    """
    name = region_map.regions[region_id].name
    if differences is None:
        return name
    number = signed_number(float(differences[region_id]))
    return f"{name}\n{number} {quantity.unit}, {difference_name(quantity)}"


def interval_text(lower: float, upper: float) -> str:
    """``90 % interval +0.30 to +1.40 nats``."""
    return f"{percent(NOMINAL)} interval {signed_number(lower)} to {signed_number(upper)} nats"


def selection_finding(trace: Trace, start: int, end: int) -> str:
    """One plain sentence: how much the tokens ``start`` to ``end`` (exclusive) depend on the screenshot."""
    subject = span_name(trace, start, end)
    s = "" if subject.startswith("These") else "s"
    if end > trace.estimated:
        return f"{subject}: effects are not estimated yet."
    if trace.quantity is not ESTIMATED:
        top = int(trace.span_effects(start, end).argmax())
        name = trace.region_map.regions[top].name
        return f"{subject} attend{s} most of all to “{name}”: uncalibrated attention, not an effect."
    reliance = float(trace.reliance[start:end].sum())
    if reliance < -LITTLE_EVIDENCE:
        return f"{subject} would be likelier without the screenshot: {nats(reliance)}."
    if reliance < LITTLE_EVIDENCE:
        return f"{subject} rest{s} on almost no visual evidence: {nats(reliance)}."
    effects = trace.span_effects(start, end)
    top = int(effects.argmax())
    share = float(shares(effects)[top])
    name = trace.region_map.regions[top].name
    if effects[top] < ALONE * reliance:
        return (
            f"{subject} depend{s} on the screenshot: {nats(reliance)}, but on no region alone; the strongest "
            f"is “{name}” with {nats(float(effects[top]))}."
        )
    degree = "mostly" if share >= 0.5 else "most of all"
    return f"{subject} depend{s} on the screenshot: {nats(reliance)}, {degree} on “{name}”."


def span_title(trace: Trace, start: int, end: int) -> str:
    """``Token 12``, ``Step 3`` or ``Tokens 5 to 9``."""
    if end - start == 1:
        return f"Token {start + 1:,}"
    step = trace.step(trace.tokens[start].step)
    if (step.start, step.end) == (start, end):
        return f"Step {step.index + 1}"
    return f"Tokens {start + 1:,} to {end:,}"


def earlier_finding(trace: Trace, start: int, end: int, least: float = 0.02) -> str:
    """One sentence: the earlier thoughts that lead back to what the tokens were taken from; or "".

    It follows attention from token to token; in a trace that knows only the steps attended to, from step to
    step. ``least`` is the share of attention below which nothing is said.
    """
    if trace.quantity is ESTIMATED and start < len(trace.earlier_tokens):
        return _followed_finding(trace, start, end)
    path = trail(trace, start, end, least)
    if not path:
        return ""
    hops = [f"step {step + 1} ({percent(share)} of attention)" for step, share in path]
    where = f"Looked back most at {', and from there at '.join(hops)}"
    step = trace.step(path[-1][0])
    effects = trace.span_effects(step.start, step.end)
    name = f"“{trace.region_map.regions[int(effects.argmax())].name}”"
    if trace.quantity is not ESTIMATED:
        return f"{where}, which attends most of all to {name}."
    if float(trace.reliance[step.start : step.end].sum()) < LITTLE_EVIDENCE:
        return f"{where}, resting on almost no visual evidence."
    return f"{where}, resting on {name}{_and_others(effects, least_effect(trace))}."


def _followed_finding(trace: Trace, start: int, end: int) -> str:
    """Where attention leads from token to token, if a noticeable part of it was read before the span."""
    followed = follow(trace, start, end)
    carried = followed.carried
    if carried.sum() <= CARRIED * (carried.sum() + followed.direct.sum()):
        return ""
    step = int(followed.steps.argmax())
    share = float(followed.steps[step] / carried.sum())
    order = np.argsort(-carried, kind="stable")
    near = order[carried[order] >= SHARE_OF_STRONGEST * carried.max()]
    names = [f"“{trace.region_map.regions[region].name}”" for region in near[:NAMED]]
    more = len(near) - len(names)
    where = f"{' and '.join(names)}{f' and {more} more' if more else ''}"
    reading = f"read at step {step + 1}"
    if share < 0.95:
        reading = f"read most at step {step + 1} ({percent(share)})"
    return f"Looked back: followed from token to token, attention leads to {where}, {reading}."


def _and_others(effects: np.ndarray, least: float) -> str:
    """How many regions besides the strongest a step rests on."""
    near = int((effects >= max(least, SHARE_OF_STRONGEST * float(effects.max()))).sum()) - 1
    return f" and {counted(near, 'other region')}" if near > 0 else ""


def span_name(trace: Trace, start: int, end: int) -> str:
    """``This token``, ``Step 3`` or ``These 5 tokens``."""
    if end - start == 1:
        return "This token"
    step = trace.step(trace.tokens[start].step)
    if (step.start, step.end) == (start, end):
        return f"Step {step.index + 1}"
    return f"These {end - start} tokens"


def token_finding(trace: Trace, index: int) -> str:
    """Lines about one token: its text, its log-probability and its estimated reliance."""
    token = trace.tokens[index]
    shown = token.text.replace("\n", "⏎").replace("\t", "⇥")
    chance = 100 * math.exp(min(0.0, token.log_prob))
    lines = [
        f"“{shown}”  token {index + 1:,}, step {token.step + 1:,}",
        f"log-probability {signed_number(token.log_prob)} nats ({chance:.3g} %)",
    ]
    if index < trace.estimated and trace.quantity is not ESTIMATED:
        lines.append(f"{trace.quantity.title}: {float(trace.reliance[index]):.2f}")
    elif index < trace.estimated:
        lines.append(f"reliance {signed_number(float(trace.reliance[index]))} nats, estimated")
    else:
        lines.append("reliance not estimated yet")
    return "\n".join(lines)


def plain_tooltip(text: str) -> str:
    """Markup that shows ``text`` literally in a tool tip, line breaks kept."""
    return f"<qt>{html.escape(text)}</qt>".replace("\n", "<br>") if text else ""
