"""Teaching a fitted estimator how far its effects may be off. Imports torch.

It learns the mean error of each effect, as what leaving out that one region measured less the effect; the
widths come from examples that it has not seen (split conformal prediction: Vovk et al. 2005; Lei et al.
2018), for effects of each size and for sums over steps.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import torch
from torch import Tensor

from core.calibration import load_example
from core.estimator import SIZES, EffectNetwork, EstimatorConfig, size_of
from core.estimator_inputs import inputs_of
from core.intervals import conformal_factor

PASSES: Final = 16
_RATE: Final = 3e-3


@dataclass(frozen=True, slots=True, eq=False)
class _Errors:
    """How far the effects of one example are off.

    Attributes:
        known: [T, R, …]; see ``core.estimator.Reading``.
        signed: [T, R], nats; measured less estimated.
        size: int [T, R]; see ``size_of``.
        spans: the steps, as token ranges.
    """

    known: Tensor
    signed: Tensor
    size: Tensor
    spans: list[tuple[int, int]]


def fit_interval(
    network: EffectNetwork,
    config: EstimatorConfig,
    taught: Sequence[Path],
    kept: Sequence[Path],
    seed: int = 0,
) -> EstimatorConfig:
    """Fit the part of a network that predicts errors, and find how wide nine-in-ten intervals are.

    Args:
        network, config: from ``core.effect_fit.fit``; effects and reliance stay as they are.
        taught: examples to learn errors on. Those that the effects were fitted on will do; but their errors
            are smaller than those of others, so examples that were not are better where there are enough.
        kept: examples that nothing was fitted on.
        seed: of the order.

    Returns:
        the configuration with the widths; unchanged when there are too few examples to promise any.
    """
    _learn(network, [_errors(network, path) for path in taught], seed)
    seen = [_errors(network, path) for path in kept]
    with torch.no_grad():
        scales = [network.error_of(one.known).numpy() for one in seen]
    if not seen:
        return config
    scale = np.concatenate([one.ravel() for one in scales])
    error = np.concatenate([one.signed.numpy().ravel() for one in seen])
    size = np.concatenate([one.size.numpy().ravel() for one in seen])
    wide = np.array([conformal_factor(scale[size == s], error[size == s]) for s in range(len(SIZES) + 1)])
    wide[~np.isfinite(wide)] = conformal_factor(scale, error)  # too few of a size to promise it its own
    if not np.isfinite(wide).all():
        return config
    config = replace(config, interval=tuple(wide.tolist()))
    halves, sums = list[np.ndarray](), list[np.ndarray]()
    for one, own in zip(seen, scales, strict=True):
        half = wide[one.size.numpy()] * own
        for start, end in one.spans:
            if end - start > 1:
                halves.append(np.sqrt(np.square(half[start:end]).sum(0)))
                sums.append(one.signed[start:end].sum(0).numpy())
    factor = conformal_factor(np.concatenate(halves), np.concatenate(sums)) if halves else math.inf
    return replace(config, span_factor=factor) if math.isfinite(factor) else config


def _learn(network: EffectNetwork, examples: Sequence[_Errors], seed: int) -> None:
    network.error.requires_grad_(True)
    optimizer = torch.optim.AdamW(network.error.parameters(), lr=_RATE)
    for epoch in range(PASSES):
        for group in optimizer.param_groups:
            group["lr"] = _RATE * 0.5 * (1 + math.cos(math.pi * epoch / PASSES)) + 1e-5
        for i in np.random.default_rng((seed, epoch)).permutation(len(examples)):
            scale = network.error_of(examples[i].known)
            # The error is taken for a Laplace variable: its scale is learned alike for tiny and large errors.
            loss = (examples[i].signed.abs() / scale + scale.log()).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


@torch.no_grad()
def _errors(network: EffectNetwork, path: Path) -> _Errors:
    example = load_example(path)
    features = example.features
    read = network.read(inputs_of(features))
    measured = features.log_prob.unsqueeze(1) - example.singles.T
    return _Errors(read.known, measured - read.effects, size_of(read.effects), example.spans)
