from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.colour_maps import composite, contrast, map_effects
from core.errors import InputError
from core.export import annotate as module
from core.export.annotate import annotate
from core.export.composition import INK, PAPER, SOFT_INK, most_reliant_step, signed
from core.export.labels import Label, draw_plates, lay_plates
from core.export.lettering import Lettering, lettering
from core.export.look import Look
from core.export.png import export_png
from core.reattribution import before_effects
from core.trace import Token

PLAIN = Look(outlines=False, labels=0)


@pytest.fixture
def words(monkeypatch):
    """What was written, and a check that every word is inside the picture."""
    written = []
    draw = Lettering.draw

    def recorded(self, on, at, text, colour):
        written.append(text)
        width, height = on.im.size
        assert at[0] >= 0
        assert at[0] + self.width(text) <= width + 0.5
        assert at[1] - self.size / 2 >= 0
        assert at[1] + self.size / 2 <= height
        draw(self, on, at, text, colour)

    monkeypatch.setattr(Lettering, "draw", recorded)
    return written


def find(picture: Image.Image, pixels: np.ndarray) -> tuple[int, int]:
    """Upper left corner of the screenshot on the canvas: below the title, in the middle."""
    canvas = np.asarray(picture)
    height, width = pixels.shape[:2]
    left = (canvas.shape[1] - width) // 2
    for top in range(canvas.shape[0] - height + 1):
        if (canvas[top : top + height, left : left + width] == pixels).all():
            return left, top
    pytest.fail("the screenshot is not in the picture")


def test_without_effects_every_pixel_of_the_screenshot_is_there(make_trace):
    pixels = np.random.default_rng(0).integers(0, 256, (300, 500, 3), np.uint8)
    trace = make_trace(pixels)
    trace.set_effects(0, np.zeros((20, len(trace.region_map)), np.float32), np.zeros(20, np.float32))
    find(annotate(trace, (0, 1), PLAIN), pixels)


def test_each_region_has_the_colour_of_its_effect(make_trace):
    pixels = np.random.default_rng(0).integers(0, 256, (300, 500, 3), np.uint8)
    trace = make_trace(pixels)
    effects = trace.effects[5:15].sum(0)
    colours = map_effects(effects, float(np.abs(effects).max()), signed=True)
    colours[:, 3] = np.round(colours[:, 3] * 0.5)
    expected = composite(colours[trace.region_map.labels], pixels)
    canvas = np.asarray(annotate(trace, (1, 3), replace(PLAIN, opacity=0.5)))
    difference = [
        np.abs(canvas[top : top + 300, 0:500].astype(int) - expected).max() for top in range(30, 120)
    ]
    assert min(difference) <= 1


def test_a_whole_trace_shows_the_step_that_relies_most_on_the_screenshot(make_trace, words):
    trace = make_trace()
    reliance = np.zeros(20, np.float32)
    reliance[10:15] = 1.0
    reliance[0] = 4.0  # one strong token is less than a strong step
    trace.set_effects(0, trace.effects.copy(), reliance)
    assert most_reliant_step(trace) == (2, 3)
    annotate(trace)
    assert any(line.startswith("Step 3 of 4 · thinking") for line in words)
    assert any("word10" in line for line in words)


def test_the_picture_says_what_it_shows(make_trace, words):
    trace = make_trace(np.full((400, 700, 3), 200, np.uint8))
    annotate(trace, (3, 4))
    text = "\n".join(words)
    assert trace.prompt in text
    assert "bundled thinker" in text
    assert "Step 4 of 4 · answer" in text
    assert "word15 word16 word17 word18." in text
    assert "estimated effect on these words, in nats" in text
    effects = trace.effects[15:20].sum(0)
    for region in np.argsort(-np.abs(effects))[:3]:
        assert signed(float(effects[region])) in words
        assert trace.region_map.regions[region].name in words


def test_measured_effects_are_called_measured(make_trace, words):
    trace = make_trace(np.full((400, 700, 3), 200, np.uint8))
    annotate(trace, (0, 1), Look(kind="measured"))
    text = "\n".join(words)
    assert "measured effect on these words, in nats" in text
    assert "operator: pixels" in text
    assert "measured reliance: +3.50 nats" in text
    assert "estimated effect" not in text
    with pytest.raises(InputError, match=r"Nothing was measured for step 2\. Run"):
        annotate(trace, (1, 2), Look(kind="measured"))


