"""Every export format, in the order in which a menu shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from core.errors import InputError
from core.export import json_trace, png
from core.export.format import Format

FORMATS: Final[dict[str, Format]] = {format.name: format for format in (png.FORMAT, json_trace.FORMAT)}


def format_named(name: str) -> Format:
    """A format by its name.

    Raises:
        InputError: there is none of that name.
    """
    if name not in FORMATS:
        raise InputError(f"There is no export format “{name}”. Choose one of: {', '.join(FORMATS)}.")
    return FORMATS[name]


def format_of(out: Path) -> Format:
    """The format that the extension of a file name asks for.

    Raises:
        InputError: no format has that extension.
    """
    for format in FORMATS.values():
        if out.suffix.lower() == format.extension:
            return format
    extensions = ", ".join(format.extension for format in FORMATS.values())
    raise InputError(f"The name {out.name} does not tell a format. End it in one of: {extensions}.")
