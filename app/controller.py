"""What the window does: open, find regions, run over them. Knows the workers and the session, and no widget.

Workers, so that one kind of work does not wait for another: ``files`` opens pictures and finds
their regions, ``app.runner`` has the models; ``app.background`` does what else takes time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal, Slot

from app.background import Background
from app.batch import BatchItem
from app.calibrating import Wish
from app.calibrator import Calibrator
from app.engine import EngineLike
from app.finding import FellBack, Glimpse, find_regions, glimpse
from app.region_editor import RegionEditor
from app.run_state import RunState
from app.runner import Runner, RunWish
from app.scene import Opened, Scene, known_truth, read
from app.segmenter_names import title
from app.session import Session
from app.verifier import Verifier
from app.worker import CLOSE_SECONDS, Context, Problem, Worker
from core.events import Stage
from core.trace import Identity, Sampling
from models.checkpoint import Loading

_KEPT = "You changed the regions while SAM looked, so yours stay."
_FIRST_EFFECTS = (
    "The effects of the changed regions are not known yet. Wait for them, or choose Estimate Effects Again, "
    "then measure."
)
_CALIBRATING = (
    "The model is being calibrated. Wait, or cancel it (Run, Calibrate This Model): what it collected "
    "is kept."
)


@dataclass(frozen=True, slots=True, eq=False)
class _Ablated:
    """What to run over in place of the open screenshot, and the wish that it was made for."""

    wish: RunWish
    scene: Scene


class Controller(QObject):
    """Opens screenshots and traces, has their regions found, and what is wished for run over them.

    Attributes:
        session: what the panes show.
        runner: runs the model in use.
        verifier: measures steps of the shown trace.
        background: exports, previews and what else a person asks for beside a run.
        calibrator: fits an estimator for the model in use.
        editor: changes the regions.
        scene: what is open, or None.
        state: what the run is doing, see ``app.runner``.
        trace_path: file of the shown trace, or None.
        finding: whether regions are being looked for.
        runs: folder that new traces go to.

    Signals:
        scene_opened: another screenshot or trace is open.
        regions_found: the regions of the screenshot are known.
        state_changed: see ``state``, ``finding`` and ``cancellable``.
        stage_changed(text, fraction): something takes time; "" when nothing does, fraction may be None.
        said(text, level): something to tell the person.
        segmenter_fell_back(str): the chosen segmenter cannot be used or was given up, and this one is.
        file_opened(str): a file was opened, for the list of recent ones.
    """

    scene_opened = Signal()
    regions_found = Signal()
    state_changed = Signal()
    stage_changed = Signal(str, object)
    said = Signal(str, str)
    segmenter_fell_back = Signal(str)
    file_opened = Signal(str)

    def __init__(self, engine: EngineLike, runs: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.session = Session(self)
        self.scene: Scene | None = None
        self.trace_path: Path | None = None
        self.segmenters = engine.segmenters
        self.segmenter_name = engine.segmenters[0]
        self._engine = engine
        self.runs = runs
        self._files = Worker("files", self)
        self._files.delivered.connect(self._hear_files)
        self._files.busy_changed.connect(self._files_busy)
        self.runner = Runner(self.session, engine, self)
        self.runner.state_changed.connect(self._state_changed)
        self.runner.stage_changed.connect(self._models_stage)
        self.runner.begun.connect(self._begun)
        self.runner.failed_before.connect(self._failed_before)
        self.runner.said.connect(self.said)
        self.background = Background(self)
        self.background.stage_changed.connect(self._background_stage)
        self.background.said.connect(self.said)
        self.verifier = Verifier(
            self.session,
            engine,
            self.runner.worker,
            lambda: self.trace_path,
            self._hold_measuring,
            self,
        )
        self.verifier.said.connect(self.said)
        self.calibrator = Calibrator(engine, self.runner.worker, self)
        self.calibrator.said.connect(self.said)
        self.calibrator.installed.connect(self.runner.warm_up)
        self.editor = RegionEditor(self, engine, self.runner.worker)
        self.editor.said.connect(self.said)
        self._stages: dict[str, tuple[str, float | None]] = {}
        self.finding = False
        self._opening = False  # while it is, files has nothing else to do: what is shown may change
        self._search_due = False
        self._segmenter_before = ""  # whose regions there are while others are found or due
        self._glimpse: Scene | None = None

    @property
    def state(self) -> RunState:
        return self.runner.state

    def use_model(self, name: str, loading: Loading) -> None:
        """Load another model in place of the one in use; not while a run goes on."""
        if self.state is not RunState.IDLE:
            self.said.emit("A run goes on. Stop it, then choose the model again.", "warning")
            return
        if self._calibrating():
            return
        self.runner.use_model(name, loading)

    def calibrate(self, wish: Wish) -> None:
        """Fit an estimator for the model in use; not while a run goes on."""
        if self.state is RunState.IDLE:
            self.calibrator.start(wish)

    def _calibrating(self) -> bool:
        """Whether a calibration has the model; tells the person so."""
        if self.calibrator.busy:
            self.said.emit(_CALIBRATING, "warning")
        return self.calibrator.busy

    def _hold_measuring(self) -> str:
        """Why nothing can be measured just now, or "": it might wait for hours until the model is free."""
        if self.calibrator.busy:
            return _CALIBRATING
        if self.runner.batching:
            return "A folder is being run. Measure when that has ended, or stop it."
        if self.state is not RunState.IDLE:
            return "A run goes on. Measure when it has ended."
        return _FIRST_EFFECTS if self.editor.reattributor.missing else ""

    def open(self, path: Path) -> None:
        """Open a screenshot or a trace file; once it is read, a run in progress ends and is kept."""
        self._stage("files", f"Opening {path.name}")
        self._open(lambda: read(path))

    def open_pixels(self, pixels: np.ndarray, name: str) -> None:
        """Use an image in memory, uint8 [H, W, 3 or 4], such as a pasted one."""
        from core.screenshot import from_array

        def opened() -> Opened:
            screenshot = from_array(pixels, name)
            return Opened(Scene(screenshot, truth=known_truth(screenshot)))

        self._open(opened)

    def _open(self, opened: Callable[[], Opened]) -> None:
        """Read what is to be shown, before all else that is to be done with what is shown now."""
        self._files.drop()
        self._opening = True
        self._search_due = self._search_due or self.finding
        self._set_finding(False)
        self.state_changed.emit()  # it can be cancelled
        self._files.submit(lambda context: context.post(opened()))

    def _not_opened(self) -> None:
        """What was open stays: do what waited until that was known."""
        self._opening = False
        self.state_changed.emit()
        if self.runner.wish is not None:
            self._fulfil(self.runner.wish)
        elif self._search_due and self.state is RunState.IDLE:
            self._find_regions()

    def set_segmenter(self, name: str) -> None:
        """Find the regions of the open screenshot in another way, when a run that goes on has ended.

        The regions of before stay until then, and can be brought back by undoing. Choosing theirs again while
        the search is still to begin takes it back.
        """
        if name == self.segmenter_name:
            return
        before, self.segmenter_name = self.segmenter_name, name
        if self.scene is None:
            return
        if self._search_due and name == self._segmenter_before:
            self._search_due, self._segmenter_before = False, ""
            self.said.emit("The regions stay as they are.", "info")
            return
        if self.scene.region_map is not None and not (self.finding or self._search_due):
            self._segmenter_before = before
        if self.scene is not self._glimpse:
            self._glimpse = None  # a hand changed what OpenCV saw, but the person wants others now
        if self._opening:
            self._search_due = True
        elif self.finding or self.state is RunState.IDLE:
            self._files.drop()
            self._find_regions()
        else:
            self._search_later()

    def _search_later(self) -> None:
        """Find the regions of the open screenshot as soon as no run goes on."""
        self._search_due = True
        text = f"A run goes on. When it has ended, regions are found by {title(self.segmenter_name)}."
        self.said.emit(text, "info")

    @property
    def cancellable(self) -> bool:
        """Whether something other than a run goes on that ``cancel_or_stop`` ends."""
        return self.editor.busy or ((self._opening or self.finding) and self.state is RunState.IDLE)

    def cancel_or_stop(self) -> None:
        """End what is waited for, or else the run."""
        if not (self.editor.cancel() or self._cancel_opening() or self.cancel_finding()):
            self.runner.stop()

    def _cancel_opening(self) -> bool:
        """Leave open what is, at once. Returns whether something else was being opened."""
        if not self._opening or self.state is not RunState.IDLE:
            return False
        self._files.drop()
        self._stage("files")
        self.said.emit("Stopped opening. What was open before stays.", "info")
        self._not_opened()
        return True

    def cancel_finding(self) -> bool:
        """Stop looking for regions, at once; what was there before stays. Returns whether it was going on."""
        if not self.finding or self.state is not RunState.IDLE:
            return False
        self._files.drop()
        self._set_finding(False)
        self._glimpse = None
        self._put_segmenter_back()
        self._stage("files")
        there = self.scene is not None and self.scene.region_map is not None
        kept = "The regions of before stay." if there else "Run looks for them again."
        self.said.emit(f"Stopped looking for regions. {kept}", "info")
        return True

    def run(self, prompt: str, sampling: Sampling, pace: float | None) -> None:
        """Start a run over the open screenshot, as soon as its regions are known."""
        if self.state is not RunState.IDLE or self.scene is None:
            return
        if not prompt.strip():
            self.said.emit("The question is empty. Type one, or choose one from the list.", "error")
            return
        if self._calibrating():
            return
        wish = RunWish(prompt.strip(), sampling, pace)
        self.runner.wait(wish)
        self._fulfil(wish)

    def _fulfil(self, wish: RunWish) -> None:
        """Start what was wished for, or see to what it waits for."""
        scene = self.scene
        assert scene is not None
        kept = self._glimpse is not None and scene is not self._glimpse  # as a hand changed them
        if wish.hiding is not None:
            self._hide(wish, *wish.hiding)
        elif scene.region_map is not None and (kept or not (self.finding or self._search_due)):
            self.runner.start(scene, self.runs)
        elif self._opening:
            self._search_due = True
        elif not self.finding:
            self._find_regions()

    def run_without(self, region_id: int) -> None:
        """Ask the question of the shown trace again, with one region filled with its surrounding colour."""
        trace, scene = self.session.trace, self.scene
        if self.state is not RunState.IDLE or trace is None or scene is None or self._calibrating():
            return
        if self.finding:
            self._files.drop()  # they are regions of the screenshot that still has this one
            self._search_later()
        self._set_finding(False)
        over = Scene(trace.screenshot, trace.region_map, trace.segmenter, scene.truth)
        wish = RunWish(trace.prompt, trace.sampling, None, (over, region_id))
        self.runner.wait(wish)
        if not self._opening:
            self._hide(wish, over, region_id)

    def _hide(self, wish: RunWish, scene: Scene, region_id: int) -> None:
        """Make the screenshot that is wished for, without one of its regions."""
        region_map, name = scene.region_map, scene.screenshot.name
        assert region_map is not None
        region = region_map.regions[region_id].name
        self._stage("files", f"Hiding {region}")

        def job(context: Context) -> None:
            from core.ablation import ablate_pixels
            from core.screenshot import from_array

            keep = np.arange(len(region_map)) != region_id
            pixels = ablate_pixels(scene.screenshot.pixels, region_map, keep)
            shot = from_array(pixels, f"{name} without {region}")
            context.post(_Ablated(wish, replace(scene, screenshot=shot)))

        self._files.submit(job)

    def run_batch(self, items: Sequence[BatchItem], sampling: Sampling) -> None:
        """Run many screenshots, one trace each; what is shown stays. Nothing to do while a run goes on."""
        if self.state is RunState.IDLE and not self._calibrating():
            self.runner.start_batch(items, sampling, self.segmenter_name)

    def close(self) -> bool:
        """End everything and wait for the threads; False when one is stuck. What was run is kept."""
        self.runner.interrupt()
        self.calibrator.cancel()
        deadline = time.monotonic() + CLOSE_SECONDS
        workers = (self.runner.worker, self._files, self.background)
        for worker in workers:
            worker.drop()
        ended = [worker.close(max(0.0, deadline - time.monotonic())) for worker in workers]
        return self.editor.close(max(0.0, deadline - time.monotonic())) and all(ended)

    def _show(self, opened: Opened) -> None:
        self._glimpse = None
        self._opening = self._search_due = False  # what waited is for what was open before
        self._segmenter_before = ""
        self.runner.let_go()
        self.scene = opened.scene
        self.trace_path = opened.path if opened.trace is not None else None
        self.session.set_trace(opened.trace)
        self.scene_opened.emit()
        if opened.trace is not None:
            self.session.select(0)
        if opened.path is not None:
            self.file_opened.emit(str(opened.path))
        if opened.scene.region_map is None:
            self._find_regions()

    def _find_regions(self) -> None:
        scene, engine, name = self.scene, self._engine, self.segmenter_name
        assert scene is not None
        self._search_due = False
        self._stage("files", "Finding regions")
        self._set_finding(True)

        def job(context: Context) -> None:
            if scene.region_map is None and (
                first := glimpse(engine, scene.screenshot, name, context.cancelled)
            ):
                context.post(first)
            region_map, identity = find_regions(
                engine,
                scene.screenshot,
                name,
                lambda text, part: context.post(Stage(0, text, part)),
                context.cancelled,
                context.post,
            )
            context.post(replace(scene, region_map=region_map, segmenter=identity))

        self._files.submit(job)

    @Slot(object)
    def _hear_files(self, batch: list[object]) -> None:
        for message in batch:
            match message:
                case Stage(text=text, fraction=fraction):
                    self._stage("files", text, fraction)
                case Opened():
                    self._show(message)
                case Glimpse(region_map=region_map, segmenter=segmenter):
                    assert self.scene is not None
                    self.scene = self._glimpse = replace(
                        self.scene, region_map=region_map, segmenter=segmenter
                    )
                    self.regions_found.emit()
                case Scene() if self.scene is not None and message.screenshot is self.scene.screenshot:
                    self._set_finding(False)
                    self._take_regions(message)
                    if self.runner.wish is not None:
                        self.runner.start(message, self.runs)
                case _Ablated(wish=wish, scene=scene) if wish is self.runner.wish:
                    self.runner.start(scene, self.runs)
                case FellBack(text=text, segmenter=instead):
                    self.segmenter_name = instead
                    self.said.emit(text, "warning")
                    self.segmenter_fell_back.emit(instead)
                case Problem(message=text) if self._opening:
                    self.said.emit(text, "error")
                    self._not_opened()
                case Problem(message=text):
                    self._set_finding(False)
                    self._glimpse = None
                    if not self._search_due:
                        self._put_segmenter_back()
                    self.said.emit(text, "error")
                    self.runner.give_up()

    def _take_regions(self, found: Scene) -> None:
        """Show regions that were found; in place of others of the same screenshot, as a change of those."""
        now, seen = self.scene, self._glimpse
        self._glimpse = None
        if seen is not None and now is not None and now is not seen and now.screenshot is seen.screenshot:
            self.said.emit(_KEPT, "info")  # what a hand made of what OpenCV saw
        elif now is None or now.region_map is None or now is seen:
            self.session.highlight(-1)  # the ids of what OpenCV saw mean other regions now
            self.session.choose_regions(())
            self.scene = found
            self.regions_found.emit()
        elif found.region_map is not None and self.editor.possible:
            self.editor.put(found.region_map, found.segmenter or Identity("unknown"))
        elif self.runner.wish is None:  # else the run that waits for them shows them with its trace
            self._search_later()
        if not (self.finding or self._search_due):
            self._segmenter_before = ""  # else another search is to come, and may come to nothing

    def _put_segmenter_back(self) -> None:
        """Name the segmenter whose regions stay after a search that came to nothing: the other can be chosen
        again."""
        before, self._segmenter_before = self._segmenter_before, ""
        if before:
            self.segmenter_name = before
            self.segmenter_fell_back.emit(before)

    def _set_finding(self, finding: bool) -> None:
        if finding != self.finding:
            self.finding = finding
            self.state_changed.emit()

    @Slot(bool)
    def _files_busy(self, busy: bool) -> None:
        if not busy:
            self._stage("files")

    @Slot(str, object)
    def _models_stage(self, text: str, fraction: float | None) -> None:
        self._stage("models", text, fraction)

    @Slot(str, object)
    def _background_stage(self, text: str, fraction: float | None) -> None:
        self._stage("background", text, fraction)

    def _stage(self, worker: str, text: str = "", fraction: float | None = None) -> None:
        """Note what a worker is at, "" for nothing, and tell what to show: the newest of all workers."""
        self._stages.pop(worker, None)
        if text:
            self._stages[worker] = (text, fraction)
        shown = next(reversed(self._stages.values()), ("", None))
        self.stage_changed.emit(*shown)

    @Slot(object, object)
    def _begun(self, scene: Scene, path: Path) -> None:
        """A run has its trace: its file and what it is over take the place of those of before."""
        self.trace_path = path
        if scene is not self.scene:
            self.scene = scene
            self.regions_found.emit()

    @Slot(object)
    def _failed_before(self, scene: Scene) -> None:
        """A run never had a trace: regions that it waited for are still to be shown."""
        if self.scene is not None and scene is not self.scene and scene.screenshot is self.scene.screenshot:
            self._take_regions(scene)

    @Slot()
    def _state_changed(self) -> None:
        self.state_changed.emit()
        if self.state is RunState.IDLE and self._search_due and not self._opening:
            self._find_regions()
