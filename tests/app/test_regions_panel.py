"""The regions panel ranks regions by their estimated effect, linked with the other panes."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_events, fake_trace
from PySide6.QtCore import QEvent, QModelIndex, Qt
from PySide6.QtGui import QKeyEvent

from app.regions_model import (
    BOUNDS_ROLE,
    EFFECT,
    NAME,
    REGION_ROLE,
    SHARE,
    TIPS,
    WHISKER_TIP,
    RegionsModel,
)
from app.regions_panel import NOTHING, RegionsPanel
from app.session import Session
from app.wording import percent, selection_finding, shares, signed_number


@pytest.fixture
def session(qapp):
    return Session()


@pytest.fixture
def panel(qtbot, session):
    panel = RegionsPanel(session)
    qtbot.addWidget(panel)
    panel.resize(320, 360)
    panel.show()
    return panel


def cell(panel: RegionsPanel, row: int, column: int):
    return panel.model.index(row, column).data()


def test_rows_are_ranked_and_say_name_effect_and_share(panel, session):
    session.set_trace(fake_trace())
    session.select(3)
    effects = session.selected_effects()
    order = np.argsort(-effects, kind="stable")
    for row, region in enumerate(order):
        assert cell(panel, row, NAME) == session.trace.region_map.regions[region].name
        assert cell(panel, row, EFFECT) == signed_number(float(effects[region]))
        assert cell(panel, row, SHARE) == percent(float(shares(effects)[region]))
    assert "estimated" in panel._title.text()
    assert TIPS[EFFECT].endswith("estimated")


def test_the_sentence_follows_the_selection(panel, session):
    assert panel.finding == NOTHING
    session.set_trace(fake_trace())
    session.select_step(2)
    step = session.trace.step(2)
    assert panel.finding == selection_finding(session.trace, step.start, step.end)


def test_a_long_sentence_keeps_its_room_at_any_size_of_the_pane(panel, session, monkeypatch):
    long = "This token depends on the screenshot, mostly on a region with quite a long name. " * 3
    monkeypatch.setattr("app.regions_panel.selection_finding", lambda *_: long)
    session.set_trace(fake_trace())
    session.select(0)
    for width, height in ((320, 361), (300, 360), (450, 400), (320, 360)):
        panel.resize(width, height)
        label = panel._finding
        assert label.height() >= label.heightForWidth(label.width())


def test_a_row_click_chooses_its_region(panel, session, qtbot):
    session.set_trace(fake_trace())
    session.select(3)
    rect = panel.table.visualRect(panel.model.index(2, NAME))
    qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())
    assert session.selected == panel.model.region_at(2)


def test_arrow_keys_walk_through_the_ranking(panel, session):
    session.set_trace(fake_trace())
    session.select(3)
    session.select_region(panel.model.region_at(0))
    down = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Down, Qt.KeyboardModifier.NoModifier)
    panel.table.keyPressEvent(down)
    assert session.selected == panel.model.region_at(1)


def test_the_chosen_region_stays_chosen_whatever_its_rank(panel, session):
    session.set_trace(fake_trace())
    session.select(0)
    session.select_region(7)
    told = []
    session.region_selected.connect(told.append)
    for index in range(1, len(session.trace)):
        session.select(index)
        row = panel.table.currentIndex().row()
        assert panel.model.region_at(row) == 7
    assert session.selected == 7
    assert told == []


def test_the_list_does_not_jump_while_the_playhead_moves(panel, session):
    session.set_trace(fake_trace())
    session.select(0)
    panel.resize(320, 200)
    session.select_region(7)
    panel.table.verticalScrollBar().setValue(0)
    for index in range(1, 30):
        session.select(index)
        assert panel.table.verticalScrollBar().value() == 0


def test_choosing_elsewhere_brings_the_row_into_view(panel, session):
    session.set_trace(fake_trace())
    session.select(0)
    panel.resize(320, 200)
    last = panel.model.region_at(panel.model.rowCount() - 1)
    session.select_region(last)
    rect = panel.table.visualRect(panel.table.currentIndex())
    assert panel.table.viewport().rect().contains(rect.center())
    session.select_region(-1)
    assert not panel.table.currentIndex().isValid()


def test_hovering_highlights_and_leaving_ends_it(panel, session, qtbot):
    session.set_trace(fake_trace())
    session.select(3)
    rect = panel.table.visualRect(panel.model.index(1, NAME))
    qtbot.mouseMove(panel.table.viewport(), rect.center())
    assert session.highlighted == panel.model.region_at(1)
    panel.eventFilter(panel.table.viewport(), QEvent(QEvent.Type.Leave))
    assert session.highlighted == -1


def test_moving_the_playhead_never_resets_the_table(panel, session):
    events = list(fake_events())
    session.apply(events[:20])
    resets = []
    panel.model.modelReset.connect(lambda: resets.append(1))
    panel.model.layoutChanged.connect(lambda: resets.append(1))
    session.apply(events[20:])
    session.select(2)
    assert not resets


def test_effects_not_yet_known_are_not_shown_as_zero(panel, session):
    events = list(fake_events())
    session.apply(events[:5])  # tokens without effects
    assert cell(panel, 0, EFFECT) == "–"
    session.select(1)
    assert "not estimated yet" in panel.finding
    assert cell(panel, 0, EFFECT) == "–"
    session.apply(events[5:])
    assert cell(panel, 0, EFFECT) != "–"


def test_region_names_are_plain_text_in_tool_tips(panel, session):
    from dataclasses import replace

    trace = fake_trace()
    named = replace(trace.region_map.regions[0], name="<b>x</b>")
    object.__setattr__(trace.region_map, "regions", (named, *trace.region_map.regions[1:]))
    session.set_trace(trace)
    session.select(0)
    row = panel.model.row_of(0)
    assert "&lt;b&gt;" in panel.model.index(row, NAME).data(Qt.ItemDataRole.ToolTipRole)
    assert panel._finding.textFormat() == Qt.TextFormat.PlainText


def test_the_model_passes_qts_own_checks(qtmodeltester):
    trace = fake_trace()
    model = RegionsModel()
    model.set_regions(trace.region_map)
    qtmodeltester.check(model)
    model.set_effects(trace.effects[3])
    assert model.rowCount() == len(trace.region_map)
    assert model.rowCount(model.index(0, 0)) == 0
    assert model.data(QModelIndex()) is None
    assert {model.index(r, 0).data(REGION_ROLE) for r in range(model.rowCount())} == set(
        range(len(trace.region_map))
    )


def test_an_interval_is_a_whisker_over_the_bar_and_a_line_in_the_tip(panel, session):
    session.set_trace(fake_trace())
    session.select(3)
    row = panel.model.index(0, EFFECT)
    assert row.data(BOUNDS_ROLE) is None
    assert "interval" not in row.data(Qt.ItemDataRole.ToolTipRole)
    bare = panel.table.grab().toImage()
    trace = session.trace
    trace.set_bounds(0, (trace.effects - 0.5, trace.effects + 0.25))
    session.select(4)
    session.select(3)
    effect = float(session.selected_effects()[row.data(REGION_ROLE)])
    assert row.data(BOUNDS_ROLE) == pytest.approx((effect - 0.5, effect + 0.25), abs=1e-5)
    told = row.data(Qt.ItemDataRole.ToolTipRole)
    assert f"interval {signed_number(effect - 0.5)} to {signed_number(effect + 0.25)} nats" in told
    assert WHISKER_TIP in panel.model.headerData(
        EFFECT, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole
    )
    assert panel.table.grab().toImage() != bare


def test_another_run_is_listed_from_its_strongest_region_on(panel, session):
    session.set_trace(fake_trace())
    session.select(3)
    panel.resize(320, 200)
    bar = panel.table.verticalScrollBar()
    bar.setValue(bar.maximum())
    assert bar.value() > 0
    session.set_trace(fake_trace())
    session.select(3)
    assert bar.value() == 0
