"""The recipe of the judge: it learns which boxes mean an element from screens that know."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models.bundled.sam.canvas import Canvas
from models.bundled.sam.judge_examples import (
    JudgeExample,
    judge_example,
    load_example,
    save_example,
    training_screen,
)
from models.bundled.sam.train_judge import prepared, train
from models.sam_evidence import Answers, Asked
from models.sam_judge import Judge, Jury
from models.screen_layout import Part

CARD, OFF, ELSEWHERE = (20, 20, 80, 60), (21, 20, 80, 58), (90, 70, 110, 90)


def _example() -> JudgeExample:
    """A card, proposed well, not so well, and not at all."""
    canvas = Canvas(np.full((100, 120, 3), 240, np.uint8))
    canvas.image[20:60, 20:80] = 40
    canvas.note("card", CARD)
    boxes = np.array([CARD, OFF, ELSEWHERE])
    parts = [Part(b, np.ones((b[3] - b[1], b[2] - b[0]), bool), "card", -1) for b in (CARD, OFF, ELSEWHERE)]
    ones = np.ones(3, np.float32)
    answers = Answers(ones, boxes, ones, ones, np.tile((0, 0, 120, 100), (3, 1)))
    return judge_example(canvas, Asked(parts, boxes, 0, boxes), answers)


def test_an_example_says_what_each_box_means_and_where_its_element_ends() -> None:
    example = _example()
    assert example.chosen.tolist() == [True, False, False]
    assert example.fit[0] == 1
    assert 0.9 < example.fit[1] < 0.97
    assert example.fit[2] == 0
    assert example.moves[1].tolist() == [-1, 0, 0, 2]


def test_examples_come_back_from_their_files(tmp_path: Path) -> None:
    save_example(_example(), tmp_path / "one.npz")
    again = load_example(tmp_path / "one.npz")
    assert np.array_equal(again.evidence, _example().evidence)
    assert np.array_equal(again.moves, _example().moves)


def test_training_screens_are_never_those_held_out() -> None:
    assert max(training_screen(0).image.shape) > 100
    with pytest.raises(ValueError, match="held out"):
        training_screen(200_000_000)


def test_training_tells_the_right_box_from_the_others() -> None:
    torch.manual_seed(0)
    screens = [prepared(_example())] * 4
    judge = Judge(screens[0].evidence.shape[1])
    lines = list(train(judge, screens, screens, epochs=12, rate=3e-3))
    assert lines[-1]["check_chosen"] < 0.5 * lines[0]["check_chosen"]
    example = _example()
    verdict = Jury([judge]).verdict(example.evidence, screens[0].relations.numpy())
    assert verdict.chosen.argmax() == 0
    assert verdict.fit.argmin() == 2
