"""Two masks in their boxes overlap as they would on a whole sheet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.overlap import overlap, shared_pixels


@dataclass(frozen=True)
class Piece:
    box: tuple[int, int, int, int]
    mask: np.ndarray

    def sheet(self) -> np.ndarray:
        sheet = np.zeros((60, 60), bool)
        x0, y0, x1, y1 = self.box
        sheet[y0:y1, x0:x1] = self.mask
        return sheet


_pieces = st.tuples(*[st.integers(0, 25)] * 2, *[st.integers(1, 30)] * 2, st.integers(0, 99)).map(
    lambda t: Piece(
        (t[0], t[1], t[0] + t[2], t[1] + t[3]), np.random.default_rng(t[4]).random((t[3], t[2])) < 0.6
    )
)


@given(_pieces, _pieces)
def test_as_on_a_whole_sheet(a: Piece, b: Piece) -> None:
    both, either = (a.sheet() & b.sheet()).sum(), (a.sheet() | b.sheet()).sum()
    assert shared_pixels(a, b) == both
    assert overlap(a, b) == (both / either if both else 0)
