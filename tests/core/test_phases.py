"""Thinking is told from the answer by ids or by letters, however they are cut, and markers never show."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.phases import PhaseReader
from core.thinking import Markers

BY_ID = Markers(open=1, close=2, opened=False, silent=frozenset({1, 2}))
SPELLED = Markers(
    open=None, close=None, opened=False, silent=frozenset(),
    spelled_open="<think>", spelled_close="</think>", spelled_silent=("<answer>", "</answer>"),
)  # fmt: skip


def phases(markers: Markers, ids: list[int]) -> str:
    reader = PhaseReader(markers)
    return "".join(reader.push(i, "x")[0][0] for i in ids)


def read(markers: Markers, texts: list[str]) -> tuple[str, str, str]:
    """The phase of each token by its first letter, the thinking and the answer as they show."""
    reader = PhaseReader(markers)
    told = [reader.push(9, text) for text in texts]
    shown = {p: "".join(text for phase, text in told if phase == p) for p in ("thinking", "answer")}
    return "".join(phase[0] for phase, _ in told), shown["thinking"], shown["answer"]


def test_a_template_that_opens_the_thinking():
    assert phases(replace(BY_ID, opened=True), [5, 6, 2, 7]) == "ttta"


def test_a_model_that_opens_the_thinking_itself():
    assert phases(BY_ID, [1, 5, 2, 7]) == "ttta"


def test_a_thinking_that_never_closes():
    assert phases(replace(BY_ID, opened=True), [5, 6, 7]) == "ttt"
    assert phases(BY_ID, [1, 5, 6]) == "ttt"
    assert read(SPELLED, ["<think>", "it is", " 3"])[0] == "ttt"


def test_a_model_that_does_not_think():
    assert phases(BY_ID, [5, 6]) == "aa"
    assert read(SPELLED, ["It", " is 3 <think>"]) == ("aa", "", "It is 3 <think>")


def test_a_model_that_thinks_again():
    assert phases(BY_ID, [1, 5, 2, 6, 1, 5, 2, 6]) == "tttattta"


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 60])
def test_spelled_markers_are_found_however_they_are_cut(size):
    text = "<think>\nIs 3 < 4? </b> yes</think>\n\n<answer>\nyes <b\n</answer>"
    cut = [text[i : i + size] for i in range(0, len(text), size)]
    _, thinking, answer = read(SPELLED, cut)
    if size < 60:
        assert thinking.strip() == "Is 3 < 4? </b> yes"
        assert answer.strip() == "yes <b"
    assert (thinking + answer).split() == "Is 3 < 4? </b> yes yes <b".split()


def test_phases_of_spelled_markers():
    cut = ["<th", "ink", ">\n", "so", "</", "think", ">\n", "3"]
    assert read(SPELLED, cut)[0] == "ttttttta"


def test_letters_that_only_look_like_a_marker_are_shown_later():
    reader = PhaseReader(SPELLED)
    assert reader.push(9, "<th") == ("thinking", "")
    assert reader.push(9, "ree") == ("answer", "<three")


def test_the_name_of_a_channel_is_no_thinking():
    markers = replace(BY_ID, label="thought\n")
    reader = PhaseReader(markers)
    told = [
        reader.push(i, t) for i, t in ((1, ""), (5, "thou"), (6, "ght"), (7, "\nIt"), (8, " is"), (2, ""))
    ]
    assert "".join(text for _, text in told) == "It is"
    assert {phase for phase, _ in told} == {"thinking"}


def test_a_thinking_without_the_name_of_its_channel_is_shown_whole():
    reader = PhaseReader(replace(BY_ID, label="thought\n"))
    assert (
        "".join(reader.push(i, t)[1] for i, t in ((1, ""), (5, "thou"), (6, " art"), (2, ""))) == "thou art"
    )


def test_text_held_at_the_closing_marker_is_not_lost():
    markers = replace(BY_ID, label="thought\n")
    reader = PhaseReader(markers)
    assert [reader.push(i, t) for i, t in ((1, ""), (5, "tho"), (2, ""), (6, "3"))] == [
        ("thinking", ""), ("thinking", ""), ("thinking", "tho"), ("answer", "3"),
    ]  # fmt: skip
