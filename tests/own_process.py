"""Functions run in processes of their own, so that a test may kill one or leave it without memory.

They are forked from a server that has loaded the libraries once and runs no threads; loading them takes far
longer than what is tested.
"""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

SECONDS = 110
LIBRARIES = ["torch", "transformers", "models.thinker"]


def start(target: Callable[..., None], *given: Any) -> tuple[BaseProcess, Connection]:
    """Run ``target(connection, *given)``; returns the process and the other end of its connection."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(LIBRARIES)
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, *given), daemon=True)
    process.start()
    theirs.close()
    return process, ours


def receive(connection: Connection) -> Any:
    """What the other process says next."""
    assert connection.poll(SECONDS), "the process says nothing"
    return connection.recv()


def stream_a_run(connection: Connection, folder: Path, pixels: Any, region_map: Any, out: Path) -> None:
    """Run a checkpoint for ever, tell the id of each token, and pause for a moment after the fifth."""
    import torch

    from core.attribution.prior import Prior
    from core.control import RunControl
    from core.events import TokenDecoded
    from core.run import found, run
    from core.screenshot import from_array
    from core.store import TraceWriter
    from core.trace import Identity, Sampling
    from models.thinker import load_thinker

    torch.set_num_threads(1)
    control = RunControl()
    events = run(
        from_array(pixels, "noise"), "What?", load_thinker(str(folder), device="cpu"),
        found(region_map, Identity("by hand")), Prior(), Sampling(max_new_tokens=100_000), control=control,
        open_writer=lambda trace: TraceWriter(out, trace),
    )  # fmt: skip
    for event in events:
        if isinstance(event, TokenDecoded):
            connection.send(event.token.id)
            if event.token.index == 4:
                control.pause()
                threading.Timer(0.05, control.resume).start()


def starve(connection: Connection, arguments: list[str], passes: int) -> None:
    """Run the command line, and forbid the process any more memory from one pass through the model on; tells
    the exit code and what it wrote to standard error."""
    import ctypes
    import resource

    from app.main import main
    from models.thinker import Thinker

    mmap_threshold = -3
    ctypes.CDLL(None).mallopt(mmap_threshold, 2**16)  # whatever is larger is asked of the system each time
    whole, done, kept = Thinker.forward, 0, []

    def forward(self: Thinker, cache: Any, **inputs: Any) -> Any:
        nonlocal done
        done += 1
        if done == passes:
            kept.extend(bytearray(30_000) for _ in range(1000))
            used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            resource.setrlimit(resource.RLIMIT_AS, (used, resource.RLIM_INFINITY))
            with contextlib.suppress(MemoryError):
                while True:  # what earlier passes let go of is no room for this one
                    kept.append(bytearray(60_000))
            del kept[:1000:2]  # leaves holes in which what is small still finds a place
        return whole(self, cache, **inputs)

    Thinker.forward = forward  # type: ignore[method-assign]
    said = io.StringIO()
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(said):
        code = main(arguments)
    connection.send((code, said.getvalue()))
