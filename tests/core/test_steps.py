"""Reasoning splits into sentences, list items and code lines while it streams."""

from __future__ import annotations

import pytest

from core.steps import StepSplitter, split


def steps_of(tokens: list[str], phase: str = "thinking") -> list[str]:
    """The texts of the steps that these tokens make."""
    steps: dict[int, str] = {}
    for text, step in zip(tokens, split(tokens, [phase] * len(tokens)), strict=True):
        steps[step] = steps.get(step, "") + text
    assert list(steps) == list(range(len(steps)))
    return list(steps.values())


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (["The", " bar", " is", " 42", ".", " So", " it", "."], ["The bar is 42.", " So it."]),
        (["Is", " it", "?", " Yes", "!", " Good"], ["Is it?", " Yes!", " Good"]),
        (["It", " costs", " 3", ".", "14", " now"], ["It costs 3.14 now"]),
        (["one", " .", " two", " ."], ["one .", " two ."]),
        (["a", " b", "\n", "\n", "c"], ["a b\n\n", "c"]),
        (["See", " e.g", ".", " this", " one", "."], ["See e.g. this one."]),
        (["1", ".", " first", "\n", "2", ".", " second"], ["1. first\n", "2. second"]),
        (["-", " first", "\n", "-", " second"], ["- first\n", "- second"]),
        (["He", " said", " “no", ".", "”", " Then"], ["He said “no.”", " Then"]),
        (["这是", "图。", "那是", "表。"], ["这是图。", "那是表。"]),
        (["Wait", "...", " what"], ["Wait...", " what"]),
        (["<p>", "Hi. ", "You", "</p>", "\n", "<b>"], ["<p>Hi. You</p>\n", "<b>"]),
        (["```", "\n", "a = 1. ", "b", "\n", "c", "\n", "```", "\n", "One.", " Two."],
         ["```\n", "a = 1. b\n", "c\n", "```\n", "One.", " Two."]),
        (["\n", "\n", "One", "."], ["\n\nOne."]),
    ],
)  # fmt: skip
def test_text_splits_where_a_reader_would(tokens: list[str], expected: list[str]):
    assert steps_of(tokens) == expected


def test_a_change_of_phase_ends_the_step():
    splitter = StepSplitter()
    assert splitter.push("so", "thinking") is None
    ended = splitter.push("Answer", "answer")
    assert ended is not None
    assert (ended.index, ended.start, ended.end, ended.phase, ended.text) == (0, 0, 1, "thinking", "so")
    assert splitter.close().phase == "answer"


def test_a_marker_without_text_stays_with_what_it_closes():
    splitter = StepSplitter()
    splitter.push("Done.", "thinking")
    assert splitter.push("", "thinking") is None
    ended = splitter.push("\n", "answer")
    assert (ended.start, ended.end) == (0, 2)


def test_steps_cover_all_tokens_without_a_gap():
    tokens = "A b. C d e! F\ng h. I".replace(" ", "| ").replace("\n", "|\n|").split("|")
    splitter = StepSplitter()
    ended = [step for text in tokens if (step := splitter.push(text, "thinking"))] + [splitter.close()]
    assert [step.start for step in ended] == [0, *(step.end for step in ended[:-1])]
    assert ended[-1].end == len(tokens)
    assert "".join(step.text for step in ended) == "".join(tokens)
