import numpy as np
import pytest
from PIL import Image, ImageDraw

from core.export.lettering import lettering, visible


@pytest.mark.parametrize("width", [40, 120, 300])
@pytest.mark.parametrize(
    "text",
    [
        "a few plain words that need several lines to be shown in full",
        "oneverylongwordwithoutanyspacesthatmustbebrokensomewhere",
        "数字は四十二です。もう一つの数字は十七です。",
        "  indented\n    code\n\n<p>x</p>",
        "mixed 🙂 emoji \x00 \x1b[31m control \u202e reversed عربى",
    ],
)
def test_wrapped_lines_fit_and_lose_nothing(text, width):
    font = lettering(14)
    lines = font.wrap(text, width, 1000)
    assert max(font.width(line) for line in lines) <= width
    assert "".join("".join(lines).split()) == "".join(visible(text).split())


def test_text_that_is_too_long_ends_in_an_ellipsis_within_the_lines_allowed():
    font = lettering(14)
    for text in ("word " * 100_000, "x" * 100_000, "a\n" * 1000):
        lines = font.wrap(text, 200, 4)
        assert len(lines) == 4
        assert lines[-1].endswith("…")
        assert font.width(lines[-1]) <= 200


@pytest.mark.parametrize("width", [5, 60, 400])
def test_as_many_characters_as_fit_are_found_in_words_of_any_length(width):
    font = lettering(14)
    for word in ("x", "ill" * 3000, "e\u0301\u0301\u0301\u0301" * 1000, "数" * 1000):
        fits = font.fitting(word, width)
        assert font.width(word[:fits]) <= width
        assert fits == len(word) or font.width(word[: fits + 1]) > width


def test_short_text_is_not_cut():
    font = lettering(14)
    assert font.wrap("two\nlines", 200, 2) == ["two", "lines"]
    assert font.elide("short", 200) == "short"
    assert font.wrap("", 200, 2) == [""]


def test_an_elided_line_fits():
    font = lettering(14)
    for width in (10, 30, 77):
        line = font.elide("a name that is far too long\nfor its plate", width)
        assert line.endswith("…")
        assert font.width(line) <= max(width, font.width("…"))


def test_indentation_of_code_is_kept():
    assert lettering(14).wrap("<ul>\n  <li>x</li>", 300, 5)[1] == "  <li>x</li>"


def test_controls_are_shown_and_direction_marks_removed():
    assert visible("a\x00b\x1b\u202ec\nd\tend\ud800") == "a\u2400b\u241bc\nd   end?"


def test_letters_are_drawn_where_asked():
    font = lettering(20)
    image = Image.new("L", (200, 60), 255).convert("RGB")
    font.draw(ImageDraw.Draw(image), (50, 30), "Hxg 数 🙂", (0, 0, 0))
    rows, columns = np.nonzero(np.asarray(image)[..., 0] < 128)
    assert 49 <= columns.min() <= 54
    assert columns.max() <= 50 + font.width("Hxg 数 🙂") + 1
    assert abs((rows.min() + rows.max()) / 2 - 30) < 5
