"""Files that are no traces, newer, older, damaged or hostile: each opens or is refused with a sentence."""

import os
import random
import sqlite3
import time
import zlib

import numpy as np
import pytest

from core import trace_file
from core.errors import InputError
from core.store import add_measurement, read_trace, save_trace, set_notes


def test_files_that_are_no_traces_are_refused(tmp_path, saved):
    (tmp_path / "text.sightline").write_text("hello")
    (tmp_path / "empty.sightline").write_bytes(b"")
    other = sqlite3.connect(tmp_path / "other.sightline")
    other.execute("CREATE TABLE t (x)")
    other.commit()
    other.close()
    os.mkfifo(tmp_path / "pipe.sightline")
    for name, words in {
        "text.sightline": "not a Sightline trace",
        "empty.sightline": "not a Sightline trace",
        "other.sightline": "another program",
        "none.sightline": "no file",
        "pipe.sightline": "a device",
        ".": "a folder",
    }.items():
        with pytest.raises(InputError, match=words):
            read_trace(tmp_path / name)
        with pytest.raises(InputError, match=words):
            set_notes(tmp_path / name, "x")


def test_a_newer_version_is_refused_and_says_to_update(saved):
    alter(saved, "PRAGMA user_version = 4")
    for attempt in (read_trace, lambda path: set_notes(path, "x")):
        with pytest.raises(InputError, match=r"newer Sightline \(format 4.*Update"):
            attempt(saved)


def test_intervals_that_make_no_sense_are_refused(saved):
    regions = len(read_trace(saved).region_map)
    low, high = (np.full(regions, value, "<f2").tobytes().hex() for value in (-1, 1))
    nan = np.full(regions, np.nan, "<f2").tobytes().hex()
    for values, words in {
        f"0, x'{high}', x'{low}'": "ends before it begins",
        f"0, x'{low}', x'{nan}'": "not numbers",
        f"0, x'{low}', x'00'": "do not fit",
        f"999, x'{low}', x'{high}'": "does not exist",
    }.items():
        alter(saved, f"INSERT INTO bound VALUES ({values})")
        with pytest.raises(InputError, match=words):
            read_trace(saved)
        alter(saved, "DELETE FROM bound")
    read_trace(saved)


def test_an_older_version_opens_without_being_changed_and_is_migrated_on_writing(
    saved, monkeypatch, measurement_of
):
    before = saved.read_bytes()
    monkeypatch.setattr(trace_file, "FORMAT_VERSION", 5)
    monkeypatch.setattr(
        trace_file,
        "MIGRATIONS",
        {
            3: "UPDATE meta SET value = value || ' two' WHERE key = 'notes';"
            "ALTER TABLE token ADD COLUMN extra",
            4: "UPDATE meta SET value = value || ' three' WHERE key = 'prompt'",
        },
    )
    monkeypatch.setitem(trace_file.TABLES, "token", trace_file.TABLES["token"] + ", extra")
    read = read_trace(saved)
    assert read.notes.endswith(" two")
    assert read.prompt.endswith(" three")
    assert saved.read_bytes() == before
    add_measurement(saved, measurement_of(read))
    connection = sqlite3.connect(saved)
    assert connection.execute("PRAGMA user_version").fetchone() == (5,)
    connection.close()
    assert read_trace(saved).prompt == read.prompt


def alter(path, *statements):
    connection = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        'DELETE FROM token WHERE "index" = 3',
        "UPDATE token SET step = step + 1",
        "UPDATE token SET step = 9 WHERE step = 1",
        "UPDATE token SET phase = 'dreaming'",
        "UPDATE token SET text = x'00ff'",
        "UPDATE token SET text = CAST(x'ff00' AS TEXT)",
        "UPDATE token SET log_prob = 9e999",
        "UPDATE token SET log_prob = 'likely'",
        "UPDATE effect SET effects = x'0000'",
        "UPDATE effect SET effects = zeroblob(1000000)",
        "UPDATE effect SET reliance = 'much'",
        "UPDATE effect SET reliance = 1e300",
        "UPDATE effect SET token = token + 1000",
        "UPDATE effect SET effects = CAST(effects AS TEXT)",
        "DELETE FROM region WHERE id = 2",
        "DELETE FROM region",
        "UPDATE region SET width = 61",
        "UPDATE region SET x = -1",
        "UPDATE region SET area = 1e300",
        "UPDATE region SET parent = 99",
        "UPDATE region SET parent = id",
        "UPDATE region SET parent = 3 - id WHERE id IN (1, 2)",
        "DELETE FROM screenshot",
        "UPDATE screenshot SET width = 61",
        "UPDATE screenshot SET png = x'89504e470d0a1a0a'",
        "UPDATE screenshot SET png = (SELECT png FROM region_map)",
        "UPDATE region_map SET png = (SELECT png FROM screenshot)",
        "UPDATE region_map SET png = substr(png, 1, length(png) / 2)",
        "DELETE FROM meta WHERE key = 'prompt'",
        "UPDATE meta SET value = 'asleep' WHERE key = 'status'",
        "UPDATE meta SET value = '[1]' WHERE key = 'details'",
        "UPDATE meta SET value = replace(hex(zeroblob(100000)), '0', '[') WHERE key = 'details'",
        "UPDATE meta SET value = '{}' WHERE key = 'sampling'",
        "DELETE FROM identity WHERE role = 'model'",
        'UPDATE measurement SET "end" = 99',
        'UPDATE measurement SET "start" = 7',
        "UPDATE measurement SET mask_count = 7",
        "UPDATE measurement SET mask_count = 1 << 40",
        "UPDATE measurement SET effects = x''",
        "UPDATE measurement SET mask_log_probs = x'0000c07f' || zeroblob(20)",
        "DROP TABLE effect",
        "ALTER TABLE effect RENAME COLUMN reliance TO trust",
        "ALTER TABLE effect RENAME TO effect2",
    ],
)
def test_values_that_no_trace_can_hold_are_refused(saved, statement):
    before = saved.read_bytes()
    alter(saved, statement)
    if saved.read_bytes() == before:
        pytest.fail("the statement changed nothing")
    with pytest.raises(InputError, match="is damaged"):
        read_trace(saved)


