"""A part of a Markdown file that a benchmark writes, so that its figures are those of a run."""

from __future__ import annotations

from pathlib import Path

from core.errors import InputError
from core.export.atomic import replacing


def marks(name: str) -> tuple[str, str]:
    """The lines before and after the part that ``sightline bench NAME`` writes."""
    return f"<!-- sightline bench {name} writes from here -->\n", "<!-- to here -->\n"


def marked_section(path: Path, name: str) -> tuple[str, str, str]:
    """A file before, in and after the part that ``sightline bench NAME`` writes, marks left out.

    Raises:
        InputError: the file cannot be read, or lacks the marks.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise InputError(f"Cannot read {path}. Name a Markdown file that is there.") from error
    begin, end = marks(name)
    before, found, rest = text.partition(begin)
    body, closed, after = rest.partition(end)
    if not found or not closed:
        wanted = f"“{begin.strip()}” and “{end.strip()}”"
        raise InputError(f"{path} lacks the lines {wanted}. Add them where the table belongs.")
    return before, body, after


def rewrite_section(path: Path, name: str, body: str) -> None:
    """Replace that part of a file.

    Raises:
        InputError: as ``marked_section``, or the file cannot be written.
    """
    before, _, after = marked_section(path, name)
    begin, end = marks(name)
    with replacing(path) as part:
        part.write_text(f"{before}{begin}{body}{end}{after}", encoding="utf-8")
