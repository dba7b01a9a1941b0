"""A model goes where it fits; where it fits nowhere, a sentence says so before memory runs out."""

from __future__ import annotations

import importlib.util
import json
import shutil

import numpy as np
import pytest
import torch

from core.coverage import coverage
from core.errors import InputError
from core.regions import region_map_from_labels
from core.trace import Sampling
from models import placement
from models.checkpoint import Loading, load_checkpoint
from models.thinker import load_thinker


def test_a_model_larger_than_the_memory_is_refused_before_it_is_loaded(tiny_folder, monkeypatch):
    monkeypatch.setattr(placement, "free_memory", lambda device: 100_000)
    with pytest.raises(
        InputError, match=r"GiB for its weights alone, and cpu has 0.0 GiB free. Take a smaller"
    ):
        load_checkpoint(str(tiny_folder), Loading("cpu"))


def test_memory_that_runs_out_while_loading_is_explained(tiny_folder, monkeypatch):
    from transformers import AutoModelForImageTextToText

    def fail(*args, **kwargs):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")

    monkeypatch.setattr(AutoModelForImageTextToText, "from_pretrained", fail)
    with pytest.raises(InputError, match=r"does not fit into memory. Take a smaller model"):
        load_checkpoint(str(tiny_folder), Loading("cpu"))


def test_a_spread_model_says_the_same_as_a_whole_one(tiny_folder, tiny_thinker):
    spread = load_thinker(str(tiny_folder), loading=Loading(placement.SPREAD))
    pixels = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
    labels = np.zeros((96, 128), np.int32)
    labels[:, 64:] = 1
    results = []
    for thinker in (tiny_thinker, spread):
        prepared = thinker.prepare(pixels, "What?")
        probe = thinker.probe(prepared, coverage(region_map_from_labels(labels), prepared.cells))
        drawn = list(thinker.decode(prepared, Sampling(max_new_tokens=8), probe))
        features = probe.flush()
        results.append(([token.id for token in drawn], features))
    assert results[0][0] == results[1][0]
    torch.testing.assert_close(results[0][1].direct, results[1][1].direct)


def test_program_code_is_refused_unless_it_is_allowed(tiny_folder, tmp_path):
    copied = tmp_path / "brings-code"
    shutil.copytree(tiny_folder, copied)
    witness = tmp_path / "it ran"
    (copied / "own.py").write_text(
        "from pathlib import Path\n"
        f"Path({str(witness)!r}).touch()\n"
        "from transformers import Qwen3VLProcessor\n"
        "class Own(Qwen3VLProcessor):\n    pass\n"
    )
    for name in ("processor_config.json", "preprocessor_config.json", "tokenizer_config.json"):
        path = copied / name
        if path.exists():
            config = json.loads(path.read_text())
            if name != "tokenizer_config.json":
                config |= {"auto_map": {"AutoProcessor": "own.Own"}, "processor_class": "Own"}
            path.write_text(json.dumps(config))
    with pytest.raises(InputError, match=r"program code of its own.*refuses.*--allow-code"):
        load_checkpoint(str(copied), Loading("cpu"))
    assert not witness.exists()
    assert load_checkpoint(str(copied), Loading("cpu", allow_code=True)).processor
    assert witness.exists()


def test_quantization_says_what_it_needs(tiny_folder, monkeypatch):
    with pytest.raises(InputError, match=r"Unknown quantization"):
        load_checkpoint(str(tiny_folder), Loading("cpu", quantized="2bit"))
    with pytest.raises(InputError, match=r"need an NVIDIA GPU"):
        load_checkpoint(str(tiny_folder), Loading("cpu", quantized="4bit"))
    monkeypatch.setattr(placement, "machine_device", lambda device: torch.device("cuda"))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"uv sync --extra quantized"):
        placement.place(tiny_folder, "tiny", quantized="8bit")
