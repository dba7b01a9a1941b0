"""GIF and MP4: the run as moving pictures, opened by Pillow and by FFmpeg."""

from dataclasses import replace

import av
import numpy as np
import pytest
from PIL import Image, ImageSequence

from core.errors import InputError
from core.export import mp4
from core.export.composition import PAPER
from core.export.film import END_SECONDS, Film, moments
from core.export.gif import export_gif
from core.export.lettering import Lettering, lettering
from core.export.look import Look
from core.export.mp4 import export_mp4
from core.export.running_text import RunningText


@pytest.fixture
def trace(make_trace):
    return make_trace(np.full((40, 60, 3), 255, np.uint8))


def decoded(path):
    """Pictures uint8 [n, H, W, 3], their times in seconds, and the codec."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        frames = [
            (f.to_ndarray(format="rgb24"), float(f.pts * f.time_base)) for f in container.decode(stream)
        ]
        return np.array([p for p, _ in frames]), [t for _, t in frames], stream.codec_context.name


def test_a_gif_has_a_picture_for_each_token_at_the_asked_speed(tmp_path, trace):
    export_gif(trace, tmp_path / "a.gif", speed=8, width=240)
    with Image.open(tmp_path / "a.gif") as film:
        assert film.format == "GIF"
        assert film.info["loop"] == 0
        shown = [(f.convert("RGB").copy(), f.info["duration"]) for f in ImageSequence.Iterator(film)]
    assert len(shown) == 20
    assert sum(time for _, time in shown) == pytest.approx(1000 * (20 / 8 + END_SECONDS), abs=20)
    wanted = Film(trace, None, Look(), "tokens", 8, 240, 20)
    for (picture, _), moment in zip(shown, wanted.moments, strict=True):
        difference = np.abs(np.asarray(picture).astype(int) - wanted.frame(moment)).max(-1)
        assert (difference > 40).mean() < 0.01  # 255 colours for all pictures


def test_a_gif_shows_a_long_step_for_longer_than_one_of_its_pictures_can(tmp_path, make_trace):
    long = make_trace(np.full((40, 60, 3), 255, np.uint8), steps=2, tokens_a_step=700)
    export_gif(long, tmp_path / "a.gif", by="steps", speed=1, width=240)
    with Image.open(tmp_path / "a.gif") as film:
        times = [f.info["duration"] for f in ImageSequence.Iterator(film)]
    assert times == [655_350, 44_650, 655_350, 44_650 + 1000 * END_SECONDS]


def test_a_film_is_h264_and_shows_the_run_in_time(tmp_path, trace):
    export_mp4(trace, tmp_path / "a.mp4", (1, 3), speed=10, width=241)
    pictures, times, codec = decoded(tmp_path / "a.mp4")
    assert codec == "h264"
    assert len(pictures) == 11  # ten tokens, and the last again at the end
    assert times == pytest.approx([*(i / 10 for i in range(10)), 1.0 + END_SECONDS], abs=0.002)
    wanted = Film(trace, (1, 3), Look(), "tokens", 10, 241, 30)
    assert pictures.shape[1:3] == wanted.size[::-1]
    assert wanted.size[0] % 2 == wanted.size[1] % 2 == 0
    for picture, moment in zip(pictures, wanted.moments, strict=False):
        assert np.abs(picture.astype(int) - wanted.frame(moment)).mean() < 4


def test_steps_are_shown_at_least_a_second(trace):
    slow = moments(trace, (0, 4), "steps", 1, 30)
    assert [(m.start, m.end, m.seconds) for m in slow] == [(i, i + 5, 5.0) for i in range(0, 20, 5)]
    assert [m.seconds for m in moments(trace, (0, 4), "steps", 60, 30)] == [1.0] * 4


def test_fast_runs_show_several_tokens_at_once(trace):
    spans = [(m.start, m.end) for m in moments(trace, (0, 4), "tokens", 60, 20)]
    assert spans == [(at, min(at + 3, 20)) for at in range(0, 20, 3)]
    assert sum(m.seconds for m in moments(trace, (0, 4), "tokens", 60, 30)) == pytest.approx(20 / 60)


def test_the_text_advances_and_the_overlay_is_that_of_the_moment(make_trace):
    trace = make_trace(np.full((300, 400, 3), 255, np.uint8), rows=1, columns=2)
    effects = np.zeros((20, 3), np.float32)
    effects[0, 1] = effects[19, 2] = 3.0
    trace.set_effects(0, effects, effects.sum(1))
    film = Film(trace, None, Look(opacity=1.0), "tokens", 8, 400, 20)
    first, last = film.frame(film.moments[0]), film.frame(film.moments[-1])
    top = film._place[1]
    assert first[top + 150, 100].tolist() == [179, 72, 0]
    assert first[top + 150, 300].tolist() == [255, 255, 255]
    assert last[top + 150, 300].tolist() == [179, 72, 0]
    below = slice(film._below + len(film._curve) + 2 * film._font.line, None)
    paper = np.array(PAPER)
    assert (last[below] != paper).any(-1).sum() > 3 * (first[below] != paper).any(-1).sum()


def test_hostile_and_empty_runs_become_films_too(tmp_path, make_trace):
    trace = make_trace()
    trace.tokens[0] = replace(trace.tokens[0], text="\0\x1b[31m\u202e数🙂" + "x" * 400 + "\n" * 30)
    trace.set_effects(0, np.full((1, len(trace.region_map)), np.nan, "f4"), np.array([np.inf], "f4"))
    export_gif(trace, tmp_path / "a.gif", by="steps", width=240)
    export_mp4(make_trace(steps=0), tmp_path / "empty.mp4", width=240)
    assert len(decoded(tmp_path / "empty.mp4")[0]) == 2
    with Image.open(tmp_path / "a.gif") as film:
        assert film.n_frames == 4


def test_a_cancelled_film_leaves_nothing(tmp_path, trace):
    class EnoughError(Exception):
        pass

    def stop(part):
        if part > 0.5:
            raise EnoughError

    for export in (export_gif, export_mp4):
        with pytest.raises(EnoughError):
            export(trace, tmp_path / "film", progress=stop, width=240)
        assert list(tmp_path.iterdir()) == []


def test_a_missing_encoder_is_said(tmp_path, trace, monkeypatch):
    monkeypatch.setattr(mp4, "ENCODERS", ("no_such_encoder",))
    with pytest.raises(InputError, match=r"No H.264 encoder.*export a GIF"):
        export_mp4(trace, tmp_path / "a.mp4")


@pytest.mark.parametrize("width", [30, 90, 400])
def test_running_text_loses_nothing_and_stays_within_its_width(width):
    font = lettering(14)
    texts = [
        "The",
        " left",
        " bar",
        "\n",
        "数字は四",
        "十二",
        " un",
        "break",
        "able" * 9,
        ".",
        "  ",
        "\n\n",
        "End",
    ]
    text = RunningText(texts, font, width)
    lines = text.at(len(texts) - 1, len(texts), 1000)
    assert "".join("".join(p.text for p in line) for line in lines) == "".join(texts).replace("\n", "")
    for line in lines:
        for piece in line:
            assert piece.x + font.width(piece.text.rstrip()) <= width + 1
    assert [p.text for line in lines for p in line if p.now] == ["End"]
    early = text.at(1, 2, 1000)
    assert "".join(p.text for line in early for p in line).strip() == "The left"
    assert len(text.at(len(texts) - 1, len(texts), 2)) == 2


def test_text_without_a_space_is_measured_in_time_that_grows_with_it(monkeypatch):
    """Every line measured all that was left: a long loop stopped the export for a minute."""
    width, seen = Lettering.width, [0]

    def counted(self, text):
        seen[0] += len(text)
        return width(self, text)

    monkeypatch.setattr(Lettering, "width", counted)
    efforts = []
    for length in (1000, 4000):
        seen[0] = 0
        text = RunningText(["x"] * length, lettering(14), 200)
        efforts.append(seen[0])
        assert len("".join(p.text for line in text.at(0, length, length) for p in line)) == length
    assert efforts[1] < 5 * efforts[0]


def test_widths_of_long_lines_are_not_kept():
    text = RunningText([" "] * 1500, lettering(14), 200)
    for i in range(1500):
        text.at(i, i + 1, 1)
    assert sum(map(len, text._widths)) < 200_000
