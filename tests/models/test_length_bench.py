"""The benchmark of a long reasoning writes all of it, and tells how memory and speed went along."""

from __future__ import annotations

import pytest

from core.errors import InputError
from models.length_bench import PARTS, bench_length, table


def test_a_long_reasoning_is_written_whole_and_its_memory_told(tmp_path):
    result = bench_length(tmp_path, 800)
    assert [one["visual_tokens"] for one in result["runs"]] == [16, 1024]
    for one in result["runs"]:
        assert len(one["tokens_a_second"]) == PARTS
        assert 0 <= one["grown_mib"] < 100
        assert one["file_mib"] > 0.02
    assert result["would_be_mib"] > 20
    assert "800 tokens" in table(result)


def test_a_reasoning_too_short_to_tell_anything_is_refused(tmp_path):
    with pytest.raises(InputError, match="at least 800 tokens"):
        bench_length(tmp_path, 100)
