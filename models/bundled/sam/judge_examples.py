"""What the judge learns from: the boxes proposed on generated screens, and which of them mean an element."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.overlap import overlap
from models.bundled.sam.canvas import GROUPS, Canvas
from models.bundled.sam.recorded import recorded
from models.bundled.sam.scenes import scene
from models.bundled.screens import HELD_OUT, KINDS
from models.sam_evidence import Answers, Asked, evidence
from models.sam_relations import relations

FIRST = 800_000_000
"""Seed of the first screen."""
_SIZES = (640, 960, 1280, 800, 1120)
"""Longer sides of scenes, in pixels."""
_NO_WORSE = 0.03
"""IoU by which another box may fit an element better."""
_LEAST = 0.4
"""IoU from which a box may stand for an element."""


@dataclass(frozen=True, slots=True, eq=False)
class JudgeExample:
    """One screen.

    Attributes:
        evidence: float32 [n, features].
        boxes: int64 [n, 4].
        fit: float32 [n], IoU of each box with the element that it fits best.
        chosen: bool [n], whether no other box fits that element clearly better.
        moves: int64 [n, 4], from the sides of the box to those of the element.
        movable: bool [n], whether it fills its box.
    """

    evidence: np.ndarray
    boxes: np.ndarray
    fit: np.ndarray
    chosen: np.ndarray
    moves: np.ndarray
    movable: np.ndarray


def training_screen(number: int) -> Canvas:
    """A third of the screens are the thinker's, the others scenes."""
    seed = FIRST + number
    if seed >= HELD_OUT:
        raise ValueError("screens from there on are held out")
    if number % 3 == 0:
        return recorded(KINDS[number // 3 % len(KINDS)], seed)
    return scene(seed, _SIZES[number % len(_SIZES)])


def judge_example(canvas: Canvas, asked: Asked, answers: Answers) -> JudgeExample:
    """The evidence on a screen's boxes, with what the elements say."""
    things = [thing for _, thing in canvas.visible() if thing.role not in GROUPS]
    shared = np.zeros((len(asked.parts), max(1, len(things))))
    for column, thing in enumerate(things):
        shared[:, column] = [overlap(part, thing) for part in asked.parts]
    frames = np.array([thing.box for thing in things] or [(0, 0, 0, 0)])
    boxes, meant, fit = asked.boxes, shared.argmax(1), shared.max(1)
    return JudgeExample(
        evidence(canvas.image, asked, answers, relations(boxes)),
        boxes,
        fit.astype(np.float32),
        (fit >= shared.max(0)[meant] - _NO_WORSE) & (fit >= _LEAST),
        frames[meant] - boxes,
        np.array([bool(part.mask.all()) for part in asked.parts]),
    )


def save_example(example: JudgeExample, path: Path) -> None:
    np.savez_compressed(path, **{name: getattr(example, name) for name in JudgeExample.__slots__})


def load_example(path: Path) -> JudgeExample:
    with np.load(path) as stored:
        return JudgeExample(**{name: stored[name] for name in JudgeExample.__slots__})
