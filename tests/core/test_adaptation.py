"""A calibration learns from ever more screenshots, is judged on others, and ends when it helps no more."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from synthetic_examples import SAMPLING, Model, item, synthetic

from core import adaptation
from core.adaptation import Adapted, Divided, Judged, Plan, Skipped, Work, adapt, rounds, sizes
from core.calibration import save_example
from core.errors import InputError
from core.estimator import Estimator
from core.trace import Identity


def works(folder, count: int) -> list[Work]:
    """Examples that were collected before, of ``count`` screens."""

    def refuse():
        raise AssertionError("an example was made twice")

    made = []
    for seed in range(count):
        screen = hashlib.sha256(str(seed).encode()).hexdigest()
        save_example(folder / f"{seed}.safetensors", synthetic(seed))
        made.append(Work(str(seed), screen, refuse))
    return made


@pytest.fixture
def quick(monkeypatch):
    """Few rounds for each fit; notes which examples they were given."""
    seen: list[set[str]] = []
    real = adaptation.fit

    def fit(examples, *given, **more):
        seen.append({path.stem for path in examples})
        return real(examples, *given, **more)

    monkeypatch.setattr(adaptation, "fit", fit)
    monkeypatch.setattr(adaptation, "rounds", lambda examples, adapting: 3)
    return seen


def test_what_judges_is_never_fitted(quick, tmp_path):
    asked = works(tmp_path, 24)
    events = list(adapt(Model(), Plan(asked, tmp_path, hidden=8)))
    assert isinstance(events[0], Divided)
    assert (events[0].teaching, events[0].judging) == (19, 5)
    order = sorted(asked, key=lambda work: work.screen)
    judging, teaching = {work.name for work in order[:5]}, [work.name for work in order[5:]]
    assert quick == [set(teaching[:8]), set(teaching)]
    assert not judging & set.union(*quick)
    end = events[-1]
    assert isinstance(end, Adapted)
    assert [one.screens for one in end.passes] == [8, 19]
    assert set(end.taught) == {work.screen for work in order[5:]}
    assert end.best.lds == max(one.lds for one in end.passes)
    assert not (tmp_path / "fits").exists()


def test_it_ends_when_it_no_longer_rises(quick, tmp_path, monkeypatch):
    monkeypatch.setattr(adaptation, "AT_LEAST", 0)
    monkeypatch.setattr(
        Judged, "lds", property(lambda self: {0: 0.2, 1: 0.5, 2: 0.503, 4: 0.5}[self.screens])
    )
    monkeypatch.setattr(adaptation, "FIRST_PASS", 1)
    events = list(adapt(Model(), Plan(works(tmp_path, 20), tmp_path, hidden=8)))
    assert [event.screens for event in events if isinstance(event, Judged)] == [0, 1, 2, 4]
    end = events[-1]
    assert isinstance(end, Adapted)
    assert end.why == "it no longer rose"
    assert end.best.screens == 2
    assert end.better


def test_when_the_time_is_over_it_fits_on_what_there_is(quick, tmp_path):
    events = list(adapt(Model(), Plan(works(tmp_path, 20), tmp_path, hidden=8, seconds=0)))
    end = events[-1]
    assert isinstance(end, Adapted)
    assert end.why == "the time was over"
    assert [one.screens for one in end.passes] == [1]
    assert end.judging == 1


def test_stopped_between_screens_or_passes_it_ends_without_a_word(quick, tmp_path):
    asked = works(tmp_path, 20)
    assert not any(
        isinstance(e, Judged) for e in adapt(Model(), Plan(asked, tmp_path), should_stop=lambda: True)
    )
    events = []
    for event in adapt(Model(), Plan(asked, tmp_path, hidden=8), should_stop=lambda: len(quick) == 1):
        events.append(event)
    assert not any(isinstance(event, Adapted) for event in events)


def test_it_begins_with_the_estimator_given(quick, tmp_path):
    asked = works(tmp_path, 10)
    network, config = adaptation.fit(
        [tmp_path / f"{n}.safetensors" for n in range(10)], Model(), 30, hidden=8
    )
    start = Estimator(network, config, Identity("known", "1"))
    events = list(adapt(Model(), Plan(asked, tmp_path, start)))
    before, after = (event for event in events if isinstance(event, Judged))
    assert before.calibrated
    assert before.lds > 0.3
    assert abs(after.lds - before.lds) < 0.1


def test_a_screen_that_cannot_be_used_is_left_out(quick, tmp_path):
    asked = works(tmp_path, 9)

    def broken():
        raise InputError("nine.png is no picture.")

    events = list(adapt(Model(), Plan([*asked, Work("nine", "zz", broken)], tmp_path, hidden=8)))
    assert Skipped("nine.png is no picture.") in events
    assert isinstance(events[-1], Adapted)


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (InputError("The model cannot take nine.png."), "The model cannot take nine.png."),
        (MemoryError(), "not enough memory"),
    ],
)
def test_a_screen_that_the_model_cannot_take_is_left_out(quick, tmp_path, monkeypatch, trouble, told):
    asked = works(tmp_path, 9)

    def refuse(*_given, **_more):
        raise trouble

    monkeypatch.setattr(adaptation, "collect", refuse)
    ninth = Work("nine", "zz", lambda: item("nine", 9))
    events = list(adapt(Model(), Plan([*asked, ninth], tmp_path, hidden=8)))
    assert any(isinstance(event, Skipped) and told in event.reason for event in events)
    assert isinstance(events[-1], Adapted)


def test_what_cannot_be_used_for_the_same_reason_is_told_once(quick, tmp_path, monkeypatch):
    asked = works(tmp_path, 9)
    monkeypatch.setattr(adaptation, "collect", lambda *_given, **_more: (_ for _ in ()).throw(MemoryError()))
    more = [Work(f"n{place}", f"z{place}", lambda: item("nine", 9)) for place in range(3)]
    events = list(adapt(Model(), Plan([*asked, *more], tmp_path, hidden=8)))
    assert sum(isinstance(event, Skipped) for event in events) == 1


def test_a_folder_of_another_model_is_refused_at_once(quick, tmp_path):
    asked = works(tmp_path, 4)
    (tmp_path / "thinker.txt").write_text("another 00\n")
    with pytest.raises(InputError, match="another model"):
        list(adapt(Model(), Plan(asked, tmp_path, hidden=8)))


def test_examples_are_made_once_and_damaged_ones_again(tiny_thinker, tmp_path, quick):
    asked = [Work(name, name, lambda name=name: item(name, ord(name))) for name in "ab"]
    plan = Plan(asked, tmp_path / "here", masks=3, sampling=SAMPLING, hidden=8)
    assert isinstance(list(adapt(tiny_thinker, plan))[-1], Adapted)
    first, second = (plan.folder / f"{name}.safetensors" for name in "ab")
    kept = second.stat().st_mtime_ns
    whole = first.read_bytes()
    first.write_bytes(whole[:100])
    assert isinstance(list(adapt(tiny_thinker, plan))[-1], Adapted)
    assert first.read_bytes() == whole
    assert second.stat().st_mtime_ns == kept


def test_where_memory_does_not_suffice_fewer_screenshots_go_at_a_time(tmp_path, monkeypatch, quick):
    tried: list[int] = []

    def collect(thinker, items, total, folder, masks, sampling, batch, **more):
        tried.append(batch)
        if batch > 2:
            raise MemoryError
        path = folder / f"{items[0].name}.safetensors"
        save_example(path, synthetic(items[0].seed))
        return [path]

    monkeypatch.setattr(adaptation, "collect", collect)
    asked = [Work(name, name, lambda name=name: item(name, ord(name))) for name in "ab"]
    events = list(adapt(Model(), Plan(asked, tmp_path, batch=8, hidden=8)))
    assert isinstance(events[-1], Adapted)
    assert tried == [8, 4, 2, 2]


def test_one_screenshot_cannot_both_teach_and_judge(tmp_path):
    with pytest.raises(InputError, match="at least 2 different"):
        list(adapt(Model(), Plan(works(tmp_path, 1), tmp_path)))
    asked = works(tmp_path, 3)
    with pytest.raises(InputError, match="none is left to judge on"):
        list(adapt(Model(), Plan(asked, tmp_path, taught=frozenset(work.screen for work in asked))))


def test_passes_double_and_the_last_takes_all():
    assert sizes(3) == [3]
    assert sizes(10) == [10]
    assert sizes(100) == [8, 16, 32, 64, 100]
    assert rounds(16, adapting=False) > rounds(16, adapting=True) == rounds(1000, adapting=True)
    assert np.all(np.diff([rounds(n, adapting=False) for n in (1, 8, 64, 512)]) <= 0)
