"""One call from a screenshot to a region map, whichever segmenter is named."""

from __future__ import annotations

import dataclasses
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from core.errors import InputError
from core.regions import RegionMap, region_map_from_labels
from core.screenshot import Screenshot, from_array
from core.trace import Identity
from models import segmenters
from models.segmenters import SEGMENTERS, Cancelled, Entry, Progress, identity, segment


def _screen(height: int, width: int) -> Screenshot:
    """White with two dark boxes, as far as they fit."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[height // 8 : height // 3, width // 8 : width // 3] = (30, 60, 120)
    pixels[height // 2 : height * 3 // 4, width // 2 : width * 3 // 4] = (160, 40, 40)
    return from_array(pixels, "boxes")


@pytest.mark.parametrize("name", list(SEGMENTERS))
@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (2, 3), (7, 7), (30, 20000), (120, 160)])
def test_every_size_gets_a_sound_map(name: str, size: tuple[int, int]) -> None:
    region_map = segment(_screen(*size), name, max_regions=16)
    assert region_map.labels.shape == size
    assert region_map.labels.dtype == np.uint8
    assert 1 <= len(region_map) <= 16
    areas = np.bincount(region_map.labels.ravel(), minlength=len(region_map))
    assert areas.tolist() == [region.area for region in region_map.regions]
    assert all(areas[1:] > 0)


@pytest.mark.parametrize("name", list(SEGMENTERS))
def test_the_same_screenshot_gives_the_same_map(name: str) -> None:
    rng = np.random.default_rng(0)
    noisy = from_array(rng.integers(0, 255, (200, 300, 3), dtype=np.uint8), "noise")
    for shot in (_screen(200, 300), noisy):
        first, second = segment(shot, name), segment(shot, name)
        assert np.array_equal(first.labels, second.labels)
        assert first.regions == second.regions


@pytest.mark.parametrize("name", list(SEGMENTERS))
def test_progress_runs_from_nothing_to_all(name: str) -> None:
    told: list[tuple[str, float]] = []
    segment(_screen(120, 160), name, progress=lambda text, fraction: told.append((text, fraction)))
    fractions = [fraction for _, fraction in told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert all(text for text, _ in told)
    assert len(set(told)) == len(told), "nothing is told twice"


@pytest.mark.parametrize("name", list(SEGMENTERS))
def test_cancelling_stops_at_every_stage(name: str) -> None:
    looks = itertools.count()
    segment(_screen(120, 160), name, cancelled=lambda: next(looks) < 0)
    last = next(looks) - 1
    for stage in sorted({*range(0, last, max(1, last // 40)), last}):
        asked = itertools.count()
        with pytest.raises(Cancelled):
            segment(_screen(120, 160), name, cancelled=lambda s=stage, a=asked: next(a) >= s)  # type: ignore[misc]


def test_unknown_names_and_numbers_get_a_sentence() -> None:
    with pytest.raises(InputError, match=r"no segmenter called “wishful”\. Choose one of: opencv, grid"):
        segment(_screen(20, 20), "wishful")
    with pytest.raises(InputError, match="takes no checkpoint"):
        segment(_screen(20, 20), "grid:weights.pth")
    with pytest.raises(InputError, match="2 to 256"):
        segment(_screen(20, 20), "grid", max_regions=1)


def test_a_segmenter_with_a_checkpoint_fits_the_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dataclasses.dataclass
    class Learned:
        checkpoint: Path | None
        identity: Identity = dataclasses.field(default_factory=lambda: Identity("sam"))

        def segment(self, screenshot: Screenshot, max_regions: int, step: Progress) -> RegionMap:
            return region_map_from_labels(np.ones((screenshot.height, screenshot.width), int), source="sam")

    monkeypatch.setattr(segmenters, "_loaded", {})
    monkeypatch.setitem(SEGMENTERS, "sam", Entry("learned", Learned, takes_checkpoint=True))
    weights = tmp_path / "weights.pth"
    with pytest.raises(InputError, match="There is no checkpoint"):
        segment(_screen(20, 20), f"sam:{weights}")
    weights.write_bytes(b"w")
    assert segment(_screen(20, 20), f"sam:{weights}").regions[1].source == "sam"
    loaded = segmenters.load_segmenter(f"sam:{weights}")
    assert isinstance(loaded, Learned)
    assert loaded.checkpoint == weights
    assert segmenters.load_segmenter(f"sam:{weights}") is loaded
    segmenters.let_go_of_others("opencv")
    segmenters.let_go_of_others(f"sam:{weights}")
    assert segmenters.load_segmenter(f"sam:{weights}") is loaded
    (tmp_path / "larger.pth").write_bytes(b"l")
    segmenters.let_go_of_others(f"sam:{tmp_path / 'larger.pth'}")
    assert segmenters.load_segmenter(f"sam:{weights}") is not loaded


def test_identities_carry_a_content_hash() -> None:
    hashes = {identity(name).sha256 for name in SEGMENTERS}
    assert len(hashes) == len(SEGMENTERS)
    assert all(len(value) == 64 for value in hashes)
    assert identity("opencv").details["opencv"]


def test_the_registry_costs_nothing_and_opencv_leaves_qt_alone() -> None:
    code = (
        "import os, sys, models.segmenters as s\n"
        "assert not {'cv2', 'torch'} & set(sys.modules)\n"
        "s.load_segmenter('opencv')\n"
        "assert 'cv2' in sys.modules\n"
        "print(os.environ.get('QT_QPA_PLATFORM_PLUGIN_PATH'), os.environ.get('QT_QPA_FONTDIR'))"
    )
    environment = {**os.environ, "QT_QPA_FONTDIR": "/mine"}
    environment.pop("QT_QPA_PLATFORM_PLUGIN_PATH", None)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.split() == ["None", "/mine"]
