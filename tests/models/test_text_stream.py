"""The text of tokens as they come, also where a character is spelled in bytes and breaks off."""

from __future__ import annotations

import pytest
from tokenizers import Tokenizer, decoders, models

from models.text_stream import TextStream

EMOJI = "\N{GRINNING FACE}"


@pytest.fixture(scope="module")
def in_bytes() -> Tokenizer:
    """A tokenizer that spells what it does not know in bytes, as Gemma's does."""
    words = {"<unk>": 0, "a": 1} | {f"<0x{byte:02X}>": 2 + byte for byte in range(256)}
    tokenizer = Tokenizer(models.BPE(words, [], unk_token="<unk>", byte_fallback=True))
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    return tokenizer


def ids(data: bytes) -> list[int]:
    return [2 + byte for byte in data]


def test_a_character_comes_with_the_last_of_its_bytes(in_bytes):
    stream = TextStream(in_bytes)
    assert [stream.step(token) for token in [1, *ids(EMOJI.encode()), 1]] == ["a", "", "", "", EMOJI, "a"]


def test_after_a_character_that_breaks_off_the_text_goes_on(in_bytes):
    stream = TextStream(in_bytes)
    cut = [*ids(EMOJI.encode()), *ids(EMOJI.encode()[:2]), 1, *ids(EMOJI.encode()), 1]
    text = "".join(stream.step(token) for token in cut)
    assert text.startswith(EMOJI)
    assert text.endswith(f"a{EMOJI}a")
    assert "\N{REPLACEMENT CHARACTER}" in text
