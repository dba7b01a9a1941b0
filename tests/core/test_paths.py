"""What a person gives as a path is a path, or is refused with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import InputError
from core.paths import reachable, typed_path


def test_a_path_need_not_lead_anywhere(tmp_path):
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file", tmp_path / "gone", tmp_path / "file" / "below"):
        assert reachable(str(path)) == typed_path(str(path)) == path


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"])
def test_a_name_that_no_system_takes_is_refused_shortly(name):
    with pytest.raises(InputError, match="cannot be used") as refused:
        reachable(name)
    assert len(str(refused.value)) < 200


def test_a_folder_that_may_not_be_looked_into_is_refused(monkeypatch):
    def refuse(path: Path, **_options: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(InputError, match=r"screen\.png cannot be used \(Permission denied\)"):
        reachable("/closed/screen.png")


def test_the_home_folder_is_known_by_its_sign_and_that_of_nobody_is_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert typed_path("~/screens") == tmp_path / "screens"
    with pytest.raises(InputError, match="No home folder is known for “~nosuchuser/screens”"):
        typed_path("~nosuchuser/screens")
