import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import core
from core.errors import InputError
from core.export.atomic import replacing


def test_the_new_file_takes_the_place_of_the_old_one(tmp_path):
    out = tmp_path / "a.json"
    out.write_text("old")
    with replacing(out) as part:
        part.write_text("new")
        assert out.read_text() == "old"
    assert out.read_text() == "new"
    assert os.listdir(tmp_path) == ["a.json"]


def test_an_error_or_a_cancel_leaves_the_old_file_and_nothing_else(tmp_path):
    out = tmp_path / "a.json"
    out.write_text("old")

    def cancelled():
        with replacing(out) as part:
            part.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cancelled()
    assert out.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_a_kill_leaves_nothing_half_written_under_the_final_name(tmp_path):
    code = (
        "import sys, os, signal; from pathlib import Path; from core.export.atomic import replacing\n"
        "with replacing(Path(sys.argv[1])) as part:\n"
        "    part.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    root = Path(next(iter(core.__path__))).parent
    done = subprocess.run([sys.executable, "-c", code, tmp_path / "a.png"], cwd=root)
    assert done.returncode == -signal.SIGKILL
    assert not (tmp_path / "a.png").exists()


def test_places_that_cannot_be_written_are_said(tmp_path):
    for out, words in {
        tmp_path / "no" / "a.json": "no folder",
        tmp_path: "is a folder",
        Path("/proc/a.json"): "Cannot write",
        Path("/dev/null"): "a device",
        tmp_path / ("x" * 300): "Cannot write",
    }.items():
        with pytest.raises(InputError, match=words), replacing(out):
            pytest.fail("nothing should be written")


def test_a_full_disk_is_said(tmp_path):
    with pytest.raises(InputError, match=r"No space left.*free some space"), replacing(tmp_path / "a"):
        raise OSError(28, "No space left on device")
    assert os.listdir(tmp_path) == []


def test_a_link_keeps_pointing_to_the_file(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link.json").symlink_to(tmp_path / "there" / "a.json")
    with replacing(tmp_path / "link.json") as part:
        part.write_text("new")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "there" / "a.json").read_text() == "new"
