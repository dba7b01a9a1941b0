"""What is opened comes with what is known about it."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from fake_traces import fake_trace, grid_regions

from app.samples import samples
from app.scene import known_truth, read
from core.errors import InputError
from core.screenshot import from_array, load_screenshot
from core.store import save_trace


def test_a_screenshot_has_the_truth_beside_it(sample, photo):
    assert read(sample.path).scene.truth.prompt == "How many apples?"
    assert read(photo).scene.truth is None
    assert read(photo).trace is None


def test_the_trace_of_a_sample_is_known_to_be_one(tmp_path):
    shot = load_screenshot(samples()[0].path)
    trace = fake_trace(None, shot, grid_regions(shot.width, shot.height))
    save_trace(tmp_path / "run.sightline", trace)
    opened = read(tmp_path / "run.sightline")
    assert opened.trace is not None
    assert opened.scene.truth == read(samples()[0].path).scene.truth


def test_a_copy_of_a_sample_is_known_whatever_its_name(tmp_path):
    original = samples()[0].path
    shutil.copy(original, tmp_path / "copy.png")
    assert read(tmp_path / "copy.png").scene.truth == read(original).scene.truth
    pasted = from_array(load_screenshot(original).pixels, "pasted image")
    assert known_truth(pasted) == read(original).scene.truth
    changed = pasted.pixels.copy()
    changed[0, 0] ^= 1
    assert known_truth(from_array(changed, "pasted image")) is None


def test_a_file_that_only_has_the_name_of_a_sample_is_not_one(tmp_path):
    trace = fake_trace()
    trace.screenshot = replace(trace.screenshot, name=samples()[0].path.name)
    save_trace(tmp_path / "run.sightline", trace)
    assert read(tmp_path / "run.sightline").scene.truth is None


def test_what_cannot_be_opened_is_refused_with_a_sentence(tmp_path):
    (tmp_path / "a.sightline").write_bytes(b"nonsense")
    with pytest.raises(InputError):
        read(tmp_path / "a.sightline")
