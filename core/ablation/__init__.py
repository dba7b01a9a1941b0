"""Removing regions and measuring what that does to the tokens. The operators are listed here, once."""

from __future__ import annotations

from core.ablation.attention import ATTENTION
from core.ablation.embeddings import EMBEDDINGS
from core.ablation.masks import distinct_masks, half_masks, single_masks
from core.ablation.measuring import measure, measure_spans, measurements
from core.ablation.operator import Operator
from core.ablation.pixels import PIXELS, RING, ablate_pixels, fill_colours
from core.errors import InputError

__all__ = [
    "ATTENTION",
    "EMBEDDINGS",
    "OPERATORS",
    "PIXELS",
    "RING",
    "Operator",
    "ablate_pixels",
    "distinct_masks",
    "fill_colours",
    "half_masks",
    "measure",
    "measure_spans",
    "measurements",
    "operator_named",
    "single_masks",
]

OPERATORS: dict[str, Operator] = {operator.name: operator for operator in (PIXELS, EMBEDDINGS, ATTENTION)}


def operator_named(name: str) -> Operator:
    """The operator of a name.

    Raises:
        InputError: there is none.
    """
    if name not in OPERATORS:
        known = ", ".join(OPERATORS)
        raise InputError(f"There is no ablation operator “{name}”. Choose one of: {known}.")
    return OPERATORS[name]