def test_a_view_in_place_of_a_table_is_refused(saved):
    alter(
        saved,
        "DROP TABLE token",
        'CREATE VIEW token AS WITH RECURSIVE n("index") AS (SELECT 0 UNION ALL SELECT "index" + 1 FROM n) '
        "SELECT \"index\", 1 AS id, '' AS text, 0.0 AS log_prob, 'thinking' AS phase, 0 AS step FROM n",
    )
    with pytest.raises(InputError, match="is damaged"):
        read_trace(saved)


def test_a_trigger_is_refused_before_it_can_run(saved):
    alter(saved, "CREATE TRIGGER t AFTER INSERT ON measurement BEGIN DELETE FROM token; END")
    with pytest.raises(InputError, match="triggers"):
        set_notes(saved, "x")


def test_a_trigger_hidden_behind_other_tables_is_refused_too(saved):
    forge = "CREATE TRIGGER zz AFTER INSERT ON meta BEGIN UPDATE token SET text = 'FORGED'; END"
    others = [f"CREATE TABLE a{number} (x)" for number in range(1000)]
    alter(saved, "BEGIN", forge, "CREATE TABLE zz (x)", *others, "COMMIT")
    with pytest.raises(InputError, match="triggers"):
        set_notes(saved, "x")


def test_an_older_file_is_read_under_the_same_limits(tmp_path, make_trace, monkeypatch):
    path = tmp_path / "old.sightline"
    save_trace(path, make_trace(steps=100, tokens_a_step=10))
    alter(path, "DROP TABLE earlier_token", "DROP TABLE bound", "PRAGMA user_version = 2")
    assert len(read_trace(path)) == 1000
    monkeypatch.setattr(trace_file, "STEPS_PER_CHECK", 1000)
    monkeypatch.setattr(trace_file, "MOST_CHECKS", 1)
    with pytest.raises(InputError, match="would never end"):
        read_trace(path)


def test_a_table_with_a_further_column_is_read_without_it(saved):
    before = read_trace(saved).region_map
    alter(saved, "ALTER TABLE region ADD COLUMN colour TEXT")
    assert read_trace(saved).region_map.regions == before.regions


def test_details_that_lie_too_deep_in_each_other_are_refused(saved):
    for depth, refused in ((50, False), (700, True)):
        text = '{"a":' * depth + "1" + "}" * depth
        alter(saved, f"UPDATE meta SET value = '{text}' WHERE key = 'details'")
        if refused:
            with pytest.raises(InputError, match="its details cannot be read"):
                read_trace(saved)
        else:
            save_trace(saved, read_trace(saved))


def test_a_picture_of_impossible_size_is_refused_before_it_is_decoded(saved):
    bomb = bytearray(sqlite3.connect(saved).execute("SELECT png FROM screenshot").fetchone()[0])
    bomb[16:24] = (100_000).to_bytes(4, "big") * 2
    bomb[29:33] = zlib.crc32(bytes(bomb[12:29])).to_bytes(4, "big")
    alter(saved, f"UPDATE screenshot SET width = 100000, height = 100000, png = x'{bomb.hex()}'")
    with pytest.raises(InputError, match="impossibly large"):
        read_trace(saved)


def test_a_truncated_file_is_refused(saved):
    whole = saved.read_bytes()
    for length in range(16, len(whole), len(whole) // 40):
        saved.write_bytes(whole[:length])
        with pytest.raises(InputError):
            read_trace(saved)


def test_1000_random_mutations_each_open_or_are_refused(saved):
    whole = saved.read_bytes()
    rng = random.Random(1)
    refused = []
    for number in range(1000):
        data = bytearray(whole)
        for _ in range(rng.choice([1, 1, 3, 20])):
            data[rng.randrange(len(data))] = rng.randrange(256)
        if number % 5 == 4:  # a piece is cut out, doubled or swapped with another
            size, at = rng.randrange(1, 3000), rng.randrange(len(data))
            piece = data[at : at + size] * rng.randrange(3)
            data[at : at + size] = piece
        saved.write_bytes(data)
        began = time.monotonic()
        try:
            trace = read_trace(saved)
            assert np.isfinite(trace.effects).all()
        except InputError as error:
            refused.append(str(error))
        assert time.monotonic() - began < 5
    assert len(refused) > 10
    assert not any("\n" in sentence for sentence in refused)
