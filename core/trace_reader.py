"""From the rows of a trace file to a Trace, believing nothing until it is checked."""

from __future__ import annotations

import io
import json
import sqlite3
from pathlib import Path
from typing import Any, Final, get_args

import numpy as np
from PIL.PngImagePlugin import PngImageFile

from core.earlier import KEPT, no_steps, no_tokens
from core.regions import MAX_REGIONS, Region, RegionMap
from core.screenshot import MAX_PIXELS, Screenshot
from core.strict_json import FLOAT32_MAX
from core.trace import Identity, Measurement, Phase, Sampling, Token, Trace
from core.trace_file import damaged, reading

MAX_TOKENS: Final = 2_000_000
MAX_DEPTH: Final = 100
"""Of lists and dictionaries in each other; ours are three deep."""
MAX_MEASUREMENTS: Final = 100_000
PHASES: Final = get_args(Phase)
STATUSES: Final = ("running", "finished", "stopped", "failed")


class BadValueError(ValueError):
    """A value that no trace can hold; the message names it."""


def read_trace(path: Path) -> Trace:
    """Open a trace file.

    A file whose writer was killed, or still writes, opens with what it holds: its status reads "stopped" and
    ``details["interrupted"]`` is True.

    Raises:
        InputError: the file is missing, unreadable, foreign, damaged or from a newer version.
    """
    path = Path(path)
    with reading(path) as connection:
        try:
            rows = {
                "meta": _rows(connection, "SELECT key, value FROM meta", 100),
                "identity": _rows(connection, "SELECT role, name, sha256, details FROM identity", 100),
                "screenshot": _rows(connection, "SELECT name, width, height, sha256, png FROM screenshot", 1),
                "region_map": _rows(connection, "SELECT png FROM region_map", 1),
                "region": _rows(
                    connection,
                    "SELECT id, name, x, y, width, height, area, parent, source FROM region ORDER BY id",
                    MAX_REGIONS,
                ),
                "token": _rows(
                    connection,
                    'SELECT "index", id, text, log_prob, phase, step FROM token ORDER BY "index"',
                    MAX_TOKENS,
                ),
                "effect": _rows(
                    connection, "SELECT token, effects, reliance FROM effect ORDER BY token", MAX_TOKENS
                ),
                "earlier": _rows(
                    connection, "SELECT token, steps, shares FROM earlier ORDER BY token", MAX_TOKENS
                ),
                "earlier_token": _rows(
                    connection,
                    "SELECT token, tokens, shares, rest FROM earlier_token ORDER BY token",
                    MAX_TOKENS,
                ),
                "measurement": _rows(
                    connection,
                    'SELECT "start", "end", operator, effects, reliance, base_log_prob, mask_count, masks,'
                    " mask_log_probs FROM measurement ORDER BY id",
                    MAX_MEASUREMENTS,
                ),
            }
            if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'bound'").fetchone():
                rows["bound"] = _rows(
                    connection, "SELECT token, lower, upper FROM bound ORDER BY token", MAX_TOKENS
                )
            connection.rollback()  # the lock is gone before the slow part
            return _trace(rows)
        except BadValueError as error:
            raise damaged(path, str(error)) from error


def _trace(rows: dict[str, list[tuple[Any, ...]]]) -> Trace:
    meta = {_text(key, "a name in meta"): _text(value, "a value in meta") for key, value in rows["meta"]}
    identities = {
        _text(role, "a role"): Identity(
            _text(name, "a name"), _text(sha256, "a hash"), _dictionary(details, "details of a model")
        )
        for role, name, sha256, details in rows["identity"]
    }
    for role in ("model", "segmenter", "estimator"):
        _require(role in identities, f"it does not name its {role}")
    for key in ("prompt", "sampling", "status", "notes", "details"):
        _require(key in meta, f"its {key} is missing")
    _require(meta["status"] in STATUSES, "unknown status")
    screenshot = _screenshot(rows["screenshot"])
    trace = Trace(
        screenshot,
        _region_map(rows["region_map"], rows["region"], screenshot),
        meta["prompt"],
        identities["model"],
        identities["segmenter"],
        identities["estimator"],
        _sampling(meta["sampling"]),
    )
    trace.notes = meta["notes"]
    trace.details = _dictionary(meta["details"], "its details")
    trace.status = meta["status"]
    if trace.status == "running":
        trace.status = "stopped"
        trace.details["interrupted"] = True
    _add_tokens(trace, rows["token"])
    _add_effects(trace, rows["effect"])
    _add_earlier_steps(trace, rows["earlier"])
    _add_earlier_tokens(trace, rows["earlier_token"])
    _add_bounds(trace, rows.get("bound", []))
    for row in rows["measurement"]:
        trace.measured.append(_measurement(row, len(trace), len(trace.region_map)))
    return trace


