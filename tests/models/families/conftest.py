"""One tiny checkpoint of each family, loaded as a user's model is, beside a plain copy to compare with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from family_reference import Reference
from tiny_families import SAVERS, WITH_EXPERTS

from core.regions import RegionMap, region_map_from_labels
from models.thinker import Thinker, load_thinker

DECODER = ("test_family_reading", "test_family_decoding", "test_family_ablation", "test_family_sizes")
"""What is tested of models with experts too; cells and traces have nothing to do with the decoder."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "folder" in metafunc.fixturenames:
        experts = WITH_EXPERTS if metafunc.module.__name__ in DECODER else ()
        metafunc.parametrize("folder", [*SAVERS, *experts], indirect=True, scope="session")


@pytest.fixture(scope="session")
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved checkpoint; where several families share a model type, the name of the folder tells which."""
    import torch

    torch.set_num_threads(1)
    return (SAVERS | WITH_EXPERTS)[request.param](tmp_path_factory.mktemp("tiny") / request.param)


@pytest.fixture(scope="session")
def thinker(folder: Path) -> Thinker:
    return load_thinker(str(folder), device="cpu")


@pytest.fixture(scope="session")
def plain(folder: Path, thinker: Thinker) -> Reference:
    return Reference(folder, thinker.family)


@pytest.fixture(scope="session")
def pixels() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 255, (100, 170, 3), dtype=np.uint8)


@pytest.fixture(scope="session")
def region_map() -> RegionMap:
    """A large, a long and a tiny region before the background."""
    labels = np.zeros((100, 170), np.int32)
    labels[10:60, 20:90], labels[70:84, 5:160], labels[30:36, 120:127] = 1, 2, 3
    return region_map_from_labels(labels)
