"""The thinker's tokenizer knows every piece that the generator writes."""

from __future__ import annotations

import pytest

from models.bundled.screens import KINDS, generate
from models.bundled.thinker.tokenizer import build_tokenizer


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_the_generator_writes_falls_apart_into_bytes(kind: str) -> None:
    tokenizer = build_tokenizer()
    for seed in range(60):
        sample = generate(kind, seed, ratio=1)
        for text in (sample.prompt, sample.thinking, sample.answer):
            pieces = tokenizer.tokenize(text)
            # A lone letter is a byte, but for the two words of one letter.
            assert not [p for p in pieces if len(p) == 1 and p.isascii() and p.isalpha() and p not in "Ia"], (
                text
            )


def test_a_word_it_does_not_know_is_spelled_and_comes_back_whole() -> None:
    tokenizer = build_tokenizer()
    ids = tokenizer("Zwieback", add_special_tokens=False).input_ids
    assert len(ids) == 8
    assert tokenizer.decode(ids) == "Zwieback"
