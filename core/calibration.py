"""Fitting an estimator on ablations: collect examples to disk, then fit. Imports torch.

``collect`` may be stopped or killed at any time and goes on where it was: each example is one file, written
under another name first.
"""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.ablation import half_masks, measure, single_masks
from core.coverage import coverage
from core.effect_loss import disagreement, misdirection, scale_error
from core.errors import InputError
from core.estimator import EffectNetwork, Estimator, EstimatorConfig, Inputs, inputs_of
from core.evidence import Truth
from core.features import Features, from_tensors, save_tensors
from core.fit_state import FitState, fit_key
from core.influence import measure_influence, outcome
from core.phases import PhaseReader
from core.regions import RegionMap
from core.steps import split
from core.thinking import Prepared, ShouldStop, ThinkingModel
from core.trace import Sampling

Say = Callable[[str, float | None], None]

DROPOUT = 0.1
"""Share of inputs left out while a network learns from thousands of examples, or goes on learning."""
ADAPTING_RATE = 3e-4
"""Learning rate for a network that knows something already; from random weights it is ten times that."""


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """Something to learn from.

    Attributes:
        name: file name of its example, unique.
        pixels: uint8 [H, W, 3].
        prompt: what to ask.
        region_map: which regions to attribute to.
        seed: of its random masks.
        kind: which group of tasks it belongs to, or "".
        truth: what it says, where that is known.
    """

    name: str
    pixels: np.ndarray
    prompt: str
    region_map: RegionMap
    seed: int
    kind: str = ""
    truth: Truth | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """What ablating one screenshot showed.

    Attributes:
        features: of all T tokens.
        masks: bool [M, R]; random, True where kept.
        log_probs: float32 [M, T], nats; of each token under each mask.
        singles: float32 [R, T], nats; without each one region.
        nothing: float32 [T], nats; with the whole screenshot ablated.
        spans: the steps, as token ranges.
        token_ids: what was generated.
    """

    features: Features
    masks: Tensor
    log_probs: Tensor
    singles: Tensor
    nothing: Tensor
    spans: list[tuple[int, int]]
    token_ids: list[int]


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A text generated about an item, and what the probe read of it.

    Attributes:
        prepared: the prompt.
        token_ids: what was generated, T tokens.
        texts: what each of them adds to the text.
        spans: its steps, as token ranges.
        coverage: float32 [cells, regions].
        features: of all T tokens.
        encoding_seconds: what it took to see what each region changes, before the features.
    """

    prepared: Prepared
    token_ids: list[int]
    texts: list[str]
    spans: list[tuple[int, int]]
    coverage: np.ndarray
    features: Features
    encoding_seconds: float


def read_out(
    thinker: ThinkingModel, item: Item, sampling: Sampling, should_stop: ShouldStop | None = None
) -> Heard | None:
    """Generate a text and read the attention. None when stopped or when the model says nothing."""
    prepared = thinker.prepare(item.pixels, item.prompt)
    drawn = list(thinker.decode(prepared, sampling, should_stop=should_stop))
    if not drawn or (should_stop is not None and should_stop()):
        return None
    ids = [token.id for token in drawn]
    phases = PhaseReader(thinker.markers)
    told = [phases.push(token.id, token.text) for token in drawn]
    texts = [text for _, text in told]
    steps = np.array(split(texts, [phase for phase, _ in told]))
    edges = [0, *(np.flatnonzero(np.diff(steps)) + 1).tolist(), len(ids)]
    spans = list(itertools.pairwise(edges))
    read = read_again(thinker, prepared, ids, item, should_stop)
    if read is None:
        return None
    return Heard(prepared, ids, texts, spans, *read)


def read_again(
    thinker: ThinkingModel,
    prepared: Prepared,
    token_ids: Sequence[int],
    item: Item,
    should_stop: ShouldStop | None = None,
) -> tuple[np.ndarray, Features, float] | None:
    """Read the attention of a given text, for the regions of ``item``.

    Returns:
        coverage, features and encoding seconds as in ``Heard``; None when stopped.
    """
    shares, began = coverage(item.region_map, prepared.cells), time.monotonic()
    changes = outcome(
        measure_influence(thinker, prepared, item.pixels, item.region_map, shares, should_stop=should_stop)
    )
    if changes is None:
        return None
    took = time.monotonic() - began
    return shares, thinker.teach(prepared, token_ids, shares, influence=changes), took


def examine(
    thinker: ThinkingModel,
    item: Item,
    masks: int,
    sampling: Sampling,
    batch: int = 16,
    should_stop: ShouldStop | None = None,
) -> Example | None:
    """Generate, read the attention, ablate. None when stopped or when the model says nothing."""
    heard = read_out(thinker, item, sampling, should_stop)
    if heard is None:
        return None
    keep = half_masks(len(item.region_map), masks, item.seed)
    regions = len(item.region_map)
    wanted = np.concatenate([np.zeros((1, regions), bool), single_masks(regions), keep])
    rows = measure(
        thinker, heard.prepared, item.pixels, item.region_map, heard.token_ids, wanted, batch,
        should_stop=should_stop,
    )  # fmt: skip
    if len(rows) < len(wanted):
        return None
    return Example(
        features=heard.features,
        masks=torch.from_numpy(keep),
        log_probs=torch.from_numpy(rows[1 + regions :]),
        singles=torch.from_numpy(rows[1 : 1 + regions]),
        nothing=torch.from_numpy(rows[0]),
        spans=heard.spans,
        token_ids=heard.token_ids,
    )


def save_example(path: Path, example: Example) -> None:
    """Write one example; a half-written file never has its final name."""
    tensors = save_tensors(example.features, "features.") | {
        "masks": example.masks.to(torch.uint8),
        "log_probs": example.log_probs.float().contiguous(),
        "singles": example.singles.float().contiguous(),
        "nothing": example.nothing.float().contiguous(),
        "spans": torch.tensor(example.spans, dtype=torch.int32),
        "token_ids": torch.tensor(example.token_ids, dtype=torch.int32),
    }
    unfinished = path.with_suffix(".unfinished")
    save_file(tensors, unfinished)
    os.replace(unfinished, path)


def load_example(path: Path) -> Example:
    """Read one example. Raises InputError if the file is damaged, or of an earlier Sightline."""
    try:
        tensors = load_file(path)
        if any(f"features.{name}" not in tensors for name in Features.__slots__):
            raise InputError(
                f"The example {path} was collected by another version of Sightline, which read less of the "
                "model. Take another folder, or delete this one, and collect again."
            )
        return Example(
            features=from_tensors(tensors, "features."),
            masks=tensors["masks"].bool(),
            log_probs=tensors["log_probs"],
            singles=tensors["singles"],
            nothing=tensors["nothing"],
            spans=[(int(a), int(b)) for a, b in tensors["spans"].tolist()],
            token_ids=tensors["token_ids"].tolist(),
        )
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"The example {path} is damaged. Delete it and collect again.") from error


def collect(
    thinker: ThinkingModel,
    items: Iterator[Item] | Sequence[Item],
    total: int,
    folder: Path,
    masks: int = 32,
    sampling: Sampling | None = None,
    batch: int = 16,
    seconds: float = math.inf,
    say: Say | None = None,
    should_stop: ShouldStop | None = None,
) -> list[Path]:
    """Ablate items and keep what was learned, one file each; items already there are not done again.

    Args:
        thinker: the model to learn about.
        items: what to learn from; made one at a time.
        total: how many there are, for the progress.
        folder: where the examples go.
        masks: random masks for each.
        sampling: how to generate; greedy by default.
        batch: screenshots in one forward pass.
        seconds: stop after that long.
        say: told the progress.
        should_stop: asked often; an item that it breaks off is begun again the next time.

    Returns:
        The files of all items reached, in order.

    Raises:
        InputError: the folder holds examples of another model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _claim(folder, thinker)
    began, done = time.monotonic(), []
    for place, item in enumerate(items):
        if time.monotonic() - began > seconds or (should_stop is not None and should_stop()):
            break
        path = folder / f"{item.name}.safetensors"
        if not path.exists():
            example = examine(thinker, item, masks, sampling or Sampling(), batch, should_stop)
            if example is None:
                continue
            save_example(path, example)
        done.append(path)
        if say is not None:
            say(f"Examined {place + 1} of {total} screenshots", (place + 1) / max(total, 1))
    return done


def _claim(folder: Path, thinker: ThinkingModel) -> None:
    """Note whose examples these are; features of two models do not mix."""
    owner = folder / "thinker.txt"
    mine = f"{thinker.identity.name} {thinker.identity.sha256}\n"
    if owner.exists() and owner.read_text(encoding="utf-8") != mine:
        raise InputError(f"The examples in {folder} were collected with another model. Take another folder.")
    owner.write_text(mine, encoding="utf-8")


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
