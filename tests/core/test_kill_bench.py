"""A process killed while it streams, edits and exports leaves nothing that does not open."""

from core.kill_bench import bench_kills, table


def test_what_killed_processes_leave_opens(tmp_path):
    result = bench_kills(tmp_path, 3, seed=4)
    assert result["problems"] == []
    assert result["traces"] == 6
    assert result["tokens"] >= 3
    assert "3 processes killed" in table(result)


def test_a_half_written_export_would_be_found(tmp_path, monkeypatch):
    def halves(place, tokens, wait):
        (place / "json.json").write_text('{"schema"')
        return 0.0

    monkeypatch.setattr("core.kill_bench._kill_one", halves)
    assert bench_kills(tmp_path, 1)["problems"] == ["kill 0: json.json is half-written"]
