"""``sightline calibrate`` with a tiny random checkpoint and small screens of one's own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

from app.main import main
from models.estimators import bundled_estimator, estimators_in, notes_of

SCREENS = 5


@pytest.fixture
def folder(tmp_path):
    """Five small screens that differ."""
    made = tmp_path / "screens"
    made.mkdir()
    for number in range(SCREENS):
        pixels = np.full((64, 96, 3), 250, np.uint8)
        pixels[8:28, 8 + 4 * number : 40 + 4 * number] = (200, 30, 20 * number)
        pixels[36:56, 50:80] = (30, 40 * number, 200)
        Image.fromarray(pixels).save(made / f"{number}.png")
    return made


def calibrate(folder: Path, tiny_folder: Path, *more: str) -> int:
    short = ["--masks", "8", "--max-new-tokens", "6", "--prompt", "What?", "--anyway"]
    return main(["calibrate", str(folder), "--model", str(tiny_folder), *short, *more])


def installed(tmp_path: Path) -> Path:
    (found,) = estimators_in([tmp_path / "data" / "estimators"]).values()
    return found


def test_it_installs_an_estimator_that_runs_of_the_model_use_at_once(folder, tiny_folder, tmp_path, capsys):
    assert calibrate(folder, tiny_folder, "--json") == 0
    heard = capsys.readouterr()
    assert "4 screenshots to learn from, 1 to judge by; 5 questions in all" in heard.err
    assert "Before (uncalibrated attention): held-out step LDS" in heard.err
    assert "4 screenshots: held-out step LDS" in heard.err
    result = json.loads(heard.out)
    assert result["screens"] == 4
    assert result["held_out_screens"] == 1
    assert Path(result["estimator"]) == installed(tmp_path)
    card = (installed(tmp_path) / "README.md").read_text()
    assert f"{result['after']['lds_steps']['mean']:.3f}" in card
    image = str(folder / "0.png")
    assert main(["run", image, "--model", str(tiny_folder), "--prompt", "What?", "--max-new-tokens", "3",
                 "--json", "--out", str(tmp_path / "o")]) == 0  # fmt: skip
    assert json.loads(capsys.readouterr().out)["effects"]["kind"] == "estimated"
    # Once more: it begins with what is there, and what judged still judges.
    assert calibrate(folder, tiny_folder, "--json") == 0
    again = json.loads(capsys.readouterr().out)
    assert again["from"].startswith(installed(tmp_path).name)
    assert again["before"]["lds_steps"] == result["after"]["lds_steps"]
    assert notes_of(installed(tmp_path))["taught"] == sorted(notes_of(installed(tmp_path))["taught"])


def test_the_bundled_model_begins_with_its_own_estimator_and_uses_the_new_one(tmp_path, capsys):
    from app.engine import Engine
    from models.bundled.screens import generate

    made = tmp_path / "generated"
    made.mkdir()
    for kind in ("math", "document"):
        sample = generate(kind, 7)
        Image.fromarray(sample.image).save(made / f"{kind}.png")
        (made / f"{kind}.json").write_text(json.dumps(sample.truth()))
    short = ["--masks", "8", "--max-new-tokens", "12", "--prompt", "What is the total?", "--anyway", "--json"]
    assert main(["calibrate", str(made), *short]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["from"].startswith("bundled ")
    assert result["before"]["calibrated"]
    assert (result["screens"], result["held_out_screens"]) == (1, 1)
    _, estimator = Engine().load(lambda text, part: None)
    assert estimator.identity.name == installed(tmp_path).name
    # One that a later version cannot read any more is passed over, not stumbled over.
    config = installed(tmp_path) / "config.json"
    config.write_text(config.read_text().replace('"format"', '"format_of_old"'))
    told: list[str] = []
    _, estimator = Engine().load(lambda text, part: told.append(text))
    assert estimator.identity.name == "bundled"
    assert any("damaged" in text for text in told)


def test_without_a_gain_nothing_changes(folder, tiny_folder, tmp_path, capsys, monkeypatch):
    from core import adaptation

    monkeypatch.setattr(adaptation.Adapted, "better", property(lambda self: False))
    short = ["--masks", "8", "--max-new-tokens", "3", "--prompt", "What?"]
    assert main(["calibrate", str(folder), "--model", str(tiny_folder), *short]) == 0
    heard = capsys.readouterr()
    assert heard.out == ""
    assert "nothing was changed" in heard.err
    assert not (tmp_path / "data" / "estimators").exists()


CALIBRATE = "import sys; from app.main import main; sys.exit(main(sys.argv[1:]))"


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL")
def test_killed_at_any_moment_and_begun_again_it_reaches_the_same_estimator(folder, tiny_folder, tmp_path):
    unbroken, resumed = tmp_path / "unbroken", tmp_path / "resumed"
    assert calibrate(folder, tiny_folder, "--out", str(unbroken)) == 0
    command = [sys.executable, "-c", CALIBRATE, "calibrate", str(folder), "--model", str(tiny_folder)]
    command += ["--masks", "8", "--max-new-tokens", "6", "--prompt", "What?", "--anyway"]
    command += ["--out", str(resumed)]
    own = tmp_path / "killed"
    environment = os.environ | {"SIGHTLINE_DATA": str(own), "OMP_NUM_THREADS": "1"}
    for moment in ("*.safetensors", "fits/*.safetensors"):
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and not list(own.glob(f"calibration/*/{moment}")):
                time.sleep(0.005)
            process.send_signal(signal.SIGKILL)
        assert not resumed.exists(), "it was killed too late"
    before = {path: path.stat().st_mtime_ns for path in own.glob("calibration/*/*.safetensors")}
    assert len(before) == SCREENS
    os.environ["SIGHTLINE_DATA"] = str(own)  # the fixture of all tests puts it back
    assert calibrate(folder, tiny_folder, "--out", str(resumed)) == 0
    assert before == {path: path.stat().st_mtime_ns for path in before}, "no example was made twice"
    ours, theirs = (load_file(made / "model.safetensors") for made in (resumed, unbroken))
    assert all((ours[name] == weight).all() for name, weight in theirs.items())


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--from", "nowhere"], "There is no estimator in nowhere"),
        (["--from", str(bundled_estimator())], "does not fit"),
        (["--segmenter", "magic"], "no segmenter called"),
        (["--masks", "2"], "--masks must be at least 8"),
        (["--prompts", "nowhere.txt"], "nowhere.txt cannot be read"),
        (["--screens", "1"], "--screens must be at least 2"),
        (["--minutes", "0"], "--minutes must be more than 0"),
        (["--prompt", " "], "The prompt is empty"),
    ],
)
def test_what_cannot_be_done_gets_one_sentence(
    folder, tiny_folder, tmp_path, monkeypatch, capsys, more, words
):
    monkeypatch.chdir(tmp_path)
    assert calibrate(folder, tiny_folder, *more) == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("sightline: ")
    assert words in last


def test_a_folder_that_teaches_nothing_gets_one_sentence(folder, tiny_folder, tmp_path, capsys):
    for number in range(1, SCREENS):
        (folder / f"{number}.png").unlink()
    assert calibrate(folder, tiny_folder) == 2
    assert "at least 2 different ones" in capsys.readouterr().err
    (folder / "0.png").rename(folder / "0.txt")
    assert calibrate(folder, tiny_folder) == 2
    assert "There is no picture in" in capsys.readouterr().err
    assert calibrate(tmp_path / "gone", tiny_folder) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert calibrate(folder, tmp_path / "no model") == 2


def test_a_picture_that_cannot_be_read_is_left_out(folder, tiny_folder, capsys):
    (folder / "broken.png").write_bytes(b"no picture")
    assert calibrate(folder, tiny_folder) == 0
    assert "Left out:" in capsys.readouterr().err
    for path in folder.iterdir():
        path.write_bytes(b"no picture either: " + path.name.encode())
    assert calibrate(folder, tiny_folder) == 2
    assert "None of the screenshots could be used" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="file size limits")
def test_a_full_disk_gets_one_sentence_and_keeps_what_was_collected(folder, tiny_folder, capsys):
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, before[1]))
    try:
        assert calibrate(folder, tiny_folder) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert last.startswith("sightline: Cannot write to")
    assert "goes on from there" in last


def test_an_estimator_never_replaces_something_else(folder, tiny_folder, tmp_path, capsys):
    assert calibrate(folder, tiny_folder, "--out", str(folder)) == 2
    assert "no estimator" in capsys.readouterr().err
    assert len(list(folder.iterdir())) == SCREENS
