"""Work dealt out to processes, and what they find as they find it."""

from __future__ import annotations

import multiprocessing
import os
import queue
import signal
from collections.abc import Callable, Generator, Iterable
from typing import Any, Final, TypeVar

from core.errors import InputError

T = TypeVar("T")

_PATIENCE: Final = 2.0
"""Seconds between two looks at whether the processes are alive."""


def deal_out(task: Callable[[tuple[int, int]], Iterable[T]], processes: int) -> Generator[T]:
    """Do a task in several processes and yield what each of them yields, in the order in which it comes.

    The processes end with the one that started them, and when the generator is closed.

    Args:
        task: given (k, n), it does the k-th of n shares; it and what it yields can be pickled.
        processes: n.

    Raises:
        InputError: as the task raised it.
        RuntimeError: a process died.
    """
    context = multiprocessing.get_context("spawn")
    found = context.Queue()
    workers = []
    try:
        for place in range(processes):
            worker = context.Process(target=_work, args=(task, (place, processes), found), daemon=True)
            worker.start()
            workers.append(worker)
        working = processes
        while working:
            try:
                kind, one = found.get(timeout=_PATIENCE)
            except queue.Empty:
                if any(worker.exitcode for worker in workers):
                    raise RuntimeError("one of the processes died; see what it said above") from None
                continue
            match kind:
                case "found":
                    yield one
                case "wrong":
                    raise one
                case "done":
                    working -= 1
    finally:
        for worker in workers:
            worker.terminate()
            worker.join()


def _work(task: Callable[[tuple[int, int]], Iterable[Any]], share: tuple[int, int], found: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the process that started this one
    parent = multiprocessing.parent_process()
    try:
        for one in task(share):
            if parent is None or not parent.is_alive():
                os._exit(1)  # it was killed, and nobody would empty the queue that an ordinary exit waits for
            found.put(("found", one))
        found.put(("done", None))
    except InputError as error:
        found.put(("wrong", error))
