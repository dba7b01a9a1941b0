"""The `.sightline` file: written as a run goes, read back as a Trace, measurements and notes added later.

The format is documented in ``docs/trace-format.md``; ``core/trace_file.py`` holds its tables and versions,
``core/trace_reader.py`` what is checked on reading.
"""

from __future__ import annotations

import io
import os
import secrets
import sqlite3
import time
from collections.abc import Iterable, Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from core.earlier import Earlier, EarlierSteps
from core.errors import InputError
from core.events import EffectsEstimated, Event, Failed, Finished, TokenDecoded, fold
from core.intervals import Bounds
from core.regions import RegionMap
from core.screenshot import png_bytes
from core.strict_json import dumps, finite, plain
from core.trace import Identity, Measurement, Token, Trace
from core.trace_file import BUSY_SECONDS, OPTIONAL_TABLES, changing, connect, create, explained, is_busy
from core.trace_reader import read_trace

__all__ = [
    "TraceWriter",
    "add_measurement",
    "add_measurements",
    "read_trace",
    "replace_regions",
    "save_trace",
    "set_notes",
]

FLUSH_SECONDS: Final = 0.25
LONGEST_WAIT: Final = 1.0
SHARE_OF_TIME: Final = 0.05
"""On a slow disk transactions are spaced out, up to ``LONGEST_WAIT``, to take no larger share of time."""
BUSY_MILLISECONDS: Final = 100
"""How long decoding waits for a reader that holds the file; its rows go with the next transaction."""
FLOAT16_MAX: Final = 65504.0


class TraceWriter:
    """Writes one trace file while its run goes on. Lives in the thread that creates it.

    The file appears under its name at once, whole, with the screenshot, regions, prompt and whatever the
    trace already holds; an older file of that name stays until then. Rows wait in memory for about a quarter
    of a second; after an error they go on waiting, and a later ``write`` tries again.

    Raises:
        InputError: from every method, when the file cannot be written. What was committed stays readable.
    """

    def __init__(self, path: Path, trace: Trace) -> None:
        self.path = Path(path).resolve()
        self._tokens: list[tuple[Any, ...]] = []
        self._effects: list[tuple[Any, ...]] = []
        self._earlier: list[tuple[int, Earlier]] = []
        self._bounds: list[tuple[Any, ...]] = []
        self._meta: dict[str, str] = {}
        # collects status and details through the same fold that every view uses
        self._outcome = Trace(
            trace.screenshot, trace.region_map, trace.prompt, trace.model, trace.segmenter, trace.estimator,
            trace.sampling,
        )  # fmt: skip
        self._outcome.status, self._outcome.details = trace.status, dict(trace.details)
        self._next_flush = 0.0
        self._database: sqlite3.Connection | None = None
        with explained(self.path, "write to"):
            _write_whole(self.path, trace)
            self._database = connect(self.path, "rw")
            self._database.set_progress_handler(None, 0)
            # two instead of three waits for the disk a transaction; a power cut still cannot damage the file
            self._database.execute("PRAGMA synchronous = NORMAL")

    def write(self, event: Event) -> None:
        """Take note of an event of the run; it reaches the disk with the next transaction."""
        match event:
            case TokenDecoded(token=token):
                self._tokens.append(_token_row(token))
            case EffectsEstimated(start=start, effects=effects, reliance=reliance):
                self._effects += _effect_rows(start, effects, reliance)
                if event.earlier is not None:
                    self._earlier.append((start, event.earlier))
                if event.bounds is not None:
                    self._bounds += _bound_rows(start, event.bounds)
            case Finished() | Failed():
                fold(self._outcome, event)
                self._meta["status"] = self._outcome.status
                self._meta["details"] = dumps(self._outcome.details)
                self._next_flush = 0.0
            case _:
                return
        if time.monotonic() >= self._next_flush:
            self.flush()

    def flush(self) -> None:
        """Commit what is waiting, unless a reader holds the file just now. Call it when the run pauses."""
        self._flush(BUSY_MILLISECONDS, needed=False)

    def close(self, status: str | None = None) -> None:
        """Commit what is waiting and leave a single file. ``status`` overrides what the events said."""
        if self._database is None:
            return
        if status is not None and status != self._outcome.status:
            self._outcome.status = self._meta["status"] = status
        try:
            self._flush(int(BUSY_SECONDS * 1000), needed=True)
        finally:
            self._database.close()
            self._database = None

    def _flush(self, patience: int, needed: bool) -> None:
        database = self._database
        if database is None or not (self._tokens or self._effects or self._meta):
            return
        began = time.monotonic()
        try:
            with explained(self.path, "write to"):
                database.execute(f"PRAGMA busy_timeout = {patience}")
                self._commit(database)
        except InputError as error:
            cause = error.__cause__
            if needed or not (isinstance(cause, sqlite3.Error) and is_busy(cause)):
                raise
        else:
            self._tokens, self._effects, self._earlier, self._bounds, self._meta = [], [], [], [], {}
        finally:
            now = time.monotonic()
            self._next_flush = now + min(LONGEST_WAIT, max(FLUSH_SECONDS, (now - began) / SHARE_OF_TIME))

    def _commit(self, database: sqlite3.Connection) -> None:
        try:
            database.execute("BEGIN IMMEDIATE")
            _insert_run(database, self._tokens, self._effects, self._earlier, self._bounds)
            database.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", self._meta.items())
            database.execute("COMMIT")
        except sqlite3.Error:
            if database.in_transaction:
                database.execute("ROLLBACK")
            raise


