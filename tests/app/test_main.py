"""The entry point: quick help, one sentence for what is wrong, exit codes."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.cli import COMMANDS
from app.main import main

ROOT = Path(__file__).parents[2]
LONG = "x" * 300
"""Longer than a file system lets a name be."""
HEAVY = ("torch", "transformers", "cv2", "PySide6", "matplotlib", "numpy", "PIL", "pyqtgraph")


def modules_after(code: str) -> set[str]:
    """Top-level modules loaded in a fresh process after running ``code``."""
    script = f"import sys\n{code}\nprint(sorted({{m.split('.')[0] for m in sys.modules}}), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stderr.strip().splitlines()[-1].replace("'", '"')))


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], *([c.name, "--help"] for c in COMMANDS)])
def test_help_loads_nothing_heavy(arguments):
    loaded = modules_after(f"from app.main import main\nassert main({arguments!r}) == 0")
    assert not loaded & set(HEAVY)


def test_help_answers_in_under_a_second():
    def seconds() -> float:
        begin = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "app.main", "--help"], cwd=ROOT, capture_output=True, check=True
        )
        return time.monotonic() - begin

    assert min(seconds() for _ in range(3)) < 1


def test_help_lists_every_command(capsys):
    assert main(["--help"]) == 0
    listed = capsys.readouterr().out
    assert all(f"  {command.name} " in listed for command in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nosuch.png"], "nosuch.png does not exist"),
        (["--nonsense"], "--nonsense"),
        (["run"], "IMAGE"),
        (["run", "nosuch.png"], "nosuch.png"),
        (["run", "nosuch.png", "--prompt", "  "], "The prompt is empty"),
        (["run", "nosuch.png", "--max-new-tokens", "0"], "--max-new-tokens"),
        (["run", "nosuch.png", "--temperature", "-1"], "--temperature"),
        (["run", "nosuch.png", "--temperature", "nan"], "--temperature"),
        (["run", "nosuch.png", "--seed", "x"], "--seed"),
        (["export", "nosuch.sightline", "--out", "x.png"], "nosuch.sightline"),
        (["export", "nosuch.sightline", "--out", "x.tiff"], "x.tiff"),
        (["export", "nosuch.sightline", "--format", "docx", "--out", "x"], "docx"),
        (["export", "nosuch.sightline", "--steps", "2-5", "--out", "x.png"], "2-5"),
        (["sample", "--kind", "poem", "--out", "x"], "poem"),
        (["sample", "--kind", "math", "--seed", "-1", "--out", "x"], "--seed"),
        (["segment", "nosuch.png"], "nosuch.png"),
        ([f"{LONG}.png"], "xxx"),
        (["run", f"{LONG}.png"], "xxx"),
        (["bench", "faithfulness", "--json", f"{LONG}/figures.json"], "xxx"),
    ],
)
def test_bad_input_gets_one_sentence_and_exit_code_2(capsys, tmp_path, monkeypatch, arguments, said):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    heard = capsys.readouterr()
    assert heard.out == ""
    assert said in heard.err
    assert len(heard.err.strip().splitlines()) == 1
    assert "Traceback" not in heard.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", [[], ["run"]])
def test_a_file_in_a_folder_that_may_not_be_looked_into_is_bad_input(capsys, monkeypatch, command):
    stat = Path.stat

    def refuse(path: Path, **options: bool) -> os.stat_result:
        if "closed" in path.parts:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", refuse)
    assert main([*command, "closed/screen.png"]) == 2
    assert "cannot be used (Permission denied)" in capsys.readouterr().err


def test_a_name_in_a_complaint_cannot_command_the_terminal(capsys):
    assert main(["export", "no\x1b[2Jsuch.sightline", "--out", "x.png"]) == 2
    heard = capsys.readouterr().err
    assert "such.sightline" in heard
    assert "\x1b" not in heard


def test_an_argument_too_many_cannot_command_the_terminal(capsys):
    assert main(["export", "a.sightline", "b\x1b[2J.sightline", "--out", "x.png"]) == 2
    heard = capsys.readouterr().err
    assert "b\ufffd[2J.sightline" in heard
    assert "\x1b" not in heard


def test_a_table_of_another_persons_figures_cannot_command_the_terminal(capsys, monkeypatch):
    monkeypatch.setattr("app.cli.bench._window", lambda _args: ({}, "one\x1b[2J\ntwo"))
    assert main(["bench", "window"]) == 0
    assert capsys.readouterr().out == "one\ufffd[2J\ntwo\n"


def test_a_defect_gets_one_sentence_and_exit_code_1(capsys, monkeypatch):
    def broken(*_: object) -> int:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr("app.cli.window.run", broken)
    assert main([]) == 1
    heard = capsys.readouterr().err
    assert "ZeroDivisionError" in heard
    assert len(heard.strip().splitlines()) == 1


def test_ctrl_c_is_exit_code_130(capsys, monkeypatch):
    def interrupted(*_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("app.cli.window.run", interrupted)
    assert main([]) == 130
    assert "Interrupted" in capsys.readouterr().err


def test_a_reader_that_went_away_is_no_error(tmp_path):
    script = "import sys; from app.main import main; sys.exit(main(['sample', '--help']))"
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    process.stdout.close()
    _, heard = process.communicate(timeout=60)
    assert b"Traceback" not in heard
