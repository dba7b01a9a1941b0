"""The canvas shows the screenshot, what the selection rests on, and what is under the pointer."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_screenshot, fake_trace, grid_regions
from pixels import colour_at, picture
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QWheelEvent

from app.canvas import Canvas
from app.session import Session
from app.wording import signed_number


@pytest.fixture
def session(qapp):
    return Session()


@pytest.fixture
def canvas(qtbot, session):
    canvas = Canvas(session)
    qtbot.addWidget(canvas)
    canvas.resize(700, 520)
    canvas.show()
    return canvas


def place(canvas: Canvas, region_id: int) -> QPoint:
    """The middle of a region in the viewport."""
    x, y, width, height = canvas._regions.regions[region_id].bbox
    return canvas.view.to_view(x + width / 2, y + height / 2).toPoint()


def colour(canvas: Canvas, point: QPoint | QPointF) -> QColor:
    return colour_at(picture(canvas.view.viewport()), QPointF(point))


def test_an_empty_canvas_says_what_to_do(canvas):
    shown = picture(canvas.view.viewport())
    places = (QPointF(x, y) for x in range(60, 640, 3) for y in range(200, 300, 2))
    assert len({colour_at(shown, place).name() for place in places}) > 5
    assert not canvas._bar.isVisible()


def test_a_preview_shows_before_any_run_and_gives_way_to_a_trace(canvas, session):
    preview = fake_screenshot(100, 80)
    canvas.set_screenshot(preview, None)
    assert canvas.view.region_at(QPointF(canvas.view.viewport().rect().center())) == -1
    pixel = preview.pixels[40, 50]
    assert colour(canvas, canvas.view.to_view(50.5, 40.5)).getRgb()[:3] == tuple(pixel)
    session.set_trace(fake_trace())
    assert canvas.view.region_at(QPointF(place(canvas, 6))) == 6
    session.set_trace(None)
    assert canvas.view.region_at(QPointF(canvas.view.viewport().rect().center())) == -1


def test_a_preview_with_regions_tells_their_names(canvas, qtbot):
    shot = fake_screenshot()
    canvas.set_screenshot(shot, grid_regions(shot.width, shot.height))
    qtbot.mouseMove(canvas.view.viewport(), place(canvas, 1))
    assert canvas.hover_text == canvas._regions.regions[1].name


@pytest.mark.parametrize("scale", [None, 0.7, 1.0, 3.0])
def test_the_region_under_the_pointer_is_the_one_drawn_there(canvas, session, scale):
    session.set_trace(fake_trace())
    if scale is not None:
        canvas.view.zoom_to(scale)
    labels = session.trace.region_map.labels
    for x, y in ((20, 20), (160, 100), (161, 99), (200, 140)):
        at = canvas.view.to_view(x + 0.5, y + 0.5)
        if canvas.view.viewport().rect().contains(at.toPoint()):
            assert canvas.view.region_at(at) == labels[y, x]


def test_a_region_is_coloured_by_its_effect_and_only_while_it_is_selected(canvas, session):
    trace = fake_trace()
    effects = np.zeros((2, len(trace.region_map)), np.float32)
    effects[0, 5] = 4.0
    trace.set_effects(0, effects, effects.sum(1))
    session.set_display(outlines=False, opacity=1.0)
    session.set_trace(trace)
    plain = colour(canvas, place(canvas, 5))
    other = colour(canvas, place(canvas, 6))
    session.select(0)
    tinted = colour(canvas, place(canvas, 5))
    assert tinted != plain
    assert tinted.red() > tinted.blue() + 60  # support is vermilion
    assert colour(canvas, place(canvas, 6)) == other
    session.select(1)
    assert colour(canvas, place(canvas, 5)) == plain
    session.select(0)
    session.set_display(opacity=0.0)
    assert colour(canvas, place(canvas, 5)) == plain


def test_opposing_effects_show_only_when_asked_for(canvas, session):
    trace = fake_trace()
    effects = np.zeros((1, len(trace.region_map)), np.float32)
    effects[0, 5] = -4.0
    trace.set_effects(0, effects, effects.sum(1))
    session.set_trace(trace)
    plain = colour(canvas, place(canvas, 5))
    session.set_display(signed=False)
    session.select(0)
    assert colour(canvas, place(canvas, 5)) == plain
    session.set_display(signed=True)
    tinted = colour(canvas, place(canvas, 5))
    assert tinted.blue() > tinted.red() + 20


def test_a_fixed_scale_colours_a_weak_token_weakly(canvas, session):
    trace = fake_trace()
    effects = np.zeros((len(trace), len(trace.region_map)), np.float32)
    effects[:, 5] = 8.0
    effects[0, 5] = 1.0
    trace.set_effects(0, effects, effects.sum(1))
    session.set_trace(trace)
    session.select(0)
    own = colour(canvas, place(canvas, 5))
    session.set_display(fixed_scale=True)
    fixed = colour(canvas, place(canvas, 5))
    session.select(1)
    assert colour(canvas, place(canvas, 5)) == own
    assert fixed != own


def test_hovering_tells_name_effect_and_share_and_a_screen_reader_too(canvas, session, qtbot):
    session.set_trace(fake_trace())
    session.select(0)
    qtbot.mouseMove(canvas.view.viewport(), place(canvas, 5))
    effect = float(session.selected_effects()[5])
    region = session.trace.region_map.regions[5]
    assert session.highlighted == 5
    assert region.name in canvas.hover_text
    assert f"{signed_number(effect)} nats estimated" in canvas.hover_text
    assert region.name in canvas.view.accessibleDescription()
    session.select(3)
    assert f"{signed_number(float(session.selected_effects()[5]))} nats" in canvas.hover_text


def test_hovering_tells_the_difference_while_moments_are_compared(canvas, session):
    session.set_trace(fake_trace())
    session.select(0)
    session.pin(True)
    canvas.view.region_hovered.emit(5, place(canvas, 5))
    session.select(3)
    region = session.trace.region_map.regions[5]
    difference = signed_number(float(session.compared_effects()[5]))
    assert canvas.hover_text == f"{region.name}\n{difference} nats, difference of estimated effects"
    assert canvas.view.accessibleDescription().endswith("difference of estimated effects")


def test_hovering_tells_the_difference_from_another_run(canvas, session):
    session.set_trace(fake_trace())
    session.select(0)
    session.set_baseline(session.selected_effects() - 1.5)
    canvas.view.region_hovered.emit(5, place(canvas, 5))
    assert "+1.50 nats, difference" in canvas.hover_text


def test_a_click_selects_a_region_and_a_second_one_lets_it_go(canvas, session, qtbot):
    session.set_trace(fake_trace())
    view = canvas.view.viewport()
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=place(canvas, 7))
    assert session.selected == 7
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=place(canvas, 2))
    assert session.selected == 2
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=place(canvas, 2))
    assert session.selected == -1


def test_a_chosen_region_is_ringed(canvas, session):
    session.set_trace(fake_trace())
    before = picture(canvas.view.viewport())
    session.select_region(6)
    after = picture(canvas.view.viewport())
    x, y = session.trace.region_map.regions[6].bbox[:2]
    rim = canvas.view.to_view(x, y) + QPointF(4, -1)
    assert colour_at(before, rim) != colour_at(after, rim)
    for region in (6, 1):
        middle = QPointF(place(canvas, region))
        assert colour_at(before, middle) == colour_at(after, middle)


def turn_wheel(canvas: Canvas, point: QPoint, notches: int) -> None:
    at = QPointF(point)
    event = QWheelEvent(
        at, canvas.view.viewport().mapToGlobal(at), QPoint(), QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    canvas.view.wheelEvent(event)


def test_the_wheel_zooms_around_the_pointer(canvas, session):
    session.set_trace(fake_trace())
    canvas.view.zoom_to(4.0 * canvas.devicePixelRatioF())
    point = QPoint(420, 260)
    before = canvas.view.to_picture(QPointF(point))
    scale = canvas.view.scale
    turn_wheel(canvas, point, 2)
    after = canvas.view.to_picture(QPointF(point))
    assert canvas.view.scale > 1.4 * scale
    assert (after - before).manhattanLength() < 1.0


def test_zoom_is_kept_within_bounds_and_fit_returns_to_the_whole(canvas, session):
    session.set_trace(fake_trace())
    fitted = canvas.view.scale
    for _ in range(60):
        canvas.zoom_in()
    assert canvas.view.scale == 32.0
    assert canvas.view.can_pan
    canvas.fit()
    assert canvas.view.scale == fitted
    assert not canvas.view.can_pan
    for _ in range(60):
        canvas.zoom_out()
    assert 0 < canvas.view.scale <= fitted


def test_a_fitted_screenshot_stays_fitted_when_the_window_changes(canvas, session, qtbot):
    session.set_trace(fake_trace())
    canvas.resize(400, 300)
    qtbot.waitUntil(lambda: canvas.view.viewport().width() < 420)
    corner, far = canvas.view.to_view(0, 0), canvas.view.to_view(320, 200)
    area = canvas.view.viewport().rect()
    assert area.contains(corner.toPoint())
    assert area.contains(far.toPoint())


def test_dragging_pans_and_does_not_select(canvas, session, qtbot):
    session.set_trace(fake_trace())
    canvas.view.zoom_to(6.0)
    view, start = canvas.view.viewport(), QPoint(300, 200)
    before = canvas.view.to_picture(QPointF(start))
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    for k in range(1, 9):
        qtbot.mouseMove(view, start + QPoint(10 * k, 5 * k))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=start + QPoint(80, 40))
    after = canvas.view.to_picture(QPointF(start + QPoint(80, 40)))
    assert (after - before).manhattanLength() < 1.0
    assert session.selected == -1


def test_arrows_pan_only_when_there_is_something_to_pan(canvas, session):
    session.set_trace(fake_trace())
    view = canvas.view

    def claims_arrow() -> bool:
        event = QKeyEvent(QKeyEvent.Type.ShortcutOverride, Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier)
        event.ignore()
        view.event(event)
        return event.isAccepted()

    assert not claims_arrow()  # the playback gets it
    view.zoom_to(6.0)
    assert claims_arrow()
    before = view.horizontalScrollBar().value()
    view.keyPressEvent(QKeyEvent(QKeyEvent.Type.KeyPress, Qt.Key.Key_Right, Qt.KeyboardModifier.NoModifier))
    assert view.horizontalScrollBar().value() > before


def test_double_click_fits(canvas, session, qtbot):
    session.set_trace(fake_trace())
    fitted = canvas.view.scale
    canvas.zoom_actual()
    qtbot.mouseDClick(canvas.view.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(100, 100))
    assert canvas.view.scale == fitted


def test_the_opacity_slider_and_the_session_agree(canvas, session):
    canvas._opacity.setValue(30)
    assert session.display.opacity == 0.3
    session.set_display(opacity=0.8)
    assert canvas._opacity.value() == 80


def test_the_screenshot_is_drawn_faithfully_at_every_scale(canvas, session):
    shot = fake_screenshot(64, 48)
    shot.pixels[:] = np.random.default_rng(0).integers(0, 255, shot.pixels.shape)
    canvas.set_screenshot(shot, None)
    for scale in (1.0, 4.0):
        canvas.view.zoom_to(scale)
        for x, y in ((10, 10), (33, 25), (50, 40)):
            at = canvas.view.to_view(x + 0.5, y + 0.5)
            assert colour(canvas, at).getRgb()[:3] == tuple(shot.pixels[y, x])


@pytest.mark.parametrize("size", [(1, 1), (2000, 3), (3, 2000)])
def test_odd_sizes_are_drawn(canvas, session, size):
    shot = fake_screenshot(20, 20)
    pixels = np.full((size[1], size[0], 3), 99, np.uint8)
    labels = np.zeros((size[1], size[0]), np.uint8)
    regions = grid_regions(20, 20, 1, 1)
    canvas.set_screenshot(type(shot)(pixels, "odd", "odd"), type(regions)(labels, regions.regions[:1]))
    middle = canvas.view.to_view(size[0] / 2, size[1] / 2).toPoint()
    assert canvas.view.viewport().rect().contains(middle)
    canvas.grab()
    canvas.view.zoom_to(20.0)
    canvas.grab()
