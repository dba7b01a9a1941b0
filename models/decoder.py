"""Where a family's text decoder keeps what the probe reads. Imports torch."""

from __future__ import annotations

from typing import Any

import numpy as np

from core.errors import InputError
from core.probe import Decoder, Layer
from models.families.family import FULL, SLIDING, Family


def describe_decoder(model: Any, family: Family, threads: int | None) -> Decoder:
    """What the probe reads of a model.

    Args:
        model: transformers' own object.
        family: which layers can be read, and what stands between attention and residual stream.
        threads: how many CPU threads reading may take; None for all.

    Raises:
        InputError: its attention cannot be read faithfully.
    """
    decoder, config = model.model.language_model, model.config.text_config
    window: int | None = getattr(config, "sliding_window", None)
    every = SLIDING if window else FULL
    kinds = getattr(config, "layer_types", None) or [every] * int(config.num_hidden_layers)
    scales = [
        float(getattr(layer, family.layer_scale)) if family.layer_scale else 1.0 for layer in decoder.layers
    ]
    layers = []
    for index, (kind, layer) in enumerate(zip(kinds, decoder.layers, strict=True)):
        if kind not in family.readable:
            continue
        attention = layer.self_attn
        if hasattr(attention, "sinks"):
            raise InputError(
                "This model's attention has sinks, which Sightline cannot read. Take another model."
            )
        layers.append(
            Layer(
                index=index,
                scaling=float(attention.scaling),
                output=attention.o_proj,
                window=window if kind == SLIDING else None,
                gated=attention.q_proj if family.gated else None,
                norm=getattr(layer, family.norm_after_attention) if family.norm_after_attention else None,
                gain=float(np.prod(scales[index:])),
            )
        )
    return Decoder(
        layers=tuple(layers),
        norm=decoder.norm,
        head=model.get_output_embeddings(),
        softcap=getattr(config, "final_logit_softcapping", None),
        threads=threads,
    )
