"""From a screenshot over Segment Anything's masks to a region map, whichever model gives the masks."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from sam_checkpoints import save_tiny_sam

from core.screenshot import Screenshot, from_array, load_screenshot
from core.trace import Identity
from models.mask_model import Masks, Tick
from models.sam import Clicks, SamSegmenter, load_sam
from models.sam_prompts import free_points, views
from models.screen_layout import Part
from models.segmenters import Cancelled, Segmenter, load_segmenter, segment


def _screen(height: int = 400, width: int = 640) -> np.ndarray:
    """White with a dark card that holds a red box, and a blue box beside it."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[40:360, 40:400] = (70, 74, 80)
    pixels[100:160, 100:220] = (200, 40, 40)
    pixels[100:180, 460:580] = (40, 60, 200)
    return pixels


class Perfect:
    """A stand-in model that knows the screen: a mask for each box that fits one of its things."""

    identity = Identity("perfect", "0" * 64)
    window = None
    exact = True
    good = likely = 0.5

    def __init__(self, truth: list[np.ndarray], points: list[np.ndarray] | None = None) -> None:
        self.truth, self.points = truth, points or []
        self.looks: list[tuple[int, ...]] = []

    def look(self, pixels: np.ndarray, tick: Tick) -> None:
        tick()
        self.looks.append(pixels.shape)

    def in_boxes(self, boxes: np.ndarray, tick: Tick) -> Masks:
        tick()
        masks = np.zeros((len(boxes), *self.truth[0].shape), bool)
        quality = np.zeros(len(boxes), np.float32)
        for i, (x0, y0, x1, y1) in enumerate(boxes.round().astype(int)):
            box = np.zeros_like(self.truth[0])
            box[y0:y1, x0:x1] = True
            overlaps = [(box & t).sum() / (box | t).sum() for t in self.truth]
            masks[i], quality[i] = self.truth[int(np.argmax(overlaps))], max(overlaps)
        return Masks(masks, quality)

    def automatic(self, points: np.ndarray, tick: Tick) -> Masks:
        tick()
        assert len(points)
        return Masks(
            np.array(self.points).reshape(-1, *self.truth[0].shape).astype(bool), np.ones(len(self.points))
        )

    def at_point(self, x: float, y: float) -> Masks:
        here = [t for t in self.truth if t[int(y), int(x)]]
        return Masks(np.array([here[0], here[0], here[-1]]), np.ones(3))


class Sees(Perfect):
    """Sees the same thing in every box, whatever it is around."""

    def __init__(self, mask: np.ndarray) -> None:
        super().__init__([mask])

    def in_boxes(self, boxes: np.ndarray, tick: Tick) -> Masks:
        return Masks(np.repeat(np.array(self.truth), len(boxes), 0), np.ones(len(boxes), np.float32))


def _box(x0: int, y0: int, x1: int, y1: int) -> np.ndarray:
    mask = np.zeros((400, 640), bool)
    mask[y0:y1, x0:x1] = True
    return mask


CARD, RED, BLUE = _box(40, 40, 400, 360), _box(100, 100, 220, 160), _box(460, 100, 580, 180)


def test_confirmed_proposals_become_a_tree_and_the_rest_is_left_out() -> None:
    shot = from_array(_screen(), "screen")
    region_map = SamSegmenter(Perfect([RED, CARD, BLUE])).segment(shot, 64, lambda text, fraction: None)
    assert len(region_map) == 4
    card, red, blue = (region_map.at(*at) for at in ((60, 60), (150, 130), (500, 140)))
    assert card is not None
    assert red is not None
    assert blue is not None
    assert red.parent == card.id
    assert (card.parent, blue.parent) == (None, None)
    assert np.array_equal(region_map.mask(red.id), RED)
    assert {region.source for region in region_map.regions[1:]} == {"sam"}
    unsure = SamSegmenter(Perfect([RED, CARD])).segment(shot, 64, lambda text, fraction: None)
    assert unsure.at(500, 140) == unsure.regions[0], "what SAM does not see there is background"


def test_outlines_come_from_the_edges_where_a_model_sees_only_roughly() -> None:
    shot = from_array(_screen(), "screen")
    rough = RED & (np.random.default_rng(0).random((400, 640)) < 0.4)
    for exact, expected in ((True, rough), (False, RED)):
        model = Sees(rough)
        model.exact = exact
        region_map = SamSegmenter(model).segment(shot, 64, lambda text, fraction: None)
        found = [region_map.mask(region.id) for region in region_map.regions[1:]]
        assert any(np.array_equal(mask, expected) for mask in found)


def test_the_bundled_sam_and_its_judge_find_what_lies_on_a_plain_screen_to_the_pixel() -> None:
    found = load_sam(None).segment(from_array(_screen(), "screen"), 64, lambda text, share: None)
    boxes = np.array([region.bbox for region in found.regions[1:]])
    for wanted in ((40, 40, 360, 320), (100, 100, 120, 60), (460, 100, 120, 80)):
        assert np.abs(boxes - wanted).max(1).min() <= 1, wanted
    assert len(boxes) <= 4


def test_a_certain_line_of_text_holds_no_parts_of_its_letters() -> None:
    sample = Path(__file__).parents[2] / "resources" / "samples" / "add_two_numbers.png"
    found = load_sam(None).segment(load_screenshot(sample), 64, lambda text, share: None)
    words = [region.id for region in found.regions if region.name.startswith("text")]
    assert len(words) == 8, "four names and four numbers"
    assert not [region.name for region in found.regions if region.parent in words]


def test_a_structure_that_no_edge_gives_away_comes_from_the_points() -> None:
    flat = from_array(np.full((400, 640, 3), 250, np.uint8), "flat")
    panel, speck = _box(0, 0, 200, 400), _box(10, 10, 14, 14)
    region_map = SamSegmenter(Perfect([panel], points=[panel, speck])).segment(flat, 64, lambda t, f: None)
    assert len(region_map) == 2
    assert np.array_equal(region_map.mask(1), panel)


def test_a_click_offers_what_is_there_from_small_to_large_without_doubles() -> None:
    clicks = Clicks(Perfect([RED, CARD]), from_array(_screen(), "screen"))
    small, large = clicks.at(150, 130)
    assert np.array_equal(small, RED)
    assert np.array_equal(large, CARD)
    assert np.array_equal(clicks.within((101, 99, 221, 161)), RED)


def test_a_click_on_a_large_screenshot_means_its_place_there() -> None:
    large = np.kron(_screen()[::2, ::2], np.ones((8, 8, 1), np.uint8))
    scaled = np.zeros((750, 1200), bool)
    scaled[188:300, 188:412] = True
    mask = Clicks(Perfect([scaled]), from_array(large, "large")).at(600, 560)[0]
    assert mask.shape == (1600, 2560)
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    assert (rows[0], columns[0]) == pytest.approx((401, 401), abs=3)
    assert (rows[-1], columns[-1]) == pytest.approx((639, 878), abs=3)


def _part(x0: int, y0: int, x1: int, y1: int) -> Part:
    return Part((x0, y0, x1, y1), np.ones((y1 - y0, x1 - x0), bool), "text", -1)


def test_a_large_screenshot_is_shown_whole_and_in_sharp_pieces() -> None:
    parts = [
        _part(20, 20, 60, 40),
        _part(500, 300, 540, 320),
        _part(0, 0, 1100, 700),
        _part(1150, 700, 1200, 750),
    ]
    looks = views(parts, 1200, 750, 512)
    assert looks[0].box == (0, 0, 1200, 750)
    assert looks[0].asked == (2,), "what fits into no piece is asked for in the whole"
    assert sorted(i for look in looks for i in look.asked) == [0, 1, 2, 3], "each part is asked for once"
    for look in looks[1:]:
        x0, y0, x1, y1 = look.box
        assert (x1 - x0, y1 - y0) == (512, 512)
        for i in look.asked:
            a0, b0, a1, b1 = parts[i].box
            assert x0 <= a0 < a1 <= x1
            assert y0 <= b0 < b1 <= y1
    assert [look.asked for look in views(parts, 1200, 750, None)] == [(0, 1, 2, 3)]
    assert [look.box for look in views(parts, 600, 400, 512)] == [(0, 0, 600, 400)]


def test_points_keep_away_from_small_parts() -> None:
    points = free_points([], 640, 400, 48)
    assert 40 <= len(points) <= 56
    assert len(free_points([_part(0, 0, 80, 60)], 640, 400, 48)) < len(points)
    assert len(free_points([_part(0, 0, 640, 300)], 640, 400, 48)) == len(points), "a window has things in it"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sam:{save_tiny_sam(tmp_path_factory.mktemp('sam') / 'tiny')}"


def test_a_real_if_random_model_goes_all_the_way(tiny: str) -> None:
    shot = from_array(_screen(), "screen")
    segmenter: Segmenter = load_segmenter(tiny)
    assert len(segmenter.identity.sha256) == 64
    assert segmenter.identity.name == "sam:tiny"
    told: list[float] = []
    first = segment(shot, tiny, progress=lambda text, fraction: told.append(fraction))
    assert told == sorted(told)
    assert np.array_equal(first.labels, segment(shot, tiny).labels)
    for size in [(1, 1), (1, 500), (30, 5000), (17, 16)]:
        assert segment(from_array(np.zeros((*size, 3), np.uint8), "odd"), tiny).labels.shape == size


