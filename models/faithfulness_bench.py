"""The faithfulness benchmark over generated screens. Imports torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch

from core.attribution.linear_attention import LinearAttention
from core.attribution.registry import METHODS
from core.calibration import Say
from core.comparison import judge_all, summarize
from core.judging import Setting
from core.run import EffectEstimator
from core.trace import Sampling
from models.bundled.estimator.items import items
from models.bundled.screens import KINDS
from models.thinker import Thinker

Load = Callable[[], tuple[Thinker, EffectEstimator | None, LinearAttention | None]]
"""Loads what is judged."""

SOURCES: Final = ("truth", "opencv")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to judge.

    Attributes:
        samples: screens of each kind.
        masks: random half masks that judge.
        every: one screen in so many is judged thoroughly.
        half: measure in bfloat16 (CPU).
        sources: where regions come from, in turn.
        max_new_tokens: limit of each text; greedy.
        methods: names in the registry.
    """

    samples: int = 100
    masks: int = 128
    every: int = 5
    half: bool = False
    sources: Sequence[str] = SOURCES
    max_new_tokens: int = 160
    methods: Sequence[str] = tuple(METHODS)


def natively_half() -> bool:
    """Whether this processor computes in bfloat16 itself, so that measuring in it is faster."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def bench_faithfulness(load: Load, plan: Plan, say: Say | None = None) -> dict[str, Any]:
    """Judge methods of the registry on held-out screens; see ``core.comparison.summarize``."""
    thinker, estimator, linear = load()
    methods = [METHODS[name] for name in plan.methods]
    sampling = Sampling(max_new_tokens=plan.max_new_tokens)
    setting = Setting(methods, estimator, linear, plan.masks, sampling, half=plan.half)
    screens = items(plan.samples * len(KINDS), held_out=True, sources=plan.sources)
    judged = list(judge_all(thinker, screens, setting, plan.every, say=say))
    return summarize(judged, methods, plan.masks, plan.half) | {"regions": list(plan.sources)}
