"""The benchmark at a real model's size builds that size and measures every way that fits."""

from __future__ import annotations

import json

import pytest

from core.errors import InputError
from models import shape_bench
from models.checkpoint import Loading
from models.shape_bench import bench_shape, shape_table


def test_a_shape_is_measured_in_all_ways(monkeypatch):
    small = {"text": (2, 64, 96, 4, 2, 700), "vision": (3, 32, 48, 2), "visual_tokens": (16, 64)}
    monkeypatch.setitem(shape_bench.SHAPES, "small", small)
    result = bench_shape("small", Loading("cpu"), rounds=1, tokens=6, regions=4)
    assert [size["visual_tokens"] for size in result["sizes"]] == [16, 64]
    for size in result["sizes"]:
        for way in ("off", "on", "eager"):
            assert size[way]["rate"]["median"] > 0
        assert size["ratio"]["median"] > 0
        assert size["overlay_ms"]["median"] >= 0
    assert "on/off" in shape_table(json.loads(json.dumps(result)))


def test_a_way_that_runs_out_of_memory_is_told_and_the_others_go_on(monkeypatch):
    small = {"text": (2, 64, 96, 4, 2, 700), "vision": (3, 32, 48, 2), "visual_tokens": (16,)}
    monkeypatch.setitem(shape_bench.SHAPES, "small", small)

    def full(thinker, work):
        raise MemoryError

    monkeypatch.setattr(shape_bench, "eagerly", full)
    result = bench_shape("small", Loading("cpu"), rounds=1, tokens=4, regions=4)
    assert result["sizes"][0]["eager"] == {"failed": "out of memory"}
    assert result["sizes"][0]["on"]["rate"]["median"] > 0
    assert "memory" in shape_table(result)


def test_unknown_shapes_are_refused():
    with pytest.raises(InputError, match="no shape"):
        bench_shape("qwen9", Loading("cpu"))
