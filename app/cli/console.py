"""Writing to the terminal: what is asked for on standard output, everything else on standard error."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def harmless(text: str) -> str:
    """Text without control characters, so that nothing a model writes can command the terminal."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def answer(text: object) -> None:
    """What was asked for, on standard output."""
    print(harmless(str(text)))


def say(text: str) -> None:
    """A line on standard error."""
    print(harmless(text), file=sys.stderr, flush=True)


def progress(quiet: bool = False) -> Callable[[str, float | None], None]:
    """Tells each new stage once, on standard error."""
    last = ""

    def tell(text: str, fraction: float | None) -> None:
        nonlocal last
        if text != last and not quiet:
            last = text
            say(f"{text}…")

    return tell


class Stream:
    """Standard output for text that comes in pieces; a reader that went away is no error."""

    def __init__(self) -> None:
        self._open = True

    def write(self, text: str) -> None:
        """Print a piece at once."""
        if not self._open:
            return
        try:
            sys.stdout.write(harmless(text))
            sys.stdout.flush()
        except BrokenPipeError:
            self._open = False
            discard_output()


def discard_output() -> None:
    """Send standard output nowhere, so that Python does not fail once more when it closes it."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
