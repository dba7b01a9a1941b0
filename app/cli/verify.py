"""Measure the effects in a trace by ablation, and tell how well the estimates agree. The trace keeps the
measurements."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli import DONE
from app.cli.console import answer, progress, say
from core.counted import counted
from core.errors import InputError

if TYPE_CHECKING:
    from core.trace import Trace
    from models.checkpoint import Loading


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``sightline verify``."""
    add = parser.add_argument
    add("trace", metavar="TRACE", help="a .sightline file")
    add("--steps", metavar="A:B", help="only the steps A to B, B not included, from 0")
    add("--masks", metavar="N", type=int, default=32, help="random masks that judge the estimates (32)")
    add("--operator", metavar="O", default="pixels", help="pixels, embeddings or attention (pixels)")
    add("--device", metavar="D", default="auto", help="auto, cpu, cuda, cuda:1, mps (auto)")
    add("--json", action="store_true", help="print one JSON object")


def run(args: Namespace) -> int:
    """Do ``sightline verify``."""
    from app.cli.export import parse_steps
    from core.ablation import measure_spans, operator_named
    from core.agreement import agreement, estimated_spans
    from core.export.format import checked_steps
    from core.store import add_measurements, read_trace
    from models.thinker import load_thinker

    operator = operator_named(args.operator)
    if args.masks < 2:
        raise InputError(f"--masks must be at least 2, not {args.masks}.")
    path = Path(args.trace)
    trace = read_trace(path)
    first, last = checked_steps(trace, parse_steps(args.steps) if args.steps else None)
    if first == last:
        raise InputError("The trace has no tokens, so there is nothing to verify.")
    steps = [(step.start, step.end) for step in trace.steps[first:last]]
    spans = estimated_spans(trace, steps)
    if left_out := len(steps) - len(spans):
        say(f"Note: left out {counted(left_out, 'step')} that the run ended before it estimated.")
    tell = progress()
    thinker = load_thinker(
        str(trace.model.details.get("source", trace.model.name)),
        progress=tell,
        loading=_as_before(trace, args.device),
    )
    if thinker.identity.sha256 != trace.model.sha256:
        say("Note: the model on this machine is not the one that wrote this trace; its effects may differ.")
    prepared = thinker.prepare(trace.screenshot.pixels, trace.prompt)
    measured = measure_spans(
        thinker,
        prepared,
        trace.screenshot.pixels,
        trace.region_map,
        [token.id for token in trace.tokens],
        spans,
        random_masks=args.masks,
        progress=lambda part: tell("Measuring", part),
        operator=operator,
    )
    add_measurements(path, measured, trace.region_map)
    result = agreement(trace, measured)
    answer(json.dumps(result) if args.json else _table(result))
    return DONE


def _as_before(trace: Trace, device: str) -> Loading:
    """How to load the model of a trace so that it sees the same screenshot in the same way, and takes no more
    memory; what this device cannot do is left out."""
    from models.checkpoint import Loading
    from models.placement import machine_device

    told, here = trace.model.details, machine_device("auto" if device == "spread" else device).type
    dtype, lacks = str(told.get("dtype", "auto")), {"cpu": "float16", "mps": "bfloat16"}
    return Loading(
        device,
        "auto" if dtype == lacks.get(here) else dtype,
        str(told.get("quantized", "")) if here == "cuda" else "",
        visual_tokens=told.get("visual_tokens_at_most"),
        family=str(told.get("family", "")),
    )


def _table(result: dict[str, Any]) -> str:
    whole, reliant = result["lds"], result["lds_reliant"]
    calibrated = result["kind"] == "estimated"
    what, under = ("reliance, nats", "estimated") if calibrated else ("attention, reliance", "no unit")
    whose = "LDS" if calibrated else "LDS of uncalibrated attention"
    lines = [
        f"{'step':>4}  {'LDS':>6}  {what:>22}   text",
        f"{'':>14}{under:>11} {'measured' if calibrated else 'nats':>10}",
    ]
    for row in result["steps"]:
        text = " ".join(row["text"].split())
        text = text if len(text) <= 60 else text[:59] + "…"
        lines.append(
            f"{row['step'] + 1:>4}  {row['lds']:>6.2f}{row['estimated_reliance']:>13.1f} "
            f"{row['measured_reliance']:>10.1f}   {text}"
        )
    lines.append(
        f"{whose} {whole['mean']:.2f} [{whole['low']:.2f}, {whole['high']:.2f}] over "
        f"{counted(whole['steps'], 'step')}"
        + (f"; {reliant['mean']:.2f} over the {reliant['steps']} with a reliance of at least 1 nat"
           if reliant["steps"] else "")
        + f" ({result['masks']} masks, operator {result['operator']})"
    )  # fmt: skip
    if "intervals" in result:
        held = result["intervals"]
        share = f"{held['inside']} of {held['effects']} measured effects of single regions"
        lines.append(f"{share} lie in their intervals (nominally {held['nominal']:.0%})")
    return "\n".join(lines)
