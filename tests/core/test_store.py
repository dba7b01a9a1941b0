import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from core import store
from core.errors import InputError
from core.events import EffectsEstimated, Failed, Finished, TokenDecoded
from core.reattribution import before_effects
from core.region_edits import delete
from core.store import (
    TraceWriter,
    add_measurement,
    add_measurements,
    read_trace,
    replace_regions,
    save_trace,
    set_notes,
)
from core.trace import Identity, Token, Trace
from core.trace_summary import read_summary


def same(a: Trace, b: Trace) -> None:
    assert (a.screenshot.pixels == b.screenshot.pixels).all()
    assert (a.screenshot.name, a.screenshot.sha256) == (b.screenshot.name, b.screenshot.sha256)
    assert (a.region_map.labels == b.region_map.labels).all()
    assert a.region_map.regions == b.region_map.regions
    assert (a.prompt, a.model, a.segmenter, a.estimator, a.sampling, a.notes, a.status, a.details) == (
        b.prompt, b.model, b.segmenter, b.estimator, b.sampling, b.notes, b.status, b.details,
    )  # fmt: skip
    assert a.tokens == b.tokens
    assert a.steps == b.steps
    assert a.estimated == b.estimated
    np.testing.assert_array_equal(a.effects, b.effects)
    np.testing.assert_allclose(a.reliance, b.reliance, rtol=1e-6)
    assert len(a.measured) == len(b.measured)
    for one, two in zip(a.measured, b.measured, strict=True):
        assert (one.start, one.end, one.operator) == (two.start, two.end, two.operator)
        assert (one.reliance, one.base_log_prob) == (two.reliance, two.base_log_prob)
        np.testing.assert_array_equal(one.effects, two.effects)
        np.testing.assert_array_equal(one.masks, two.masks)
        np.testing.assert_array_equal(one.mask_log_probs, two.mask_log_probs)


def empty_copy(trace: Trace) -> Trace:
    """A trace with the same inputs and nothing generated."""
    return Trace(trace.screenshot, trace.region_map, trace.prompt, trace.model, trace.segmenter,
                 trace.estimator, trace.sampling)  # fmt: skip


def test_a_saved_trace_reads_back_the_same(saved, make_trace):
    same(read_trace(saved), make_trace())


def test_a_run_written_event_by_event_reads_back_the_same(tmp_path, make_trace):
    whole = make_trace()
    start = empty_copy(whole)
    start.details = dict(whole.details)
    writer = TraceWriter(tmp_path / "run.sightline", start)
    for token in whole.tokens:
        writer.write(TokenDecoded(1, token))
        if token.index % 4 == 3:
            at = slice(token.index - 3, token.index + 1)
            writer.write(EffectsEstimated(1, token.index - 3, whole.effects[at], whole.reliance[at]))
    writer.write(Finished(1, "length", 12.5))
    writer.close()
    set_notes(writer.path, whole.notes)
    add_measurement(writer.path, whole.measured[0])
    whole.details |= {"finish_reason": "length", "tokens_per_second": 12.5}
    same(read_trace(writer.path), whole)


def test_other_regions_take_the_place_of_those_in_the_file_and_the_rest_stays(saved, make_trace):
    trace = make_trace()
    set_notes(saved, "kept")
    with sqlite3.connect(saved) as database:
        database.execute("UPDATE meta SET value = '2020-01-01T00:00:00' WHERE key = 'created'")
    database.close()
    other = before_effects(trace, delete(trace.region_map, 1), Identity("hand"))
    assert other.estimated == 0
    effects = np.full((len(trace), len(other.region_map)), 0.5, np.float32)
    other.set_effects(0, effects, effects.sum(1))
    replace_regions(saved, other)
    read = read_trace(saved)
    other.notes = "kept"
    same(read, other)
    np.testing.assert_array_equal(read.earlier.tokens, trace.earlier.tokens)
    with sqlite3.connect(saved) as database:
        (created,) = database.execute("SELECT value FROM meta WHERE key = 'created'").fetchone()
    database.close()
    assert created == "2020-01-01T00:00:00", "when the run was"
    replace_regions(saved, trace)
    trace.notes = "kept"
    same(read_trace(saved), trace)


