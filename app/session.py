"""What the window shows right now: one trace, one selection, one region in focus, how to draw it.

The panes know this object and not each other. It lives in the GUI thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.finder import Finder
from core.agreement import latest
from core.events import EffectsEstimated, Event, Failed, Finished, Started, TokenDecoded, fold
from core.intervals import Bounds
from core.trace import Measurement, Trace


@dataclass(frozen=True, slots=True)
class Selection:
    """The span of tokens being looked at: ``start`` to ``end`` (exclusive). One token or one step."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Display:
    """How the overlay is drawn.

    Attributes:
        opacity: 0 to 1.
        signed: show negative effects too (diverging map), or only positive ones (sequential map).
        fixed_scale: one colour scale for the whole run, or one for each selection.
        outlines: draw the outlines of regions.
        colour_map: name of a colour-blind-safe map.
        view: how effects are laid over the screenshot, an id of ``app.views.VIEWS``.
        strongest: show only so many regions, those with the strongest effects; 0 for all.
        arcs: draw arcs on the timeline to the earlier steps that the selection attended to.
    """

    opacity: float = 0.65
    signed: bool = True
    fixed_scale: bool = False
    outlines: bool = True
    colour_map: str = "default"
    view: str = "fill"
    strongest: int = 0
    arcs: bool = True


