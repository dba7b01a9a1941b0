"""The ways to lay effects over the screenshot, and the comparison of two moments."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_screenshot, fake_trace, grid_regions
from pixels import colour_at, picture
from PySide6.QtCore import QPointF
from PySide6.QtGui import QImage
from windows import press, run_to_the_end

from app import overlay
from app.actions import ACTIONS
from app.canvas import Canvas
from app.display_actions import COUNTS
from app.session import Session
from app.views import VIEWS, Colouring, strongest, view_named


def alpha(image: QImage) -> np.ndarray:
    """uint8 [height, width]."""
    image = image.convertToFormat(QImage.Format.Format_ARGB32)
    data = np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1)
    return (data[:, : image.width()] >> 24).astype(np.uint8)


def drawn(view: str, effects, labels=None, signed=True, ratio=1.0) -> np.ndarray:
    if labels is None:
        labels = np.zeros((80, 120), np.uint8)
        labels[20:60, 30:90] = 1
    colouring = Colouring(np.array(effects, np.float32), 2.0, signed, "default", 1.0)
    return alpha(view_named(view).draw(overlay.LabelPicture(labels), colouring, ratio))


def test_every_view_and_count_has_its_action():
    ids = {action.id for action in ACTIONS}
    assert {f"view_{view.id}" for view in VIEWS} == {i for i in ids if i.startswith("view_")}
    assert {f"strongest_{count}" for count in COUNTS} == {i for i in ids if i.startswith("strongest_")}


def test_fill_covers_the_region_and_nothing_else(qapp):
    shown = drawn("fill", [0, 2])
    assert (shown[20:60, 30:90] == 255).all()
    assert shown.sum() == 255 * 40 * 60


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_outline_leaves_the_content_free(qapp, ratio):
    shown = drawn("outline", [0, 2], ratio=ratio)
    rim = round(4 * ratio)
    assert (shown[20 : 20 + rim, 30:90] == 255).all()
    assert (shown[20:60, 30 : 30 + rim] == 255).all()
    assert (shown[20 + rim : 60 - rim, 30 + rim : 90 - rim] == 0).all()


def test_heat_crosses_borders_smoothly(qapp):
    shown = drawn("heat", [0, 2])
    assert shown[40, 60] > 200
    row = shown[40].astype(int)
    assert np.abs(np.diff(row)).max() < 80
    assert row[27] > 0


def test_spotlight_dims_what_has_no_effect(qapp):
    shown = drawn("spotlight", [0, 2])
    assert (shown[20:60, 30:90] == 0).all()
    assert (shown[:20] == 255).all()
    assert (drawn("spotlight", [0, -2], signed=False) == 255).all()


@pytest.mark.parametrize("view", [view.id for view in VIEWS])
@pytest.mark.parametrize("shape", [(1, 1), (2, 300), (7, 3)])
def test_every_view_draws_any_size(qapp, view, shape):
    assert drawn(view, [1.0], np.zeros(shape, np.uint8)).shape == shape


def test_only_the_strongest_are_kept():
    effects = np.array([0.1, -3, 2, 1], np.float32)
    assert strongest(effects, 2, signed=True).tolist() == [0, -3, 2, 0]
    assert strongest(effects, 2, signed=False).tolist() == [0, 0, 2, 1]
    assert strongest(effects, 0, signed=True) is effects


@pytest.fixture
def session(qapp):
    return Session()


@pytest.fixture
def canvas(qtbot, session):
    made = Canvas(session)
    qtbot.addWidget(made)
    made.resize(700, 520)
    made.show()
    return made


def place(canvas, region_id) -> QPointF:
    x, y, width, height = canvas._regions.regions[region_id].bbox
    return canvas.view.to_view(x + width / 2, y + height / 2)


def test_the_difference_of_a_moment_with_itself_is_nothing(canvas, session):
    session.set_trace(fake_trace(screenshot=fake_screenshot(), region_map=grid_regions(320, 200)))
    session.set_display(outlines=False, opacity=1.0)
    strong = int(session.trace.effects[3].argmax())
    session.select(3)
    plain = colour_at(picture(canvas.view.viewport()), place(canvas, strong))
    session.pin(True)
    bare = colour_at(picture(canvas.view.viewport()), place(canvas, strong))
    assert bare != plain
    session.select(0)
    assert np.allclose(session.compared_effects(), session.trace.effects[0] - session.trace.effects[3])
    assert "Token 1 minus Token 4" in canvas._comparing.text()
    assert canvas._comparing.isVisible()
    assert "difference of estimated effects" in canvas.legend.accessibleDescription()
    session.pin(False)
    assert not canvas._comparing.isVisible()


def test_another_trace_lets_the_pinned_moment_go(canvas, session):
    session.set_trace(fake_trace())
    session.select_step(1)
    session.pin(True)
    session.set_trace(fake_trace())
    assert session.pinned is None


def test_views_scale_count_and_comparison_are_chosen_in_the_window(qtbot, window):
    run_to_the_end(qtbot, window)
    session = window.controller.session
    for view in VIEWS:
        press(window, f"view_{view.id}")
        assert session.display.view == view.id
        assert window.canvas.view_button.text() == view.text
        picture(window.canvas.view.viewport())
    press(window, "strongest_3")
    press(window, "fixed_scale")
    assert (session.display.strongest, session.display.fixed_scale) == (3, True)
    press(window, "first")
    press(window, "pin")
    press(window, "step_forward")
    assert window.canvas._comparing.isVisible()
    press(window, "pin")
    assert session.pinned is None
    assert not window.actions_by_id["pin"].isChecked()


def test_the_button_on_the_canvas_offers_the_same_views(window):
    menu = window.canvas.view_button.menu()
    inner = [action.menu() for action in menu.actions() if action.menu() is not None]
    listed = {action.objectName() for part in (menu, *inner) for action in part.actions()}
    assert {f"view_{view.id}" for view in VIEWS} <= listed
    assert "strongest_5" in listed