def save_trace(path: Path, trace: Trace) -> None:
    """Write a whole trace to a file, replacing an older one only when the new one is complete.

    Raises:
        InputError: the file cannot be written; an older one is untouched.
    """
    path = Path(path).resolve()
    with explained(path, "write to"):
        _write_whole(path, trace)


def add_measurement(path: Path, measurement: Measurement) -> None:
    """Add measured effects to a trace file; as ``add_measurements``."""
    add_measurements(path, [measurement])


def add_measurements(
    path: Path, measurements: Sequence[Measurement], regions: RegionMap | None = None
) -> None:
    """Add measured effects to a trace file, all or none.

    Args:
        regions: which were measured; the regions in the file may have been edited meanwhile.

    Raises:
        InputError: the file is missing, foreign, damaged, newer, or cannot be written; or its regions are
            others than those measured.
    """
    with changing(Path(path)) as database:
        for measurement in measurements:
            if not _fits(database, measurement, regions):
                raise InputError(f"The regions in {path} are not those that were measured. Measure again.")
            _insert_measurement(database, measurement)


def _fits(database: sqlite3.Connection, measurement: Measurement, regions: RegionMap | None) -> bool:
    """Whether a measurement is of the regions in the file; without ``regions`` only their number is known."""
    (count,) = database.execute("SELECT COUNT(*) FROM region").fetchone()
    if regions is None or count != len(regions):
        return bool(count == len(measurement.effects))
    (stored,) = database.execute("SELECT png FROM region_map").fetchone()
    with Image.open(io.BytesIO(stored)) as image:
        return bool(np.array_equal(np.asarray(image), regions.labels))


