"""What a list of traces shows of each: read without its screenshot, its regions and its effects."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from core.screenshot import MAX_PIXELS
from core.trace_file import damaged, reading

MOST_TOKENS = 100_000
"""Tokens of a run that its summary looks at."""


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """One trace in a few words.

    Attributes:
        path: its file. name: of the screenshot.
        prompt, thinking, answer, notes: texts. model: name of the thinking model.
        status: as in ``Trace``; created: ISO 8601, UTC; tokens: how many there are.
    """

    path: Path
    name: str
    prompt: str
    thinking: str
    answer: str
    notes: str
    model: str
    status: str
    created: str
    tokens: int

    def matches(self, query: str) -> bool:
        """Whether every word of ``query`` occurs somewhere in the texts, in capitals or not."""
        haystack = "\n".join(
            (self.name, self.prompt, self.thinking, self.answer, self.notes, self.model, self.path.name)
        ).casefold()
        return all(word in haystack for word in query.casefold().split())


def read_summary(path: Path) -> TraceSummary:
    """The summary of a trace file.

    Raises:
        InputError: the file is missing, unreadable, foreign, damaged or from a newer version.
    """
    path = Path(path)
    with reading(path) as connection:
        meta = dict(connection.execute("SELECT key, value FROM meta LIMIT 100").fetchall())
        shot = connection.execute("SELECT name FROM screenshot LIMIT 1").fetchone()
        model = connection.execute("SELECT name FROM identity WHERE role = 'model' LIMIT 1").fetchone()
        rows = connection.execute(
            'SELECT text, phase FROM token ORDER BY "index" LIMIT ?', [MOST_TOKENS]
        ).fetchall()
    if shot is None or model is None:
        raise damaged(path, "it names no screenshot or no model")
    texts = {
        phase: "".join(_text(text) for text, of in rows if of == phase).strip()
        for phase in ("thinking", "answer")
    }
    return TraceSummary(
        path,
        _text(shot[0]),
        _text(meta.get("prompt")),
        texts["thinking"],
        texts["answer"],
        _text(meta.get("notes")),
        _text(model[0]),
        _text(meta.get("status")),
        _text(meta.get("created")),
        len(rows),
    )


def read_preview(path: Path, width: int, height: int) -> np.ndarray:
    """The screenshot of a trace file, small: uint8 [h, w, 3] that fits into ``width`` x ``height``.

    Raises:
        InputError: as ``read_summary``.
    """
    path = Path(path)
    with reading(path) as connection:
        row = connection.execute("SELECT png FROM screenshot LIMIT 1").fetchone()
    try:
        with PngImageFile(io.BytesIO(row[0])) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError("impossibly large")
            small = image.convert("RGB")
        small.thumbnail((width, height), Image.Resampling.BOX)
        return np.array(small, np.uint8)
    except Exception as error:  # decoders raise a dozen kinds for damaged data
        raise damaged(path, "its screenshot cannot be decoded") from error


def _text(value: object) -> str:
    """A text of the file; what is none counts as empty."""
    return value if isinstance(value, str) else ""
