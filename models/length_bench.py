"""A reasoning as long as any model's: what it takes of memory, and how much slower it becomes.

A small model of a real architecture with random weights goes on for ever, once with few and once with many
visual tokens. If memory grew with tokens × visual tokens, the second run would show it. Imports torch.
"""

from __future__ import annotations

import copy
import gc
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil

from core.attribution.prior import Prior
from core.errors import InputError
from core.events import EffectsEstimated, Failed, Started, TokenDecoded, fold
from core.regions import region_map_from_labels
from core.run import found, run
from core.screenshot import from_array
from core.store import TraceWriter, read_trace
from core.trace import Identity, Sampling, Trace
from models import image_budget
from models.checkpoint import Loading
from models.shape_bench import random_thinker
from models.thinker import Thinker

SHAPE: Final = "small"
SIDES: Final = (4, 32)
"""Visual tokens along a side of the two screenshots."""
REGIONS: Final = 24
PARTS: Final = 8
"""Of how many parts of the run the speed is told."""
_MIB: Final = 2**20


def bench_length(
    folder: Path, tokens: int = 32_768, say: Callable[[str, float | None], None] | None = None
) -> dict[str, Any]:
    """Run for ``tokens`` tokens with few and with many visual tokens, and reopen what was written.

    Args:
        folder: where the traces go.

    Returns:
        plain JSON: {"tokens", "regions", "layers", "heads", "cache_mib": what keys and values of the text
        take, "would_be_mib": what one number for each token, visual token, layer and head would take, "runs":
        [{"visual_tokens", "grown_mib": by how much the peak of resident memory rose after an eighth of the
        run, "file_mib", "tokens_a_second": for each eighth}]}

    Raises:
        InputError: too few tokens to tell anything, or a run failed.
    """
    if tokens < 100 * PARTS:
        raise InputError(f"The length benchmark needs at least {100 * PARTS} tokens, not {tokens}.")
    tell = say or (lambda text, part: None)
    thinker = copy.copy(random_thinker(SHAPE, Loading("cpu"), tokens + 2048))
    thinker.stops = frozenset()
    runs = [_run(thinker, side, tokens, folder / f"{side}.sightline", tell) for side in SIDES]
    text = thinker.model.config.text_config
    numbers = 2 * text.num_hidden_layers * text.num_key_value_heads * text.head_dim
    looks = thinker.layers * thinker.heads * runs[-1]["visual_tokens"]
    return {
        "tokens": tokens,
        "regions": REGIONS,
        "layers": thinker.layers,
        "heads": thinker.heads,
        "cache_mib": round(4 * numbers * tokens / _MIB, 1),
        "would_be_mib": round(4 * looks * tokens / _MIB, 1),
        "runs": runs,
    }


def table(result: dict[str, Any]) -> str:
    """The result as text for a terminal."""
    lines = [
        f"{result['tokens']:,} tokens, {result['regions']} regions, {result['layers']} layers of "
        f"{result['heads']} heads, random weights",
        f"{'visual tokens':>14}{'memory grew':>14}{'file':>12}   tokens a second, from beginning to end",
    ]
    for one in result["runs"]:
        rates = " ".join(f"{rate:.0f}" for rate in one["tokens_a_second"])
        lines.append(
            f"{one['visual_tokens']:>14}{one['grown_mib']:>10.0f} MiB{one['file_mib']:>8.1f} MiB   {rates}"
        )
    lines.append(
        f"Keys and values of the text take {result['cache_mib']:.0f} MiB of it. One number for each token, "
        f"visual token, layer and head would take {result['would_be_mib']:.0f} MiB."
    )
    return "\n".join(lines)


def _run(
    thinker: Thinker, side: int, tokens: int, path: Path, tell: Callable[[str, float | None], None]
) -> dict[str, Any]:
    image_budget.limit(thinker.processor, side * side)
    pixels = np.random.default_rng(0).integers(0, 256, (32 * side, 32 * side, 3), np.uint8)
    labels = np.arange(pixels[:, :, 0].size).reshape(pixels.shape[:2]) * REGIONS // pixels[:, :, 0].size
    events = run(
        from_array(pixels, "noise"), "?", thinker, found(region_map_from_labels(labels), Identity("strips")),
        Prior(), Sampling(temperature=1.0, max_new_tokens=tokens),
        open_writer=lambda trace: TraceWriter(path, trace),
    )  # fmt: skip
    process = psutil.Process()
    trace: Trace | None = None
    gc.collect()
    held: dict[int, int] = {}
    times = [time.perf_counter()]
    for event in events:
        if isinstance(event, Failed):
            raise InputError(event.message)
        if isinstance(event, Started):
            trace = event.trace
        if trace is None or isinstance(event, Started):
            continue
        fold(trace, event)
        if isinstance(event, TokenDecoded) and len(trace) * PARTS // tokens == len(times):
            times.append(time.perf_counter())
            tell(f"{len(trace):,} tokens after {side * side} visual tokens", len(trace) / tokens)
        elif isinstance(event, EffectsEstimated):
            held[trace.estimated] = process.memory_info().rss
    if trace is None:
        raise InputError("The run ended before it began. Try again.")
    _check(trace, path, tokens)
    early = max(rss for count, rss in held.items() if count <= tokens // PARTS)
    return {
        "visual_tokens": trace.details["visual_tokens"],
        "grown_mib": round((max(held.values()) - early) / _MIB, 1),
        "file_mib": round(path.stat().st_size / _MIB, 1),
        "tokens_a_second": [round(tokens / PARTS / (end - begin), 1) for begin, end in pairwise(times)],
    }


def _check(trace: Trace, path: Path, tokens: int) -> None:
    """What was written reopens whole.

    Raises:
        InputError: it does not.
    """
    kept = read_trace(path)
    if not len(kept) == kept.estimated == len(trace) == tokens:
        raise InputError(f"Of {tokens} tokens the trace holds {len(kept)}, and effects of {kept.estimated}.")
