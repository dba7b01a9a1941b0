"""The paper's estimator (arXiv 2604.16587): a linear map over attention pooled over span and region.

One weight for each layer and head, no constant; fitted so that the sum of the scores of the kept regions
correlates (Pearson) with the measured log-probability of a step over random masks. Imports torch.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.attribution.method import Case, Method
from core.calibration import Example, Say, load_example
from core.errors import InputError
from core.features import Features

FILE = "linear_attention.json"
"""Its name in the folder of an estimator."""
_BATCH = 64
_RATE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class LinearAttention:
    """The fitted map.

    Attributes:
        weights: float32 [layers, heads].
        thinker_sha256: content hash of the thinking model it was fitted on.
        examples: how many examples it was fitted on.
    """

    weights: np.ndarray
    thinker_sha256: str
    examples: int

    def scores(self, features: Features) -> np.ndarray:
        """Scores of regions for tokens, float32 [T, regions], in no unit."""
        attention = features.attention.float().cpu().numpy()
        return np.einsum("tlhr,lh->tr", attention, self.weights).astype(np.float32)


def fit_linear(
    examples: Sequence[Path], thinker_sha256: str, epochs: int = 60, seed: int = 0, say: Say | None = None
) -> LinearAttention:
    """Fit the map on files of ``core.calibration.collect``. Raises InputError if there are none."""
    if not examples:
        raise InputError("There are no examples to fit on. Collect some first.")
    pooled, measured = zip(*(_targets(load_example(path)) for path in examples), strict=True)
    inputs, outputs = [x for part in pooled for x in part], [y for part in measured for y in part]
    layers, heads = load_example(examples[0]).features.attention.shape[1:3]
    if not inputs:
        raise InputError("No step of any example changes under ablation. Collect examples of another kind.")
    spread = torch.cat([x.flatten(0, -2) for x in inputs]).std(0).clamp_min(1e-9)
    inputs = [x / spread for x in inputs]
    weights = (spread / spread.mean()).requires_grad_()  # mean attention to begin with
    optimizer = torch.optim.Adam([weights])
    order = np.random.default_rng(seed)
    for epoch in range(epochs):
        total = 0.0
        for group in optimizer.param_groups:
            group["lr"] = _RATE * (1 - epoch / epochs)
        shuffled = order.permutation(len(inputs))
        for start in range(0, len(shuffled), _BATCH):
            chosen = shuffled[start : start + _BATCH]
            loss = -torch.stack([_pearson(inputs[i] @ weights, outputs[i]) for i in chosen]).mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += float(loss.detach()) * len(chosen)
        if say is not None:
            say(f"Linear map, pass {epoch + 1} of {epochs}: correlation {-total / len(inputs):.4f}", None)
    found = (weights / spread).detach()
    return LinearAttention((found / found.norm()).view(layers, heads).numpy(), thinker_sha256, len(examples))


def _targets(example: Example) -> tuple[list[Tensor], list[Tensor]]:
    """For each step that varies: pooled attention summed over kept regions [M, layers · heads], and y [M]."""
    inputs, outputs = [], []
    masks = example.masks.float()
    for start, end in example.spans:
        measured = example.log_probs[:, start:end].sum(1)
        if float(measured.std()) < 1e-3:
            continue
        attention = example.features.attention[start:end].float().mean(0).flatten(0, 1)
        summed = masks @ attention.T
        inputs.append(summed - summed.mean(0))
        outputs.append(measured - measured.mean())
    return inputs, outputs


def _pearson(predicted: Tensor, measured: Tensor) -> Tensor:
    predicted = predicted - predicted.mean()
    return (predicted * measured).sum() / (predicted.norm() * measured.norm() + 1e-9)


def save_linear(folder: Path, linear: LinearAttention) -> None:
    """Write the map beside the estimator in a folder."""
    content = {
        "thinker_sha256": linear.thinker_sha256,
        "examples": linear.examples,
        "weights": [[round(float(value), 6) for value in row] for row in linear.weights],
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def load_linear(folder: Path) -> LinearAttention | None:
    """The map in an estimator's folder, or None if there is none. Raises InputError if it is damaged."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        weights = np.array(content["weights"], np.float32)
        if weights.ndim != 2:
            raise ValueError("not a table")
        return LinearAttention(weights, content["thinker_sha256"], int(content["examples"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"The linear map {path} is damaged. Delete it or fit it again.") from error


def _effects(case: Case) -> np.ndarray:
    if case.linear is None:
        raise ValueError("this method needs a fitted map")
    return case.linear.scores(case.features)


METHOD = Method(
    "linear attention", "the paper's linear map over pooled attention, Pearson loss", _effects, needs="linear"
)
