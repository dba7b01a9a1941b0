"""Names of trace files."""

from __future__ import annotations

import pytest

from app.recording import make_folder, new_path
from core.errors import InputError


def test_a_name_is_never_taken_twice(tmp_path):
    first = new_path(tmp_path, "invoice.png")
    first.touch()
    second = new_path(tmp_path, "invoice.png")
    assert first != second
    assert {first.suffix, second.suffix} == {".sightline"}
    assert "invoice" in first.name


@pytest.mark.parametrize("name", ["", "...", "a/b\\c:d", "x" * 500, "日本語.png", "con\n\x00"])
def test_any_name_makes_a_file_that_can_be_created(tmp_path, name):
    path = new_path(tmp_path, name)
    assert path.parent == tmp_path
    path.touch()


def test_a_folder_that_may_not_be_looked_into_is_left_to_who_opens_the_file(tmp_path):
    folder = tmp_path / ("x" * 300)
    assert new_path(folder, "invoice.png").parent == folder


def test_a_folder_that_cannot_be_made_is_the_users_to_solve(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot be created"):
        make_folder(tmp_path / "file" / "folder")
