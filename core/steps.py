"""Splitting the text into steps while it streams: sentences, list items, code lines."""

from __future__ import annotations

import re

from core.trace import Phase, Step

_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*$")
_WIDE_SENTENCE_END = re.compile(r"[。！？][」』”’）]*$")
_NOT_AN_END = re.compile(
    r"(?:^|[\s(])(?:e\.g|i\.e|etc|vs|cf|fig|figs|eq|no|nos|approx|ca|mr|mrs|ms|dr|st|[A-Za-z])\.$",
    re.IGNORECASE,
)
_BARE_LABEL = re.compile(r"^(?:[-*•]|\(?(?:\d{1,3}|[A-Za-z])[.)])$")
_FENCE = "```"


class StepSplitter:
    """Assigns each arriving token to a step. A boundary is known when the token after it arrives.

    Attributes:
        index: the current step.
        start: its first token.
    """

    def __init__(self) -> None:
        self.index = 0
        self.start = 0
        self._count = 0
        self._text = ""
        self._phase: Phase = "thinking"
        self._fenced = False

    def push(self, text: str, phase: Phase) -> Step | None:
        """Take the next token; returns the step that ended just before it, if one did."""
        ended = None
        if self._count and self._begins_step(text, phase):
            ended = self.close()
            self._fenced ^= self._text.count(_FENCE) % 2 == 1
            self.index += 1
            self.start = self._count
            self._text = ""
        self._count += 1
        self._text += text
        if text or self._count == 1:
            self._phase = phase
        return ended

    def close(self) -> Step | None:
        """The step that is still open, or None before the first token."""
        if self._count == self.start:
            return None
        return Step(self.index, self.start, self._count, self._phase, self._text)

    def _begins_step(self, text: str, phase: Phase) -> bool:
        if not text:
            return False
        if phase != self._phase:
            return True
        if not text.strip():  # white space closes what came before it
            return False
        before = self._text.strip()
        if not before or _BARE_LABEL.match(before):
            return False
        trailing = self._text[len(self._text.rstrip()) :]
        leading = text[: len(text) - len(text.lstrip())]
        if "\n" in trailing + leading:
            return True
        if self._fenced or before.startswith((_FENCE, "<")):  # code ends with its line only
            return False
        if _WIDE_SENTENCE_END.search(before):
            return True
        return bool(
            (trailing or leading) and _SENTENCE_END.search(before) and not _NOT_AN_END.search(before)
        ) and text.strip() not in (".", "…", ")", "]", "”", "’", '"', "'")


def split(texts: list[str], phases: list[Phase]) -> list[int]:
    """Step index of every token of a finished text."""
    splitter, steps = StepSplitter(), []
    for text, phase in zip(texts, phases, strict=True):
        splitter.push(text, phase)
        steps.append(splitter.index)
    return steps
