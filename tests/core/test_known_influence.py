"""A second question about the same screenshot does not wait for what the first one already found out."""

from __future__ import annotations

import numpy as np
import pytest

from core.control import RunControl
from core.events import EffectsEstimated, Stage
from core.known_influence import forget
from core.regions import region_map_from_labels
from core.run import found, run
from core.screenshot import Screenshot
from core.trace import Identity, Sampling

SHORT = Sampling(max_new_tokens=12, temperature=1.0, seed=3)


class SumOfLooks:
    """A stand-in estimator that is calibrated: the mean share of attention on each region."""

    identity = Identity("sum of looks")

    def estimate(self, features):
        return features.sourced.mean((1, 2)).numpy(), features.image_mass.mean((1, 2)).numpy()


@pytest.fixture(autouse=True)
def nothing_known(tiny_thinker):
    forget(tiny_thinker)


@pytest.fixture
def encoded(tiny_thinker, monkeypatch):
    """Counts the encodings."""
    counted, encode = [], type(tiny_thinker).embeddings

    def embeddings(self, prepared, pixels):
        counted.append(pixels)
        return encode(self, prepared, pixels)

    monkeypatch.setattr(type(tiny_thinker), "embeddings", embeddings)
    return counted


@pytest.fixture
def screenshot():
    pixels = np.random.default_rng(8).integers(0, 255, (90, 130, 3), dtype=np.uint8)
    return Screenshot(pixels, "noise", "0")


def regions(edge: int):
    labels = np.ones((90, 130), np.int32)
    labels[:, edge:] = 2
    return region_map_from_labels(labels)


def effects(thinker, screenshot, region_map, prompt, control=None):
    segment = found(region_map, Identity("hand"))
    events = list(run(screenshot, prompt, thinker, segment, SumOfLooks(), SHORT, control=control))
    return np.concatenate([e.effects for e in events if isinstance(e, EffectsEstimated)] or [[]])


def test_another_question_about_the_same_regions_encodes_nothing_again(tiny_thinker, screenshot, encoded):
    first = effects(tiny_thinker, screenshot, regions(60), "What?")
    assert len(encoded) == 1 + 3
    effects(tiny_thinker, screenshot, regions(60), "Where is it?")
    again = effects(tiny_thinker, screenshot, regions(60), "What?")
    assert len(encoded) == 1 + 3
    np.testing.assert_array_equal(first, again)


def test_other_regions_and_other_pixels_are_measured(tiny_thinker, screenshot, encoded):
    effects(tiny_thinker, screenshot, regions(60), "What?")
    effects(tiny_thinker, screenshot, regions(70), "What?")
    assert len(encoded) == 2 * (1 + 3)
    other = Screenshot(255 - screenshot.pixels, "other", "1")
    effects(tiny_thinker, other, regions(70), "What?")
    assert len(encoded) == 3 * (1 + 3)


def test_what_was_stopped_half_way_is_not_taken_for_whole(tiny_thinker, screenshot, encoded):
    control = RunControl()
    segment = found(regions(50), Identity("hand"))
    for event in run(screenshot, "What?", tiny_thinker, segment, SumOfLooks(), SHORT, control=control):
        if isinstance(event, Stage) and event.text == "Seeing what each region changes":
            control.stop()
    half = len(encoded)
    effects(tiny_thinker, screenshot, regions(50), "What?")
    assert len(encoded) == half + 1 + 3
