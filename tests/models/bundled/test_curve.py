"""The few-shot curve comes from collected examples alone, and held-out seeds never teach."""

from __future__ import annotations

import json
import sys

from PIL import Image
from synthetic_examples import synthetic

from core.calibration import save_example
from models.bundled.estimator import curve
from models.bundled.screens import HELD_OUT, KINDS


def test_it_writes_figures_and_a_picture(tmp_path, monkeypatch, capsys):
    place = tmp_path / "examples"
    place.mkdir()
    (place / "thinker.txt").write_text("a model 00ff\n")
    for seed in range(20):
        save_example(place / f"{KINDS[seed % 2]}-truth-{seed}.safetensors", synthetic(seed))
    for seed in range(HELD_OUT, HELD_OUT + 2):
        save_example(place / f"{KINDS[seed % 2]}-truth-{seed}.safetensors", synthetic(seed))
    taught: set[str] = set()
    real = curve.fit

    def fit(examples, owner, epochs, *given, **more):
        taught.update(path.stem for path in examples)
        return real(examples, owner, 2, *given, **more)

    monkeypatch.setattr(curve, "fit", fit)
    monkeypatch.setattr(curve, "REPEATS", 1)
    figures, picture = tmp_path / "f.json", tmp_path / "f.png"
    monkeypatch.setattr(
        sys,
        "argv",
        ["curve", "--examples", str(place), "--counts", "4,1000", "--judge", "6", "--transfer",
         "--json", str(figures), "--picture", str(picture)],
    )  # fmt: skip
    curve.main()
    result = json.loads(figures.read_text())
    assert (result["thinker"], result["thinker_sha256"]) == ("a model", "00ff")
    assert (result["teaching_screens"], result["judging_screens"], result["of_held_out_seeds"]) == (16, 6, 2)
    assert [point["screens"] for point in result["curve"]] == [4, 16]
    assert {point["kind"] for point in result["transfer"]} == set(KINDS[:2])
    assert not any(int(name.rsplit("-", 1)[1]) >= HELD_OUT for name in taught)
    assert len(taught) == 16
    with Image.open(picture) as drawn:
        assert drawn.width > 1500
    assert "curve" not in json.loads(capsys.readouterr().out)
