"""The library lists every run, finds it by its words, and keeps notes in its file."""

from __future__ import annotations

import threading

import pytest
from fake_traces import fake_trace
from PySide6.QtCore import Qt
from windows import press, run_to_the_end

from app.library import Library
from core.errors import InputError
from core.store import read_trace, save_trace
from core.trace_summary import read_preview, read_summary


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "runs"
    place.mkdir()
    for i, prompt in enumerate(("How many apples?", "What is the total?")):
        trace = fake_trace()
        trace.prompt = prompt
        trace.notes = "the blue one" if i else ""
        save_trace(place / f"{i}.sightline", trace)
    (place / "broken.sightline").write_text("no trace")
    return place


@pytest.fixture
def library(qtbot, folder):
    made = Library(folder)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)  # the fixture closes it once more
    qtbot.addWidget(made)
    made.show()
    qtbot.waitUntil(lambda: made._listed)
    return made


def shown(library) -> set[str]:
    rows = (library.list.item(i) for i in range(library.list.count()))
    return {row.text().split("\n")[0] for row in rows if not row.isHidden()}


def test_a_summary_says_what_a_trace_says(folder):
    summary, trace = read_summary(folder / "1.sightline"), read_trace(folder / "1.sightline")
    assert (summary.prompt, summary.notes) == (trace.prompt, trace.notes)
    assert summary.thinking == trace.text("thinking").strip()
    assert summary.answer == trace.text("answer").strip()
    assert (summary.tokens, summary.status) == (len(trace), trace.status)
    assert max(read_preview(folder / "1.sightline", 100, 60).shape) <= 100


def test_a_file_that_is_no_trace_is_refused(folder):
    for read in (read_summary, lambda path: read_preview(path, 10, 10)):
        with pytest.raises(InputError, match="not a Sightline trace"):
            read(folder / "broken.sightline")


def test_every_run_is_listed_with_its_picture(library):
    assert shown(library) == {"How many apples?", "What is the total?"}
    assert not library.list.item(0).icon().isNull()
    assert "; 1 file could not be read" in library.answer.text()


@pytest.mark.parametrize(
    ("query", "found"),
    [("APPLES", {"How many apples?"}), ("blue one", {"What is the total?"}), ("zebra", set())],
)
def test_search_looks_at_questions_reasoning_and_notes(qtbot, library, query, found):
    qtbot.keyClicks(library.search, query)
    assert shown(library) == found


def test_notes_are_kept_and_typing_can_be_undone(qtbot, library):
    library.list.setCurrentRow(0)
    path = library.current.path
    before = library.notes.toPlainText()
    with qtbot.waitSignal(library.notes_kept, timeout=20_000):
        library.notes.setFocus()
        qtbot.keyClicks(library.notes, "look again")
    assert "look again" in read_trace(path).notes
    library.notes.undo()
    with qtbot.waitSignal(library.notes_kept, timeout=20_000):
        library.notes.undo()
        library.notes.textChanged.emit()
    assert read_trace(path).notes == before


def test_notes_typed_just_before_closing_are_kept(qtbot, library):
    path = library.current.path
    qtbot.keyClicks(library.notes, "in haste")
    library.close()
    assert "in haste" in read_trace(path).notes


def test_escape_keeps_the_notes_and_ends_the_threads_as_closing_does(qtbot, library):
    path = library.current.path
    qtbot.keyClicks(library.notes, "in haste")
    qtbot.keyClick(library.notes, Qt.Key.Key_Escape)
    assert not library.isVisible()
    assert "in haste" in read_trace(path).notes
    names = {thread.name for thread in threading.enumerate()}
    assert not names & {"sightline-library", "sightline-notes"}


def test_an_empty_library_says_what_to_do(qtbot, tmp_path):
    made = Library(tmp_path / "nothing")
    made.show()
    qtbot.waitUntil(lambda: made._listed)
    assert "Every run that you start is kept" in made.answer.text()
    made.close()


def test_a_folder_that_may_not_be_looked_into_is_told(qtbot, tmp_path):
    made = Library(tmp_path / ("x" * 300))
    made.show()
    qtbot.waitUntil(lambda: "cannot be used" in made.answer.text())
    assert "inside Sightline" not in made.answer.text()
    made.close()


def test_a_run_is_found_and_opened_again_from_the_window(qtbot, window):
    run_to_the_end(qtbot, window)
    kept = window.controller.trace_path
    press(window, "library")
    library = window.findChild(Library)
    assert not library.isModal()
    qtbot.waitUntil(lambda: library.current is not None)
    assert library.current.path == kept
    qtbot.keyClicks(library.notes, "mine")
    library._save_notes()
    qtbot.waitUntil(lambda: window.controller.session.trace.notes == "mine", timeout=20_000)
    before = window.controller.session.trace
    qtbot.keyClick(library.list, Qt.Key.Key_Return)
    library._open()
    qtbot.waitUntil(lambda: window.controller.session.trace is not before)
    assert window.controller.session.trace.notes == "mine"
    window.close()
    assert not library.isVisible()


def test_what_is_searched_for_is_what_the_buttons_and_the_notes_are_about(library):
    library.search.setText("apples")
    assert library.current.prompt == "How many apples?"
    library.search.setText("total")
    assert library.current.prompt == "What is the total?"
    assert "What is the total?" in library.details.text()
    assert library.notes.toPlainText() == "the blue one"
    library.search.setText("nothing like it")
    assert library.current is None
    assert not library._open_button.isEnabled()
    library.search.clear()
    assert library.current is not None


def test_enter_and_a_double_click_open_a_run_once(qtbot, library):
    chosen = []
    library.chosen.connect(chosen.append)
    library.activateWindow()
    library.list.setFocus()
    qtbot.keyClick(library.list, Qt.Key.Key_Return)
    assert chosen == [str(library.current.path)]
    place = library.list.visualItemRect(library.list.currentItem()).center()
    qtbot.mouseClick(library.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseDClick(library.list.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert len(chosen) == 2
