"""Examples to fit an estimator on: what ablating a screenshot shows, collected to disk. Imports torch.

``collect`` may be stopped or killed at any time and goes on where it was: each example is one file, written
under another name first.
"""

from __future__ import annotations

import itertools
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from core.ablation import half_masks, measure, single_masks
from core.coverage import coverage
from core.errors import InputError
from core.evidence import Truth
from core.features import Features, from_tensors, save_tensors
from core.influence import measure_influence, outcome
from core.phases import PhaseReader
from core.regions import RegionMap
from core.steps import split
from core.thinking import Prepared, ShouldStop, ThinkingModel
from core.trace import Sampling

Say = Callable[[str, float | None], None]


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
    claim(folder, thinker)
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


def claim(folder: Path, thinker: ThinkingModel) -> None:
    """Make a folder for examples, and note whose they are; features of two models do not mix.

    Raises:
        InputError: the folder holds examples of another model.
    """
    folder.mkdir(parents=True, exist_ok=True)
    owner = folder / "thinker.txt"
    mine = f"{thinker.identity.name} {thinker.identity.sha256}\n"
    if owner.exists() and (noted := owner.read_text(encoding="utf-8")):
        if noted != mine:
            raise InputError(
                f"The examples in {folder} were collected with another model. Take another folder."
            )
        return
    unfinished = owner.with_suffix(f".{os.getpid()}")  # several processes may share a collection
    unfinished.write_text(mine, encoding="utf-8")
    os.replace(unfinished, owner)