def _screenshot(rows: list[tuple[Any, ...]]) -> Screenshot:
    _require(len(rows) == 1, "the screenshot is missing")
    name, width, height, sha256, png = rows[0]
    pixels = _image(png, "RGB", "the screenshot")
    _require(pixels.shape[:2] == (height, width), "the screenshot has another size than recorded")
    return Screenshot(pixels, _text(name, "the screenshot's name"), _text(sha256, "the screenshot's hash"))


def _region_map(
    maps: list[tuple[Any, ...]], rows: list[tuple[Any, ...]], screenshot: Screenshot
) -> RegionMap:
    _require(len(maps) == 1, "the region map is missing")
    labels = _image(maps[0][0], "L", "the region map")
    _require(labels.shape == screenshot.pixels.shape[:2], "the region map does not fit the screenshot")
    _require(int(labels.max()) < len(rows), "the region map names regions that do not exist")
    regions = []
    for index, (id_, name, x, y, width, height, area, parent, source) in enumerate(rows):
        _require(id_ == index, "region ids are not dense")
        for value in (x, y, width, height, area):
            _integer(value, 0, labels.size, "the box of a region")
        inside = x + width <= labels.shape[1] and y + height <= labels.shape[0]
        _require(inside, "a region leaves the screenshot")
        if parent is not None:
            _integer(parent, 0, len(rows) - 1, "the parent of a region")
        name, source = _text(name, "a region's name"), _text(source, "a region's source")
        regions.append(Region(index, name, (x, y, width, height), area, parent, source))
    for region in regions:
        above, depth = region.parent, 0
        while above is not None:
            depth += 1
            _require(depth <= len(regions), "regions contain each other in a circle")
            above = regions[above].parent
    return RegionMap(labels, tuple(regions))


def _add_tokens(trace: Trace, rows: list[tuple[Any, ...]]) -> None:
    # written out, as is the next loop: a call for each check of each token would double the time to open
    step = -1
    for index, (at, id_, text, log_prob, phase, of_step) in enumerate(rows):
        if at != index:
            raise BadValueError("tokens are missing")
        if of_step not in (step, step + 1) or of_step < 0:
            raise BadValueError("steps are not in order")
        if phase not in PHASES:
            raise BadValueError("a token has an unknown phase")
        if type(id_) is not int or abs(id_) > 1 << 62:
            raise BadValueError("a token's id is out of range")
        if type(text) is not str:
            raise BadValueError("a token is not text")
        step = of_step
        trace.add_token(Token(index, id_, text, _number(log_prob, "a log-probability"), phase, step))


