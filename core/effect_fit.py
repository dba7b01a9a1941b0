"""Fitting an estimator's effects on collected examples. Imports torch."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.calibration import Example, Say, load_example
from core.effect_loss import disagreement, misdirection, scale_error
from core.errors import InputError
from core.estimator import EffectNetwork, Estimator, EstimatorConfig
from core.estimator_inputs import Inputs, inputs_of
from core.fit_state import FitState, fit_key
from core.thinking import ShouldStop, ThinkingModel

DROPOUT = 0.1
"""Share of inputs left out while a network learns from thousands of examples, or goes on learning."""
ADAPTING_RATE = 3e-4
"""Learning rate for a network that knows something already; from random weights it is ten times that."""


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """One example as the fit needs it: inputs of the network; measured log-probabilities, centred; drops."""

    inputs: Inputs
    masks: Tensor
    centred: Tensor
    drops: Tensor
    step_sums: Tensor
    reliance: Tensor


def _prepare(example: Example) -> _Prepared:
    """Masks as 0 and 1, [M, R]; targets centred over masks, [M, T]; what each region alone is worth, [R, T];
    steps as a 0-1 matrix [T, steps].
    """
    steps = torch.zeros(len(example.token_ids), len(example.spans))
    for index, (start, end) in enumerate(example.spans):
        steps[start:end, index] = 1.0
    features = example.features
    inputs = inputs_of(features)
    return _Prepared(
        inputs=replace(inputs, regional=inputs.regional.half(), state=inputs.state.half()),
        masks=example.masks.float(),
        centred=example.log_probs - example.log_probs.mean(0),
        drops=features.log_prob - example.singles,
        step_sums=steps,
        reliance=features.log_prob - example.nothing,
    )


def fit(
    examples: Sequence[Path],
    thinker: ThinkingModel,
    epochs: int = 40,
    seed: int = 0,
    hidden: int = 64,
    seconds: float = math.inf,
    say: Say | None = None,
    should_stop: ShouldStop | None = None,
    start: Estimator | None = None,
    state: Path | None = None,
    dropout: float | None = None,
) -> tuple[EffectNetwork, EstimatorConfig]:
    """Fit an estimator on collected examples.

    The loss compares predicted with measured log-probabilities over the random masks, for tokens and for
    steps, effects on tokens with what each region alone is worth (``core/effect_loss.py``), and the reliance
    by its error in nats. An average of the weights over the last part of the fit is kept. What comes out is
    one network, or as many as ``start`` has, each fitted by itself.

    Args:
        examples: files of ``collect``.
        thinker: the model they were collected with.
        epochs: passes over all examples; the learning rate falls to zero over them.
        seed: of initial weights and order.
        hidden: width of the network.
        seconds: the schedule is compressed when it would take longer.
        say: told the progress.
        should_stop: asked between passes.
        start: an estimator to adapt, gently, instead of beginning with random weights; ``hidden`` is its own.
        state: file that keeps the fit after each pass. A fit that was killed and is begun again with the same
            arguments goes on there, and comes out as if nothing had happened.
        dropout: share of a network's inputs that are left out while it learns; by default ``dropout_for`` the
            number of examples, or ``DROPOUT`` where ``start`` is given.

    Raises:
        InputError: no examples, or ``start`` reads other layers and heads than they hold.
    """
    if not examples:
        raise InputError("There are no examples to fit on. Collect some first.")
    if dropout is None:
        dropout = dropout_for(len(examples)) if start is None else DROPOUT
    torch.manual_seed(seed)
    data = [_prepare(load_example(path)) for path in examples]
    first = load_example(examples[0]).features
    config = EstimatorConfig(
        layers=first.attention.shape[1],
        heads=first.attention.shape[2],
        content=first.content.shape[1],
        state=first.hidden.shape[1],
        hidden=hidden if start is None else start.config.hidden,
        members=1 if start is None else start.config.members,
        thinker=thinker.identity.name,
        thinker_sha256=thinker.identity.sha256,
    )
    network = EffectNetwork(config, dropout)
    if start is None:
        network.standardize([example.inputs for example in data])
    else:
        start.check(config.layers, config.heads, config.thinker)
        network.load_state_dict(start.network.state_dict())
    rate = 3e-3 if start is None else ADAPTING_RATE
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, weight_decay=0.01)
    batch = 4
    window = max(5.0, 0.04 * epochs * len(data) / batch)
    average = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(1 - 1 / window)
    )
    names = [path.name for path in examples]
    origin = "" if start is None else start.identity.sha256
    kept = FitState(state, fit_key([config, names, epochs, seed, origin, dropout]))
    parts = {"network": network, "average": average}
    done, spent = kept.recall(parts, optimizer)
    began = time.monotonic() - spent
    for epoch in range(done, epochs):
        share = max(epoch / epochs, min(1.0, (time.monotonic() - began) / seconds))
        if share >= 1 or (should_stop is not None and should_stop()):
            break
        total = 0.0
        shuffled = np.random.default_rng((seed, epoch)).permutation(len(data))
        for place in range(0, len(shuffled), batch):
            chosen = shuffled[place : place + batch]
            for group in optimizer.param_groups:
                group["lr"] = rate * 0.5 * (1 + math.cos(math.pi * share)) + 1e-5
            loss = torch.stack([_loss(network, data[i]) for i in chosen]).mean()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            _clip(network)
            optimizer.step()
            average.update_parameters(network)
            total += float(loss.detach()) * len(chosen)
        kept.keep(parts, optimizer, epoch + 1, time.monotonic() - began)
        if say is not None:
            say(f"Pass {epoch + 1} of {epochs}: loss {total / len(data):.4f}", (epoch + 1) / epochs)
    network.load_state_dict(average.module.state_dict())
    return network.eval(), config


def dropout_for(examples: int) -> float:
    """Share of inputs to leave out while a network learns from so few: they must not be learned by heart.

    Found on 16, 64 and 600 screens of the bundled model: 0.48, 0.3 and 0.1 did best.
    """
    return min(0.5, max(DROPOUT, 1.2 * examples ** (-1 / 3)))


def _clip(network: EffectNetwork) -> None:
    """Shorten the gradient of each of the networks to 1 where it is longer, as if it were alone."""
    slopes = [weight.grad for weight in network.parameters() if weight.grad is not None]
    length = torch.stack([slope.flatten(1).square().sum(1) for slope in slopes]).sum(0).sqrt()
    factor = (1 / (length + 1e-6)).clamp_max(1.0)
    for slope in slopes:
        slope.mul_(factor.view(-1, *[1] * (slope.dim() - 1)))


def _loss(network: EffectNetwork, example: _Prepared) -> Tensor:
    """Summed over the networks; what one of them gets wrong is none of the others' business."""
    read = network.read_each(example.inputs)
    return torch.stack(
        [
            _loss_of(effects, reliance, example)
            for effects, reliance in zip(read.effects, read.reliance, strict=True)
        ]
    ).sum()


def _loss_of(effects: Tensor, reliance: Tensor, example: _Prepared) -> Tensor:
    predicted = example.masks @ effects.T
    tokens = disagreement(predicted, example.centred)
    steps = disagreement(predicted @ example.step_sums, example.centred @ example.step_sums)
    seen = torch.nn.functional.smooth_l1_loss(reliance, example.reliance, beta=0.5)
    regions = misdirection(effects.T, example.drops)
    scale = scale_error(predicted, example.centred)
    return tokens + steps + 0.5 * regions + 0.1 * (scale + seen)