def test_a_measurement_of_regions_that_were_edited_meanwhile_is_refused(saved, make_trace, measurement_of):
    trace = make_trace()
    old = measurement_of(trace)
    add_measurements(saved, [old], trace.region_map)
    labels = trace.region_map.labels.copy()
    labels[:2] = labels.max() - labels[:2]  # as many regions, but others
    replace_regions(saved, before_effects(trace, replace(trace.region_map, labels=labels), Identity("hand")))
    with pytest.raises(InputError, match="Measure again"):
        add_measurements(saved, [old], trace.region_map)
    replace_regions(saved, before_effects(trace, delete(trace.region_map, 1), Identity("hand")))
    with pytest.raises(InputError, match="Measure again"):
        add_measurement(saved, old)
    assert len(read_trace(saved).measured) == 0


def test_after_closing_there_is_one_file(tmp_path, make_trace):
    trace = make_trace()
    writer = TraceWriter(tmp_path / "run.sightline", empty_copy(trace))
    for token in trace.tokens:
        writer.write(TokenDecoded(1, token))
        writer.flush()
    writer.close("stopped")
    writer.close("finished")  # closing twice is harmless, and the first word counts
    add_measurement(writer.path, trace.measured[0])
    set_notes(writer.path, "x")
    assert os.listdir(tmp_path) == ["run.sightline"]
    assert read_trace(writer.path).status == "stopped"


def test_a_failed_run_keeps_its_message(tmp_path, make_trace):
    writer = TraceWriter(tmp_path / "run.sightline", empty_copy(make_trace()))
    writer.write(Failed(1, "The model ran out of memory."))
    writer.close()
    trace = read_trace(writer.path)
    assert (trace.status, trace.details["failure"]) == ("failed", "The model ran out of memory.")


def test_what_a_run_wrote_is_on_disk_within_a_quarter_of_a_second(tmp_path, make_trace, monkeypatch):
    monkeypatch.setattr(store, "LONGEST_WAIT", store.FLUSH_SECONDS)  # however slow and busy the disk
    trace = make_trace()
    writer = TraceWriter(tmp_path / "run.sightline", empty_copy(trace))
    for token in trace.tokens[:3]:
        writer.write(TokenDecoded(1, token))
        time.sleep(0.27)
    copy = shutil.copyfile(writer.path, tmp_path / "copy.sightline")  # a live file is whole by itself
    read = read_trace(copy)
    assert read.tokens == trace.tokens[:3]
    assert read.status == "stopped"
    assert read.details["interrupted"] is True
    writer.close()


def test_effects_are_kept_as_half_precision_within_its_range(tmp_path, make_trace):
    trace = make_trace()
    trace.set_effects(0, np.full((1, len(trace.region_map)), 1e9, np.float32), np.array([np.inf]))
    trace.set_effects(1, np.full((1, len(trace.region_map)), np.nan, np.float32), np.array([0.1]))
    save_trace(tmp_path / "t.sightline", trace)
    read = read_trace(tmp_path / "t.sightline")
    assert (read.effects[0] == 65504).all()
    assert (read.effects[1] == 0).all()
    assert np.isfinite(read.reliance).all()
    (size,) = (
        sqlite3.connect(tmp_path / "t.sightline").execute("SELECT length(effects) FROM effect").fetchone()
    )
    assert size == 2 * len(trace.region_map)


def test_odd_text_survives(tmp_path, make_trace):
    trace = make_trace(steps=1)
    odd = ["a\0b", "<script>", "🙂", "'); DROP TABLE token;--", "\N{REPLACEMENT CHARACTER}"]
    trace.tokens[:] = [replace(t, text=text) for t, text in zip(trace.tokens, odd, strict=True)]
    trace.prompt = "caf\udce9"  # what Python makes of an argument that is not UTF-8
    trace.details = {"rate": float("nan"), "size": np.int64(3), "at": tmp_path}
    save_trace(tmp_path / "t.sightline", trace)
    read = read_trace(tmp_path / "t.sightline")
    assert [t.text for t in read.tokens] == odd
    assert read.prompt == "caf?"
    assert read.details == {"rate": None, "size": 3, "at": str(tmp_path)}


