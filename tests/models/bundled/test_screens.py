"""The generator of screens tells the truth about what it draws."""

from __future__ import annotations

import re
from functools import cache

import numpy as np
import pytest

from models.bundled.screens import HELD_OUT, KINDS, Sample, generate
from models.bundled.screens.board import SIZES
from models.bundled.screens.fonts import FAMILIES
from models.bundled.screens.words import CONTENT, is_held_out, made_up
from models.bundled.screens.working import addition, subtraction

EACH = [(kind, HELD_OUT + 700_000 + seed) for kind in KINDS for seed in range(8)]


@cache
def screen(kind: str, seed: int) -> Sample:
    return generate(kind, seed)


@pytest.mark.parametrize("kind", KINDS)
def test_a_seed_always_gives_the_same_screen(kind: str) -> None:
    one, two = generate(kind, 5), generate(kind, 5)
    assert np.array_equal(one.image, two.image)
    assert one.truth() == two.truth()
    assert not np.array_equal(one.image.shape, generate(kind, 6).image.shape) or not np.array_equal(
        one.image, generate(kind, 6).image
    )


@pytest.mark.parametrize(("kind", "seed"), EACH)
def test_evidence_names_elements_that_stand_on_the_screen(kind: str, seed: int) -> None:
    sample = screen(kind, seed)
    height, width = sample.image.shape[:2]
    ids = {e.id for e in sample.elements}
    assert sample.evidence
    for evidence in sample.evidence:
        assert 0 <= evidence.start < evidence.end <= len(sample.thinking)
        assert set(evidence.elements) <= ids
    for element in sample.elements:
        x, y, w, h = element.bbox
        assert w > 0
        assert h > 0
        assert -1 <= x <= x + w <= width + 1
        assert -1 <= y <= y + h <= height + 1


@pytest.mark.parametrize(("kind", "seed"), EACH)
def test_every_element_is_visible(kind: str, seed: int) -> None:
    sample = screen(kind, seed)
    for element in sample.elements:
        x, y, w, h = (round(v) for v in element.bbox)
        patch = sample.image[max(y - 4, 0) : y + h + 4, max(x - 4, 0) : x + w + 4].astype(int)
        assert np.ptp(patch.reshape(-1, 3), axis=0).max() > 40, element


@pytest.mark.parametrize(("kind", "seed"), EACH)
def test_every_equation_in_the_thinking_holds(kind: str, seed: int) -> None:
    for left, right in re.findall(r"(\d+(?: [+-] \d+)+) = (\d+)", screen(kind, seed).thinking):
        terms = re.findall(r"([+-]?) ?(\d+)", left)
        assert sum(-int(n) if sign == "-" else int(n) for sign, n in terms) == int(right)


@pytest.mark.parametrize(("a", "b"), [(345, 27), (999, 999), (0, 0), (7, 96), (500, 500)])
def test_written_out_arithmetic_ends_in_the_right_number(a: int, b: int) -> None:
    assert addition(a, b).endswith(f"so {a + b}.")
    assert subtraction(max(a, b), min(a, b)).endswith(f"so {abs(a - b)}.")


def test_subtraction_refuses_a_negative_result() -> None:
    with pytest.raises(ValueError, match="a >= b"):
        subtraction(1, 2)


def test_there_are_enough_words_and_fonts() -> None:
    assert len(CONTENT) >= 200
    assert len(FAMILIES) >= 3


def test_held_out_words_are_never_made_up_for_training() -> None:
    rng = np.random.default_rng(0)
    assert not any(is_held_out(made_up(rng, held_out=False)) for _ in range(200))
    assert all(is_held_out(made_up(rng, held_out=True)) for _ in range(50))


def test_screens_vary_in_size_theme_and_aspect() -> None:
    samples = [generate("general", seed) for seed in range(60)]
    assert len({s.image.shape for s in samples}) > 8
    brightness = [s.image.mean() for s in samples]
    assert min(brightness) < 80 < 180 < max(brightness)
    assert all(w % 32 == 0 and h % 32 == 0 for w, h in SIZES)


def test_answers_can_rarely_be_guessed() -> None:
    """The most frequent answer of a kind is rare, so that a blind model scores low."""
    for kind in KINDS:
        answers = [generate(kind, seed, ratio=1).answer for seed in range(300)]
        assert max(answers.count(a) for a in set(answers)) / 300 < 0.1, kind
