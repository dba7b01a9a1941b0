"""The worker: jobs run elsewhere, their messages arrive in the GUI thread, in batches, and never late."""

from __future__ import annotations

import threading
import time

import pytest

from app.worker import JobEnded, Problem, Worker
from core.errors import InputError


@pytest.fixture
def worker(qtbot):
    made = Worker("test")
    yield made
    assert made.close()


@pytest.fixture
def heard(worker):
    """Everything delivered, as (thread, message)."""
    messages: list[tuple[threading.Thread, object]] = []
    worker.delivered.connect(lambda batch: messages.extend((threading.current_thread(), m) for m in batch))
    return messages


def test_a_job_runs_in_another_thread_and_is_heard_in_this_one(qtbot, worker, heard):
    worker.submit(lambda context: context.post(threading.current_thread()))
    qtbot.waitUntil(lambda: len(heard) == 2)
    (receiver, ran_in), (_, ended) = heard
    assert receiver is threading.main_thread()
    assert ran_in is not threading.main_thread()
    assert isinstance(ended, JobEnded)


def test_many_messages_arrive_in_order_and_in_few_batches(qtbot, worker):
    batches: list[list[object]] = []
    worker.delivered.connect(batches.append)

    def job(context):
        for i in range(300):
            context.post(i)
            time.sleep(0.001)

    worker.submit(job)
    qtbot.waitUntil(lambda: bool(batches) and isinstance(batches[-1][-1], JobEnded))
    numbers = [m for batch in batches for m in batch][:-1]
    assert numbers == list(range(300))
    assert len(batches) < 60


def test_what_a_user_can_solve_and_what_not_both_become_messages(qtbot, worker, heard, capsys):
    def bad_input(context):
        raise InputError("The file is empty. Choose another one.")

    def defect(context):
        raise ZeroDivisionError("division by zero")

    worker.submit(bad_input)
    worker.submit(defect)
    qtbot.waitUntil(lambda: len(heard) == 4)
    first, second = (m for _, m in heard if isinstance(m, Problem))
    assert first == Problem("The file is empty. Choose another one.", expected=True, generation=1)
    assert "ZeroDivisionError" in second.message
    assert not second.expected
    assert second.generation == 2
    assert "Traceback" in capsys.readouterr().err


def test_a_dropped_job_is_not_heard_again_and_the_next_one_is(qtbot, worker, heard):
    started, go_on = threading.Event(), threading.Event()

    def stale(context):
        started.set()
        go_on.wait(5)
        context.post("stale" if not context.cancelled() else "stale and knows it")

    worker.submit(stale)
    worker.submit(lambda context: context.post("queued before the drop"))
    assert started.wait(5)
    worker.drop()
    worker.submit(lambda context: context.post("fresh"))
    go_on.set()
    qtbot.waitUntil(lambda: not worker.busy)
    assert [m for _, m in heard if isinstance(m, str)] == ["fresh"]


def test_busy_says_whether_anything_is_left_to_do(qtbot, worker):
    changes: list[bool] = []
    worker.busy_changed.connect(changes.append)
    worker.submit(lambda context: None)
    worker.submit(lambda context: None)
    qtbot.waitUntil(lambda: changes == [True, False])
    assert not worker.busy


def test_closing_ends_a_job_that_asks_whether_it_is_cancelled(qtbot):
    worker = Worker("test")
    started = threading.Event()

    def endless(context):
        started.set()
        while not context.cancelled():
            time.sleep(0.005)

    worker.submit(endless)
    assert started.wait(5)
    begin = time.monotonic()
    assert worker.close()
    assert time.monotonic() - begin < 1


def test_closing_does_not_wait_for_ever(qtbot):
    worker = Worker("test")
    started, release = threading.Event(), threading.Event()

    def stuck(context):
        started.set()
        release.wait(20)

    worker.submit(stuck)
    assert started.wait(5)
    assert not worker.close(timeout=0.1)
    release.set()
    assert worker.close()
