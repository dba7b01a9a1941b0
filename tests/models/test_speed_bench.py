"""The speed benchmark times the real run loop and leaves the model as it was."""

from __future__ import annotations

import json

import numpy as np

from core.regions import region_map_from_labels
from core.screenshot import Screenshot
from core.trace import Identity
from models.speed_bench import bench_speed, table


class Looks:
    identity = Identity("looks")

    def __init__(self) -> None:
        self.tokens = 0

    def estimate(self, features):
        self.tokens += len(features)
        return features.attention.mean((1, 2)).numpy(), features.image_mass.mean((1, 2)).numpy()


def test_three_ways_are_timed_alternately_and_compared(tiny_thinker):
    labels = np.zeros((64, 96), np.int32)
    labels[:32] = 1
    pixels = np.random.default_rng(0).integers(0, 255, (64, 96, 3), dtype=np.uint8)
    task = (Screenshot(pixels, "", ""), region_map_from_labels(labels), "Hi?")
    looks, config = Looks(), tiny_thinker.model.config
    before = config.text_config._attn_implementation
    result = bench_speed(tiny_thinker, looks, [task], pairs=2, max_new_tokens=12)
    assert looks.tokens == 3 * 12, "one round to warm up and two that count, every token estimated"
    assert result["tokens"] == 11, "the first token belongs to the prompt"
    for name in ("plain", "estimated", "eager", "ratio", "ratio_of_eager"):
        assert 0 < result[name]["low"] <= result[name]["median"] <= result[name]["high"]
    assert config.text_config._attn_implementation == before
    assert "with / without attribution" in table(json.loads(json.dumps(result)))
