"""The bundled thinker's own byte-level tokenizer: known words are one token each, anything else is bytes."""

from __future__ import annotations

import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
    "<think>",
    "</think>",
)

# Words of the screen never take their leading space along, so that " Apples" and "<h1>Apples" are the same
# token; the words of the reasoning do, which halves their number. Digits stand alone.
PIECES = r'</?[a-z][a-z0-9]*>|<input placeholder="|">|[A-Z]+[a-z]*| ?[a-z]+|[0-9]|\n| ?[+=\-]|[^A-Za-z0-9\n]'

# The shape of Qwen3-VL's thinking template, for one turn and one image.
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}{% else %}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif part['type'] == 'text' %}{{ part['text'] }}{% endif %}{% endfor %}{% endif %}"
    "<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n<think>\n{% endif %}"
)


def _byte_alphabet() -> list[str]:
    return sorted(pre_tokenizers.ByteLevel.alphabet())


def _vocabulary() -> list[str]:
    """The pieces that are one token each, in the order of their ids.

    A committed list, not a scan of what the generator writes today: trained weights stay valid when a
    wording changes. New pieces go at its end (a test finds any that the generator writes and it lacks).
    """
    return list(json.loads(Path(__file__).with_name("vocabulary.json").read_text(encoding="utf-8")))


def build_tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer, made from the committed list of pieces. Deterministic.

    ``ignore_merges`` makes a piece that is in the vocabulary one token; there are no merges, so any other
    piece falls apart into bytes.
    """
    to_bytes = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    alphabet = _byte_alphabet()
    tokens = [*SPECIAL, *alphabet]
    known = set(tokens)
    for piece in _vocabulary():
        encoded = to_bytes.pre_tokenize_str(piece)[0][0]
        if encoded not in known:
            known.add(encoded)
            tokens.append(encoded)
    core = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=[], ignore_merges=True))
    core.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(PIECES), behavior="isolated"), to_bytes]
    )
    core.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        bos_token="<|im_start|>",
        extra_special_tokens={
            "image_token": "<|image_pad|>",
            "video_token": "<|video_pad|>",
            "vision_start_token": "<|vision_start|>",
            "vision_end_token": "<|vision_end|>",
        },
        clean_up_tokenization_spaces=False,
    )
    # Matched whole, yet not special: decoding must not drop the end of the thinking (as in Qwen3-VL).
    from tokenizers import AddedToken

    tokenizer.add_tokens([AddedToken("<think>", normalized=False), AddedToken("</think>", normalized=False)])
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer
