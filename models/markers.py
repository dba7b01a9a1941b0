"""What delimits thinking and answer in a checkpoint's own vocabulary and template."""

from __future__ import annotations

from typing import Any

from core.thinking import Markers
from models.families.family import Family
from models.prompting import messages


def find_markers(model: Any, processor: Any, family: Family) -> tuple[Markers, frozenset[int]]:
    """Markers, by token id where the tokenizer has one for them, and the ids that end a turn."""
    tokenizer = processor.tokenizer
    vocabulary = tokenizer.get_vocab()
    opening, closing = vocabulary.get(family.think_open), vocabulary.get(family.think_close)
    text = processor.apply_chat_template(
        messages(family, [{"type": "text", "text": "?"}]),
        add_generation_prompt=True,
        tokenize=False,
        **family.template_arguments,
    )
    opened = text.rfind(family.think_open) > text.rfind(family.think_close)
    configured = model.generation_config.eos_token_id or model.config.text_config.eos_token_id
    stops = {configured} if isinstance(configured, int) else set(configured or ())
    if tokenizer.eos_token_id is not None:
        stops.add(tokenizer.eos_token_id)
    silent = {vocabulary[text] for text in family.silent if text in vocabulary}
    silent |= stops | {marker for marker in (opening, closing) if marker is not None}
    markers = Markers(
        open=opening,
        close=closing,
        opened=opened,
        silent=frozenset(silent),
        label=family.label,
        spelled_open="" if opening is not None else family.think_open,
        spelled_close="" if closing is not None else family.think_close,
        spelled_silent=tuple(text for text in family.silent if text not in vocabulary),
    )
    return markers, frozenset(stops)
