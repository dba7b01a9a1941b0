"""The benchmark deals screens out to processes, goes on after a kill, and finds the same each way."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from core.errors import InputError
from core.judged_file import take_up
from core.trace import Identity
from models import segmenters
from models.faithfulness_bench import Plan, bench_faithfulness

PLAN = Plan(1, masks=4, max_new_tokens=3, sources=("truth",), methods=("region area", "leave-one-out"))
TIMES = ("seconds_per_pass", "seconds_per_token", "processes")


def load(folder: str):
    """What each process loads."""
    from models.thinker import load_thinker

    return load_thinker(folder, device="cpu"), None, None


def figures(result, path=""):
    """All leaves of a result by their path, without what a clock has measured."""
    if not isinstance(result, dict):
        return {path: result}
    inner = {name: value for name, value in result.items() if name not in TIMES}
    return {leaf: v for name, value in inner.items() for leaf, v in figures(value, f"{path}/{name}").items()}


def assert_same(one, other):
    """The same figures, up to what the order of sums does to the last digits."""
    mine, theirs = figures(one), figures(other)
    assert mine.keys() == theirs.keys()
    for path, value in mine.items():
        near = pytest.approx(value, abs=1e-4) if isinstance(value, float) else value
        assert theirs[path] == near, path


@pytest.fixture(scope="module")
def alone(tiny_thinker):
    return bench_faithfulness(lambda: (tiny_thinker, None, None), PLAN)


def test_every_kind_is_judged_with_regions_from_its_truth(alone):
    assert alone["kinds"] == {"code": 1, "document": 1, "general": 1, "math": 1, "science": 1}
    assert alone["regions"] == ["truth"]
    assert set(alone["methods"]) == {"region area", "leave-one-out", "best sum"}
    assert alone["thorough_screens"] == 5


def test_processes_side_by_side_find_the_same(alone, tiny_folder):
    told = []
    together = bench_faithfulness(
        partial(load, str(tiny_folder)), PLAN, lambda text, part: told.append(part), processes=2
    )
    assert (alone["processes"], together["processes"]) == (1, 2)
    assert told == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert_same(together, alone)


class KilledError(Exception):
    """Stands for whatever ends a benchmark early."""


def test_a_benchmark_that_was_killed_goes_on_where_it_was(alone, tiny_thinker, tmp_path):
    keep = tmp_path / "f.json.unfinished"

    def die_after_two(text, part):
        if part > 0.3:
            raise KilledError

    with pytest.raises(KilledError):
        bench_faithfulness(lambda: (tiny_thinker, None, None), PLAN, die_after_two, keep=keep)
    with keep.open("a") as file:
        file.write('{"key": "half wri')
    assert len(take_up(keep).judged) == 2
    told = []
    again = bench_faithfulness(
        lambda: (tiny_thinker, None, None),
        PLAN,
        lambda text, part: told.append(part),
        keep=keep,
        resume=True,
    )
    assert told == [0.6, 0.8, 1.0]
    assert not keep.exists()
    assert_same(again, alone)


def test_what_another_plan_or_segmenter_judged_is_not_mixed_in(tiny_thinker, tmp_path, monkeypatch):
    keep = tmp_path / "f.json.unfinished"

    def die(text, part):
        raise KilledError

    def bench(plan, say, resume):
        bench_faithfulness(lambda: (tiny_thinker, None, None), plan, say, keep=keep, resume=resume)

    with pytest.raises(KilledError):
        bench(PLAN, die, False)
    other = Plan(1, masks=3, max_new_tokens=3, sources=("truth",), methods=PLAN.methods)
    with pytest.raises(InputError, match="begun with another"):
        bench(other, None, True)
    keep.unlink()
    with pytest.raises(KilledError):
        bench(replace(PLAN, sources=("opencv",)), die, False)
    monkeypatch.setattr(segmenters, "identity", lambda name: Identity(name, "other weights"))
    with pytest.raises(InputError, match="begun with another"):
        bench(replace(PLAN, sources=("opencv",)), None, True)
    keep.write_text("something else\n")
    with pytest.raises(InputError, match="holds no judged screens"):
        bench(PLAN, None, True)