@pytest.mark.parametrize("name", ["a b.sightline", "50% ?x=1#y.sightline", "数据 é.sightline"])
def test_any_file_name_works(tmp_path, make_trace, name):
    save_trace(tmp_path / name, make_trace())
    set_notes(tmp_path / name, "here")
    assert read_trace(tmp_path / name).notes == "here"
    assert os.listdir(tmp_path) == [name]


def test_saving_replaces_an_older_trace_and_its_left_over_journal(saved, make_trace):
    journal = saved.with_name(saved.name + "-journal")
    journal.write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(600))
    trace = make_trace(steps=2)
    save_trace(saved, trace)
    same(read_trace(saved), trace)
    assert not journal.exists()


def test_an_older_trace_stays_whole_when_it_cannot_be_replaced(saved, make_trace, monkeypatch, tmp_path):
    before = make_trace(steps=100, tokens_a_step=10)
    save_trace(saved, before)
    killed = half_written(saved, tmp_path / "killed")

    def refuse(*_given):
        raise PermissionError(13, "in use")

    with monkeypatch.context() as patched:
        patched.setattr(store.os, "replace", refuse)
        with pytest.raises((InputError, OSError)):
            save_trace(killed, make_trace(steps=2))
    same(read_trace(killed), before)
    trace = make_trace(steps=2)
    save_trace(killed, trace)
    same(read_trace(killed), trace)
    assert [file.name for file in killed.parent.iterdir()] == [killed.name]


def test_a_large_trace_is_kept_compactly(tmp_path, make_trace):
    trace = make_trace(rows=8, columns=15, steps=800, tokens_a_step=10)
    save_trace(tmp_path / "t.sightline", trace)
    same(read_trace(tmp_path / "t.sightline"), trace)
    assert (tmp_path / "t.sightline").stat().st_size < 8000 * (2 * 121 + 120)


WRITER = """
import sys, time
import numpy as np
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from core.events import EffectsEstimated, TokenDecoded
from core.regions import region_map_from_labels
from core.screenshot import from_array
from core.store import TraceWriter
from core.trace import Identity, Sampling, Token, Trace
import core.store
core.store.FLUSH_SECONDS = core.store.LONGEST_WAIT = 0.0  # a transaction for every event: kills hit them
labels = (np.arange(400).reshape(20, 20) % 7).astype(np.uint8)
trace = Trace(from_array(np.zeros((20, 20, 3), np.uint8), "s"), region_map_from_labels(labels), "p",
              Identity("m"), Identity("s"), Identity("e"), Sampling())
writer = TraceWriter(Path(sys.argv[1]), trace)
for i in range(1_000_000):
    writer.write(TokenDecoded(1, Token(i, i, f"t{i}", -0.5, "thinking", i // 10)))
    writer.write(EffectsEstimated(1, i, np.full((1, 7), i % 1000, np.float32), np.ones(1, np.float32)))
    print(i, flush=True)
"""


def test_a_run_killed_at_any_moment_reopens_with_all_but_its_last_instant(tmp_path, measurement_of):
    rng = random.Random(0)
    root = os.path.dirname(os.path.dirname(store.__file__))
    for attempt in range(4):
        path = tmp_path / f"{attempt}.sightline"
        process = subprocess.Popen([sys.executable, "-c", WRITER, path, root], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.uniform(0, 0.15))
        process.send_signal(signal.SIGKILL)
        said = process.stdout.read().split()
        process.stdout.close()
        process.wait()
        done = int(said[-1]) if said and said[-1] else 0
        before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
        trace = read_trace(path)
        assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before  # reading changes nothing
        assert done <= len(trace)
        assert trace.tokens[-1].text == f"t{len(trace) - 1}"
        assert len(trace) - 1 <= trace.estimated <= len(trace)
        assert (trace.effects[: trace.estimated, 0] == np.arange(trace.estimated) % 1000).all()
        add_measurement(path, measurement_of(trace))  # which finishes what the kill left
        assert read_trace(path).measured[0].reliance == 2.0
        assert not list(tmp_path.glob(f"{attempt}.sightline-*"))
        path.unlink()


