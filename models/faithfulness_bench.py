"""The faithfulness benchmark over generated screens, in several processes. Imports torch.

A process with one thread wastes less on a small model than several threads do: the screens are dealt out, and
what was judged of each comes back as it is done. What is judged of a screen does not depend on the dealing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import torch

from core.attribution.linear_attention import LinearAttention
from core.attribution.registry import METHODS
from core.calibration import Say
from core.comparison import EVERY, SCHEMA, summarize
from core.errors import InputError
from core.judged_file import Kept, append, take_up
from core.judging import Judged, Setting, judge
from core.processes import deal_out
from core.run import EffectEstimator
from core.trace import Sampling
from models import segmenters
from models.bundled.estimator.items import items
from models.bundled.screens import HELD_OUT, KINDS
from models.thinker import Thinker

Load = Callable[[], tuple[Thinker, EffectEstimator | None, LinearAttention | None]]
"""Loads what is judged; called in each process, so that several processes need one that can be pickled."""

SOURCES: Final = ("truth", "sam")
FIRST_SEED: Final = 500_000


@dataclass(frozen=True, slots=True)
class Plan:
    """What to judge.

    Attributes:
        samples: screens of each kind.
        masks: random half masks that judge.
        every: one screen in so many, of each kind and each source, is judged thoroughly.
        half: measure in bfloat16 (CPU).
        sources: where regions come from, in turn.
        max_new_tokens: limit of each text; greedy.
        methods: names in the registry.
    """

    samples: int = 100
    masks: int = 128
    every: int = EVERY
    half: bool = False
    sources: Sequence[str] = SOURCES
    max_new_tokens: int = 160
    methods: Sequence[str] = tuple(METHODS)


def bench_faithfulness(
    load: Load,
    plan: Plan,
    say: Say | None = None,
    processes: int = 1,
    keep: Path | None = None,
    resume: bool = False,
) -> dict[str, Any]:
    """Judge methods of the registry on held-out screens; see ``core.comparison.summarize``.

    Args:
        load: what is judged.
        plan: on what, and how.
        say: told the progress.
        processes: how many share the screens, each with one thread; 1 stays in this process.
        keep: a file for what is judged so far, deleted at the end.
        resume: go on from that file; otherwise one that is there is overwritten.

    Raises:
        InputError: the file was begun with other models or another plan.
    """
    kept = take_up(keep) if keep is not None and resume else Kept()
    if keep is not None and not resume:
        keep.unlink(missing_ok=True)
    total = plan.samples * len(KINDS)
    processes = min(processes, total)
    judged = list(kept.judged)
    found = (
        _judge(load, plan, kept, (0, 1))
        if processes == 1
        else deal_out(partial(_alone_in_its_process, load, plan, kept), processes)
    )
    with closing(found):
        for key, one in found:
            judged.append(one)
            if keep is not None:
                append(keep, key, one)
            if say is not None:
                say(f"Judged {len(judged)} of {total} screens", len(judged) / total)
    judged.sort(key=lambda one: one.name)
    result = summarize(judged, [METHODS[name] for name in plan.methods], plan.masks, plan.half)
    if keep is not None:
        keep.unlink(missing_ok=True)
    return result | {"regions": list(plan.sources), "every": plan.every, "processes": processes}


def _judge(load: Load, plan: Plan, kept: Kept, share: tuple[int, int]) -> Generator[tuple[str, Judged]]:
    """Judge every n-th screen that is not there yet; yields it with the key of what judged it."""
    thinker, estimator, linear = load()
    key = _key(thinker, estimator, linear, plan)
    if kept.key not in ("", key):
        raise InputError(
            "The unfinished benchmark was begun with another model, estimator, segmenter or plan. Take those "
            "again, or leave out --resume to begin anew."
        )
    setting = Setting(
        [METHODS[name] for name in plan.methods],
        estimator,
        linear,
        plan.masks,
        Sampling(max_new_tokens=plan.max_new_tokens),
        half=plan.half,
    )
    done = {one.name for one in kept.judged}
    screens = items(
        plan.samples * len(KINDS), held_out=True, sources=plan.sources, first=FIRST_SEED, shard=share
    )
    for item in screens:
        if item.name not in done:
            # Seeds pass through the kinds first and the sources next.
            turn = (item.seed - HELD_OUT - FIRST_SEED) // (len(KINDS) * len(plan.sources))
            judged = judge(thinker, item, setting, thorough=turn % plan.every == 0)
            if judged is not None:
                yield key, judged


def _key(
    thinker: Thinker, estimator: EffectEstimator | None, linear: LinearAttention | None, plan: Plan
) -> str:
    """What judged screens must share to be summed up together."""
    whose = [thinker.identity.sha256, estimator.identity.sha256 if estimator else "", linear is not None]
    found_by = {source.partition("-")[0] for source in plan.sources} - {"truth"}
    whose += [segmenters.identity(name).sha256 for name in sorted(found_by)]
    return hashlib.sha256(json.dumps([SCHEMA, whose, asdict(plan)]).encode()).hexdigest()


def _alone_in_its_process(
    load: Load, plan: Plan, kept: Kept, share: tuple[int, int]
) -> Generator[tuple[str, Judged]]:
    torch.set_num_threads(1)
    return _judge(load, plan, kept, share)
