"""Telling thinking from answer, token by token, and taking the markers out of the text."""

from __future__ import annotations

from typing import Literal

from core.thinking import Markers
from core.trace import Phase

_State = Literal["start", "label", "thinking", "answer"]


class PhaseReader:
    """Reads one run's tokens in order. A marker belongs to the thinking it delimits.

    Most tokenizers have one token for each marker; those are told by their ids, wherever they come. Some
    spell a marker with several tokens whose borders depend on what follows; those are told by their letters,
    and only where they belong: the opening one first of all, the closing one in the thinking, silent ones in
    the answer.
    """

    def __init__(self, markers: Markers) -> None:
        self._markers = markers
        self._state: _State = "thinking" if markers.opened else "start"
        self._held = ""

    def push(self, token_id: int, text: str) -> tuple[Phase, str]:
        """The phase of the next token, and the text to show for it.

        Letters that may yet turn out to be a marker are held back, and shown with a later token if not.
        """
        markers = self._markers
        if token_id == markers.open:
            self._state = "label"
        before = self._state
        self._held += text
        shown = self._release()
        thinking = {before, self._state} & {"label", "thinking"} or self._state == "start"
        if token_id == markers.close:
            shown, self._held, self._state = shown + self._held, "", "answer"
        return "thinking" if thinking else "answer", shown

    def _release(self) -> str:
        """What of the held text is certainly no marker; moves on when a marker is complete."""
        markers = self._markers
        if self._state == "start":
            begun, spelled = self._held.lstrip(), markers.spelled_open
            if spelled and begun.startswith(spelled):
                self._state, self._held = "label", begun[len(spelled) :]
            elif spelled.startswith(begun) and spelled:
                return ""
            else:
                self._state = "answer"
        if self._state == "label":
            if markers.label.startswith(self._held) and self._held != markers.label:
                return ""
            self._state, self._held = "thinking", self._held.removeprefix(markers.label)
        if self._state == "thinking":
            if markers.spelled_close and markers.spelled_close in self._held:
                before, _, self._held = self._held.partition(markers.spelled_close)
                self._state = "answer"
                return before + self._release()
            return self._all_but_beginnings((markers.spelled_close,))
        for marker in markers.spelled_silent:
            self._held = self._held.replace(marker, "")
        return self._all_but_beginnings(markers.spelled_silent)

    def _all_but_beginnings(self, markers: tuple[str, ...]) -> str:
        """The held text without an end with which one of ``markers`` may begin; that end stays held."""
        keep = max((_overlap(self._held, marker) for marker in markers), default=0)
        cut = len(self._held) - keep
        shown, self._held = self._held[:cut], self._held[cut:]
        return shown


def _overlap(text: str, marker: str) -> int:
    """Length of the longest end of ``text`` with which ``marker`` may begin."""
    return next((n for n in range(min(len(text), len(marker) - 1), 0, -1) if text.endswith(marker[:n])), 0)
