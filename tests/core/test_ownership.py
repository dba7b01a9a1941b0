"""Every visual token goes when everything goes, and no region is too small to take one with it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.ablation.ownership import ownership, removed_tokens
from core.coverage import Cells, coverage, grid_cells
from core.regions import region_map_from_labels


def screen() -> np.ndarray:
    labels = np.zeros((40, 80), np.int32)
    labels[0:20, 0:40], labels[22:26, 60:64] = 1, 2
    return labels


def owned_on(cells: Cells) -> np.ndarray:
    return ownership(coverage(region_map_from_labels(screen()), cells), cells)


def test_a_token_belongs_to_the_region_that_covers_most_of_its_cell():
    owned = owned_on(grid_cells(2, 4, 80, 40))
    assert np.flatnonzero(owned[:, 1]).tolist() == [0, 1]
    assert np.flatnonzero(owned[:, 0]).tolist() == [2, 3, 4, 5, 6, 7]


def test_a_region_smaller_than_a_cell_shares_the_cell_it_lies_in():
    owned = owned_on(grid_cells(2, 4, 80, 40))
    assert np.flatnonzero(owned[:, 2]).tolist() == [7]


def test_a_small_region_goes_from_every_view_of_the_screenshot():
    fine, coarse = grid_cells(4, 8, 80, 40), grid_cells(2, 4, 80, 40)
    views = np.repeat([0, 1], [len(fine), len(coarse)])
    owned = owned_on(Cells(np.concatenate([fine.boxes, coarse.boxes]), views=views))
    assert np.flatnonzero(owned[:, 2]).tolist() == [22, 32 + 7]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_all_or_nothing(cells, regions, seed):
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(np.full(regions, 0.3), cells)
    owned = ownership(shares, Cells(np.zeros((cells, 4))))
    masks = np.stack([np.ones(regions, bool), np.zeros(regions, bool), *(~np.eye(regions, dtype=bool))])
    whole, nothing, *single = removed_tokens(owned, masks)
    assert not whole.any()
    assert nothing.all()
    assert [gone.any() for gone in single] == (shares.max(0) > 0).tolist()
    np.testing.assert_array_equal(np.stack(single).T, owned)


def test_an_unknown_operator_is_refused_with_those_there_are():
    from core.ablation import operator_named
    from core.errors import InputError

    with pytest.raises(InputError, match="pixels, embeddings, attention"):
        operator_named("blur")
