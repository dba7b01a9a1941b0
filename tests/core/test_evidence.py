"""What was read is found again in what was written, and only where it was written word for word."""

from __future__ import annotations

import numpy as np

from core.evidence import Read, Truth, holders, locate
from core.regions import region_map_from_labels

CORN = (0.0, 0.0, 10.0, 10.0)
PANS = (20.0, 0.0, 10.0, 10.0)
TRUTH = Truth("Corn is 307. Pans is 184. So 491.\n491", (Read(8, 11, (CORN,)), Read(21, 24, (PANS,))))


def test_tokens_that_read_are_told_from_tokens_that_carry_on():
    located = locate(
        TRUTH, ["Corn", " is ", "30", "7", ". Pans is ", "184", ".", " So ", "491", ".\n", "491"]
    )
    assert [(read.boxes, tokens) for read, tokens in located.reads] == [((CORN,), (2, 4)), ((PANS,), (5, 6))]
    assert np.flatnonzero(located.direct).tolist() == [2, 3, 5]
    assert np.flatnonzero(located.elsewhere).tolist() == [0, 1, 4, 6, 7, 8, 9, 10]


def test_what_was_misread_belongs_to_neither_kind():
    located = locate(TRUTH, ["Corn is ", "309", ". Pans is ", "184", ". So ", "493"])
    assert [read.boxes for read, _ in located.reads] == [(PANS,)]
    assert not located.direct[1]
    assert not located.elsewhere[1]
    assert not located.elsewhere[5]


def test_a_text_with_no_known_truth_has_no_reads():
    located = locate(Truth("", ()), ["a", "", "b"])
    assert located.reads == ()
    assert not located.direct.any()
    assert not located.elsewhere.any()


def test_a_token_that_reads_and_goes_on_counts_as_reading():
    located = locate(TRUTH, ["Corn is", " 307. Pans is ", "184."])
    assert located.direct.tolist() == [False, True, True]


def test_a_region_holds_an_element_that_fills_it_or_that_it_was_cut_from():
    labels = np.zeros((10, 40), np.int32)
    labels[:, :10] = 1
    labels[:, 20:24], labels[:, 24:30] = 2, 3
    region_map = region_map_from_labels(labels)
    assert holders(region_map, [CORN]).tolist() == [False, True, False, False]
    assert holders(region_map, [PANS]).tolist() == [False, False, True, True]
    assert holders(region_map, [(31.0, 2.0, 4.0, 4.0)]).tolist() == [True, False, False, False]
    assert not holders(region_map, [(100.0, 100.0, 5.0, 5.0)]).any()
