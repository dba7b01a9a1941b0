"""How large an image a model is given: the pixel budget of its own processor, made smaller or larger.

Processors resize a screenshot themselves; cells always come from what they really did, so the overlay stays
exact whatever the budget. One small entry for each way in which processors keep their limit.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError

SMALLEST = 16
CHOICES = (256, 512, 1024, 2048, 4096, 8192, 16384)
"""Visual tokens, for people to choose from."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """One way to limit: whether a processor has it, the limit in visual tokens now, and setting it."""

    has: Callable[[Any], bool]
    get: Callable[[Any], int]
    set: Callable[[Any, int], None]


def _cell(images: Any) -> int:
    """Pixels of the model's image that one visual token of a merged grid stands for."""
    return int((images.patch_size * images.merge_size) ** 2)


def _area_of(images: Any) -> int:
    return int(images.size["longest_edge"]) // _cell(images)


def _set_area(images: Any, tokens: int) -> None:
    """Qwen's and GLM's processors call their largest area the longest edge."""
    most = tokens * _cell(images)
    least = min(int(images.size["shortest_edge"]), most)
    images.size = {"shortest_edge": least, "longest_edge": most}
    for name, value in (("max_pixels", most), ("min_pixels", least)):
        if getattr(images, name, None) is not None:
            setattr(images, name, value)


_KINDS: tuple[_Kind, ...] = (
    _Kind(
        lambda images: bool(getattr(images, "merge_size", 0)) and "longest_edge" in dict(images.size or {}),
        _area_of,
        _set_area,
    ),
    _Kind(
        lambda images: getattr(images, "max_soft_tokens", None) is not None,
        lambda images: int(images.max_soft_tokens),
        lambda images, tokens: setattr(images, "max_soft_tokens", tokens),
    ),
)


def budget(processor: Any) -> int | None:
    """The most visual tokens that a processor makes of an image; None where it has no adjustable limit."""
    kind = _kind(processor)
    return None if kind is None else kind.get(processor.image_processor)


def budget_of(folder: Path) -> int | None:
    """As ``budget``, for a checkpoint folder that is not loaded; None also where its files do not tell."""
    images: dict[str, Any] = {}
    for name in ("preprocessor_config.json", "processor_config.json"):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            told = json.loads((folder / name).read_text(encoding="utf-8"))
            images |= told.get("image_processor") or told
    with contextlib.suppress(ValueError, TypeError, KeyError):
        if images.get("max_soft_tokens"):
            return int(images["max_soft_tokens"])
        if images.get("merge_size"):
            most = images.get("max_pixels") or images["size"]["longest_edge"]
            return int(most) // int(images["patch_size"] * images["merge_size"]) ** 2
    return None


def limit(processor: Any, tokens: int) -> None:
    """Make a processor keep to so many visual tokens.

    Raises:
        InputError: too few, or the model sees every image at a fixed size.
    """
    if tokens < SMALLEST:
        raise InputError(f"An image needs at least {SMALLEST} visual tokens, not {tokens}.")
    kind = _kind(processor)
    if kind is None:
        raise InputError("This model sees images at sizes of its own; the number of visual tokens is fixed.")
    kind.set(processor.image_processor, tokens)


def _kind(processor: Any) -> _Kind | None:
    images = processor.image_processor
    return next((kind for kind in _KINDS if kind.has(images)), None)
