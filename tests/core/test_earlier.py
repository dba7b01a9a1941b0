"""What a token attends to among those before it: taken from attention rows, kept small, kept in the file."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest
import torch
from fake_traces import fake_trace

from core.earlier import KEPT, EarlierSteps, no_steps, no_tokens, over_span, strongest
from core.errors import InputError
from core.events import EffectsEstimated
from core.store import TraceWriter, read_trace, save_trace, set_notes


def test_the_strongest_of_many_tokens_are_kept_and_the_rest_is_summed():
    rows = np.random.default_rng(0).dirichlet(np.ones(40), 5).astype(np.float32) * 0.5
    found = strongest(torch.from_numpy(rows))
    for row, tokens, shares, rest in zip(rows, found.tokens, found.shares, found.rest, strict=True):
        expected = sorted(range(40), key=lambda token, row=row: -row[token])[:KEPT]
        assert tokens.tolist() == expected
        assert shares.astype(float) == pytest.approx(row[expected], abs=1e-3)
        assert float(rest) == pytest.approx(row.sum() - row[expected].sum(), abs=1e-3)


def test_a_token_that_nothing_looks_at_is_not_kept():
    found = strongest(torch.tensor([[0.3, 0.0, 0.1]]))
    assert found.tokens[0].tolist() == [0, 2] + [-1] * (KEPT - 2)


def test_the_first_token_has_nothing_before_it():
    assert strongest(torch.zeros(1, 0)).tokens.tolist() == [[-1] * KEPT]


def test_over_a_span_shares_are_averaged_and_steps_inside_it_left_out():
    earlier = no_steps(2)
    earlier.steps[0, :2], earlier.shares[0, :2] = (0, 1), (0.5, 0.2)
    earlier.steps[1, :2], earlier.shares[1, :2] = (3, 0), (0.4, 0.1)
    assert over_span(earlier.shares, earlier.steps, before=3) == [
        (0, pytest.approx(0.3, abs=1e-3)),
        (1, pytest.approx(0.1, abs=1e-3)),
    ]
    assert over_span(np.zeros((0, KEPT)), np.zeros((0, KEPT), np.int64), before=3) == []


@pytest.fixture
def looking_back():
    """A trace in which token 47 alone looks back, at tokens of the second and fourth step."""
    trace = fake_trace()
    earlier = no_tokens(len(trace))
    earlier.tokens[47, :2] = trace.step(1).start, trace.step(3).start
    earlier.shares[47, :2], earlier.rest[47] = (0.25, 0.125), 0.0625
    trace.set_earlier(0, earlier)
    return trace


@pytest.fixture
def of_steps():
    """The same as format 2 keeps it."""
    trace = fake_trace()
    earlier = no_steps(len(trace))
    earlier.steps[47, :2], earlier.shares[47, :2] = (1, 3), (0.25, 0.125)
    trace.set_earlier(0, earlier)
    return trace


def test_the_file_keeps_it(looking_back, tmp_path):
    save_trace(tmp_path / "a.sightline", looking_back)
    read = read_trace(tmp_path / "a.sightline")
    np.testing.assert_array_equal(read.earlier.tokens, looking_back.earlier.tokens[:48])
    np.testing.assert_array_equal(read.earlier.shares, looking_back.earlier.shares[:48])
    assert read.earlier.rest[47] == 0.0625
    assert read.span_earlier(47, 48) == looking_back.span_earlier(47, 48)
    assert [step for step, _ in read.span_earlier(47, 48)] == [1, 3]
    assert read.span_earlier(3, 4) == []


def test_what_streams_in_is_in_the_file_before_the_run_ends(looking_back, tmp_path):
    writer = TraceWriter(tmp_path / "a.sightline", fake_trace())
    for start in (0, 40):
        end = start + 40
        effects, reliance = looking_back.effects[start:end], looking_back.reliance[start:end]
        part = looking_back.earlier.part(start, end)
        writer.write(EffectsEstimated(0, start, effects, reliance, part))
    writer.flush()
    read = read_trace(tmp_path / "a.sightline")
    assert read.span_earlier(47, 48) == looking_back.span_earlier(47, 48)
    writer.close()


def test_a_trace_of_format_2_keeps_its_steps_when_it_is_opened_and_written_to(of_steps, tmp_path):
    path = tmp_path / "a.sightline"
    save_trace(path, of_steps)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE earlier_token")
        connection.execute("PRAGMA user_version = 2")
    connection.close()
    for _ in range(2):
        read = read_trace(path)
        assert isinstance(read.earlier, EarlierSteps)
        assert read.span_earlier(47, 48) == [(1, 0.25), (3, 0.125)]
        assert read.span_earlier(47, 49) == [(1, 0.125), (3, 0.0625)]
        set_notes(path, "old")
    assert read.notes == "old"


def test_a_trace_of_format_1_opens_and_is_brought_up_when_written_to(looking_back, tmp_path):
    path = tmp_path / "a.sightline"
    save_trace(path, looking_back)
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TABLE earlier")
        connection.execute("DROP TABLE earlier_token")
        connection.execute("PRAGMA user_version = 1")
    connection.close()
    assert read_trace(path).span_earlier(47, 48) == []
    set_notes(path, "old")
    assert read_trace(path).notes == "old"


def refused(trace, path, changes):
    for change in changes:
        save_trace(path, trace)
        with sqlite3.connect(path) as connection:
            connection.execute(change)
        connection.close()
        with pytest.raises(InputError, match="damaged"):
            read_trace(path)


def test_nonsense_about_earlier_tokens_is_refused(looking_back, tmp_path):
    refused(
        looking_back,
        tmp_path / "a.sightline",
        [
            "UPDATE earlier_token SET token = 900",
            "UPDATE earlier_token SET tokens = x'00'",
            "UPDATE earlier_token SET shares = zeroblob(17)",
            "UPDATE earlier_token SET shares = x'007e007e007e007e007e007e007e007e'",
            "UPDATE earlier_token SET tokens = x'" + "2f000000" * KEPT + "'",  # 47, itself
            "UPDATE earlier_token SET tokens = x'" + "feffffff" * KEPT + "'",  # −2
            "UPDATE earlier_token SET rest = 1.5",
            "UPDATE earlier_token SET rest = 'much'",
        ],
    )


def test_nonsense_about_earlier_steps_is_refused(of_steps, tmp_path):
    refused(
        of_steps,
        tmp_path / "a.sightline",
        [
            "UPDATE earlier SET token = 900",
            "UPDATE earlier SET steps = x'00'",
            "UPDATE earlier SET shares = zeroblob(17)",
            "UPDATE earlier SET shares = x'007e007e007e007e007e007e007e007e'",
            "UPDATE earlier SET steps = x'" + "ff00ff00" * KEPT + "'",
        ],
    )


def test_what_streams_in_grows():
    trace = fake_trace()
    part = no_tokens(3)
    part.tokens[:, 0], part.shares[:, 0] = (0, 0, 0), (0.1, 0.5, 0.9)
    trace.set_earlier(40, part)
    assert [step for step, _ in trace.span_earlier(40, 43)] == [0]
    assert trace.span_earlier(39, 40) == []
