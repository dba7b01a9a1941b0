"""A run can be held, slowed down and ended from another thread."""

from __future__ import annotations

import threading
import time

from core.control import RunControl


def test_a_free_run_never_waits():
    assert RunControl().wait(time.monotonic()) < 0.01


def test_a_paused_run_waits_until_it_is_resumed():
    control = RunControl()
    control.pause()
    threading.Timer(0.05, control.resume).start()
    assert 0.04 < control.wait(time.monotonic()) < 2
    assert not control.holds


def test_a_paused_run_can_be_stopped():
    control = RunControl()
    control.pause()
    threading.Timer(0.05, control.stop).start()
    assert control.wait(time.monotonic()) < 2
    assert control.stopped


def test_the_pace_spaces_tokens():
    control = RunControl(pace=20)
    assert 0.04 < control.wait(time.monotonic()) < 0.5


def test_raising_the_pace_takes_effect_at_once():
    control = RunControl(pace=0.01)
    threading.Timer(0.05, control.set_pace, (None,)).start()
    assert control.wait(time.monotonic()) < 2