class Session(QObject):
    """State shared by the panes.

    Attributes:
        finder: what is looked for in the trace.

    Signals:
        trace_changed: another trace, or none, is shown.
        tokens_added(start, end): tokens were appended.
        effects_added(start, end): their effects are known.
        measured_changed: effects of the shown trace were measured.
        run_ended: the run of the shown trace finished, stopped or failed.
        selection_changed: the playhead moved.
        follow_changed(bool): following the live end was switched.
        region_highlighted(int): the region under the mouse changed; -1 for none.
        region_selected(int): the chosen regions changed; the one chosen last, -1 for none.
        display_changed: the overlay is to be drawn in another way.
        pinned_changed: the moment to compare with was set or let go.
    """

    trace_changed = Signal()
    tokens_added = Signal(int, int)
    effects_added = Signal(int, int)
    measured_changed = Signal()
    run_ended = Signal()
    selection_changed = Signal()
    follow_changed = Signal(bool)
    region_highlighted = Signal(int)
    region_selected = Signal(int)
    display_changed = Signal()
    pinned_changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.trace: Trace | None = None
        self.selection: Selection | None = None
        self.pinned: Selection | None = None
        self.baseline: np.ndarray | None = None
        self.display = Display()
        self.follow = True
        self.highlighted = -1
        self.selected = -1
        self._also: frozenset[int] = frozenset()
        self.finder = Finder(self)

    def set_trace(self, trace: Trace | None) -> None:
        """Show another trace (or none)."""
        self.trace = trace
        self.selection = None
        self.highlighted = self.selected = -1
        self._also = frozenset()
        self.pin(False)
        self.trace_changed.emit()
        self.selection_changed.emit()

    def exchange_trace(self, trace: Trace) -> None:
        """Show the same run with other regions: the playhead and what is chosen stay, where they can."""
        selection, chosen = self.selection, self.chosen
        self.set_trace(trace)
        if selection is not None and selection.end <= len(trace):
            self._move(selection)
        self.choose_regions(region for region in chosen if region < len(trace.region_map))

    def apply(self, events: list[Event]) -> None:
        """Fold a batch of run events into the shown trace and tell the panes once for each kind."""
        for event in events:
            if isinstance(event, Started):
                self.set_trace(event.trace)
        if self.trace is None:
            return
        first_token = len(self.trace)
        effects_start, effects_end = np.inf, 0
        ended = False
        for event in events:
            if isinstance(event, TokenDecoded | EffectsEstimated | Finished | Failed):
                fold(self.trace, event)
            if isinstance(event, EffectsEstimated):
                effects_start = min(effects_start, event.start)
                effects_end = max(effects_end, event.start + len(event.effects))
            ended = ended or isinstance(event, Finished | Failed)
        if len(self.trace) > first_token:
            self.tokens_added.emit(first_token, len(self.trace))
        if effects_end:
            self.effects_added.emit(int(effects_start), int(effects_end))
            if self.follow:
                self._move(Selection(effects_end - 1, effects_end))
        if ended:
            self._show_answer()
            self.run_ended.emit()

    def _show_answer(self) -> None:
        """Put the playhead on the whole answer if it was followed there: a last token alone says little."""
        trace = self.trace
        if not self.follow or trace is None or trace.estimated < len(trace):
            return
        answer = [token.index for token in trace.tokens if token.phase == "answer"]
        if answer:
            self._move(Selection(answer[0], len(trace)))

    def select(self, start: int, end: int | None = None) -> None:
        """Move the playhead to a token, or to a span; stops following the live end."""
        if self.trace is None or not len(self.trace):
            return
        start = max(0, min(start, len(self.trace) - 1))
        end = start + 1 if end is None else max(start + 1, min(end, len(self.trace)))
        self.set_follow(False)
        self._move(Selection(start, end))

    def select_step(self, index: int) -> None:
        """Select a whole step."""
        if self.trace is not None and self.trace.step_count:
            step = self.trace.step(max(0, min(index, self.trace.step_count - 1)))
            self.select(step.start, step.end)

    def set_follow(self, follow: bool) -> None:
        """Keep the playhead at the newest token, or leave it where it is."""
        if follow != self.follow:
            self.follow = follow
            self.follow_changed.emit(follow)
        if follow and self.trace is not None and self.trace.estimated:
            self._move(Selection(self.trace.estimated - 1, self.trace.estimated))

    def highlight(self, region_id: int) -> None:
        if region_id != self.highlighted:
            self.highlighted = region_id
            self.region_highlighted.emit(region_id)

    @property
    def chosen(self) -> tuple[int, ...]:
        """All chosen regions, the one chosen last first; most of the window looks at that one alone."""
        return () if self.selected < 0 else (self.selected, *sorted(self._also))

    def select_region(self, region_id: int) -> None:
        """Choose one region and no other; -1 for none."""
        self.choose_regions(() if region_id < 0 else (region_id,))

    def toggle_region(self, region_id: int) -> None:
        """Choose one more region, or let it go."""
        others = [other for other in self.chosen if other != region_id]
        self.choose_regions(others if region_id in self.chosen else (region_id, *others))

    def choose_regions(self, regions: Iterable[int]) -> None:
        """Choose just these regions, the most important one first."""
        first, *others = (*regions, -1)
        also = frozenset(others) - {-1, first}
        if (first, also) != (self.selected, self._also):
            self.selected, self._also = first, also
            self.region_selected.emit(first)

    def set_display(self, **changes: Any) -> None:
        """Change fields of ``display``."""
        display = replace(self.display, **changes)
        if display != self.display:
            self.display = display
            self.display_changed.emit()

    def pin(self, on: bool) -> None:
        """Keep the selected moment to compare others with it, or let it go."""
        pinned = self.selection if on else None
        if pinned != self.pinned:
            self.pinned = pinned
            self.pinned_changed.emit()

    def set_baseline(self, effects: np.ndarray | None) -> None:
        """Show effects less these, float32 [regions] in nats, of another run; None for as they are."""
        if effects is not None or self.baseline is not None:
            self.baseline = effects
            self.pinned_changed.emit()

    @property
    def comparing(self) -> bool:
        """Whether differences are shown."""
        return self.pinned is not None or self.baseline is not None

    def compared_effects(self) -> np.ndarray | None:
        """Estimated effects of the selection less those of the pinned moment or of another run.

        float32 [regions], nats. Those of the selection while nothing is compared; None for nothing to show.
        """
        effects = self.selected_effects()
        if effects is not None and self.baseline is not None:
            return effects - self.baseline
        if effects is None or self.pinned is None or self.trace is None:
            return effects
        return effects - self.trace.span_effects(self.pinned.start, self.pinned.end)

    def selected_effects(self) -> np.ndarray | None:
        """Estimated effects of the selection, float32 [regions], nats; None when there is nothing to show."""
        if self.trace is None or self.selection is None:
            return None
        if self.selection.start >= self.trace.estimated:
            return None
        return self.trace.span_effects(self.selection.start, self.selection.end)

    def selected_bounds(self) -> Bounds | None:
        """Intervals of ``selected_effects``, float32 [regions] each, nats; None where there are none."""
        if self.trace is None or self.selection is None:
            return None
        return self.trace.span_bounds(self.selection.start, self.selection.end)

    def add_measurements(self, trace: Trace, measured: Sequence[Measurement]) -> None:
        """Keep what was measured of a trace, and show it if that trace is shown."""
        trace.measured += measured
        if trace is self.trace:
            self.measured_changed.emit()

    def selected_measurement(self) -> Measurement | None:
        """The latest measurement of just the selected span."""
        if self.trace is None or self.selection is None:
            return None
        return latest(self.trace).get((self.selection.start, self.selection.end))

    def _move(self, selection: Selection) -> None:
        if selection != self.selection:
            self.selection = selection
            self.selection_changed.emit()
