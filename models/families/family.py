"""What one family of thinking models is: plain data, and the few functions that read its processor's output.

Imports nothing heavy, so that ``sightline models`` can list families at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.coverage import Cells
from core.trace import Sampling

FULL, SLIDING = "full_attention", "sliding_attention"
"""Kinds of decoder layers, as ``layer_types`` in a configuration names them."""


@dataclass(frozen=True, slots=True)
class Family:
    """How to handle one family.

    Attributes:
        key: what a user types to choose it.
        name: for people.
        model_types: values of ``model_type`` in ``config.json``.
        names: what the name or path of a checkpoint holds (letters and digits, lower case) that tells this
            family from others of the same ``model_type``; empty if there are none.
        token_side: pixels; side of the square of the resized screenshot that one visual token stands for.
        readable: kinds of decoder layers whose attention the probe reads.
        readable_share: share of the decoder's layers that are of those kinds, in the published checkpoints.
        layout: (processor output, processor, width, height of the screenshot) → cells, and the size (width,
            height) in pixels that the model was given.
        positions: (model, processor output) → positions [..., 1, P] of the prompt, and of the token after it
            [..., 1, 1].
        image_inputs: keys of the processor output that describe the image and are batched along dim 0.
        image_arguments: processor → what its image processor must be told for the same result.
        token_inputs: keys of the processor output that go along with the tokens; 0 for generated ones.
        think_open, think_close: the markers around the thinking.
        label: what the model writes right after ``think_open`` that is not thinking.
        silent: further markers that are not text.
        system_prompt: without it the model does not think; empty if it needs none.
        template_arguments: passed to the chat template.
        sampling: what the model card recommends.
        gated: the attention output is multiplied by a gate that the query projection also makes.
        norm_after_attention: name of a decoder layer's norm between attention and residual stream, if any.
        layer_scale: name of a decoder layer's factor on the residual stream, if any.
    """

    key: str
    name: str
    model_types: frozenset[str]
    token_side: int
    readable_share: float
    layout: Callable[[Mapping[str, Any], Any, int, int], tuple[Cells, tuple[int, int]]]
    positions: Callable[[Any, Mapping[str, Any]], tuple[Any, Any]]
    image_inputs: tuple[str, ...]
    sampling: Sampling
    names: tuple[str, ...] = ()
    readable: frozenset[str] = frozenset({FULL})
    image_arguments: Callable[[Any], Mapping[str, Any]] = lambda processor: {}
    token_inputs: tuple[str, ...] = ()
    think_open: str = "<think>"
    think_close: str = "</think>"
    label: str = ""
    silent: tuple[str, ...] = ()
    system_prompt: str = ""
    template_arguments: Mapping[str, Any] = field(default_factory=dict)
    gated: bool = False
    norm_after_attention: str = ""
    layer_scale: str = ""
