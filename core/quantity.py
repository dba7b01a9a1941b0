"""What the numbers of a trace are, in words: effects in nats, or uncalibrated attention that has no unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Quantity:
    """Words for what is shown of each region.

    Attributes:
        kind: how the numbers came about: "estimated", "measured" or "uncalibrated".
        noun: what they are: an "effect", or mere "attention".
        unit: "nats", or "relative" where only their order means something.
    """

    kind: str
    noun: str
    unit: str

    @property
    def title(self) -> str:
        """``estimated effect, nats`` or ``uncalibrated attention, relative``."""
        return f"{self.kind} {self.noun}, {self.unit}"


ESTIMATED: Final = Quantity("estimated", "effect", "nats")
MEASURED: Final = Quantity("measured", "effect", "nats")
UNCALIBRATED: Final = Quantity("uncalibrated", "attention", "relative")
