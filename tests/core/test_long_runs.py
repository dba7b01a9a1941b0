"""A long reasoning takes memory for tokens × regions, however many visual tokens the screenshot makes."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import numpy as np
import pytest

from core.attribution.prior import Prior
from core.events import EffectsEstimated, Started, fold
from core.regions import region_map_from_labels
from core.run import found, run
from core.screenshot import from_array
from core.store import TraceWriter
from core.trace import Identity, Sampling

TOKENS = 400
REGIONS = 5


def held(value, seen: set[int]) -> int:
    """Bytes of the tensors and arrays that an object keeps alive by its attributes and containers."""
    import torch

    if id(value) in seen:
        return 0
    seen.add(id(value))
    if isinstance(value, torch.Tensor):
        storage = value.untyped_storage()
        if storage.data_ptr() in seen:
            return 0
        seen.add(storage.data_ptr())
        return storage.nbytes()
    if isinstance(value, np.ndarray):
        return value.nbytes if value.base is None else held(value.base, seen)
    if isinstance(value, dict):
        return sum(held(item, seen) for item in value.values())
    if isinstance(value, list | tuple):
        return sum(held(item, seen) for item in value)
    if hasattr(value, "__dict__") and not isinstance(value, type):
        return held(vars(value), seen)
    return 0


def long_run(thinker, side: int, path, monkeypatch) -> tuple[int, dict[int, int], int]:
    """Visual tokens, bytes that probe and prior hold by tokens read, and bytes of effects in the file."""
    pixels = np.random.default_rng(0).integers(0, 255, (side, side, 3), dtype=np.uint8)
    labels = np.zeros((side, side), np.uint8)
    for region in range(1, REGIONS):
        labels[region * side // REGIONS :, : side // 2] = region
    probes, make = [], type(thinker).probe

    def probe(*given, **named):
        probes.append(make(thinker, *given, **named))
        return probes[0]

    monkeypatch.setattr(thinker, "probe", probe)
    monkeypatch.setattr(thinker, "stops", frozenset())
    size = {"shortest_edge": 32 * 32, "longest_edge": 640 * 640}
    monkeypatch.setattr(thinker.processor.image_processor, "size", size)
    estimator, sizes, trace = Prior(), {}, None
    events = run(
        from_array(pixels, "noise"), "What?", thinker, found(region_map_from_labels(labels), Identity("x")),
        estimator, Sampling(max_new_tokens=TOKENS, temperature=1.0, seed=1),
        open_writer=lambda trace: TraceWriter(path, trace),
    )  # fmt: skip
    for event in events:
        if isinstance(event, Started):
            trace = event.trace
        elif trace is not None:
            fold(trace, event)
        if isinstance(event, EffectsEstimated):
            known = {id(thinker), id(probes[0]._decoder)}
            sizes[trace.estimated] = held(vars(probes[0]), known) + held(vars(estimator), known)
    assert trace.estimated == TOKENS
    with closing(sqlite3.connect(path)) as file:
        columns = [name for _, name, *_ in file.execute("PRAGMA table_info(effect)")]
        lengths = " + ".join(f'SUM(LENGTH("{name}"))' for name in columns)
        written = file.execute(f"SELECT {lengths} FROM effect").fetchone()[0]
    return trace.details["visual_tokens"], sizes, written


@pytest.fixture
def runs(tiny_thinker, tmp_path):
    results = []
    for side in (96, 640):
        with pytest.MonkeyPatch.context() as patch:
            results.append(long_run(tiny_thinker, side, tmp_path / f"{side}.sightline", patch))
    return results


def test_memory_grows_with_tokens_and_regions_and_not_with_visual_tokens(runs):
    (few, small, written), (many, large, written_too) = runs
    assert many > 20 * few
    growth = []
    for sizes in (small, large):
        early = min(count for count in sizes if count >= 64)
        growth.append(sizes[TOKENS] - sizes[early])
    # What each token got of each region, doubled when full, and the last tokens' looks back: nothing else.
    bound = 4 * (2 * TOKENS * REGIONS + 64 * TOKENS)
    assert max(growth) <= bound
    assert bound < 4 * TOKENS * many
    assert written_too == pytest.approx(written, rel=0.1)  # compressed, so not quite the same
