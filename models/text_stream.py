"""The text of tokens as they come, one at a time. Imports tokenizers."""

from __future__ import annotations

from typing import Any

from tokenizers.decoders import DecodeStream


class TextStream:
    """What each token adds to a text; characters spelled in several tokens come with the last of these."""

    def __init__(self, tokenizer: Any) -> None:
        """``tokenizer`` is that of tokenizers (``backend_tokenizer`` of one of transformers)."""
        self._tokenizer = tokenizer
        self._stream = DecodeStream(skip_special_tokens=True)

    def step(self, token: int) -> str:
        """The text that the token adds.

        A tokenizer that spells characters in bytes gives up on one that breaks off after a whole one (such as
        Gemma's; tokenizers says "Invalid prefix"): the broken one becomes a replacement character, and
        the text goes on.
        """
        try:
            return self._stream.step(self._tokenizer, token) or ""
        except Exception as error:
            if "Invalid prefix" not in str(error):
                raise
            self._stream = DecodeStream(skip_special_tokens=True)
            return "\N{REPLACEMENT CHARACTER}" + (self._stream.step(self._tokenizer, token) or "")
