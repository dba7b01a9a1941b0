"""The regions as a tree, in step with the canvas, and how fine they are."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPoint, Qt
from windows import press, run_to_the_end

from app.regions_model import EFFECT, NAME
from core.region_edits import add_box

CTRL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def nested(qtbot, window):
    """A window with a card in part 1, and a label in the card."""
    window._show_canvas()
    editor = window.controller.editor
    editor.apply("card", lambda regions: add_box(regions, (5, 5, 30, 25), "card"))
    editor.apply("label", lambda regions: add_box(regions, (10, 10, 15, 15), "label"))
    qtbot.waitUntil(lambda: len(editor.regions) == 7)
    press(window, "regions_tree")
    return window


def row(tree, name):
    """Where a region is in the tree, by its name."""
    model = tree.model()
    found = model.match(
        model.index(0, NAME), Qt.ItemDataRole.DisplayRole, name, 1,
        Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive,
    )  # fmt: skip
    return found[0]


def names(window):
    return [region.name for region in window.controller.editor.regions.regions[1:]]


def test_regions_stand_under_what_they_lie_in_before_any_run(nested):
    tree = nested.regions.tree
    assert tree.isVisible()
    assert not nested.regions.table.isVisible()
    label = row(tree, "label")
    assert label.parent().data() == "card"
    assert label.parent().parent().data() == "part 1"
    assert not label.parent().parent().parent().isValid()
    assert tree.isExpanded(label.parent())


def test_the_tree_says_the_effects_that_the_list_says(qtbot, nested):
    run_to_the_end(qtbot, nested)
    session = nested.controller.session
    session.select(6)
    tree, model = nested.regions.tree, nested.regions.model
    for region in range(7):
        index = tree._tree.index_of(region)
        assert index.data() == session.trace.region_map.regions[region].name
        shown = index.siblingAtColumn(EFFECT).data()
        assert shown == model.index(model.row_of(region), EFFECT).data()


def test_choosing_and_hovering_are_in_step_with_the_canvas(qtbot, nested):
    tree, session = nested.regions.tree, nested.controller.session
    session.select_region(5)
    assert tree.currentIndex().data() == "card"
    place = tree.visualRect(row(tree, "label")).center()
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert session.chosen == (6,)
    other = tree.visualRect(row(tree, "part 2")).center()
    qtbot.mouseClick(tree.viewport(), Qt.MouseButton.LeftButton, CTRL, other)
    assert session.chosen == (2, 6)
    qtbot.mouseMove(tree.viewport(), tree.visualRect(row(tree, "part 1")).center() + QPoint(1, 0))
    assert session.highlighted == 1


def test_the_keyboard_walks_closes_and_opens(qtbot, nested):
    tree, session = nested.regions.tree, nested.controller.session
    session.select_region(1)
    tree.setFocus()
    qtbot.keyClick(tree, Qt.Key.Key_Left)
    assert not tree.isExpanded(row(tree, "part 1"))
    qtbot.keyClick(tree, Qt.Key.Key_Right)
    qtbot.keyClick(tree, Qt.Key.Key_Down)
    assert session.selected == 5
    qtbot.keyClick(tree, Qt.Key.Key_Left)
    editor = nested.controller.editor
    editor.rename(editor.targets([2]), "renamed")
    qtbot.waitUntil(lambda: "renamed" in names(nested))
    assert not tree.isExpanded(row(tree, "card")), "what was closed stays closed"
    assert tree.isExpanded(row(tree, "part 1"))


def test_granularity_gives_what_lies_deep_to_what_holds_it_and_back(qtbot, nested):
    whole = nested.controller.editor.regions
    press(nested, "granularity_coarse")
    qtbot.waitUntil(lambda: len(names(nested)) == 4)
    assert nested.edit_mode.bar.detail.text() == "Coarse"
    press(nested, "granularity_medium")
    qtbot.waitUntil(lambda: names(nested) == ["part 1", "part 2", "part 3", "part 4", "card"])
    press(nested, "undo")
    qtbot.waitUntil(lambda: len(names(nested)) == 4)
    assert nested.actions_by_id["granularity_coarse"].isChecked()
    press(nested, "granularity_fine")
    qtbot.waitUntil(lambda: nested.controller.editor.regions is whole)


def test_regions_smaller_than_a_visual_token_are_given_up_on_request(qtbot, nested):
    press(nested, "least_one")
    qtbot.waitUntil(lambda: names(nested) == ["part 1", "part 2", "part 3", "part 4", "card"])
    press(nested, "least_any")
    qtbot.waitUntil(lambda: "label" in names(nested))


def test_a_coarser_map_after_a_run_gets_its_effects(qtbot, nested):
    run_to_the_end(qtbot, nested)
    press(nested, "granularity_coarse")
    session, editor = nested.controller.session, nested.controller.editor
    qtbot.waitUntil(lambda: session.trace.effects.shape[1] == 5 and not editor.busy)
    assert session.trace.estimated == len(session.trace)
