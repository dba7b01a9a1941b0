"""Train the judges of the bundled SAM's answers: ``python -m models.bundled.sam.train_judge FOLDER``.

``--screens N`` first lets the bundled SAM answer on that many generated screens and keeps in FOLDER what the
judge learns from; what is there already is not made again. ``--check FOLDER`` names screens to report on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from core.export.atomic import replacing
from core.faithfulness import roc_auc
from models.bundled.sam.judge_examples import (
    JudgeExample,
    judge_example,
    load_example,
    save_example,
    training_screen,
)
from models.opencv_segmenter import working_copy
from models.sam import SamSegmenter
from models.sam_checkpoint import BUNDLED, JUDGE, load_mask_model
from models.sam_judge import FARTHEST, Judge, Jury
from models.sam_relations import relations

_NOISE, _DROPOUT, _DECAY = 0.05, 0.15, 0.02
_MOVES_FROM = 0.6
"""IoU from which a box learns where the sides of its element are."""
_MOVES_SHARE = 0.3
"""Of the loss."""
_LEAST_SCALE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Screen:
    """An example as tensors, with the relations of its boxes."""

    evidence: Tensor
    relations: Tensor
    fit: Tensor
    chosen: Tensor
    moves: Tensor
    moved: Tensor


def collect(folder: Path, screens: int, first: int = 0) -> None:
    """Write the examples of training screens that are not yet in a folder."""
    segmenter = SamSegmenter(load_mask_model(None))
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(first, first + screens):
        path = folder / f"{number:06d}.npz"
        if path.exists():
            continue
        canvas = training_screen(number)
        asked, answers = segmenter.consulted(working_copy(canvas.image), lambda text, share: None)
        if len(asked.parts):
            save_example(judge_example(canvas, asked, answers), path)


def train(
    judge: Judge, screens: Sequence[Screen], checks: Sequence[Screen], epochs: int, rate: float
) -> Iterator[dict[str, float]]:
    """Train in place; the losses after each epoch."""
    found = torch.cat([screen.evidence for screen in screens])
    judge.mean.copy_(found.mean(0))
    judge.scale.copy_(found.std(0) + _LEAST_SCALE)
    optimiser = torch.optim.AdamW(judge.parameters(), rate, weight_decay=_DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, epochs * len(screens), pct_start=0.1)
    began = time.time()
    for epoch in range(epochs):
        judge.train()
        losses = []
        for index in torch.randperm(len(screens)).tolist():
            parts = _losses(judge, screens[index], _NOISE)
            optimiser.zero_grad()
            (parts[0] + parts[1] + _MOVES_SHARE * parts[2]).backward()
            torch.nn.utils.clip_grad_norm_(judge.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            losses.append(torch.stack(parts).detach())
        fit, chosen, moves = torch.stack(losses).mean(0).tolist()
        line = {"epoch": epoch + 1, "fit": fit, "chosen": chosen, "moves": moves}
        yield line | _checked(judge, checks) | {"minutes": (time.time() - began) / 60}


@torch.inference_mode()
def _checked(judge: Judge, screens: Sequence[Screen]) -> dict[str, float]:
    """Losses on other screens, and how often a box with an element is put above one without."""
    if not screens:
        return {}
    judge.eval()
    losses = torch.stack([torch.stack(_losses(judge, screen, 0.0)) for screen in screens]).mean(0)
    chosen = torch.cat([judge(screen.evidence, screen.relations)[1] for screen in screens])
    true = torch.cat([screen.chosen for screen in screens]).bool()
    return dict(zip(("check_fit", "check_chosen", "check_moves"), losses.tolist(), strict=True)) | {
        "check_area": roc_auc(chosen.numpy(), true.numpy())
    }


def _losses(judge: Judge, screen: Screen, noise: float) -> tuple[Tensor, Tensor, Tensor]:
    seen = screen.evidence + noise * judge.scale * torch.randn_like(screen.evidence)
    fit, chosen, moves = judge(seen, screen.relations)
    return (
        functional.binary_cross_entropy_with_logits(fit, screen.fit),
        functional.binary_cross_entropy_with_logits(chosen, screen.chosen),
        functional.cross_entropy(moves[screen.moved], screen.moves[screen.moved] + FARTHEST)
        if screen.moved.any()
        else torch.zeros(()),
    )


def prepared(example: JudgeExample) -> Screen:
    """An example as training wants it."""
    moved = (example.fit >= _MOVES_FROM)[:, None] & (np.abs(example.moves) <= FARTHEST)
    return Screen(
        torch.from_numpy(example.evidence),
        torch.from_numpy(relations(example.boxes).kinds),
        torch.from_numpy(example.fit),
        torch.from_numpy(example.chosen.astype(np.float32)),
        torch.from_numpy(example.moves),
        torch.from_numpy(moved & example.movable[:, None]),
    )


def _load(folder: Path | None) -> list[Screen]:
    return [] if folder is None else [prepared(load_example(path)) for path in sorted(folder.glob("*.npz"))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--screens", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--check", type=Path)
    parser.add_argument("--epochs", type=int, default=10, help="0 only makes examples")
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--judges", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1, help="of the first judge; each has its own")
    parser.add_argument("--out", type=Path, default=BUNDLED / JUDGE)
    options = parser.parse_args()
    collect(options.folder, options.screens, options.first)
    if not options.epochs:
        return
    screens, checks = _load(options.folder), _load(options.check)
    print(json.dumps({"screens": len(screens), "boxes": sum(len(s.fit) for s in screens)}), flush=True)
    judges = []
    for number in range(options.judges):
        torch.manual_seed(options.seed + number)
        judges.append(Judge(screens[0].evidence.shape[1], _DROPOUT))
        for line in train(judges[-1], screens, checks, options.epochs, options.rate):
            told = {key: round(value, 4) for key, value in line.items()}
            print(json.dumps({"judge": number + 1} | told), flush=True)
    with replacing(options.out) as part:
        save_file(Jury(judges).state_dict(), part)


if __name__ == "__main__":
    main()
