"""Every export format, in the order in which a menu shows them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from core.errors import InputError
from core.export import coco, gif, html_page, json_trace, mp4, parquet, png, sheet, svg
from core.export.format import Format
from core.export.options import Option

FORMATS: Final[dict[str, Format]] = {
    format.name: format
    for format in (
        png.FORMAT,
        svg.FORMAT,
        sheet.FORMAT,
        gif.FORMAT,
        mp4.FORMAT,
        html_page.FORMAT,
        json_trace.FORMAT,
        parquet.FORMAT,
        coco.FORMAT,
    )
}


def format_named(name: str) -> Format:
    """A format by its name.

    Raises:
        InputError: there is none of that name.
    """
    if name not in FORMATS:
        raise InputError(f"There is no export format “{name}”. Choose one of: {', '.join(FORMATS)}.")
    return FORMATS[name]


def format_of(out: Path) -> Format:
    """The format that the extension of a file name asks for; of several, the first.

    Raises:
        InputError: no format has that extension.
    """
    for format in FORMATS.values():
        if out.suffix.lower() == format.extension:
            return format
    extensions = ", ".join(dict.fromkeys(format.extension for format in FORMATS.values()))
    raise InputError(f"The name {out.name} does not tell a format. End it in one of: {extensions}.")


def all_options() -> dict[str, tuple[Option, list[str]]]:
    """Every option of any format by its name, with the names of the formats that have it."""
    found: dict[str, tuple[Option, list[str]]] = {}
    for format in FORMATS.values():
        for option in format.options:
            found.setdefault(option.name, (option, []))[1].append(format.name)
    return found
