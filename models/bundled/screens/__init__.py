"""Generated screens with their truth: what the bundled models are trained and tested on.

``generate(kind, seed)`` always gives the same screen for the same arguments on the same version of the fonts.
"""

from __future__ import annotations

import numpy as np

from models.bundled.screens import charts, desktops, papers, quantities, webpage
from models.bundled.screens.board import Board
from models.bundled.screens.sample import HELD_OUT, KINDS, Element, Evidence, Sample, Word

_DRAW = {
    "code": webpage.draw,
    "math": quantities.draw,
    "document": papers.draw,
    "science": charts.draw,
    "general": desktops.draw,
}

__all__ = ["HELD_OUT", "KINDS", "Element", "Evidence", "Sample", "Word", "generate"]


def generate(
    kind: str, seed: int, *, ratio: float | None = None, novel: float = 0.0, novel_held_out: bool = False
) -> Sample:
    """Draw one screen.

    Args:
        kind: one of ``KINDS``.
        seed: non-negative; from ``HELD_OUT`` (1,000,000,000) up never used for training.
        ratio: device pixels a logical pixel; drawn at random by default.
        novel: probability that a word is made up instead of taken from the vocabulary.
        novel_held_out: take made-up words from the part that training never sees.

    Raises:
        KeyError: an unknown kind.
    """
    draw = _DRAW[kind]
    rng = np.random.default_rng([KINDS.index(kind), seed])
    board = Board(rng, ratio, novel, novel_held_out)
    prompt, thought, answer, suggestions = draw(board)
    return Sample(
        kind=kind,
        seed=seed,
        image=board.image,
        prompt=prompt,
        thinking=thought.text,
        answer=answer,
        elements=tuple(board.elements),
        evidence=tuple(thought.evidence),
        words=tuple(board.words),
        suggestions=tuple(dict.fromkeys([prompt, *suggestions])),
    )
