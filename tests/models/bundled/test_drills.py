"""Drills ask only for what stands in their own text."""

from __future__ import annotations

import re

import numpy as np
import pytest

from models.bundled.thinker.dataset import drill_batch
from models.bundled.thinker.drills import draw_drill
from models.bundled.thinker.tokenizer import build_tokenizer


def drill(seed: int) -> list[tuple[str, bool]]:
    return draw_drill(np.random.default_rng(seed))


def test_a_seed_always_gives_the_same_drill() -> None:
    assert drill(3) == drill(3)
    assert drill(3) != drill(4)


@pytest.mark.parametrize("seed", range(60))
def test_every_name_and_number_asked_for_was_listed_before(seed: int) -> None:
    parts = drill(seed)
    before = ""
    for text, asked in parts:
        if asked and "=" not in text and "falls" not in text and "rises" not in text:
            # Counts and sums are worked out; everything else is copied.
            for word in re.findall(r"[A-Z][a-z]+|\d{2,}", text):
                assert word in before, parts
        before += text


@pytest.mark.parametrize("seed", range(60))
def test_every_equation_of_a_drill_holds(seed: int) -> None:
    text = "".join(t for t, _ in drill(seed))
    for left, right in re.findall(r"(\d+(?: [+-] \d+)+) = (\d+)", text):
        terms = re.findall(r"([+-]?) ?(\d+)", left)
        assert sum(-int(n) if sign == "-" else int(n) for sign, n in terms) == int(right)


def test_the_parts_of_a_drill_are_tokenized_as_the_whole_would_be() -> None:
    tokenizer = build_tokenizer()

    def ids(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False).input_ids)

    for seed in range(200):
        parts = drill(seed)
        assert [i for t, _ in parts for i in ids(t)] == ids("".join(t for t, _ in parts))


def test_a_batch_of_drills_asks_for_some_tokens_and_not_for_the_lists() -> None:
    tokenizer = build_tokenizer()
    batch = drill_batch(np.random.default_rng(0), tokenizer, 8)
    asked = batch.targets >= 0
    assert batch.grid is None
    assert asked.any(1).all()
    assert asked.float().mean() < 0.5
    # A target is the next token of its row.
    rows, places = asked.nonzero(as_tuple=True)
    assert (batch.targets[rows, places] == batch.input_ids[rows, places + 1]).all()
