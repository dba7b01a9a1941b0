"""Every character of the document belongs to the token that brought it."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_tokens
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtGui import QFont

from app.token_document import HEADING, SPACER, TokenDocument, shown, units
from core.trace import Token


def document(tokens, batch: int = 1000) -> TokenDocument:
    result = TokenDocument(QFont())
    for start in range(0, len(tokens), batch):
        result.append(tokens[start : start + batch])
    return result


def blocks(result: TokenDocument) -> list[tuple[int, str]]:
    found, block = [], result.document.begin()
    while block.isValid():
        found.append((block.userState(), block.text()))
        block = block.next()
    return found


def text_between(result: TokenDocument, start: int, end: int) -> str:
    """Document text by UTF-16 position, paragraphs separated by line feeds."""
    raw = result.document.toRawText().encode("utf-16-le")
    return raw[2 * start : 2 * end].decode("utf-16-le", "replace").replace("\u2029", "\n")


def test_a_step_begins_with_its_first_words(qapp):
    lone_breaks = document(make(("thinking", ["Yes."]), ("answer", ["\n", "\n", "755", "\n", "\n", "ok"])))
    assert [text for state, text in blocks(lone_breaks) if state == 1] == ["755", "", "ok"]


def make(*steps: tuple[str, list[str]]) -> list[Token]:
    tokens: list[Token] = []
    for step, (phase, texts) in enumerate(steps):
        tokens += [Token(len(tokens) + i, 0, text, -0.1, phase, step) for i, text in enumerate(texts)]
    return tokens


def test_thinking_and_answer_stand_apart_under_their_headings(qapp):
    found = blocks(document(make(("thinking", ["I", " see", ".\n"]), ("answer", ["4", "2"]))))
    kinds = [(state, text) for state, text in found if state != SPACER]
    assert kinds == [(HEADING, "Thinking"), (0, "I see."), (HEADING, "Answer"), (1, "42")]


@pytest.mark.parametrize("batch", [1, 3, 7, 1000])
def test_batches_make_no_difference(qapp, batch):
    tokens = fake_tokens()
    assert blocks(document(tokens, batch)) == blocks(document(tokens))


def test_each_token_is_found_at_its_characters(qapp):
    tokens = fake_tokens(200)
    result = document(tokens, 9)
    assert len(result) == 200
    for token in tokens:
        start, end = result.span(token.index)
        assert text_between(result, start, end).strip() == token.text.strip()
        for position in range(start, end):
            assert result.token_at(position) == token.index


def test_positions_count_utf16_units(qapp):
    tokens = make(("thinking", ["a", " 🙂🙂", " b", "", " é", " 漢"]))
    result = document(tokens)
    assert [text_between(result, *result.span(i)) for i in range(6)] == ["a", " 🙂🙂", " b", "", " é", " 漢"]
    assert result.token_at(result.span(2)[0]) == 2


def test_line_breaks_inside_a_step_are_kept_and_those_at_its_end_are_not_doubled(qapp):
    tokens = make(("answer", ["<ul", ">\n", "  <li>", "x\n\n", "y", "\n", "\n"]), ("answer", ["\n", "<p>"]))
    found = [text for state, text in blocks(document(tokens, 1)) if state >= 0]
    assert found == ["<ul>", "  <li>x", "", "y", "<p>"]


def test_indentation_of_code_stays_and_the_blank_after_a_sentence_goes(qapp):
    tokens = make(("thinking", ["One."]), ("thinking", [" Two."]), ("answer", ["    indented"]))
    found = [text for state, text in blocks(document(tokens)) if state >= 0]
    assert found == ["One.", "Two.", "    indented"]


def test_markup_is_shown_as_it_was_written(qapp):
    texts = ["<script>alert(1)</script>", " <b>bold</b>", " &amp;"]
    assert "".join(texts) in [text for _, text in blocks(document(make(("thinking", texts))))]


def test_characters_that_hide_or_reorder_become_visible():
    assert shown("a\u202eb\x00c\x1bd\ud800\ufffc") == "a\ufffdb␀c␛d\ufffd\ufffd"
    assert shown("tab\tand\nline") == "tab\tand\nline"


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["thinking", "answer"]), st.lists(st.text(max_size=6), min_size=1, max_size=5)
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, 5),
)
def test_any_text_keeps_spans_in_order_and_inside_the_document(qapp, steps, batch):
    tokens = make(*sorted(steps, key=lambda step: step[0] == "answer"))
    result = document(tokens, batch)
    length = units(result.document.toRawText())
    last = 0
    for token in tokens:
        start, end = result.span(token.index)
        assert last <= start <= end <= length
        assert result.ink(token.index) >= start
        last = end
        written = text_between(result, start, end).replace("\n", "")
        assert shown(token.text).replace("\n", "").endswith(written)


def test_spans_of_tokens_by_position(qapp):
    result = document(fake_tokens())
    start, end = result.span(4)[0], result.span(6)[1]
    assert result.tokens_between(start, end) == (4, 7)
    assert result.tokens_between(start + 1, end - 1) == (4, 7)


def test_a_heading_goes_when_all_below_it_is_filtered_away_and_comes_back(qapp):
    result = document(make(("thinking", ["One."]), ("answer", ["Two."])))

    def seen() -> list[str]:
        found, block = [], result.document.begin()
        while block.isValid():
            if block.isVisible() and block.text():
                found.append(block.text())
            block = block.next()
        return found

    everything = seen()
    assert "Answer" in everything
    assert result.show_steps(np.array([True, False]))
    assert "Answer" not in seen()
    assert "Thinking" in seen()
    assert result.show_steps(None)
    assert seen() == everything