def test_a_file_with_a_transaction_left_open_reads_from_a_folder_that_nobody_may_write(
    tmp_path, saved, measurement_of
):
    killed = half_written(saved, tmp_path / "killed")
    same(read_trace(killed), read_trace(saved))
    assert killed.with_name(killed.name + "-journal").exists()


def test_reading_does_not_stop_a_run_that_goes_on(tmp_path, make_trace):
    trace = make_trace()
    writer = TraceWriter(tmp_path / "run.sightline", empty_copy(trace))
    reader = sqlite3.connect(writer.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM token").fetchone()
    for token in trace.tokens:
        writer.write(TokenDecoded(1, token))
    writer.flush()
    reader.execute("COMMIT")
    reader.close()
    writer.close("finished")
    assert read_trace(writer.path).tokens == trace.tokens


def test_a_full_disk_is_said_and_nothing_saved_is_lost(tmp_path, make_trace):
    trace = make_trace()
    writer = TraceWriter(tmp_path / "run.sightline", empty_copy(trace))
    writer.write(TokenDecoded(1, trace.tokens[0]))
    assert writer._database is not None
    (pages,) = writer._database.execute("PRAGMA page_count").fetchone()
    writer._database.execute(f"PRAGMA max_page_count = {pages}")
    big = [replace(token, text="x" * 5000) for token in trace.tokens]
    for token in big[1:4]:
        writer.write(TokenDecoded(1, token))
    with pytest.raises(InputError, match=r"disk is full.*Free some space"):
        writer.flush()
    assert read_trace(writer.path).tokens == trace.tokens[:1]
    writer._database.execute("PRAGMA max_page_count = 100000")  # space was freed
    writer.close("finished")
    assert read_trace(writer.path).tokens == [trace.tokens[0], *big[1:4]]


def test_a_limit_on_file_size_is_an_input_error_and_leaves_no_part(tmp_path, make_trace):
    code = (
        "import sys, resource; sys.path[:0] = sys.argv[2:]\n"
        "from pathlib import Path; from conftest import fake_trace; from core.store import save_trace\n"
        "from core.errors import InputError; trace = fake_trace()\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n"
        "try: save_trace(Path(sys.argv[1]), trace)\n"
        "except InputError as error: print(error)\n"
    )
    root = os.path.dirname(os.path.dirname(store.__file__))
    folders = [os.path.join(root, "tests", "core"), root]
    result = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "t.sightline", *folders], capture_output=True, text=True
    )
    assert "t.sightline" in result.stdout, result.stderr
    assert os.listdir(tmp_path) == []


def test_a_folder_that_is_missing_or_cannot_be_written_is_said(tmp_path, make_trace):
    trace = make_trace()
    with pytest.raises(InputError, match=r"no folder.*Create it"):
        TraceWriter(tmp_path / "missing" / "t.sightline", trace)
    with pytest.raises(InputError, match=r"is a folder\. Give"):
        TraceWriter(tmp_path, trace)
    with pytest.raises(InputError, match="Choose a"):
        save_trace(tmp_path.__class__("/proc/t.sightline"), trace)


def test_a_trace_moved_away_in_mid_run_is_said(tmp_path, make_trace):
    trace = make_trace()
    writer = TraceWriter(tmp_path / "run.sightline", empty_copy(trace))
    (tmp_path / "run.sightline").unlink()
    with pytest.raises(InputError, match="moved, deleted or replaced"):
        writer.write(TokenDecoded(1, trace.tokens[0]))
    with pytest.raises(InputError, match="moved, deleted or replaced"):
        writer.close()
    writer.close()


def test_reading_never_imports_torch():
    code = "import sys, core.store, core.colour_maps; assert 'torch' not in sys.modules"
    root = os.path.dirname(os.path.dirname(store.__file__))
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)


def test_a_token_row_needs_no_effects(tmp_path, make_trace):
    trace = empty_copy(make_trace())
    trace.add_token(Token(0, 5, "a", -0.5, "thinking", 0))
    save_trace(tmp_path / "t.sightline", trace)
    read = read_trace(tmp_path / "t.sightline")
    assert (len(read), read.estimated) == (1, 0)


def with_bounds(trace: Trace, first: int = 0) -> Trace:
    """The trace with an interval of −0.5 to +1 around each effect of the tokens from ``first`` on."""
    trace.set_bounds(first, (trace.effects[first:] - 0.5, trace.effects[first:] + 1))
    return trace


