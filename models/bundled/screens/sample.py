"""A generated screen with its truth."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

KINDS = ("code", "math", "document", "science", "general")
HELD_OUT = 1_000_000_000
"""Seeds from here on are never trained or tuned on."""

Box = tuple[float, float, float, float]
"""x, y, width, height in pixels of the screenshot."""


@dataclass(frozen=True, slots=True)
class Element:
    """One thing on the screen.

    ``colour`` and ``value`` are what a reader could say of it beyond its text: the name of its colour,
    the number that belongs to a label. They supervise the vision tower.
    """

    id: int
    role: str
    text: str
    bbox: Box
    colour: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """One word or number as drawn, wherever it stands; ``letters`` are the x of its letters' centres."""

    text: str
    bbox: Box
    letters: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """Characters ``start`` to ``end`` of the thinking were read from these elements."""

    start: int
    end: int
    elements: tuple[int, ...]


@dataclass(slots=True)
class Thought:
    """Thinking under construction: text, and which parts of it were read from where."""

    text: str = ""
    evidence: list[Evidence] = field(default_factory=list)

    def say(self, text: str) -> Thought:
        """Add words that are not read from the screen."""
        self.text += text
        return self

    def read(self, text: str, *elements: Element) -> Thought:
        """Add words that are read from elements."""
        start = len(self.text)
        self.text += text
        self.evidence.append(Evidence(start, len(self.text), tuple(e.id for e in elements)))
        return self


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A screen, a question about it, and the truth.

    Attributes:
        kind, seed: where it came from.
        image: uint8 [H, W, 3].
        prompt, thinking, answer: what is asked and what a perfect reader would write.
        elements: what is on the screen.
        evidence: which spans of ``thinking`` were read from which elements.
        words: every word drawn, clutter included.
        suggestions: other questions that make sense for this screen; may be empty.
    """

    kind: str
    seed: int
    image: np.ndarray
    prompt: str
    thinking: str
    answer: str
    elements: tuple[Element, ...]
    evidence: tuple[Evidence, ...]
    words: tuple[Word, ...]
    suggestions: tuple[str, ...] = ()

    def truth(self) -> dict[str, object]:
        """The content of ``truth.json`` (design.md, section 5)."""
        return {
            "kind": self.kind,
            "seed": self.seed,
            "prompt": self.prompt,
            "thinking": self.thinking,
            "answer": self.answer,
            "elements": [
                {"id": e.id, "role": e.role, "text": e.text, "bbox": [round(v, 1) for v in e.bbox]}
                for e in self.elements
            ],
            "evidence": [{"span": [e.start, e.end], "elements": list(e.elements)} for e in self.evidence],
            "suggestions": list(self.suggestions),
        }
