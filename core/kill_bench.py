"""Kill a process at random moments while it streams a run, edits a trace and exports; look at what is left.

``python -m core.kill_bench FOLDER`` is the process that is killed. Nothing here needs a model: the run that
it writes is made up, and each token carries the time at which it was handed to the writer.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from core.errors import InputError
from core.events import EffectsEstimated, TokenDecoded
from core.export.format import Format
from core.export.registry import FORMATS
from core.region_edits import merge
from core.regions import RegionMap, region_map_from_labels
from core.screenshot import from_array
from core.store import TraceWriter, add_measurement, read_trace, replace_regions, save_trace, set_notes
from core.trace import Identity, Measurement, Sampling, Token, Trace

REGIONS: Final = 9
TOKENS_A_SECOND: Final = 200
MOST_TOKENS: Final = 120
"""A process is killed while it streams one of its first tokens: a number, not a time, so that a busy machine
gets as far as an idle one."""
EDIT: Final = "edit "
NOTE: Final = 2_000
"""Times that a note repeats its number: a half-written one would show."""


def bench_kills(
    folder: Path, kills: int, seed: int = 0, say: Callable[[str, float | None], None] | None = None
) -> dict[str, object]:
    """Kill ``kills`` processes, one after the other, and check every file that they leave.

    Returns:
        {"kills", "traces": opened again, "exports": found under their final names, "tokens": read back,
        "lost_seconds": the largest part of a run that was missing, "problems": sentences}
    """
    reference = _reference(folder / "reference")
    rng = random.Random(seed)
    problems: list[str] = []
    traces = exports = tokens = 0
    lost = 0.0
    for number in range(kills):
        place = folder / f"{number}"
        place.mkdir()
        killed_at = _kill_one(place, rng.randrange(1, MOST_TOKENS), rng.uniform(0, 1 / TOKENS_A_SECOND))
        for path in sorted(place.iterdir()):
            if path.name.startswith(".") or path.name.endswith("-journal"):
                continue  # what was under way
            if path.suffix != ".sightline":
                exports += 1
                if reference.get(path.name) not in (None, path.read_bytes()):
                    problems.append(f"kill {number}: {path.name} is half-written")
                continue
            try:
                trace = read_trace(path)
            except InputError as error:
                problems.append(f"kill {number}: {error}")
                continue
            traces += 1
            problems += [f"kill {number}: {problem}" for problem in _wrong_with(trace)]
            if path.stem == "streamed":
                tokens += len(trace)
                lost = max(lost, killed_at - float(trace.tokens[-1].text))
        if say is not None:
            say(f"Killed {number + 1} of {kills}", (number + 1) / kills)
    return {
        "kills": kills,
        "traces": traces,
        "exports": exports,
        "tokens": tokens,
        "lost_seconds": round(lost, 2),
        "problems": problems,
    }


def table(result: dict[str, object]) -> str:
    """The result as text for a terminal."""
    problems: list[str] = result["problems"]  # type: ignore[assignment]
    return "\n".join(
        [
            f"{result['kills']} processes killed while streaming, editing and exporting:",
            f"{result['traces']} traces opened again ({result['tokens']} streamed tokens), at most "
            f"{result['lost_seconds']} s of a run missing,",
            f"{result['exports']} exports under their final names, all whole." if not problems else "",
            *problems,
        ]
    )


def _kill_one(place: Path, tokens: int, wait: float) -> float:
    """Start a process in ``place``, kill it ``wait`` seconds after so many tokens; returns when."""
    process = subprocess.Popen([sys.executable, "-m", "core.kill_bench", str(place)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    for _ in range(tokens):
        process.stdout.readline()
    time.sleep(wait)
    process.kill()
    now = time.time()
    process.wait()
    process.stdout.close()
    return now


def _wrong_with(trace: Trace) -> list[str]:
    problems = []
    if any(token.index != i for i, token in enumerate(trace.tokens)):
        problems.append("tokens are missing in between")
    if not np.allclose(trace.effects[: trace.estimated].sum(1), len(trace.region_map)):
        problems.append("effects were mixed up")
    if len({region.name for region in trace.region_map.regions if region.name.startswith(EDIT)}) > 1:
        problems.append("regions of two edits were mixed up")
    if len(set(trace.notes.split())) > 1 or len(trace.notes.split()) not in (0, NOTE):
        problems.append("a note is half-written")
    return problems


def _reference(folder: Path) -> dict[str, bytes]:
    """What each export must look like, byte for byte; formats that do not repeat exactly are left out."""
    folder.mkdir(parents=True)
    trace = _kept()
    found = {}
    for name, format in FORMATS.items():
        first, second = folder / f"first{format.extension}", folder / f"second{format.extension}"
        for out in (first, second):
            format.export(trace, out, **_small(format))
        if first.read_bytes() == second.read_bytes():
            found[f"{name}{format.extension}"] = first.read_bytes()
    return found


def _small(format: Format) -> dict[str, int]:
    """Options that make small pictures, so that many exports begin and end before a kill."""
    small = {"width": 240, "cell": 200, "speed": 60}
    return {option.name: small[option.name] for option in format.options if option.name in small}


def _empty(regions: RegionMap | None = None) -> Trace:
    who = Identity("made up for a benchmark")
    pixels = np.full((80, 120, 3), 200, np.uint8)
    return Trace(from_array(pixels, "made up"), regions or _regions(), "?", who, who, who, Sampling())


def _regions() -> RegionMap:
    return region_map_from_labels((np.arange(80 * 120).reshape(80, 120) // 37 % REGIONS).astype(np.uint8))


def _kept(regions: RegionMap | None = None) -> Trace:
    """A finished run, to be edited and exported; each region has an effect of 1 nat on each token."""
    trace = _empty(regions)
    count = len(trace.region_map)
    for i in range(40):
        trace.add_token(Token(i, i, f" word{i}", -0.5, "thinking" if i < 30 else "answer", i // 8))
    trace.set_effects(0, np.ones((40, count), np.float32), np.full(40, count, np.float32))
    trace.status = "finished"
    return trace


def _with_edited_regions(edit: int) -> Trace:
    """The same run after its regions were edited, each time in another way; their names tell which."""
    edited = _regions()
    if edit % 2:
        edited = merge(edited, (1, 2))
    named = tuple(replace(region, name=f"{EDIT}{edit}") for region in edited.regions)
    return _kept(replace(edited, regions=named))


def _stream(place: Path) -> None:
    writer = TraceWriter(place / "streamed.sightline", _empty())
    ones = np.ones((1, REGIONS), np.float32)
    for i in range(1_000_000):
        writer.write(TokenDecoded(1, Token(i, i, repr(time.time()), -0.5, "thinking", i // 10)))
        writer.write(EffectsEstimated(1, i, ones, ones.sum(1)))
        if i == 0:
            writer.flush()
        print(i, flush=True)
        time.sleep(1 / TOKENS_A_SECOND)


def _edit(path: Path) -> None:
    rng = np.random.default_rng(0)
    for i in range(1_000_000):
        set_notes(path, f"{i} " * NOTE)
        edited = _with_edited_regions(i)
        replace_regions(path, edited)
        count = len(edited.region_map)
        masks = rng.random((16, count)) < 0.5
        add_measurement(
            path,
            Measurement(0, 8, "pixels", rng.random(count).astype("f4"), 1.0, -2.0, masks,
                        rng.random(16).astype("f4")),
        )  # fmt: skip
        time.sleep(0.05)


def _export(place: Path, trace: Trace) -> None:
    for i in range(os.getpid(), 1_000_000_000):  # each process begins with another format
        name, format = list(FORMATS.items())[i % len(FORMATS)]
        format.export(trace, place / f"{name}{format.extension}", **_small(format))


def _work(place: Path) -> None:
    """Stream, edit and export at the same time until killed."""
    save_trace(place / "edited.sightline", _kept())
    for job in ((_edit, place / "edited.sightline"), (_export, place, _kept())):
        threading.Thread(target=job[0], args=job[1:], daemon=True).start()
    _stream(place)


if __name__ == "__main__":
    _work(Path(sys.argv[1]))
