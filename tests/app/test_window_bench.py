"""The benchmark of the window drives the real one."""

from __future__ import annotations

import pytest

from app.window_bench import bench_window, table


def test_it_times_a_made_up_run_in_the_real_window(qtbot):
    result = bench_window(tokens=300, regions=6, size=(320, 200), moves=5, stream_seconds=1.0)
    assert result["tokens"] == 300
    for name in ("playhead_ms", "step_ms", "scroll_ms", "fixed_ms", "late_ms"):
        assert 0 <= result[name]["median"] <= result[name]["worst"]
    assert result["open_seconds"] > 0
    assert 0 <= result["streamed_tokens_per_second"] < 250
    text = table(result)
    for wanted in ("300 tokens, 6 regions", "320 × 200", "playhead to a token", "streamed at"):
        assert wanted in text


def test_its_regions_and_tokens_are_as_many_as_asked_for():
    from app.window_bench import _regions, _screenshot, _trace

    region_map = _regions(640, 480, 128)
    assert len(region_map) == 128
    assert set(region_map.labels.ravel().tolist()) == set(range(128))
    trace = _trace(_screenshot(640, 480), region_map, 50)
    assert len(trace) == trace.estimated == 50
    assert trace.reliance == pytest.approx(trace.effects.sum(1))