def test_cancelling_reaches_into_the_model(tiny: str) -> None:
    asked = 0

    def never() -> bool:
        nonlocal asked
        asked += 1
        return False

    def unseen() -> Screenshot:
        return from_array(_screen(), "screen")  # a picture that was seen before is not encoded again

    segment(unseen(), tiny, cancelled=never)
    assert asked > 10, "encoder blocks and rounds of the decoder ask too"
    for stage in range(0, asked, 3):
        count = iter(range(10_000))
        with pytest.raises(Cancelled):
            segment(unseen(), tiny, cancelled=lambda s=stage, c=count: next(c) >= s)  # type: ignore[misc]
    assert len(segment(unseen(), tiny)) >= 1, "and it works again afterwards"


def test_a_large_model_encodes_the_picture_at_the_first_click_alone(
    tiny: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_segmenter(tiny).model  # type: ignore[attr-defined]
    monkeypatch.setattr(model, "window", None)  # as official checkpoints: encoding takes them seconds
    encoder, runs = model.sam.image_encoder, []
    handle = encoder.register_forward_pre_hook(lambda module, inputs: runs.append(1))
    clicks = Clicks(model, from_array(_screen(), "screen"))
    clicks.at(150, 130)
    clicks.at(500, 140)
    clicks.within((100, 100, 220, 160))
    handle.remove()
    assert len(runs) == 1


def test_threads_take_turns_with_sam_and_who_waits_can_be_called_off() -> None:
    inside, overlaps = [0], []
    entered, leave = threading.Event(), threading.Event()

    class Slow(Perfect):
        def look(self, pixels: np.ndarray, tick: Tick) -> None:
            inside[0] += 1
            overlaps.append(inside[0] > 1)
            entered.set()
            leave.wait(10)
            inside[0] -= 1

    shot = from_array(_screen(), "screen")
    first = threading.Thread(target=Clicks(Slow([RED]), shot).at, args=(150, 130))
    first.start()
    entered.wait(10)

    def called_off() -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        Clicks(Slow([RED]), shot).at(150, 130, called_off)
    second = threading.Thread(target=Clicks(Slow([RED]), shot).at, args=(150, 130))
    second.start()
    leave.set()
    first.join()
    second.join()
    assert overlaps == [False, False]


class Near(Perfect):
    """Sees things up to 60 pixels wide in a window of 128 only, and larger ones in the whole only."""

    window = 128

    def look(self, pixels: np.ndarray, tick: Tick) -> None:
        super().look(pixels, tick)
        self.red = (pixels == (200, 40, 40)).all(2)
        self.card = self.red | (pixels == (70, 74, 80)).all(2)
        self.close = pixels.shape[:2] == (128, 128)

    def at_point(self, x: float, y: float) -> Masks:
        seen = self.red if self.close else self.card
        assert seen[int(y), int(x)], "the point is in the view's own pixels"
        return Masks(seen[None], np.ones(1))

    def in_boxes(self, boxes: np.ndarray, tick: Tick) -> Masks:
        x0, y0, x1, y1 = boxes[0].round().astype(int)
        mask = np.zeros_like(self.red)
        mask[y0:y1, x0:x1] = self.red[y0:y1, x0:x1]
        return Masks(mask[None], np.ones(1))


def test_a_click_is_looked_at_closely_and_in_the_whole() -> None:
    pixels = np.full((400, 640, 3), 255, np.uint8)
    pixels[40:360, 40:400] = (70, 74, 80)
    pixels[200:240, 300:350] = (200, 40, 40)
    model = Near([RED])
    clicks = Clicks(model, from_array(pixels, "screen"))
    small, large = clicks.at(320, 220)
    assert np.array_equal(small, _box(300, 200, 350, 240))
    assert np.array_equal(large, CARD)
    assert {shape[:2] for shape in model.looks} == {(400, 640), (128, 128)}
    assert np.array_equal(clicks.within((298, 198, 352, 242)), _box(300, 200, 350, 240))
    assert model.looks[-1][:2] == (128, 128)


def test_the_whole_is_shown_as_the_same_array_each_time() -> None:
    class Remembering(Perfect):
        shown: tuple[np.ndarray, ...] = ()

        def look(self, pixels: np.ndarray, tick: Tick) -> None:
            super().look(pixels, tick)
            self.shown = (*self.shown, pixels)

    model = Remembering([RED, CARD])
    clicks = Clicks(model, from_array(_screen(), "screen"))
    clicks.at(150, 130)
    clicks.within((101, 99, 221, 161))
    assert model.shown[0] is model.shown[1], "SAM 2 knows by that that it has encoded it"
