"""The benchmark judges every kind of generated screen."""

from __future__ import annotations

from models.faithfulness_bench import Plan, bench_faithfulness

PLAN = Plan(1, masks=4, max_new_tokens=3, sources=("truth",), methods=("region area", "leave-one-out"))


def test_every_kind_is_judged_with_regions_from_its_truth(tiny_thinker):
    result = bench_faithfulness(lambda: (tiny_thinker, None, None), PLAN)
    assert result["kinds"] == {"code": 1, "document": 1, "general": 1, "math": 1, "science": 1}
    assert result["regions"] == ["truth"]
    assert set(result["methods"]) == {"region area", "leave-one-out", "best sum"}
