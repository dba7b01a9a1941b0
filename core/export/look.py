"""How pictures of effects are drawn, and the options that say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from core.export.options import Option

LAYERS: Final = ("screenshot", "overlay", "outlines", "labels", "words")

COLOUR_MAP_NAMES: Final = ("default", "purple and green")
"""Those of ``core.colour_maps.COLOUR_MAPS``, so that a list of options needs no numpy."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture is drawn.

    Attributes:
        kind: "estimated" effects, or "measured" ones (of a measurement of exactly this span).
        signed: show negative effects too.
        opacity: of the strongest effect, 0 to 1.
        screenshot: draw it; else white paper is in its place.
        overlay: colour regions by their effect.
        outlines: draw the outlines of regions.
        labels: how many regions are named, those with the strongest effects.
        words: write around the picture what it shows.
        colour_map: name of a colour map.
        scale: the effect in nats with the strongest colour; None takes the span's own.
    """

    kind: Literal["estimated", "measured"] = "estimated"
    signed: bool = True
    opacity: float = 0.65
    screenshot: bool = True
    overlay: bool = True
    outlines: bool = True
    labels: int = 3
    words: bool = True
    colour_map: str = "default"
    scale: float | None = None


EFFECTS: Final = Option(
    "effects",
    "choice",
    "estimated",
    "Effects",
    "Estimated from attention, or measured by ablation (of exactly these steps)",
    choices=("estimated", "measured"),
)
LAYERS_SHOWN: Final = Option("layers", "several", LAYERS, "Layers", "What is drawn", choices=LAYERS)
SIGNED: Final = Option(
    "signed", "flag", True, "Opposing effects", "Also show regions that speak against a token"
)
OPACITY: Final = Option(
    "opacity", "number", 65, "Opacity", "Of the strongest effect", low=5, high=100, unit="%"
)
LABELS: Final = Option("labels", "number", 3, "Named regions", "How many of the strongest are named", high=24)
COLOURS: Final = Option(
    "colours",
    "choice",
    "default",
    "Colours",
    "Both are safe for colour-blind eyes",
    choices=COLOUR_MAP_NAMES,
)
ENLARGE: Final = Option(
    "enlarge", "number", 1, "Size", "How many times as large, 1 to 4", low=1, high=4, unit="×"
)

BY: Final = Option(
    "by", "choice", "tokens", "Advance by", "A moment is a token or a whole step", choices=("tokens", "steps")
)
SPEED: Final = Option(
    "speed", "number", 8, "Speed", "Tokens a second", low=1, high=60, unit=" tokens a second"
)
WIDTH: Final = Option("width", "number", 800, "Width", "Of the picture", low=240, high=1920, unit=" pixels")

PICTURE: Final = (EFFECTS, LAYERS_SHOWN, SIGNED, OPACITY, LABELS, COLOURS)
"""What can be chosen about every still picture of one span."""

FILM: Final = (BY, SPEED, WIDTH, SIGNED, OPACITY, COLOURS)
"""What can be chosen about every film of a run."""


def look_from(
    effects: Any = "estimated",
    layers: tuple[str, ...] = LAYERS,
    signed: bool = True,
    opacity: int = 65,
    labels: int = 3,
    colours: str = "default",
) -> Look:
    """The look that the options of ``PICTURE`` ask for."""
    return Look(
        kind=effects,
        signed=signed,
        opacity=opacity / 100,
        screenshot="screenshot" in layers,
        overlay="overlay" in layers,
        outlines="outlines" in layers,
        labels=labels if "labels" in layers else 0,
        words="words" in layers,
        colour_map=colours,
    )
