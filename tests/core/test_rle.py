"""Run-length encoding agrees with COCO's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.rle import compress, decode, decompress, encode, from_coco, to_coco

masks = st.tuples(st.integers(1, 20), st.integers(1, 20)).flatmap(lambda shape: arrays(bool, shape))


def _slow_counts(mask: np.ndarray) -> list[int]:
    counts, value = [0], False
    for x in range(mask.shape[1]):
        for y in range(mask.shape[0]):
            if bool(mask[y, x]) != value:
                counts.append(0)
                value = not value
            counts[-1] += 1
    return counts


@given(masks)
def test_counts_equal_a_walk_down_the_columns(mask: np.ndarray) -> None:
    assert encode(mask) == _slow_counts(mask)


@given(masks)
def test_masks_survive_both_forms(mask: np.ndarray) -> None:
    assert np.array_equal(decode(encode(mask), *mask.shape), mask)
    assert np.array_equal(from_coco(to_coco(mask)), mask)
    assert np.array_equal(from_coco({"size": mask.shape, "counts": encode(mask)}), mask)


@given(st.lists(st.integers(0, 2**31 - 1), max_size=30))
def test_any_counts_survive_the_string_form(counts: list[int]) -> None:
    assert decompress(compress(counts)) == counts


# Made with pycocotools 2.0 (mask.encode of the arrays below).
KNOWN = [
    (["....", ".##.", ".##.", "...."], "52203"),
    (["###", "###"], "06"),
    (["..", ".."], "4"),
    (["#.#.#.#", "......."], "01300000N"),
    (
        [
            "........................................###",
            "........................................###",
            "........................................###",
        ],
        "h39",
    ),
    (
        [
            "######################################################################..................................................",
            "######################################################################..................................................",
        ],
        "0\\4T3",
    ),
]


@pytest.mark.parametrize(("rows", "counts"), KNOWN)
def test_strings_equal_those_of_pycocotools(rows: list[str], counts: str) -> None:
    mask = np.array([[character == "#" for character in row] for row in rows])
    assert to_coco(mask) == {"size": list(mask.shape), "counts": counts}
    assert np.array_equal(from_coco({"size": list(mask.shape), "counts": counts.encode()}), mask)


def test_a_large_mask_equals_pycocotools() -> None:
    y, x = np.mgrid[:480, :640]
    disc = (y - 200) ** 2 + (x - 300) ** 2 < 150**2
    text = to_coco(disc)["counts"]
    assert (len(text), text[:16], text[-8:]) == (607, "gnV2S1f=>D:F:G8I", ":F<B`lh2")


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="sum to 5"):
        decode([2, 3], 2, 3)
    with pytest.raises(ValueError, match="sum to"):
        decode([7, -1], 2, 3)
    with pytest.raises(ValueError, match="does not occur"):
        decompress(" ")
    with pytest.raises(ValueError, match="breaks off"):
        decompress("o")
