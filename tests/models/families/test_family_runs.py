"""For every family: a run leaves a valid trace, whether it ends, is stopped, is paused or is killed."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from own_process import receive, stream_a_run
from own_process import start as start_process

from core.control import RunControl
from core.events import Finished, Started, TokenDecoded, fold
from core.export.registry import format_named
from core.run import found, run
from core.screenshot import Screenshot
from core.store import TraceWriter, read_trace
from core.trace import Identity, Sampling

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "trace.schema.json").read_text(encoding="utf-8"))
SHORT = Sampling(max_new_tokens=40)


class SumOfLooks:
    """A stand-in estimator: the mean share of attention on each region, and all of it."""

    identity = Identity("sum of looks")

    def estimate(self, features):
        return features.attention.mean((1, 2)).numpy(), features.image_mass.mean((1, 2)).numpy()


@pytest.fixture
def start(thinker, pixels, region_map, tmp_path):
    """Start a run that is written to ``run.sightline``."""

    def begin(control: RunControl | None = None):
        return run(
            Screenshot(pixels, "noise", "0" * 64), "What?", thinker, found(region_map, Identity("by hand")),
            SumOfLooks(), SHORT, control=control,
            open_writer=lambda trace: TraceWriter(tmp_path / "run.sightline", trace),
        )  # fmt: skip

    return begin


def test_a_run_leaves_a_trace_whose_json_is_valid(start, thinker, tmp_path):
    trace = None
    for event in start():
        if isinstance(event, Started):
            trace = event.trace
        elif trace is not None:
            fold(trace, event)
    kept = read_trace(tmp_path / "run.sightline")
    assert kept.status == "finished"
    assert len(kept) == len(trace) == kept.estimated
    np.testing.assert_allclose(kept.effects, trace.effects, atol=1e-3)
    assert kept.model.details["family"] == thinker.family.name
    format_named("json").export(kept, tmp_path / "trace.json")
    jsonschema.validate(json.loads((tmp_path / "trace.json").read_text(encoding="utf-8")), SCHEMA)


def test_a_stopped_run_keeps_what_it_has(start, tmp_path):
    control = RunControl()
    for event in start(control):
        if isinstance(event, TokenDecoded) and event.token.index == 4:
            control.stop()
    kept = read_trace(tmp_path / "run.sightline")
    assert (kept.status, len(kept), kept.estimated) == ("stopped", 5, 5)


def test_a_paused_run_goes_on_to_the_same_end(start, tmp_path):
    whole = [event.token.id for event in start() if isinstance(event, TokenDecoded)]
    (tmp_path / "run.sightline").unlink()
    control, paused = RunControl(), []
    for event in start(control):
        if isinstance(event, TokenDecoded):
            paused.append(event.token.id)
            if event.token.index == 4:
                control.pause()
                threading.Timer(0.05, control.resume).start()
    assert isinstance(event, Finished)
    assert paused == whole


@pytest.mark.skipif(sys.platform == "win32", reason="forks")
def test_a_killed_run_reopens(thinker, folder, pixels, region_map, tmp_path):
    process, said = start_process(stream_a_run, folder, pixels, region_map, tmp_path / "run.sightline")
    told = [receive(said) for _ in range(9)]
    process.kill()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    kept = read_trace(tmp_path / "run.sightline")
    assert (kept.status, kept.details["interrupted"]) == ("stopped", True)
    assert len(kept) >= 5, "a pause saves"
    assert kept.estimated >= 5
    with contextlib.suppress(EOFError):
        while said.poll():
            told.append(said.recv())
    assert [token.id for token in kept.tokens] == told[: len(kept)]
    prepared = thinker.prepare(pixels, "What?")
    alone = thinker.decode(prepared, Sampling(max_new_tokens=len(kept)))
    assert [token.id for token in kept.tokens] == [drawn.id for drawn in alone]
    assert kept.effects[: kept.estimated].any()
