"""The few-shot curve comes from collected examples alone, and held-out seeds never teach."""

from __future__ import annotations

import json
import sys

import pytest
from PIL import Image
from synthetic_examples import synthetic

from core.calibration import save_example
from models.bundled.estimator import curve
from models.bundled.screens import HELD_OUT, KINDS


@pytest.fixture
def taught(tmp_path, monkeypatch):
    """The command line of the curve of 22 examples, with short fits; the names that each fit learned from."""
    place, taught = tmp_path / "examples", []
    place.mkdir()
    (place / "thinker.txt").write_text("a model 00ff\n")
    for seed in range(20):
        save_example(place / f"{KINDS[seed % 2]}-truth-{seed}.safetensors", synthetic(seed))
    for seed in range(HELD_OUT, HELD_OUT + 2):
        save_example(place / f"{KINDS[seed % 2]}-truth-{seed}.safetensors", synthetic(seed))
    real = curve.fit

    def fit(examples, owner, epochs, *given, **more):
        taught.append({path.stem for path in examples})
        return real(examples, owner, 2, *given, **more)

    monkeypatch.setattr(curve, "fit", fit)
    monkeypatch.setattr(curve, "REPEATS", 1)
    monkeypatch.setattr(
        sys,
        "argv",
        ["curve", "--examples", str(place), "--counts", "4,1000", "--judge", "6", "--transfer",
         "--json", str(tmp_path / "f.json"), "--picture", str(tmp_path / "f.png")],
    )  # fmt: skip
    return taught


def test_it_writes_figures_and_a_picture(taught, tmp_path, capsys):
    curve.main()
    result = json.loads((tmp_path / "f.json").read_text())
    assert (result["thinker"], result["thinker_sha256"]) == ("a model", "00ff")
    assert (result["teaching_screens"], result["judging_screens"], result["of_held_out_seeds"]) == (16, 6, 2)
    assert [point["screens"] for point in result["curve"]] == [4, 16]
    assert {point["kind"] for point in result["transfer"]} == set(KINDS[:2])
    names = set.union(*taught)
    assert not any(int(name.rsplit("-", 1)[1]) >= HELD_OUT for name in names)
    assert len(names) == 16
    with Image.open(tmp_path / "f.png") as drawn:
        assert drawn.width > 1500
    assert "curve" not in json.loads(capsys.readouterr().out)


def test_broken_off_it_goes_on_where_it_was(taught, tmp_path, monkeypatch):
    def points():
        result = json.loads((tmp_path / "f.json").read_text())
        for point in result["curve"]:
            del point["fit_seconds"]
        return result["curve"], result["transfer"]

    curve.main()
    unbroken, fits = points(), len(taught)
    (tmp_path / "f.json").unlink()
    taught.clear()
    whole = curve.estimated
    with monkeypatch.context() as broken:
        broken.setattr(curve, "estimated", lambda *a: whole(*a) if len(taught) < fits - 2 else _break())
        with pytest.raises(KeyboardInterrupt):
            curve.main()
    first = len(taught)
    with (tmp_path / "f.json.part").open("a") as half:
        half.write('{"key": "half a li')
    curve.main()
    assert points() == unbroken
    assert len(taught) < first + fits, "what was there was not made again"
    assert not (tmp_path / "f.json.part").exists()


def _break():
    raise KeyboardInterrupt
