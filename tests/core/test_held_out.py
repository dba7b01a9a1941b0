"""Which screenshots judge is decided by their content alone, and what judges never teaches."""

from __future__ import annotations

import hashlib

import pytest
from synthetic_examples import synthetic

from core.calibration import save_example
from core.held_out import AT_MOST, agreement_of, divide

SCREENS = [hashlib.sha256(bytes([n])).hexdigest() for n in range(100)]


def test_a_fifth_judges_whatever_the_order(tmp_path):
    teaching, judging = divide(SCREENS)
    assert (len(teaching), len(judging)) == (80, 20)
    assert not set(teaching) & set(judging)
    assert divide(SCREENS[::-1]) == (teaching, judging)
    assert [len(part) for part in divide(SCREENS[:2])] == [1, 1]
    many = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(1000)]
    assert len(divide(many)[1]) == AT_MOST


def test_what_taught_before_never_judges():
    teaching, judging = divide(SCREENS[:60])
    more = divide(SCREENS, taught=frozenset(teaching))[1]
    assert not set(more) & set(teaching)
    assert set(more) <= {*judging, *SCREENS[60:]}
    assert divide(SCREENS[:5], taught=frozenset(SCREENS)) == (sorted(SCREENS[:5]), [])


def test_true_effects_agree_and_opposite_ones_disagree(tmp_path):
    paths = []
    for seed in range(3):
        save_example(tmp_path / f"{seed}.safetensors", synthetic(seed))
        paths.append(tmp_path / f"{seed}.safetensors")

    def true(example):
        return (example.features.direct[:, 0, 1] * 3).numpy()

    found = agreement_of(true, paths)
    assert found.steps.mean == pytest.approx(1, abs=0.01)
    assert found.tokens.mean == pytest.approx(1, abs=0.01)
    assert (found.examples, found.steps.count) == (3, 6)
    assert agreement_of(lambda example: -true(example), paths).steps.mean == pytest.approx(-1, abs=0.01)
