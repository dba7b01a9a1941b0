"""All attribution methods by name, from none to the most expensive."""

from __future__ import annotations

from core.attribution import (
    attention_rollout,
    direct_effect,
    estimated,
    gradient_input,
    integrated_gradients,
    last_layer_attention,
    leave_one_out,
    linear_attention,
    mean_attention,
    prior,
    random_scores,
    region_area,
)
from core.attribution.lasso import lasso
from core.attribution.method import Method
from core.attribution.ridge import ridge

COUNTS = (8, 16, 32, 64, 128, 256)
"""Numbers of random ablations that regressions are fitted on."""

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        random_scores.METHOD,
        region_area.METHOD,
        mean_attention.METHOD,
        prior.METHOD,
        last_layer_attention.METHOD,
        attention_rollout.METHOD,
        direct_effect.METHOD,
        linear_attention.METHOD,
        estimated.METHOD,
        gradient_input.METHOD,
        integrated_gradients.METHOD,
        leave_one_out.METHOD,
        *(lasso(count) for count in COUNTS),
        *(ridge(count) for count in COUNTS),
    )
}

CEILING = f"ridge {COUNTS[-1]}"
"""The noise ceiling: what others are measured against."""
