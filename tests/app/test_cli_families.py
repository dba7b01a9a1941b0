"""A model whose name does not tell its family runs once a person says it, and its trace remembers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fake_traces import fake_trace
from PIL import Image
from tiny_families import save_mimo_vl

from app.cli.verify import _as_before
from app.main import main
from core.store import read_trace
from core.trace import Identity
from models.checkpoint import Loading


@pytest.fixture
def nameless(tmp_path):
    return save_mimo_vl(tmp_path / "my-tuned-model")


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "screen.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (90, 120, 3), dtype=np.uint8)).save(path)
    return path


def test_the_family_is_asked_for_given_and_remembered(nameless, image, tmp_path, capsys):
    told = [
        "run", str(image), "--prompt", "What?", "--model", str(nameless), "--device", "cpu",
        "--segmenter", "grid", "--max-new-tokens", "12", "--out", str(tmp_path / "out"), "--json",
    ]  # fmt: skip
    assert main(told) == 2
    assert "--family mimo-vl or --family cosmos-reason1" in capsys.readouterr().err
    assert main([*told, "--family", "mimo-vl"]) == 0
    capsys.readouterr()
    path = tmp_path / "out" / "trace.sightline"
    assert read_trace(path).model.details["family"] == "MiMo-VL"
    for operator in ("embeddings", "attention"):
        asked = ["verify", str(path), "--masks", "4", "--operator", operator, "--device", "cpu", "--json"]
        assert main(asked) == 0
        assert json.loads(capsys.readouterr().out)["operator"] == operator
    assert [m.operator for m in read_trace(path).measured][-1] == "attention"


def test_a_trace_is_verified_with_the_weights_it_was_made_with():
    trace = fake_trace()
    told = {"dtype": "bfloat16", "visual_tokens_at_most": 300, "family": "MiMo-VL", "quantized": "4bit"}
    trace.model = Identity("some model", "", told)
    assert _as_before(trace, "cpu") == Loading("cpu", "bfloat16", visual_tokens=300, family="MiMo-VL")
    trace.model = Identity("some model", "", told | {"dtype": "float16"})
    assert _as_before(trace, "cpu").dtype == "auto"
