"""All attribution methods by name."""

from __future__ import annotations

from core.attribution import estimated, mean_attention, prior, random_scores
from core.attribution.method import Method
from core.attribution.ridge import ridge

METHODS: dict[str, Method] = {
    method.name: method
    for method in (random_scores.METHOD, mean_attention.METHOD, prior.METHOD, estimated.METHOD, ridge(64))
}
