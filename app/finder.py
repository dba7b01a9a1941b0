"""What is looked for in the reasoning: words, steps of a kind, tokens that rest on the chosen region."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal, Slot

from core.links import StepFilter, least_effect, passing, rests_on
from core.search import find

if TYPE_CHECKING:
    from app.session import Session

REFRESH_MS = 200
"""While a run goes on, what is found is brought up to date this often."""

Span = tuple[int, int]


class Finder(QObject):
    """Looks in the session's trace, and moves the playhead between what it finds.

    Attributes:
        query: words to look for, "" for none.
        filter: which steps to show.
        passing: bool [steps], those that the filter keeps; None while it keeps all.
        matches: token spans of the words in steps that are kept.
        resting: int [n], tokens that rest on the chosen region.

    Signals:
        changed: any of these is another.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self.query = ""
        self.filter = StepFilter()
        self.passing: np.ndarray | None = None
        self.matches: list[Span] = []
        self.resting = np.zeros(0, np.intp)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        session.trace_changed.connect(self.refresh)
        session.tokens_added.connect(self._grown)
        session.effects_added.connect(self._grown)
        session.run_ended.connect(self.refresh)
        session.region_selected.connect(self.refresh)

    @property
    def results(self) -> list[Span]:
        """What next and previous walk through: the words, or without any the steps that the filter keeps."""
        if self.query.strip():
            return self.matches
        trace = self._session.trace
        if trace is None or self.passing is None:
            return []
        return [(step.start, step.end) for step in map(trace.step, np.flatnonzero(self.passing).tolist())]

    def set_query(self, text: str) -> None:
        """Look for other words."""
        if text != self.query:
            self.query = text
            self.refresh()

    def set_filter(self, wanted: StepFilter) -> None:
        """Show other steps."""
        if wanted != self.filter:
            self.filter = wanted
            self.refresh()

    def step(self, delta: int) -> None:
        """Move the playhead to the next (1) or previous (-1) result, round the ends."""
        self._walk(self.results, delta)

    def step_on_region(self, delta: int) -> None:
        """Move the playhead to the next (1) or previous (-1) token that rests on the chosen region."""
        self._walk([(int(i), int(i) + 1) for i in self.resting], delta)

    def position(self) -> tuple[int, int]:
        """Which of ``results`` the playhead is on, from 1 (0: on none), and how many there are."""
        return self._position(self.results)

    def position_on_region(self) -> tuple[int, int]:
        """The same of ``resting``."""
        selection, count = self._session.selection, len(self.resting)
        if selection is None or selection.end - selection.start != 1:
            return 0, count
        place = int(np.searchsorted(self.resting, selection.start))
        return (place + 1 if place < count and self.resting[place] == selection.start else 0), count

    @Slot()
    def refresh(self) -> None:
        """Look again."""
        self._timer.stop()
        trace, region = self._session.trace, self._session.selected
        self.passing, self.matches, self.resting = None, [], np.zeros(0, np.intp)
        if trace is not None:
            if self.filter.kind != "all" and not (self.filter.kind == "region" and region < 0):
                self.passing = passing(trace, self.filter, region)
            known = trace.effects[: trace.estimated]
            self.resting = np.flatnonzero(rests_on(known, region, least_effect(trace)))
            kept = self.passing
            self.matches = [
                span
                for span in find(trace.tokens, self.query)
                if kept is None or kept[trace.tokens[span[0]].step]
            ]
        self.changed.emit()

    @Slot()
    def _grown(self) -> None:
        active = self.query or self.filter.kind != "all" or self._session.selected >= 0
        if active and not self._timer.isActive():
            self._timer.start()

    def _position(self, spans: list[Span]) -> tuple[int, int]:
        selection = self._session.selection
        if selection is not None:
            place = bisect_left(spans, (selection.start, selection.end))
            if place < len(spans) and spans[place] == (selection.start, selection.end):
                return place + 1, len(spans)
        return 0, len(spans)

    def _walk(self, spans: list[Span], delta: int) -> None:
        if not spans:
            return
        selection = self._session.selection
        here = (selection.start, selection.end) if selection is not None else (-1, -1)
        place = bisect_right(spans, here) if delta > 0 else bisect_left(spans, here) - 1
        self._session.select(*spans[place % len(spans)])
