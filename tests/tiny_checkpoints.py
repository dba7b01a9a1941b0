"""Fixtures: tiny random checkpoints of the real classes, in the real layout, loaded as a user's model is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tiny_families import save_qwen3_vl


def drop_weight(folder: Path, fragment: str) -> None:
    """Remove the weights whose name holds ``fragment`` from a saved checkpoint."""
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    weights = {name: value for name, value in load_file(path).items() if fragment not in name}
    save_file(weights, path, metadata={"format": "pt"})


def edit_config(folder: Path, **changes: object) -> None:
    """Overwrite top-level keys of a saved ``config.json``."""
    path = folder / "config.json"
    config = json.loads(path.read_text())
    path.write_text(json.dumps(config | changes))


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved tiny Qwen3-VL."""
    import torch

    torch.set_num_threads(1)  # work this small only gets slower when it is shared between threads
    return save_qwen3_vl(tmp_path_factory.mktemp("tiny") / "qwen3-vl")


@pytest.fixture(scope="session")
def tiny_thinker(tiny_folder: Path):  # type: ignore[no-untyped-def]
    """The tiny Qwen3-VL, loaded as a user's model is."""
    from models.thinker import load_thinker

    return load_thinker(str(tiny_folder), device="cpu")
