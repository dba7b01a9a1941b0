"""Keeping small work on one core. Imports torch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch


@contextlib.contextmanager
def at_most(count: int | None) -> Iterator[None]:
    """Run torch's CPU kernels on at most ``count`` threads for a while; None changes nothing.

    Work of a few microseconds only gets slower when it is shared, and when another program holds the other
    core, waiting for it can take a hundred times as long as the work.
    """
    before = torch.get_num_threads()
    if count is None or count >= before:
        yield
        return
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
