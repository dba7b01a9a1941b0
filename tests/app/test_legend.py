"""The legend's numbers are round, within the scale, and around zero."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QFont, QFontMetrics

from app.legend import Legend, fitting, tick_values


@given(scale=st.floats(0.05, 500), signed=st.booleans(), most=st.integers(2, 9))
def test_ticks(scale, signed, most):
    ticks = tick_values(scale, signed, most)
    assert 0.0 in ticks
    assert len(ticks) <= max(3, most)
    assert all(-scale * signed - 1e-6 <= t <= scale + 1e-6 for t in ticks)
    assert len(set(ticks)) == len(ticks)


def test_common_scales_get_common_ticks():
    assert tick_values(5.0, True, 5) == [-4, -2, 0, 2, 4]
    assert tick_values(1.0, False, 6) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])


def test_it_says_what_the_colours_mean(qtbot):
    legend = Legend()
    qtbot.addWidget(legend)
    legend.set_scale(3.0, True, "default")
    assert "estimated effect, from −3.00 to +3.00 nats" in legend.accessibleDescription()
    legend.set_scale(3.0, False, "default")
    assert "from 0.00 to +3.00 nats" in legend.accessibleDescription()
    legend.resize(legend.minimumSizeHint())
    legend.show()
    legend.grab()


def test_of_a_difference_it_says_what_the_signs_mean(qtbot):
    legend = Legend()
    qtbot.addWidget(legend)
    assert "positive effect" in legend.toolTip()
    legend.set_scale(3.0, True, "default", difference=True)
    assert "difference of estimated effects" in legend.toolTip()
    assert "positive effect" not in legend.toolTip()
    assert "more, by that much, than those that they are compared with" in legend.toolTip()


TITLES = ["estimated effect, nats", "est. effect, nats", "est., nats"]


def metrics_of(points: float) -> QFontMetrics:
    font = QFont()
    font.setPointSizeF(points)
    return QFontMetrics(font)


@pytest.mark.parametrize("points", [8, 11, 15, 18, 24])
@pytest.mark.parametrize("width", [150, 220, 330])
def test_at_any_text_size_what_is_written_fits_and_says_that_it_is_estimated(qapp, points, width):
    metrics = metrics_of(points)
    left, title, right = fitting(TITLES, ("opposes", "supports"), width, metrics)
    widths = [metrics.horizontalAdvance(text) for text in (left, title, right)]
    assert widths[1] + 2 * max(widths[0], widths[2]) <= width, "nothing runs into anything else"
    assert title.startswith("est")


def test_large_text_shortens_the_title_and_then_the_words_at_the_ends(qapp):
    metrics = metrics_of(15)
    room = metrics.horizontalAdvance("est., nats") + 2 * metrics.horizontalAdvance("supports") + 16
    assert fitting(TITLES, ("opposes", "supports"), room, metrics) == ("opposes", "est., nats", "supports")
    left, _, right = fitting(TITLES, ("opposes", "supports"), room - 50, metrics)
    assert left.endswith("…")
    assert right.endswith("…")
