"""The heat strip's columns equal a slow reference, however they were built."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_effects, fake_events, fake_screenshot, fake_trace, grid_regions

from app.effect_columns import EffectColumns
from core.events import EffectsEstimated, Started, fold


def reference(trace, rows: tuple[int, ...], size: int) -> tuple[np.ndarray, np.ndarray]:
    """Token by token: the effect with the largest size in each column."""
    count = -(-trace.estimated // size)
    values = np.zeros((len(rows) + 1, count), np.float32)
    reliance = np.zeros(count, np.float32)
    for token in range(trace.estimated):
        column = token // size
        if abs(trace.reliance[token]) > abs(reliance[column]):
            reliance[column] = trace.reliance[token]
        for region, effect in enumerate(trace.effects[token]):
            row = rows.index(region) if region in rows else len(rows)
            if abs(effect) > abs(values[row, column]):
                values[row, column] = effect
    return values, reliance


def check(columns: EffectColumns, trace) -> None:
    values, reliance = reference(trace, columns.rows, columns.tokens_per_column)
    assert columns.used == values.shape[1]
    np.testing.assert_array_equal(columns.values[:, : columns.used], values)
    np.testing.assert_array_equal(columns.reliance[: columns.used], reliance)


@pytest.mark.parametrize(("pixels", "size"), [(500, 1), (100, 4), (90, 4), (10, 32)])
def test_a_whole_run(pixels, size):
    trace = fake_trace(300)
    columns = EffectColumns(trace)
    columns.arrange(300, pixels, 5)
    assert columns.tokens_per_column == size
    check(columns, trace)


def test_growing_with_the_run_gives_the_same_as_all_at_once():
    events = fake_events(400)
    started = next(events)
    assert isinstance(started, Started)
    trace = started.trace
    columns = EffectColumns(trace)
    columns.arrange(64, 100, 4)
    for event in events:
        fold(trace, event)
        if isinstance(event, EffectsEstimated):
            columns.arrange(max(64, len(trace)), 100, 4)
            columns.update(event.start)
            if trace.estimated % 40 == 0:
                check(columns, trace)
    check(columns, trace)


def test_rows_are_the_regions_with_the_largest_total_effect():
    trace = fake_trace(300)
    columns = EffectColumns(trace)
    columns.arrange(300, 300, 4)
    totals = np.abs(trace.effects).sum(0)
    assert list(columns.rows) == np.argsort(-totals)[:4].tolist()


def test_a_region_can_be_kept_in_view():
    trace = fake_trace(300)
    columns = EffectColumns(trace)
    least = int(np.abs(trace.effects).sum(0).argmin())
    columns.arrange(300, 300, 4, keep=least)
    assert least in columns.rows
    assert len(columns.rows) == 4
    check(columns, trace)


def test_colours_are_brought_up_to_date_when_the_scale_changes():
    events = list(fake_events(200))
    trace = events[0].trace
    for event in events[1:]:
        if not isinstance(event, EffectsEstimated):
            fold(trace, event)
    effects, reliance = fake_effects(200, len(trace.region_map))
    grown, fresh = EffectColumns(trace), EffectColumns(trace)
    for start in range(0, 200, 8):
        trace.set_effects(start, effects[start : start + 8] * (1 + start / 50), reliance[start : start + 8])
        grown.arrange(200, 100, 4)
        grown.update(start)
        grown.colours(True, "default", (255, 255, 255))
    fresh.arrange(200, 100, 4)
    assert grown.rows == fresh.rows
    np.testing.assert_array_equal(
        grown.colours(True, "default", (255, 255, 255)), fresh.colours(True, "default", (255, 255, 255))
    )


def test_more_rows_than_regions():
    shot = fake_screenshot()
    trace = fake_trace(None, shot, grid_regions(shot.width, shot.height, 1, 1))
    columns = EffectColumns(trace)
    columns.arrange(len(trace), 100, 12)
    assert sorted(columns.rows) == [0, 1]
    assert (columns.values[-1] == 0).all()
