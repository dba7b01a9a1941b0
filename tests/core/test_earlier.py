"""Which earlier steps a token attends to: pooled from attention rows, kept small, kept in the file."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest
from fake_traces import fake_trace

from core.earlier import KEPT, EarlierSteps, nothing_earlier, over_span, strongest
from core.errors import InputError
from core.store import read_trace, save_trace, set_notes


def test_attention_is_summed_over_each_earlier_step_and_not_over_its_own():
    rows = np.array([[0.1, 0.2, 0.05, 0.3, 0.0], [0.0, 0.1, 0.4, 0.1, 0.2]], np.float32)
    found = strongest(rows, np.array([0, 2, 4]), np.array([2, 2]))
    assert found.steps[:, :3].tolist() == [[1, 0, -1], [1, 0, -1]]
    assert found.shares[:, :2].astype(float) == pytest.approx(np.array([[0.35, 0.3], [0.5, 0.1]]), abs=1e-3)
    own = strongest(rows, np.array([0, 2, 4]), np.array([0, 1]))
    assert own.steps[:, 0].tolist() == [-1, 0]


def test_only_the_strongest_of_many_steps_are_kept():
    rows = np.linspace(0.001, 0.01, 30, dtype=np.float32)[None]
    found = strongest(rows, np.arange(30), np.array([30]))
    assert found.steps[0].tolist() == list(range(29, 29 - KEPT, -1))


def test_the_first_token_has_nothing_before_it():
    found = strongest(np.zeros((1, 0), np.float32), np.array([0]), np.array([0]))
    assert found.steps.tolist() == [[-1] * KEPT]


def test_over_a_span_shares_are_averaged_and_steps_inside_it_left_out():
    earlier = nothing_earlier(2)
    earlier.steps[0, :2], earlier.shares[0, :2] = (0, 1), (0.5, 0.2)
    earlier.steps[1, :2], earlier.shares[1, :2] = (3, 0), (0.4, 0.1)
    assert over_span(earlier, before=3) == [
        (0, pytest.approx(0.3, abs=1e-3)),
        (1, pytest.approx(0.1, abs=1e-3)),
    ]
    assert over_span(nothing_earlier(0), before=3) == []


@pytest.fixture
def looking_back():
    trace = fake_trace()
    earlier = nothing_earlier(len(trace))
    earlier.steps[47, :2], earlier.shares[47, :2] = (1, 3), (0.25, 0.125)
    trace.set_earlier(0, earlier)
    return trace


def test_the_file_keeps_it(looking_back, tmp_path):
    save_trace(tmp_path / "a.sightline", looking_back)
    read = read_trace(tmp_path / "a.sightline")
    assert read.span_earlier(47, 48) == [(1, 0.25), (3, 0.125)]
    assert read.span_earlier(47, 49) == [(1, 0.125), (3, 0.0625)]
    assert read.span_earlier(3, 4) == []


def test_a_trace_of_format_1_opens_and_is_brought_up_when_written_to(looking_back, tmp_path):
    path = tmp_path / "a.sightline"
    save_trace(path, looking_back)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE earlier")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    assert read_trace(path).span_earlier(47, 48) == []
    set_notes(path, "old")
    assert read_trace(path).notes == "old"


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE earlier SET token = 900",
        "UPDATE earlier SET steps = x'00'",
        "UPDATE earlier SET shares = zeroblob(17)",
        "UPDATE earlier SET shares = x'007e007e007e007e007e007e007e007e'",
        "UPDATE earlier SET steps = x'" + "ff00ff00" * KEPT + "'",
    ],
)
def test_nonsense_is_refused(looking_back, tmp_path, change):
    path = tmp_path / "a.sightline"
    save_trace(path, looking_back)
    with sqlite3.connect(path) as connection:
        connection.execute(change)
    connection.close()
    with pytest.raises(InputError, match="damaged"):
        read_trace(path)


def test_what_streams_in_grows():
    trace = fake_trace()
    part = EarlierSteps(np.full((3, KEPT), -1, np.int32), np.zeros((3, KEPT), np.float16))
    part.steps[:, 0], part.shares[:, 0] = 0, 0.5
    trace.set_earlier(40, part)
    assert trace.span_earlier(40, 43) == [(0, 0.5)]
    assert trace.span_earlier(39, 40) == []