def test_intervals_read_back_as_they_were_and_only_where_they_were(tmp_path, make_trace):
    trace = with_bounds(make_trace(), 2)
    save_trace(tmp_path / "t.sightline", trace)
    read = read_trace(tmp_path / "t.sightline")
    assert np.isnan(read.bounds[0][:2]).all()
    for mine, kept in zip(trace.bounds, read.bounds, strict=True):
        np.testing.assert_allclose(kept[2:], mine[2:], atol=2e-3)  # half precision
    assert read.span_bounds(1, 3) is None
    assert read_trace(tmp_path / "t.sightline").span_bounds(2, 4) is not None


def test_intervals_reach_the_file_with_the_events_of_a_run(tmp_path, make_trace):
    whole = make_trace()
    writer = TraceWriter(tmp_path / "run.sightline", empty_copy(whole))
    for token in whole.tokens:
        writer.write(TokenDecoded(1, token))
    bounds = whole.effects - 1, whole.effects + 1
    writer.write(EffectsEstimated(1, 0, whole.effects, whole.reliance, bounds=bounds))
    writer.close("finished")
    np.testing.assert_allclose(read_trace(writer.path).bounds[1], whole.effects + 1, atol=4e-3)


def test_a_trace_without_intervals_and_one_from_before_there_were_any_have_none(saved):
    assert read_trace(saved).bounds is None
    connection = sqlite3.connect(saved)
    connection.execute("DROP TABLE bound")
    connection.commit()
    connection.close()
    assert read_trace(saved).bounds is None
    set_notes(saved, "still writable")
    trace = read_trace(saved)
    assert trace.notes == "still writable"
    changed = before_effects(trace, delete(trace.region_map, 1), trace.segmenter)
    changed.set_effects(0, np.ones((len(trace), len(changed.region_map)), np.float32), trace.reliance)
    replace_regions(saved, with_bounds(changed))
    assert read_trace(saved).bounds is not None


def test_the_format_is_documented_to_the_last_column(saved):
    page = os.path.join(os.path.dirname(os.path.dirname(store.__file__)), "docs", "trace-format.md")
    with open(page, encoding="utf-8") as file:
        sections = {part.split("`")[0]: part for part in file.read().split("\n**`")[1:]}
    connection = sqlite3.connect(saved)
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    assert sorted(tables) == sorted(sections)
    for table in tables:
        for _, column, *_ in connection.execute(f"PRAGMA table_info({table})"):
            assert f"`{column}`" in sections[table], (table, column)
    for (key,) in connection.execute("SELECT key FROM meta"):
        assert f"`{key}`" in sections["meta"]
    connection.close()


def test_a_journal_cannot_make_sqlite_delete_another_file(saved, make_trace, tmp_path):
    victim = tmp_path / "precious.txt"
    victim.write_text("precious")
    killed = half_written(saved, tmp_path / "killed")
    name = str(victim).encode()
    with killed.with_name(killed.name + "-journal").open("ab") as journal:
        journal.write(name + len(name).to_bytes(4, "big") + sum(name).to_bytes(4, "big"))
        journal.write(bytes.fromhex("d9d505f920a163d7"))
    for touch in (read_trace, read_summary, lambda path: set_notes(path, "here")):
        with pytest.raises(InputError, match="its journal names another file"):
            touch(killed)
    save_trace(killed, make_trace())
    assert read_trace(killed).tokens
    assert victim.read_text() == "precious"


def half_written(saved, folder):
    """A copy of a trace with a hot journal: what a kill leaves in the middle of a commit."""
    connection = sqlite3.connect(saved, isolation_level=None)
    connection.execute("PRAGMA cache_size = 1")  # spill the changes into the file before the commit
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE token SET text = hex(randomblob(3000))")
    connection.execute("UPDATE effect SET reliance = 777")
    folder.mkdir()
    for file in (saved, saved.with_name(saved.name + "-journal")):
        shutil.copyfile(file, folder / file.name)
    connection.execute("ROLLBACK")
    connection.close()
    assert (folder / saved.name).read_bytes() != saved.read_bytes()  # the copy is truly half-written
    return folder / saved.name
