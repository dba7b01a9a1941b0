"""Every run is written to a trace file as it goes."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from core.errors import InputError
from core.store import TraceWriter
from core.trace import Trace


def into(path: Path) -> Callable[[Trace], TraceWriter]:
    """A function for ``core.run.run`` that opens the trace file ``path`` and the folder it lies in.

    It raises InputError when the file cannot be created, before the first token.
    """

    def open_writer(trace: Trace) -> TraceWriter:
        make_folder(path.parent)
        return TraceWriter(path, trace)

    return open_writer


def make_folder(folder: Path) -> None:
    """Create a folder with its parents.

    Raises:
        InputError: it cannot be created.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"The folder {folder} cannot be created ({reason}). Choose another one.") from None


def new_path(folder: Path, name: str) -> Path:
    """A trace file name in ``folder`` that is not taken, such as "2026-11-22 14-03-59 invoice.sightline"."""
    stem = re.sub(r"[^\w .-]+", "_", Path(name).stem).strip(" .")[:60] or "screenshot"
    base = f"{time.strftime('%Y-%m-%d %H-%M-%S')} {stem}"
    path = folder / f"{base}.sightline"
    count = 2
    while os.path.exists(path):  # Path.exists may raise; what hinders is told when the file is opened
        path = folder / f"{base} ({count}).sightline"
        count += 1
    return path
