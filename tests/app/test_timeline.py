"""The timeline shows the run and moves the playhead."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_events, fake_trace
from pixels import colour_at, picture
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QImage, QPainter
from wheel import turn

from app import theme
from app.session import Selection, Session
from app.timeline import Timeline
from app.timeline_painting import paint_background, reliance_picture


@pytest.fixture
def session(qapp):
    return Session()


@pytest.fixture
def pane(qtbot, session):
    pane = Timeline(session)
    qtbot.addWidget(pane)
    pane.resize(900, 240)
    pane.show()
    return pane


def at_token(pane: Timeline, index: float, y: float | None = None) -> QPoint:
    layout = pane.strip.layout_now
    return QPointF(layout.token_x(index), layout.reliance.center().y() if y is None else y).toPoint()


def press(qtbot, pane, point, keys=Qt.KeyboardModifier.NoModifier):
    qtbot.mouseClick(pane.strip, Qt.MouseButton.LeftButton, keys, point)


def test_a_click_moves_the_playhead(pane, session, qtbot):
    session.set_trace(fake_trace())
    for index in (0, 17, 50):
        press(qtbot, pane, at_token(pane, index + 0.5))
        assert session.selection == Selection(index, index + 1)


def test_dragging_scrubs_and_stays_on_the_run(pane, session, qtbot):
    session.set_trace(fake_trace())
    seen = []
    session.selection_changed.connect(lambda: seen.append(session.selection.start))
    qtbot.mousePress(pane.strip, Qt.MouseButton.LeftButton, pos=at_token(pane, 10.5))
    for index in range(11, 20):
        qtbot.mouseMove(pane.strip, at_token(pane, index + 0.5))
    qtbot.mouseMove(pane.strip, QPoint(2000, 100))
    qtbot.mouseRelease(pane.strip, Qt.MouseButton.LeftButton, pos=QPoint(2000, 100))
    assert seen == [*range(10, 20), len(session.trace) - 1]


def test_shift_drag_selects_a_range(pane, session, qtbot):
    session.set_trace(fake_trace())
    session.select(10)
    press(qtbot, pane, at_token(pane, 14.5), Qt.KeyboardModifier.ShiftModifier)
    assert session.selection == Selection(10, 15)


def test_a_click_on_a_step_and_a_double_click_select_it(pane, session, qtbot):
    session.set_trace(fake_trace())
    step = session.trace.step(2)
    press(qtbot, pane, at_token(pane, step.start + 1, pane.strip.layout_now.steps.center().y()))
    assert session.selection == Selection(step.start, step.end)
    step = session.trace.step(1)
    qtbot.mouseDClick(pane.strip, Qt.MouseButton.LeftButton, pos=at_token(pane, step.start + 1.5))
    assert session.selection == Selection(step.start, step.end)


def test_rows_link_to_regions(pane, session, qtbot):
    session.set_trace(fake_trace())
    layout = pane.strip.layout_now
    y = layout.effects.y() + 1.5 * layout.line
    region = pane.strip.rows[1]
    qtbot.mouseMove(pane.strip, at_token(pane, 5.5, y))
    assert session.highlighted == region
    press(qtbot, pane, QPoint(30, int(y)))
    assert session.selected == region
    press(qtbot, pane, QPoint(30, int(y)))
    assert session.selected == -1


def test_the_chosen_region_always_has_a_row(pane, session):
    session.set_trace(fake_trace())
    pane.strip.layout_now  # noqa: B018
    missing = next(r for r in range(len(session.trace.region_map)) if r not in pane.strip.rows)
    session.select_region(missing)
    pane.grab()
    assert missing in pane.strip.rows


def test_the_wheel_moves_by_tokens(pane, session):
    session.set_trace(fake_trace())
    session.select(10)
    turn(pane.strip, -120)
    assert session.selection == Selection(11, 12)
    turn(pane.strip, 240)
    assert session.selection == Selection(9, 10)
    turn(pane.strip, -120, Qt.KeyboardModifier.ControlModifier)
    step = session.trace.tokens[9].step
    assert session.selection.start == session.trace.step(step + 1).start


def test_a_touchpad_moves_a_token_for_every_notch_that_it_adds_up_to(pane, session):
    session.set_trace(fake_trace())
    session.select(10)
    for _ in range(7):
        turn(pane.strip, -15)
    assert session.selection.start == 10
    turn(pane.strip, -15)
    assert session.selection.start == 11
    turn(pane.strip, -100)
    turn(pane.strip, 120)  # the other way counts at once
    assert session.selection.start == 10


def test_keys_work_on_the_strip_itself(pane, session, qtbot):
    session.set_trace(fake_trace())
    session.select(10)
    qtbot.keyClick(pane.strip, Qt.Key.Key_Right)
    assert session.selection == Selection(11, 12)
    qtbot.keyClick(pane.strip, Qt.Key.Key_Home)
    assert session.selection == Selection(0, 1)
    qtbot.keyClick(pane.strip, Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    assert session.selection == Selection(session.trace.step(1).start, session.trace.step(1).end)
    qtbot.keyClick(pane.strip, Qt.Key.Key_Space)
    assert pane.playback.playing
    qtbot.keyClick(pane.strip, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert session.follow


def test_buttons_and_slots_do_the_same(pane, session):
    session.set_trace(fake_trace())
    session.select(10)
    for name, call in (
        ("token-forward", lambda: pane.step_token(1)),
        ("step-forward", lambda: pane.step_step(1)),
        ("token-back", lambda: pane.step_token(-1)),
        ("step-back", lambda: pane.step_step(-1)),
        ("last", pane.go_end),
        ("first", pane.go_home),
    ):
        session.select(20)
        pane._buttons[name].click()
        by_button = session.selection
        session.select(20)
        call()
        assert session.selection == by_button != Selection(20, 21)


def test_play_turns_into_pause_and_plays(pane, session, qtbot):
    session.set_trace(fake_trace())
    session.select(0)
    pane.set_speed(8.0)
    assert pane._speed.currentText() == "8×"
    pane._buttons["play"].click()
    assert pane._buttons["play"].accessibleName() == "Pause"
    qtbot.waitUntil(lambda: session.selection.start >= 3, timeout=5000)
    pane._buttons["play"].click()
    assert pane._buttons["play"].accessibleName() == "Play"


def test_the_position_is_said_in_words(pane, session):
    session.set_trace(fake_trace())
    session.select(12)
    assert pane._position.text() == "Token 13 of 51 · step 2 of 5 · thinking"
    assert pane.strip.accessibleDescription() == pane._position.text()
    session.select_step(4)
    assert pane._position.text().startswith("Step 5: tokens 47–51 of 51")
    assert pane._position.text().endswith("answer")


def test_hover_tells_token_step_and_effect(pane, session):
    session.set_trace(fake_trace())
    layout = pane.strip.layout_now
    region = pane.strip.rows[0]
    text = pane.strip.finding_at(QPointF(layout.token_x(12.5), layout.effects.y() + 2))
    assert session.trace.tokens[12].text.strip() in text
    assert session.trace.region_map.regions[region].name in text
    text = pane.strip.finding_at(QPointF(layout.token_x(12.5), layout.steps.center().y()))
    assert session.trace.step(1).text.strip() in text


def test_a_strong_token_shows_as_a_coloured_cell_in_its_row(pane, session):
    trace = fake_trace()
    effects = np.zeros((len(trace), len(trace.region_map)), np.float32)
    effects[20, 3] = 5.0
    effects[30, 4] = -2.5
    trace.set_effects(0, effects, effects.sum(1))
    session.set_trace(trace)
    image = picture(pane.strip)
    layout = pane.strip.layout_now

    def cell(token: int, region: int):
        y = layout.effects.y() + (pane.strip.rows.index(region) + 0.4) * layout.line
        return colour_at(image, QPointF(layout.token_x(token + 0.5), y))

    paper = theme.tokens(pane.palette()).surface
    assert cell(20, 3).red() > cell(20, 3).blue() + 80
    assert cell(30, 4).blue() > cell(30, 4).red() + 20
    assert cell(21, 3).name() == paper
    assert cell(20, 4).name() == paper


def test_the_strip_leaves_room_while_running_and_fills_at_the_end(pane, session):
    events = list(fake_events())
    session.apply(events[:40])
    assert pane.strip.span == 64
    session.apply(events[40:])
    assert pane.strip.span == len(session.trace)
    assert pane.strip.token_x(len(session.trace)) == pytest.approx(pane.strip.layout_now.track.right() + 1)


def test_streaming_draws_the_same_as_opening(pane, session, qtbot):
    for event in fake_events():
        session.apply([event])
        pane.strip.grab()
    session.set_follow(False)
    streamed = pane.strip.grab().toImage()
    other_session = Session()
    other = Timeline(other_session)
    qtbot.addWidget(other)
    other.resize(pane.size())
    other.show()
    other_session.set_trace(session.trace)
    other_session.select(session.selection.start, session.selection.end)
    assert other.strip.grab().toImage() == streamed


def test_moving_the_playhead_does_not_draw_the_run_again(pane, session, monkeypatch):
    session.set_trace(fake_trace(2000))
    pane.grab()
    drawn = []
    monkeypatch.setattr(pane.strip, "_paint_background", lambda pixmap: drawn.append(pixmap))
    for index in (5, 900, 1999):
        session.select(index)
        pane.grab()
    assert not drawn


def test_the_reliance_curve_as_pixels():
    picture = reliance_picture(np.array([2.0, 2.0, -1.0]), 5, 23, 1, fill=1, line=2)
    zero = int(np.flatnonzero(picture[:, 4] == 2)[0])
    assert (picture[:, 4] != 0).sum() == 1
    assert (picture[:zero, 1] != 0).sum() == 13
    assert (picture[zero + 1 :, 1] == 0).all()
    assert (picture[zero + 1 :, 2] != 0).any()


class Written(QPainter):
    """Keeps what is written, and the room that it had."""

    def __init__(self, picture: QImage) -> None:
        super().__init__(picture)
        self.words: list[tuple[str, float, float]] = []

    def drawText(self, box, flags, text):
        self.words.append((text, self.fontMetrics().horizontalAdvance(text), box.width()))


def test_at_large_text_no_number_beside_the_bands_loses_its_beginning(pane, session):
    session.set_trace(fake_trace())
    session.select(0)
    font = pane.font()
    font.setPointSizeF(26)
    pane.setFont(font)
    pane.resize(430, 500)
    strip = pane.strip
    layout, columns = strip.layout_now, strip._columns
    image = QImage(strip.size(), QImage.Format.Format_RGB32)
    painter = Written(image)
    painter.setFont(strip._small())
    colours = theme.tokens(strip.palette())
    paint_background(
        painter, layout, session.trace, columns, strip.steps(), session.display, strip.order, colours
    )
    painter.end()
    others = str(len(session.trace.region_map) - len(columns.rows))
    assert any(text.startswith(others) for text, _, _ in painter.words)
    assert all(wide <= room for _, wide, room in painter.words)


@pytest.mark.parametrize("size", [(260, 120), (420, 160), (1240, 300)])
def test_any_size_is_drawn(pane, session, size):
    session.set_trace(fake_trace(700))
    session.select(100, 150)
    pane.resize(*size)
    assert not pane.grab().isNull()
