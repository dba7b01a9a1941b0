"""A benchmark writes its part of a file and leaves the rest alone."""

from __future__ import annotations

import pytest

from core.errors import InputError
from core.export.marked_section import marked_section, marks, rewrite_section


def test_rewriting_changes_what_lies_between_the_marks_and_nothing_else(tmp_path):
    page, (begin, end) = tmp_path / "README.md", marks("speed")
    other = "".join(marks("segment"))
    page.write_text(f"above\n{other}{begin}old\n{end}below\n", encoding="utf-8")
    rewrite_section(page, "speed", "new ½\n")
    assert page.read_text(encoding="utf-8") == f"above\n{other}{begin}new ½\n{end}below\n"
    assert marked_section(page, "speed")[1] == "new ½\n"


def test_a_file_without_marks_is_left_as_it_is(tmp_path):
    page = tmp_path / "README.md"
    page.write_text("no marks\n", encoding="utf-8")
    with pytest.raises(InputError, match="lacks the lines"):
        rewrite_section(page, "speed", "new\n")
    assert page.read_text(encoding="utf-8") == "no marks\n"
    with pytest.raises(InputError, match="Cannot read"):
        rewrite_section(tmp_path / "none.md", "speed", "new\n")
