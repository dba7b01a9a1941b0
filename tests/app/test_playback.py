"""The playhead moves by token and step, and by itself at the chosen speed."""

from __future__ import annotations

import pytest
from fake_traces import fake_events, fake_trace

from app.playback import TOKENS_PER_SECOND, Playback
from app.session import Selection, Session


@pytest.fixture
def session(qapp):
    session = Session()
    session.set_trace(fake_trace())
    return session


@pytest.fixture
def playback(session):
    return Playback(session)


def test_token_keys_move_by_one_and_stop_at_the_ends(session, playback):
    playback.go_home()
    playback.step_token(1)
    assert session.selection == Selection(1, 2)
    playback.step_token(-1)
    playback.step_token(-1)
    assert session.selection == Selection(0, 1)
    playback.go_end()
    playback.step_token(1)
    assert session.selection == Selection(len(session.trace) - 1, len(session.trace))


def test_step_keys_select_whole_steps(session, playback):
    steps = session.trace.steps
    session.select(steps[1].start + 2)
    playback.step_step(1)
    assert session.selection == Selection(steps[2].start, steps[2].end)
    playback.step_step(-1)
    assert session.selection == Selection(steps[1].start, steps[1].end)


def test_going_back_from_inside_a_step_selects_that_step(session, playback):
    step = session.trace.step(2)
    session.select(step.start + 3)
    playback.step_step(-1)
    assert session.selection == Selection(step.start, step.end)


def test_a_token_key_leaves_a_selected_step_at_its_edge(session, playback):
    step = session.trace.step(1)
    session.select_step(1)
    playback.step_token(1)
    assert session.selection == Selection(step.end, step.end + 1)
    session.select_step(1)
    playback.step_token(-1)
    assert session.selection == Selection(step.start - 1, step.start)


@pytest.mark.parametrize("speed", [0.25, 1.0, 8.0])
def test_playing_covers_tokens_in_proportion_to_time_and_speed(session, playback, speed):
    session.select(0)
    playback.set_speed(speed)
    playback.play_pause()
    seconds = 8 / (TOKENS_PER_SECOND * speed)
    for _ in range(40):
        playback.advance(seconds / 40)
    playback.pause()
    assert session.selection.start in (7, 8)


def test_playing_ends_at_the_last_token_and_starts_over_from_there(session, playback):
    session.select(len(session.trace) - 3)
    playback.play_pause()
    playback.advance(60)
    assert session.selection.end == len(session.trace)
    assert not playback.playing
    playback.play_pause()
    assert session.selection == Selection(0, 1)
    playback.pause()


def test_space_while_following_a_run_holds_the_playhead(qapp):
    session = Session()
    playback = Playback(session)
    events = list(fake_events())
    session.apply(events[:30])
    assert session.follow
    playback.play_pause()
    held = session.selection
    session.apply(events[30:45])
    assert not session.follow
    assert not playback.playing
    assert session.selection == held


def test_playing_up_to_the_live_end_goes_on_following_it(qapp):
    session = Session()
    playback = Playback(session)
    events = list(fake_events())
    session.apply(events[:30])
    session.select(0)
    playback.play_pause()
    playback.advance(60)
    assert session.follow
    assert not playback.playing
    session.apply(events[30:])
    assert session.selection.end == len(session.trace)


def test_another_trace_stops_playing(session, playback):
    session.select(0)
    playback.play_pause()
    session.set_trace(fake_trace(seed=1))
    assert not playback.playing


def test_speed_stays_in_its_range(playback):
    playback.set_speed(100.0)
    assert playback.speed == 8.0
    playback.set_speed(0.0)
    assert playback.speed == 0.25


def test_nothing_happens_without_a_trace(qapp):
    playback = Playback(Session())
    for call in (playback.play_pause, playback.go_home, playback.go_end, playback.follow_live):
        call()
    playback.step_token(1)
    playback.step_step(-1)
    assert not playback.playing


def test_a_range_is_played_again_and_again(session):
    playback = Playback(session)
    session.set_trace(fake_trace())
    session.select(10, 14)
    playback.set_loop(True)
    assert playback.loop == Selection(10, 14)
    playback.play_pause()
    seen = [session.selection.start]
    for _ in range(5):
        playback.advance(1 / TOKENS_PER_SECOND + 1e-6)
        seen.append(session.selection.start)
    assert seen == [10, 11, 12, 13, 10, 11]
    playback.set_loop(False)
    playback.advance(4 / TOKENS_PER_SECOND + 1e-6)
    assert session.selection.start == 15
    playback.pause()


def test_one_token_loops_its_step_and_another_trace_ends_the_loop(session):
    playback = Playback(session)
    session.set_trace(fake_trace())
    session.select(12)
    playback.set_loop(True)
    step = session.trace.step(1)
    assert playback.loop == Selection(step.start, step.end)
    session.select(40)
    playback.play_pause()
    assert session.selection.start == step.start
    playback.pause()
    session.set_trace(fake_trace())
    assert playback.loop is None


def test_there_is_nothing_to_loop_without_a_trace(session):
    playback = Playback(session)
    playback.set_loop(True)
    assert playback.loop is None
