"""Traces to test with: small, deterministic, with every field set."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from core.regions import RegionMap, region_map_from_labels
from core.screenshot import from_array
from core.store import save_trace
from core.trace import Identity, Measurement, Sampling, Token, Trace


def fake_trace(
    pixels: np.ndarray | None = None, rows: int = 2, columns: int = 3, steps: int = 4, tokens_a_step: int = 5
) -> Trace:
    """A finished run over a grid of ``rows × columns`` regions inside a background border."""
    rng = np.random.default_rng(7)
    if pixels is None:
        pixels = rng.integers(0, 256, (40, 60, 3), np.uint8)
    height, width = pixels.shape[:2]
    labels = np.zeros((height, width), np.uint8)
    ys = np.linspace(height // 20, height - height // 20, rows + 1).astype(int)
    xs = np.linspace(width // 20, width - width // 20, columns + 1).astype(int)
    for r in range(rows):
        for c in range(columns):
            labels[ys[r] : ys[r + 1], xs[c] : xs[c + 1]] = r * columns + c + 1
    trace = Trace(
        from_array(pixels, "screen.png"),
        region_map_from_labels(labels, source="grid"),
        "Which value is larger, the first or the second?",
        Identity("bundled thinker", "ab" * 32, {"parameters": 12_000_000}),
        Identity("grid"),
        Identity("bundled estimator", "cd" * 32),
        Sampling(temperature=0.7, top_p=0.9, top_k=20, seed=11, max_new_tokens=64),
    )
    trace.details = {"device": "cpu", "model_size": [60, 40]}
    for step in range(steps):
        for k in range(tokens_a_step):
            index = step * tokens_a_step + k
            phase = "answer" if step == steps - 1 else "thinking"
            text = f" word{index}" if k + 1 < tokens_a_step else "."
            trace.add_token(Token(index, 100 + index, text, -0.125 * k, phase, step))
    effects = rng.normal(0, 1, (len(trace), len(trace.region_map))).astype(np.float16).astype(np.float32)
    trace.set_effects(0, effects, np.abs(effects).sum(1))
    masks = rng.random((6, len(trace.region_map))) < 0.5
    if steps:
        trace.measured.append(
            Measurement(
                0,
                tokens_a_step,
                "pixels",
                effects[0] * 2,
                3.5,
                -1.25,
                masks,
                rng.normal(-3, 1, 6).astype("f4"),
            )
        )
    trace.notes = "first look – 数 🙂"
    trace.status = "finished"
    return trace


@pytest.fixture
def make_trace() -> Callable[..., Trace]:
    return fake_trace


@pytest.fixture
def saved(tmp_path, make_trace):
    path = tmp_path / "a run.sightline"
    save_trace(path, make_trace())
    return path


@pytest.fixture
def measurement_of():
    """A small measurement that fits a trace."""

    def make(trace: Trace) -> Measurement:
        regions = len(trace.region_map)
        effects, masks = np.zeros(regions, np.float32), np.zeros((0, regions), bool)
        return Measurement(0, 1, "pixels", effects, 2.0, -1.0, masks, np.zeros(0, np.float32))

    return make


@pytest.fixture
def window() -> RegionMap:
    """1 window › 2 card › 3 label, and 4 icon beside the window."""
    labels = np.zeros((40, 60), np.int64)
    labels[2:38, 2:42] = 1
    labels[5:25, 5:35] = 2
    labels[8:12, 8:20] = 3
    labels[5:15, 48:58] = 4
    names = {1: "window", 2: "card", 3: "label", 4: "icon"}
    return region_map_from_labels(labels, names, {2: 1, 3: 2}, "truth")
