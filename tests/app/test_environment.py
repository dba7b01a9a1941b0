"""What the system must offer, and what is said when it does not."""

from __future__ import annotations

import sys

import pytest

from app import environment
from app.environment import display_problem, missing_library, runs_folder

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="about Linux displays")


@linux
def test_without_a_display_one_sentence_says_so():
    assert display_problem({}) == "There is no display here (neither DISPLAY nor WAYLAND_DISPLAY is set)."


@linux
def test_a_display_that_does_not_answer_is_told_before_qt_aborts():
    assert display_problem({"DISPLAY": ":987"}) == "The display :987 does not answer."


@linux
def test_missing_system_packages_are_named(monkeypatch):
    missing = {"libxcb-cursor.so.0", "libxcb-icccm.so.4"}
    monkeypatch.setattr(environment, "_loads", lambda library: library not in missing)
    assert display_problem({"DISPLAY": ":0"}) == (
        "No window can be opened because system packages are missing: "
        "sudo apt install libxcb-cursor0 libxcb-icccm4"
    )


def test_platforms_that_need_no_display_are_left_alone():
    assert display_problem({"QT_QPA_PLATFORM": "offscreen"}) is None


def test_an_import_that_lacks_a_system_library_says_what_to_install():
    error = ImportError("libEGL.so.1: cannot open shared object file: No such file or directory")
    assert missing_library(error) == (
        "The system library libEGL.so.1 is missing; on Debian or Ubuntu: sudo apt install libegl1."
    )
    assert missing_library(ImportError("No module named 'torch'")) is None


def test_runs_go_where_the_user_says(monkeypatch, tmp_path):
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path))
    assert runs_folder() == tmp_path / "runs"
