"""Changes are undone and done again in order, and a new change forgets what was undone."""

from __future__ import annotations

import pytest

from app.edit_history import LONGEST, EditHistory


def test_undoing_and_doing_again_walk_back_and_forth():
    history: EditHistory[str] = EditHistory()
    assert (history.undo_text, history.redo_text) == ("", "")
    history.push("first", "a", "b")
    history.push("second", "b", "c")
    assert history.undo_text == "second"
    assert history.undo() == "b"
    assert (history.undo_text, history.redo_text) == ("first", "second")
    assert history.undo() == "a"
    assert history.redo() == "b"
    history.push("other", "b", "d")
    assert history.redo_text == ""
    with pytest.raises(IndexError):
        history.redo()
    history.clear()
    with pytest.raises(IndexError):
        history.undo()


def test_old_changes_are_forgotten():
    history: EditHistory[int] = EditHistory()
    for number in range(LONGEST + 10):
        history.push(str(number), number, number + 1)
    for _ in range(LONGEST):
        last = history.undo()
    assert last == 10
    assert history.undo_text == ""
