"""Changes of the open screenshot's regions: made in the background, shown at once, undone and done again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakSet

from PySide6.QtCore import QObject, Signal, Slot

from app.edit_history import EditHistory
from app.edit_targets import Targets, renumbered
from app.engine import EngineLike
from app.mask_prompts import MaskPrompts, Then
from app.reattributor import Reattributor
from app.run_state import RunState
from app.worker import Context, Problem, Worker
from core import region_edits
from core.granularity import at_granularity, without_small
from core.reattribution import edited_by_hand
from core.regions import RegionMap
from core.trace import Identity

if TYPE_CHECKING:
    from app.controller import Controller

_NOT_NOW = "Regions can be changed when they are found and no run goes on."
_AFTER_CALIBRATION = (
    "The model is being calibrated. The effects of the changed regions are estimated when that has ended."
)

Edit = Callable[[RegionMap], RegionMap]
EditOf = Callable[[RegionMap, tuple[int, ...]], RegionMap]
"""Gets the ids of the regions that it is for."""
Choose = Callable[[RegionMap], tuple[int, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """A region map and how it came about.

    Attributes:
        segmenter: who found the regions.
        whole: the map before it was made coarser; None where it was not.
        granularity: how much of its depth is kept, as in ``core.granularity``.
        least: visual tokens that a region has to fill.
    """

    region_map: RegionMap
    segmenter: Identity
    whole: RegionMap | None = None
    granularity: str = "fine"
    least: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    """A change that was worked out; ``choose`` are the regions to choose now, None for those of before."""

    text: str
    before: Regions
    after: Regions
    choose: tuple[int, ...] | None


@dataclass(frozen=True, slots=True, eq=False)
class _Wish:
    """A change that is to be made; the functions run in another thread.

    Attributes:
        make: gets the regions there are, and the ids of those that the change is for.
        choose: tells which regions to choose then; None for those that are chosen already.
        targets: the regions that the change is for, None for no certain ones.
        needed: without so many of them, nothing is done.
        otherwise: what is said then; "" for nothing.
    """

    text: str
    make: Callable[[Regions, tuple[int, ...]], Regions]
    choose: Choose | None = None
    targets: Targets | None = None
    needed: int = 0
    otherwise: str = ""


class RegionEditor(QObject):
    """Knows the regions that are shown now, and the ones before.

    Attributes:
        history: what can be undone.
        reattributor: brings the effects of an open run up to date.
        prompts: asks SAM.

    Signals:
        changed: the regions, what can be undone, or whether editing is possible changed.
        replaced: other regions are shown that no edit here made; what was begun over those of before is void.
        said(text, level): something to tell the person.
    """

    changed = Signal()
    replaced = Signal()
    said = Signal(str, str)

    def __init__(self, controller: Controller, engine: EngineLike, models: Worker) -> None:
        super().__init__(controller)
        self._controller = controller
        self._session, self._engine = controller.session, engine
        self._worker = Worker("edits", self)
        self._worker.delivered.connect(self._hear)
        self._waiting: deque[_Wish | str] = deque()
        self._working = False
        self._state: Regions | None = None
        self._targets: WeakSet[Targets] = WeakSet()
        self.history: EditHistory[Regions] = EditHistory()
        self.reattributor = Reattributor(
            self._session,
            engine,
            models,
            lambda: controller.trace_path,
            lambda: _AFTER_CALIBRATION if controller.calibrator.busy else "",
            self,
        )
        self.prompts = MaskPrompts(engine, self)
        for part in (self.reattributor, self.prompts):
            part.said.connect(self.said)
            part.changed.connect(self.changed)
        controller.scene_opened.connect(self._scene_changed)
        controller.regions_found.connect(self._scene_changed)
        controller.state_changed.connect(self.changed)

    @property
    def regions(self) -> RegionMap | None:
        """The regions of the open screenshot, None while they are not known."""
        scene = self._controller.scene
        return None if scene is None else scene.region_map

    @property
    def state(self) -> Regions | None:
        """The same, and how they came about."""
        scene = self._controller.scene
        if scene is None or scene.region_map is None:
            return None
        if self._state is not None and self._state.region_map is scene.region_map:
            return self._state
        return Regions(scene.region_map, scene.segmenter or Identity("unknown"))

    @property
    def possible(self) -> bool:
        """Whether regions may be changed now: they are known, and no run goes on."""
        trace = self._session.trace
        running = trace is not None and trace.status == "running"
        return self.regions is not None and self._controller.state is RunState.IDLE and not running

    @property
    def busy(self) -> bool:
        """Whether SAM's answer or effects are waited for: what ``cancel`` stops."""
        return self.prompts.busy or self.reattributor.busy

    def names(self, ids: Iterable[int]) -> str:
        """Names of regions for a sentence, such as "button and text 2"."""
        assert self.regions is not None
        named = [self.regions.regions[region].name for region in ids]
        if len(named) > 3:
            return f"{len(named)} regions"
        return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)

    def targets(self, ids: Iterable[int]) -> Targets:
        """Regions for ``apply_to``, now or later: they are kept track of as long as somebody holds this."""
        ids = tuple(ids)
        targets = Targets(ids, self.names(ids))
        self._targets.add(targets)
        return targets

    def apply(self, text: str, edit: Edit, choose: Choose | None = None) -> None:
        """Change the regions as soon as earlier changes are made.

        Args:
            text: what the change is called in the menu, such as "new region".
            edit: takes the regions and returns new ones, or raises InputError; runs in another thread.
            choose: tells which of the new regions are to be chosen; those that are stay so if left out.
        """

        def make(before: Regions, _ids: tuple[int, ...]) -> Regions:
            return Regions(edit(before.region_map), edited_by_hand(before.segmenter))

        self._wish(_Wish(text, make, choose))

    def apply_to(
        self,
        targets: Targets,
        text: str,
        edit: EditOf,
        choose: Choose | None = None,
        needed: int = 1,
        otherwise: str = "",
    ) -> None:
        """As ``apply``, for certain regions, whatever ids earlier changes leave them with.

        Where fewer than ``needed`` of them are left by then, nothing is changed, and ``otherwise`` is said.
        """

        def make(before: Regions, ids: tuple[int, ...]) -> Regions:
            return Regions(edit(before.region_map, ids), edited_by_hand(before.segmenter))

        self._wish(_Wish(text, make, choose, targets, needed, otherwise))

    def put(self, region_map: RegionMap, segmenter: Identity) -> None:
        """Take regions that were found in another way; undoing brings back those of before."""
        self._wish(_Wish(f"regions by {segmenter.name}", lambda _now, _ids: Regions(region_map, segmenter)))

    def coarsen(self, granularity: str | None = None, least: float | None = None) -> None:
        """Show fewer regions, or more again: what a hand changed before is the finest there is.

        Args:
            granularity: "coarse", "medium" or "fine"; as it is if left out.
            least: visual tokens that a region has to fill; as it is if left out.
        """
        now, trace, engine = self.state, self._session.trace, self._engine
        if now is None:
            return
        kept = now.granularity if granularity is None else granularity
        tokens = now.least if least is None else least
        known = None if trace is None else trace.details.get("visual_tokens")

        def make(before: Regions, _ids: tuple[int, ...]) -> Regions:
            whole = before.whole or before.region_map
            size = (whole.width, whole.height)
            each = size[0] * size[1] / (int(known) if known else engine.visual_tokens(*size))
            shown = without_small(at_granularity(whole, kept), tokens * each)
            return Regions(shown, before.segmenter, whole, kept, tokens)

        text = f"{kept} regions" if granularity is not None else "least size of regions"
        self._wish(_Wish(text, make))

    def ask(self, prompt: tuple[int, ...], then: Then) -> None:
        """Ask SAM what is at a point (x, y) or in a box (x0, y0, x1, y1); as ``MaskPrompts.ask``."""
        scene = self._controller.scene
        if scene is None or not self.possible:
            self.said.emit(_NOT_NOW, "warning")
            return
        inside = 0 <= prompt[0] < scene.screenshot.width and 0 <= prompt[1] < scene.screenshot.height
        if len(prompt) == 4 or inside:
            self.prompts.ask(scene.screenshot, self._controller.segmenter_name, prompt, then)

    def cancel(self) -> bool:
        """Stop asking SAM or waiting for effects, at once; returns whether there was anything to stop."""
        return self.prompts.cancel() or self.reattributor.cancel()

    def merge(self) -> None:
        """Make one region of the chosen ones."""
        chosen = self._chosen(2, "Choose two or more regions to merge: click one, then others with Ctrl.")
        if chosen is not None:
            self.apply_to(chosen, f"merge of {chosen.names}", region_edits.merge, needed=2)

    def delete(self) -> None:
        """Give the chosen regions to what is around them."""
        chosen = self._chosen(1, "Choose a region to delete: click it.")
        if chosen is not None:

            def edit(regions: RegionMap, ids: tuple[int, ...]) -> RegionMap:
                for region in sorted(ids, reverse=True):  # lower ids stay what they are
                    regions = region_edits.delete(regions, region)
                return regions

            self.apply_to(chosen, f"deletion of {chosen.names}", edit)

    def rename(self, region: Targets, name: str) -> None:
        """Give a region another name."""
        self.apply_to(
            region,
            f"new name of {region.names}",
            lambda regions, ids: region_edits.rename(regions, ids[0], name),
            otherwise=gone(region),
        )

    @Slot()
    def undo(self) -> None:
        """Take the last change back."""
        self._waiting.append("undo")
        self._next()

    @Slot()
    def redo(self) -> None:
        """Make the change again that was undone last."""
        self._waiting.append("redo")
        self._next()

    def close(self, timeout: float) -> bool:
        """End the thread, and write what is not written yet; False when the thread is stuck."""
        ended = [worker.close(timeout) for worker in (self._worker, self.prompts)]
        self.reattributor.close()
        return all(ended)

    def _chosen(self, least: int, otherwise: str) -> Targets | None:
        """The chosen regions if they are enough; otherwise says what to do."""
        chosen = self._session.chosen
        if len(chosen) >= least and self.regions is not None:
            return self.targets(sorted(chosen))
        self.said.emit(otherwise, "info")
        return None

    def _wish(self, wish: _Wish) -> None:
        if self.possible:
            self._waiting.append(wish)
            self._next()
        else:
            self.said.emit(_NOT_NOW, "warning")

    def _next(self) -> None:
        """Begin what waits, if nothing is being worked out."""
        while self._waiting and not self._working:
            wish = self._waiting.popleft()
            state = self.state
            if not self.possible or state is None:
                continue
            if wish == "undo" and self.history.undo_text:
                self._show(self.history.undo())
            elif wish == "redo" and self.history.redo_text:
                self._show(self.history.redo())
            elif isinstance(wish, _Wish):
                self._work_out(wish, state)

    def _work_out(self, wish: _Wish, before: Regions) -> None:
        text, make, choose = wish.text, wish.make, wish.choose
        ids = () if wish.targets is None else wish.targets.ids
        if len(ids) < wish.needed:
            if wish.otherwise:
                self.said.emit(wish.otherwise, "info")
            return
        self._working = True

        def job(context: Context) -> None:  # does without the wish: its targets belong to the GUI thread
            after = make(before, ids)
            context.post(_Made(text, before, after, None if choose is None else choose(after.region_map)))

        self._worker.submit(job)

    @Slot(object)
    def _hear(self, batch: list[object]) -> None:
        for message in batch:
            match message:
                case _Made(text=text, before=before, after=after, choose=choose):
                    self._working = False
                    if before.region_map is self.regions and self.possible:
                        self.history.push(text, before, after)
                        self._show(after, choose)
                case Problem(message=text, expected=expected):
                    self._working = False
                    self.said.emit(text, "info" if expected else "error")
        self._next()

    def _show(self, regions: Regions, choose: tuple[int, ...] | None = None) -> None:
        """Show other regions of the same screenshot; choose some of them, or leave those chosen that are."""
        controller, session, before = self._controller, self._session, self.state
        assert controller.scene is not None
        assert before is not None
        same = regions.segmenter.name == before.segmenter.name  # else equal names are a coincidence
        new = renumbered(before.region_map, regions.region_map) if same else {}
        for targets in self._targets:
            targets.renumber(new)
        if choose is None:
            choose = tuple(new[region] for region in session.chosen if region in new)
        self._state = regions
        controller.scene = replace(
            controller.scene, region_map=regions.region_map, segmenter=regions.segmenter
        )
        session.highlight(-1)
        session.choose_regions(())
        controller.regions_found.emit()
        self.reattributor.show(regions.region_map, regions.segmenter)
        session.choose_regions(choose)
        self.changed.emit()

    @Slot()
    def _scene_changed(self) -> None:
        """What was changed of other regions cannot be undone here."""
        if self._state is None or self.regions is not self._state.region_map:
            self._state = None
            self.history.clear()
            self._waiting.clear()
            for targets in self._targets:
                targets.renumber({})
            self.prompts.cancel()
            self.replaced.emit()
            self.changed.emit()


def gone(targets: Targets) -> str:
    """What to say when a region that something was to be done with is no longer there."""
    return f"“{targets.names}” is no longer there. Choose another region."
