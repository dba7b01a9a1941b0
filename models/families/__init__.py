"""The families of thinking models that Sightline handles: one declarative file each, listed here once."""

from __future__ import annotations

import re

from core.errors import InputError
from models.families.cosmos_reason1 import COSMOS_REASON1
from models.families.family import Family
from models.families.gemma4 import GEMMA4
from models.families.glm4v import GLM4V, GLM4V_MOE
from models.families.internvl3_5 import INTERNVL3_5
from models.families.mimo_vl import MIMO_VL
from models.families.ministral3 import MINISTRAL3
from models.families.qwen3_5 import QWEN3_5
from models.families.qwen3_vl import QWEN3_VL

__all__ = ["FAMILIES", "Family", "choose_family", "families_of", "family_named"]

FAMILIES: tuple[Family, ...] = (
    QWEN3_VL,
    GLM4V,
    GLM4V_MOE,
    MIMO_VL,
    COSMOS_REASON1,
    QWEN3_5,
    GEMMA4,
    MINISTRAL3,
    INTERNVL3_5,
)


def families_of(model_type: str) -> tuple[Family, ...]:
    """All families whose checkpoints are of this ``model_type``; none if Sightline does not know it."""
    return tuple(family for family in FAMILIES if model_type in family.model_types)


def family_named(key: str) -> Family:
    """The family that a user or a trace names by its key or its name.

    Raises:
        InputError: there is none.
    """
    for family in FAMILIES:
        if key in (family.key, family.name):
            return family
    known = ", ".join(family.key for family in FAMILIES)
    raise InputError(f'There is no model family "{key}". Choose one of: {known}.')


def choose_family(model_type: str, *names: str, chosen: str = "") -> Family:
    """The family of a checkpoint.

    Args:
        model_type: from its ``config.json``.
        names: what it is called: Hugging Face id, folder, name in its configuration.
        chosen: key or name of the family, if a person or a trace said which.

    Raises:
        InputError: no family has this model type, or several have and nothing says which.
    """
    candidates = families_of(model_type)
    if not candidates:
        known = ", ".join(family.name for family in FAMILIES)
        raise InputError(f'Models of type "{model_type}" cannot be read. Supported: {known}.')
    if chosen:
        family = family_named(chosen)
        if family not in candidates:
            raise InputError(
                f'A model of type "{model_type}" cannot be a {family.name}. Leave the family out.'
            )
        return family
    called = [re.sub(r"[^a-z0-9]", "", name.lower()) for name in names]
    matching = [f for f in candidates if not f.names or any(n in name for n in f.names for name in called)]
    if len(matching) == 1:
        return matching[0]
    options = " or ".join(f"--family {family.key}" for family in candidates)
    several = " or ".join(family.name for family in candidates)
    raise InputError(
        f'A model of type "{model_type}" may be {several}, and its name does not tell. '
        f"Say which: in Choose Model, or with {options}."
    )
