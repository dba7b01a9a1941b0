"""A text of the tiny model, ready to be attributed."""

from __future__ import annotations

import numpy as np
import pytest

from core.ablation import measure, single_masks
from core.attribution.method import Case
from core.calibration import Item, read_out
from core.regions import region_map_from_labels
from core.trace import Sampling


@pytest.fixture(scope="session")
def tiny_case(tiny_thinker) -> Case:
    labels = np.zeros((64, 96), np.int32)
    labels[:32, :48], labels[32:, 48:], labels[:32, 48:] = 1, 2, 3
    pixels = np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    item = Item("0", pixels, "Hi?", region_map_from_labels(labels), 0)
    heard = read_out(tiny_thinker, item, Sampling(temperature=1.0, max_new_tokens=5))
    masks = np.concatenate([np.ones((1, 4), bool), single_masks(4)])
    rows = measure(tiny_thinker, heard.prepared, pixels, item.region_map, heard.token_ids, masks)
    return Case(
        tiny_thinker, heard.prepared, pixels, item.region_map, heard.token_ids, heard.coverage,
        heard.features, rows[0], rows[1:], lambda count: (masks[:count], rows[:count]), None, None, 7,
    )  # fmt: skip