def test_steps_that_were_not_estimated_say_so(make_trace, words):
    trace = make_trace()
    trace.add_token(Token(20, 1, " late", -0.1, "answer", 4))
    annotate(trace, (4, 5))
    text = "\n".join(words)
    assert "effects were not estimated" in text
    assert "in nats" not in text


@pytest.mark.parametrize("steps", [(1, 2), (0, 2), (3, 4)])
def test_a_sum_over_tokens_that_were_partly_estimated_is_not_shown(partly_estimated, words, steps):
    annotate(partly_estimated, steps)
    text = "\n".join(words)
    assert "effects were not estimated" in text
    assert "reliance" not in text


def test_a_whole_trace_shows_a_step_that_is_estimated_to_its_end(partly_estimated, make_trace):
    assert most_reliant_step(partly_estimated) == (0, 1)
    none = before_effects(make_trace(), partly_estimated.region_map, partly_estimated.segmenter)
    assert most_reliant_step(none) == (0, 1)


@pytest.mark.parametrize(
    "size", [(1, 1), (2, 3), (40, 7), (512, 384), (1600, 60), (60, 1600), (3239, 2159)], ids=str
)
def test_every_size_of_screenshot_gives_a_picture_with_all_words_inside(make_trace, words, size):
    pixels = np.full((size[1], size[0], 3), 90, np.uint8)
    trace = make_trace(pixels, rows=1, columns=2)
    picture = annotate(trace)
    assert picture.width >= max(size[0], 480)
    assert picture.height > size[1]
    assert len(words) >= 8


def test_long_and_strange_text_stays_inside(make_trace, words):
    trace = make_trace(np.full((300, 500, 3), 250, np.uint8))
    trace.prompt = "数値は? " * 200 + "\n" * 50
    trace.tokens[0] = replace(trace.tokens[0], text="<script>\0🙂\u202e" + "x" * 50_000)
    trace.model.details["x"] = 1
    picture = annotate(trace, (0, 1))
    assert picture.height < 900
    assert any(line.endswith("…") for line in words)


def test_the_step_is_written_as_plain_text(make_trace, words):
    trace = make_trace()
    trace.tokens[0] = replace(trace.tokens[0], text="<b>&amp;</b> %s {x} $a$ \\n")
    annotate(trace, (0, 1))
    assert any("<b>&amp;</b> %s {x} $a$ \\n" in line for line in words)


def test_outlines_follow_changes_of_label_exactly():
    labels = np.array([[0, 0, 1], [0, 0, 1], [2, 2, 2]])
    two = module._edges(labels, 2)
    assert two.tolist() == [[False, True, True], [True, True, True], [True, True, True]]
    assert module._edges(labels, 1).sum() < two.sum()
    assert not module._edges(np.zeros((1, 1), int), 8).any()


def test_plates_never_cover_each_other_and_stay_inside():
    image = Image.new("RGB", (400, 200))
    font = lettering(13)
    same_place = [
        Label((180, 90, 20, 20), f"+{i}.00", "a region with a long name", (200, 90, 0)) for i in range(3)
    ]
    plates = lay_plates(same_place, (0, 0), (0, 0, 400, 200), font)
    draw_plates(ImageDraw.Draw(image), plates)
    assert image.getpixel((round(plates[0].box[0] + 3), round(plates[0].middle))) == (200, 90, 0)
    boxes = [plate.box for plate in plates]
    for i, a in enumerate(boxes):
        assert 0 <= a[0] < a[2] <= 400
        assert 0 <= a[1] < a[3] <= 200
        for b in boxes[:i]:
            assert a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]


def test_words_on_the_margins_have_a_contrast_of_at_least_4_5():
    assert contrast(INK, PAPER) >= 4.5
    assert contrast(SOFT_INK, PAPER) >= 4.5


@pytest.mark.parametrize(
    ("nats", "text"),
    [(1.254, "+1.25"), (-0.03, "−0.03"), (0.004, "0"), (-0.004, "0"), (12.34, "+12.3"), (-1234.5, "−1234")],
)
def test_nats_are_written_with_their_sign(nats, text):
    assert signed(nats) == text


def test_a_saved_picture_opens_in_pillow(tmp_path, make_trace):
    export_png(make_trace(), tmp_path / "p.png", (0, 4), signed=False)
    with Image.open(tmp_path / "p.png") as picture:
        assert picture.mode == "RGB"
        assert picture.format == "PNG"