def _add_effects(trace: Trace, rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    regions, count = len(trace.region_map), len(trace)
    for token, blob, reliance in rows:
        if type(token) is not int or not 0 <= token < count:
            raise BadValueError("effects of a token that does not exist")
        if type(blob) is not bytes or len(blob) != 2 * regions:
            raise BadValueError("effects do not fit the regions")
        _number(reliance, "a reliance")
    at = np.array([row[0] for row in rows])
    stored = np.frombuffer(b"".join(row[1] for row in rows), "<f2").reshape(len(rows), regions)
    _require(bool(np.isfinite(stored).all()), "effects are not numbers")
    effects = np.zeros((at[-1] + 1, regions), np.float32)
    reliance = np.zeros(at[-1] + 1, np.float32)
    effects[at] = stored
    reliance[at] = [row[2] for row in rows]
    trace.set_effects(0, effects, reliance)


def _add_earlier_steps(trace: Trace, rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    at, steps, shares = _attention(trace, rows)
    known = no_steps(int(at[-1]) + 1)
    known.steps[at], known.shares[at] = steps, shares
    inside = (steps >= -1) & (steps < trace.step_count)
    _require(bool(inside.all()), "attention to a step that does not exist")
    trace.set_earlier(0, known)


def _add_earlier_tokens(trace: Trace, rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    at, tokens, shares = _attention(trace, rows)
    for *_, rest in rows:
        _require(0 <= _number(rest, "a share of attention") <= 1, "attention that is not a share")
    _require(
        bool(((tokens >= -1) & (tokens < at[:, None])).all()), "attention to a token that is not earlier"
    )
    known = no_tokens(int(at[-1]) + 1)
    known.tokens[at], known.shares[at], known.rest[at] = tokens, shares, [row[3] for row in rows]
    trace.set_earlier(0, known)


def _attention(trace: Trace, rows: list[tuple[Any, ...]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of rows that begin with a token, places and shares: int64 [n], int32 and float16 [n, KEPT]."""
    for token, places, shares, *_ in rows:
        _integer(token, 0, len(trace) - 1, "attention of a token that does not exist")
        sound = isinstance(places, bytes) and isinstance(shares, bytes)
        _require(sound and (len(places), len(shares)) == (4 * KEPT, 2 * KEPT), "attention of odd length")
    found = np.frombuffer(b"".join(row[1] for row in rows), "<i4").reshape(-1, KEPT)
    parts = np.frombuffer(b"".join(row[2] for row in rows), "<f2").reshape(-1, KEPT)
    # also false for NaN
    _require(bool(((parts >= 0) & (parts <= 1)).all()), "attention that is not a share")
    return np.array([row[0] for row in rows]), found, parts


def _add_bounds(trace: Trace, rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    regions, count = len(trace.region_map), len(trace)
    for token, *blobs in rows:
        _integer(token, 0, count - 1, "an interval of a token that does not exist")
        sound = all(isinstance(blob, bytes) and len(blob) == 2 * regions for blob in blobs)
        _require(sound, "intervals do not fit the regions")
    at = np.array([row[0] for row in rows])
    known = np.full((2, at[-1] + 1, regions), np.nan, np.float32)
    for side in (0, 1):
        stored = np.frombuffer(b"".join(row[side + 1] for row in rows), "<f2").reshape(len(rows), regions)
        _require(bool(np.isfinite(stored).all()), "intervals are not numbers")
        known[side, at] = stored
    _require(bool((known[0, at] <= known[1, at]).all()), "an interval that ends before it begins")
    trace.set_bounds(0, (known[0], known[1]))


def _measurement(row: tuple[Any, ...], tokens: int, regions: int) -> Measurement:
    start, end, operator, effects, reliance, base, count, masks, log_probs = row
    _integer(end, 1, tokens, "the end of a measurement")
    _integer(start, 0, end - 1, "the start of a measurement")
    _integer(count, 0, 1 << 24, "the number of masks")
    packed = (count * regions + 7) // 8
    _require(isinstance(masks, bytes) and len(masks) == packed, "masks do not fit the regions")
    kept = np.unpackbits(np.frombuffer(masks, np.uint8), count=count * regions).astype(bool)
    return Measurement(
        start,
        end,
        _text(operator, "an operator"),
        _floats(effects, regions, "measured effects"),
        _number(reliance, "a measured reliance"),
        _number(base, "a measured log-probability"),
        kept.reshape(count, regions),
        _floats(log_probs, count, "log-probabilities of masks"),
    )


def _sampling(text: str) -> Sampling:
    values = _dictionary(text, "its sampling")
    return Sampling(
        _number(values.get("temperature"), "the temperature"),
        _number(values.get("top_p"), "top_p"),
        _integer(values.get("top_k"), 0, 1 << 62, "top_k"),
        _integer(values.get("seed"), -(1 << 63), 1 << 64, "the seed"),
        _integer(values.get("max_new_tokens"), 0, 1 << 62, "max_new_tokens"),
    )


def _image(png: Any, mode: str, what: str) -> np.ndarray:
    """Decode PNG bytes of our own writing: uint8 [H, W] or [H, W, 3], writable, C-contiguous."""
    _require(isinstance(png, bytes), f"{what} is not a picture")
    try:
        # Not Image.open, which would try every format there is.
        with PngImageFile(io.BytesIO(png)) as image:
            _require(image.width * image.height <= MAX_PIXELS, f"{what} is impossibly large")
            _require(image.mode == mode, f"{what} has unexpected colours")
            return np.array(image, np.uint8)
    except BadValueError:
        raise
    except Exception as error:  # decoders raise a dozen kinds for damaged data
        raise BadValueError(f"{what} cannot be decoded") from error


def _rows(connection: sqlite3.Connection, query: str, most: int) -> list[tuple[Any, ...]]:
    rows = connection.execute(f"{query} LIMIT {most + 1}").fetchall()
    _require(len(rows) <= most, "it holds more rows than possible")
    return rows


def _require(condition: bool, problem: str) -> None:
    if not condition:
        raise BadValueError(problem)


def _text(value: Any, what: str) -> str:
    _require(isinstance(value, str), f"{what} is not text")
    return str(value)


def _number(value: Any, what: str) -> float:
    # also false for NaN and the infinities
    if type(value) not in (int, float) or not abs(value) <= FLOAT32_MAX:
        raise BadValueError(f"{what} is not a number")
    return float(value)


def _integer(value: Any, least: int, most: int, what: str) -> int:
    _require(isinstance(value, int) and least <= value <= most, f"{what} is out of range")
    return int(value)


def _floats(blob: Any, count: int, what: str) -> np.ndarray:
    _require(isinstance(blob, bytes) and len(blob) == 4 * count, f"{what} have another length than expected")
    values = np.frombuffer(blob, "<f4").astype(np.float32)
    _require(bool(np.isfinite(values).all()), f"{what} are not numbers")
    return values


def _dictionary(text: Any, what: str) -> dict[str, Any]:
    try:
        value = json.loads(_text(text, what))
    except (ValueError, RecursionError) as error:
        raise BadValueError(f"{what} cannot be read") from error
    _require(isinstance(value, dict) and _depth(value) <= MAX_DEPTH, f"{what} cannot be read")
    return dict(value)


def _depth(value: Any) -> int:
    """How deep lists and dictionaries lie in each other; 0 for neither."""
    depth, level = 0, [value]
    while level := [part for part in level if isinstance(part, list | dict)]:
        depth += 1
        level = [inner for part in level for inner in (part.values() if isinstance(part, dict) else part)]
    return depth