def replace_regions(path: Path, trace: Trace) -> None:
    """Put the regions of ``trace``, its effects and measurements in the place of those in its file.

    ``trace`` is the run in the file with other regions. All or nothing; the rest of the file stays.

    Raises:
        InputError: as ``add_measurements``.
    """
    with changing(Path(path)) as database:
        for table, columns in OPTIONAL_TABLES.items():  # which files written before them lack
            database.execute(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
        for table in ("region_map", "region", "effect", "bound", "measurement"):
            database.execute(f"DELETE FROM {table}")
        _insert_identities(database, (("segmenter", trace.segmenter), ("estimator", trace.estimator)))
        _insert_regions(database, trace.region_map)
        known = trace.estimated
        _insert_run(
            database,
            [],
            _effect_rows(0, trace.effects[:known], trace.reliance[:known]),
            [],
            [] if trace.bounds is None else _bound_rows(0, trace.bounds),
        )
        for measurement in trace.measured:
            _insert_measurement(database, measurement)


def set_notes(path: Path, text: str) -> None:
    """Replace the user's notes in a trace file.

    Raises:
        InputError: as ``add_measurement``.
    """
    with changing(Path(path)) as database:
        database.execute("INSERT OR REPLACE INTO meta VALUES ('notes', ?)", [plain(text)])


def _write_whole(path: Path, trace: Trace) -> None:
    """Write all that a trace holds beside ``path``, then put it in its place in one move."""
    if not path.parent.is_dir():
        raise InputError(f"There is no folder {path.parent}. Create it, or choose another place.")
    if path.is_dir():
        raise InputError(f"{path} is a folder. Give the trace a name, such as {path / 'trace.sightline'}.")
    if path.exists() and not path.is_file():
        raise InputError(f"{path} is a device, not a file. Choose another name for the trace.")
    part = path.with_name(f".sightline-{secrets.token_hex(8)}.part")
    try:
        database = connect(part, "rwc")
        try:
            database.execute("PRAGMA journal_mode = MEMORY")  # nobody reads a part that was left behind
            database.execute("BEGIN")
            create(database)
            _insert_inputs(database, trace)
            estimated = trace.estimated
            _insert_run(
                database,
                [_token_row(token) for token in trace.tokens],
                _effect_rows(0, trace.effects[:estimated], trace.reliance[:estimated]),
                [(0, trace.earlier)],
                [] if trace.bounds is None else _bound_rows(0, trace.bounds),
            )
            for measurement in trace.measured:
                _insert_measurement(database, measurement)
            database.execute("COMMIT")
        finally:
            database.close()
        # A journal that an older, killed writer left would be rolled back into the new file. It belongs to
        # the old one, which stays if the move fails, so it is rolled back there first.
        with suppress(sqlite3.Error, OSError, InputError), closing(connect(path, "rw")) as older:
            older.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        for suffix in ("-journal", "-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _insert_inputs(database: sqlite3.Connection, trace: Trace) -> None:
    meta = {
        "prompt": plain(trace.prompt),
        "sampling": dumps(asdict(trace.sampling)),
        "status": trace.status,
        "notes": plain(trace.notes),
        "details": dumps(trace.details),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    database.executemany("INSERT INTO meta VALUES (?, ?)", meta.items())
    _insert_identities(
        database,
        (("model", trace.model), ("segmenter", trace.segmenter), ("estimator", trace.estimator)),
    )
    shot = trace.screenshot
    # Not its path: a trace is made to be mailed, and need not tell where its owner keeps files.
    row = (plain(shot.name), shot.width, shot.height, plain(shot.sha256), png_bytes(shot))
    database.execute("INSERT INTO screenshot VALUES (1, ?, ?, ?, ?, ?)", row)
    _insert_regions(database, trace.region_map)


def _insert_identities(database: sqlite3.Connection, identities: Iterable[tuple[str, Identity]]) -> None:
    database.executemany(
        "INSERT OR REPLACE INTO identity VALUES (?, ?, ?, ?)",
        [(role, plain(who.name), plain(who.sha256), dumps(who.details)) for role, who in identities],
    )


def _insert_regions(database: sqlite3.Connection, region_map: RegionMap) -> None:
    database.execute("INSERT INTO region_map VALUES (1, ?)", [_label_png(region_map.labels)])
    database.executemany(
        "INSERT INTO region VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (r.id, plain(r.name), *map(int, r.bbox), int(r.area), r.parent, plain(r.source))
            for r in region_map.regions
        ],
    )


def _insert_run(
    database: sqlite3.Connection,
    tokens: list[tuple[Any, ...]],
    effects: list[tuple[Any, ...]],
    earlier: list[tuple[int, Earlier]],
    bounds: list[tuple[Any, ...]],
) -> None:
    database.executemany("INSERT INTO token VALUES (?, ?, ?, ?, ?, ?)", tokens)
    database.executemany("INSERT OR REPLACE INTO effect VALUES (?, ?, ?)", effects)
    for start, part in earlier:
        _insert_earlier(database, start, part)
    database.executemany("INSERT OR REPLACE INTO bound VALUES (?, ?, ?)", bounds)


def _insert_measurement(database: sqlite3.Connection, measured: Measurement) -> None:
    masks = np.asarray(measured.masks, bool)
    row = (
        int(measured.start),
        int(measured.end),
        plain(measured.operator),
        finite(measured.effects).astype("<f4").tobytes(),
        float(finite(measured.reliance)),
        float(finite(measured.base_log_prob)),
        len(masks),
        np.packbits(masks.ravel()).tobytes(),
        finite(measured.mask_log_probs).astype("<f4").tobytes(),
    )
    database.execute("INSERT INTO measurement VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?)", row)


def _token_row(token: Token) -> tuple[Any, ...]:
    log_prob = float(finite(token.log_prob))
    return (token.index, int(token.id), plain(token.text), log_prob, token.phase, token.step)


def _effect_rows(start: int, effects: np.ndarray, reliance: np.ndarray) -> list[tuple[Any, ...]]:
    stored = np.clip(finite(effects), -FLOAT16_MAX, FLOAT16_MAX).astype("<f2")
    pairs = zip(stored, finite(reliance).tolist(), strict=True)
    return [(start + i, row.tobytes(), value) for i, (row, value) in enumerate(pairs)]


def _insert_earlier(database: sqlite3.Connection, start: int, earlier: Earlier) -> None:
    """Rows of the tokens from ``start`` on that attended to anything."""
    shares = np.clip(finite(earlier.shares), 0.0, 1.0).astype("<f2")
    if isinstance(earlier, EarlierSteps):
        rows = zip(earlier.steps.astype("<i4"), shares, strict=True)
        database.executemany(
            "INSERT OR REPLACE INTO earlier VALUES (?, ?, ?)",
            [(i, of.tobytes(), share.tobytes()) for i, (of, share) in enumerate(rows, start) if of[0] >= 0],
        )
        return
    rest = np.clip(finite(earlier.rest), 0.0, 1.0).astype(float).tolist()
    entries = zip(earlier.tokens.astype("<i4"), shares, rest, strict=True)
    database.executemany(
        "INSERT OR REPLACE INTO earlier_token VALUES (?, ?, ?, ?)",
        [(i, of.tobytes(), s.tobytes(), r) for i, (of, s, r) in enumerate(entries, start) if of[0] >= 0],
    )


def _bound_rows(start: int, bounds: Bounds) -> list[tuple[Any, ...]]:
    """Rows of the tokens that have an interval."""
    lower, upper = (np.clip(values, -FLOAT16_MAX, FLOAT16_MAX).astype("<f2") for values in bounds)
    known = np.flatnonzero(np.isfinite(lower).all(1) & np.isfinite(upper).all(1))
    return [(start + int(i), lower[i].tobytes(), upper[i].tobytes()) for i in known]


def _label_png(labels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(labels).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()
