"""How fast a model decodes with probe and estimator off, on, and with eager attention. Imports torch."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from transformers import DynamicCache

from core.events import Finished, TokenDecoded
from core.known_influence import forget
from core.probe import ATTENTION_NAME
from core.regions import RegionMap
from core.run import EffectEstimator, found, run
from core.screenshot import Screenshot
from core.trace import Identity, Sampling
from models.thinker import Thinker

Say = Callable[[str, float | None], None]
Result = TypeVar("Result")
Task = tuple[Screenshot, RegionMap, str]


def bench_speed(
    thinker: Thinker,
    estimator: EffectEstimator,
    tasks: Sequence[Task],
    pairs: int = 5,
    max_new_tokens: int = 200,
    say: Say | None = None,
) -> dict[str, object]:
    """Tokens a second after the first token, in three ways, alternating in one process.

    "plain" is the run loop without an estimator, "estimated" the same with probe and estimator, "eager" the
    same model with ``output_attentions=True``. Ratios compare runs that were made next to each other.

    Args:
        tasks: screenshots with their regions and prompts; each round does all of them in each way.
        pairs: rounds; one more warms up and does not count.
        max_new_tokens: limit of each run; greedy.

    Returns:
        plain JSON: {"model", "device", "threads", "pairs", "tokens", "regions", "visual_tokens", "plain",
        "estimated", "eager": {"median", "low", "high"} in tokens a second, "ratio", "ratio_of_eager": the
        same of estimated / plain and eager / plain, "first_token_plain", "first_token_estimated": seconds
        from the beginning of a run to its first token}.
    """
    sampling = Sampling(max_new_tokens=max_new_tokens)
    ways: dict[str, Callable[[Task], tuple[int, float, float]]] = {
        "plain": lambda task: _run(thinker, None, task, sampling),
        "estimated": lambda task: _run(thinker, estimator, task, sampling),
        "eager": lambda task: _eager(thinker, task, sampling),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    waits: dict[str, list[float]] = {name: [] for name in ways}
    tokens = 0
    for number in range(pairs + 1):
        names = list(ways) if number % 2 else list(ways)[::-1]
        for name in names:
            counted = [ways[name](task) for task in tasks]
            tokens = sum(count for count, _, _ in counted)
            if number:
                rates[name].append(tokens / sum(seconds for _, seconds, _ in counted))
                waits[name].extend(wait for _, _, wait in counted)
        if say is not None:
            say(f"Round {number} of {pairs}", number / pairs)
    plain = np.array(rates["plain"])
    return {
        "model": thinker.identity.name,
        "device": thinker.device_name,
        "threads": torch.get_num_threads(),
        "pairs": pairs,
        "tokens": tokens,
        "regions": round(float(np.mean([len(region_map) for _, region_map, _ in tasks])), 1),
        "visual_tokens": [len(thinker.prepare(shot.pixels, prompt).cells) for shot, _, prompt in tasks],
        **{name: _spread(np.array(values)) for name, values in rates.items()},
        "ratio": _spread(np.array(rates["estimated"]) / plain),
        "ratio_of_eager": _spread(np.array(rates["eager"]) / plain),
        "first_token_plain": _spread(np.array(waits["plain"])),
        "first_token_estimated": _spread(np.array(waits["estimated"])),
    }


def table(result: dict[str, object]) -> str:
    """The result as text for a terminal."""
    lines = [
        f"{result['model']} on {result['device']}, {result['tokens']} tokens a round, "
        f"{result['pairs']} rounds, visual tokens {result['visual_tokens']}, {result['regions']} regions",
        f"{'':<28}{'median':>9}{'lowest':>9}{'highest':>9}",
    ]
    for key, label in (
        ("plain", "tokens/s, no attribution"),
        ("estimated", "tokens/s, with attribution"),
        ("eager", "tokens/s, output_attentions"),
        ("ratio", "with / without attribution"),
        ("ratio_of_eager", "output_attentions / without"),
        ("first_token_plain", "s to a token, no attribution"),
        ("first_token_estimated", "s to a token, attribution"),
    ):
        row: dict[str, float] = result[key]  # type: ignore[assignment]
        lines.append(f"{label:<28}{row['median']:>9.3g}{row['low']:>9.3g}{row['high']:>9.3g}")
    return "\n".join(lines)


def _run(
    thinker: Thinker, estimator: EffectEstimator | None, task: Task, sampling: Sampling
) -> tuple[int, float, float]:
    """Tokens after the first, the seconds they took, up to the end of the run, and those before the first."""
    screenshot, region_map, prompt = task
    forget(thinker)
    began = time.perf_counter()
    first, count = 0.0, 0
    for event in run(screenshot, prompt, thinker, found(region_map, Identity("")), estimator, sampling):
        if isinstance(event, TokenDecoded):
            count += 1
            if count == 1:
                first = time.perf_counter()
        elif isinstance(event, Finished):
            return count - 1, time.perf_counter() - first, first - began
    return 0, 0.0, 0.0


class _Eager(Thinker):
    """The usual way to get attention: eager mode and ``output_attentions=True``; thrown away afterwards."""

    def forward(self, cache: DynamicCache, **inputs: Any) -> Any:
        """As in ``Thinker``, with attention for single positions; that of a prompt would fill the memory."""
        return super().forward(cache, output_attentions=inputs["input_ids"].shape[1] == 1, **inputs)


def _eager(thinker: Thinker, task: Task, sampling: Sampling) -> tuple[int, float, float]:
    """``_run`` without an estimator in eager mode."""
    return eagerly(thinker, lambda eager: _run(eager, None, task, sampling))


def eagerly(thinker: Thinker, work: Callable[[Thinker], Result]) -> Result:
    """Do ``work`` with the same model in eager mode with ``output_attentions=True``, and put it back."""
    eager = copy.copy(thinker)
    eager.__class__ = _Eager
    thinker.model.set_attn_implementation({"text_config": "eager"})
    try:
        return work(eager)
    finally:
        thinker.model.set_attn_implementation({"text_config": ATTENTION_NAME})


def _spread(values: np.ndarray) -> dict[str, float]:
    return {"median": float(np.median(values)), "low": float(values.min()), "high": float(values.max())}
