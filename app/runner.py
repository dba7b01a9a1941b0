"""Loads models and runs them, one after the other in one thread, and tells the session how a run goes.

What is run over is the controller's affair: it says what is wished for, and starts it when all is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.batch import BatchItem, ItemEnded, ItemGrew, ItemStarted, run_batch
from app.engine import EngineLike, Request
from app.preferences import follow_live
from app.recording import new_path
from app.run_state import RunState
from app.scene import Scene
from app.session import Session
from app.token_rate import TokenRate
from app.worker import Context, JobEnded, Problem, Worker
from core.control import RunControl
from core.counted import counted
from core.events import Event, Failed, Finished, Stage, Started, TokenDecoded
from core.trace import Identity, Sampling
from models.checkpoint import Loading


@dataclass(frozen=True, slots=True)
class _ModelReady:
    model: Identity
    device: str


@dataclass(frozen=True, slots=True)
class RunWish:
    """What to run as soon as the regions are there.

    Attributes:
        hiding: what to run over instead of the open screenshot, and the region of it to hide before.
    """

    prompt: str
    sampling: Sampling
    pace: float | None
    hiding: tuple[Scene, int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Beginning:
    """A run that has no trace yet: what it is over, and the file that its trace will be in."""

    scene: Scene
    path: Path


class Runner(QObject):
    """Runs what is wished for, or a folder; one run at a time.

    Attributes:
        worker: the thread that has the models; others may give it jobs too.
        state: what the run is doing.
        batching: whether the run is a batch, which goes on whatever is opened.
        wish: what waits for its regions, or None; it counts as running.

    Signals:
        state_changed: see ``state``.
        stage_changed(text, fraction): something takes time; "" when nothing does, fraction may be None.
        model_ready(name, device): models are loaded.
        rate_changed(float): tokens a second of the run.
        begun(scene, path): the run has its trace, in this file.
        failed_before(scene): the run over this is over, and never had a trace.
        said(text, level): something to tell the person.
        batch_event(object): news of a batch, see ``app.batch``.
    """

    state_changed = Signal()
    stage_changed = Signal(str, object)
    model_ready = Signal(str, str)
    rate_changed = Signal(float)
    begun = Signal(object, object)
    failed_before = Signal(object)
    said = Signal(str, str)
    batch_event = Signal(object)

    def __init__(self, session: Session, engine: EngineLike, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.state = RunState.IDLE
        self.batching = False
        self.wish: RunWish | None = None
        self.worker = Worker("models", self)
        self.worker.delivered.connect(self._hear)
        self.worker.busy_changed.connect(self._worker_busy)
        self._session, self._engine = session, engine
        self._loaded = False  # whether a model was told of; only jobs look at it
        self._control: RunControl | None = None
        self._generation = 0
        self._job = 0
        self._beginning: _Beginning | None = None
        self._rate = TokenRate()

    @property
    def uncalibrated(self) -> bool:
        """Whether the model in use is loaded and has no estimator."""
        return self._engine.uncalibrated

    @property
    def generated_only(self) -> bool:
        """Whether the model in use reads generated screens and nothing else."""
        return self._engine.generated_only

    @Slot()
    def warm_up(self) -> None:
        """Load the models in the background, or tell again what is loaded."""
        self.worker.submit(self._warm_up)

    def use_model(self, name: str, loading: Loading) -> None:
        """Load another model in place of the one in use; not while a run goes on."""
        engine = self._engine

        def job(context: Context) -> None:
            ready = engine.use(name, loading, lambda text, part: context.post(Stage(0, text, part)))
            self._tell(context, *ready)

        self.worker.submit(job)

    def wait(self, wish: RunWish) -> None:
        """Be running from now on, although what is wished for cannot be started yet."""
        self.wish = wish
        self._set_state(RunState.RUNNING)

    def give_up(self) -> None:
        """Forget what was wished for and could not be started yet, if anything."""
        if self.wish is not None:
            self.wish = None
            self._set_state(RunState.IDLE)

    def start(self, scene: Scene, folder: Path) -> None:
        """Run what was wished for, with the trace in a new file of ``folder``.

        Until the run has its trace, what is shown and its file stay.
        """
        wish, engine = self.wish, self._engine
        assert scene.region_map is not None
        assert wish is not None
        self.wish = None
        self._generation += 1
        self._rate = TokenRate()
        path = new_path(folder, scene.screenshot.name)
        self._beginning = _Beginning(scene, path)
        self._control = control = RunControl(wish.pace)
        request = Request(
            self._generation,
            scene.screenshot,
            scene.region_map,
            scene.segmenter or Identity("unknown"),
            wish.prompt,
            wish.sampling,
            path,
        )
        if not self.worker.busy:  # else it says what the run waits for
            self.stage_changed.emit("Reading the screenshot", None)

        def job(context: Context) -> None:
            if not self._loaded:
                self._warm_up(context)  # it failed when the window opened
            for event in engine.run(request, control):
                context.post(event)

        self._job = self.worker.submit(job)

    def start_batch(self, items: Sequence[BatchItem], sampling: Sampling, segmenter: str) -> None:
        """Run many screenshots, one trace each; what is shown stays."""
        engine = self._engine
        self._control = control = RunControl()
        self.batching = True
        self._set_state(RunState.RUNNING)
        self.stage_changed.emit(f"Running {counted(len(items), 'screenshot')}", None)

        def job(context: Context) -> None:
            for event in run_batch(engine, items, sampling, segmenter, control):
                context.post(event)

        self._job = self.worker.submit(job)

    def pause(self, on: bool) -> None:
        """Hold the run after the current token, or let it go on."""
        if self._control is None or self.state not in (RunState.RUNNING, RunState.PAUSED):
            return
        if on:
            self._control.pause()
        else:
            self._control.resume()
        self._set_state(RunState.PAUSED if on else RunState.RUNNING)

    def stop(self) -> None:
        """End the run; what exists is kept."""
        if self.wish is not None:
            self.give_up()
        elif self._control is not None and self.state in (RunState.RUNNING, RunState.PAUSED):
            self._control.stop()
            self._set_state(RunState.STOPPING)

    def set_pace(self, tokens_per_second: float | None) -> None:
        """Slow the run down to watch it; None for full speed."""
        if self._control is not None:
            self._control.set_pace(tokens_per_second)

    def let_go(self) -> None:
        """Something else is shown now: the run ends and is kept, and nothing more is heard of it."""
        self.wish = self._beginning = None
        self._generation += 1
        if self.batching:
            return
        if self._control is not None:
            self._control.stop()
            self._control = None
        if self.state is not RunState.IDLE:
            self._set_state(RunState.IDLE)

    def interrupt(self) -> None:
        """Let the run end as soon as it can, because the program closes."""
        self.wish = None
        if self._control is not None:
            self._control.stop()

    def _warm_up(self, context: Context) -> None:
        ready = self._engine.warm_up(lambda text, part: context.post(Stage(0, text, part)))
        self._tell(context, *ready)

    def _tell(self, context: Context, model: Identity, device: str) -> None:
        self._loaded = True
        context.post(_ModelReady(model, device))

    @Slot(object)
    def _hear(self, batch: list[object]) -> None:
        events: list[Event] = []
        for message in batch:
            match message:
                case _ModelReady(model=model, device=device):
                    self.model_ready.emit(model.name, device)
                case ItemStarted() | ItemGrew() | ItemEnded():
                    self.batch_event.emit(message)
                case Problem(message=text, generation=job) if job == self._job and self._running_one:
                    events.append(Failed(self._generation, text))
                case Problem(message=text):
                    self.said.emit(text, "error")
                case Stage(generation=generation, text=text, fraction=fraction):
                    if generation in (0, self._generation):
                        self.stage_changed.emit(text, fraction)
                case JobEnded(generation=job):
                    self._fold(events)
                    events = []
                    if job == self._job and self._control is not None:
                        self._ended()
                case _ if getattr(message, "generation", None) == self._generation:
                    events.append(message)  # type: ignore[arg-type]
        self._fold(events)

    @property
    def _running_one(self) -> bool:
        """Whether a run of what is shown goes on."""
        return self._control is not None and not self.batching

    @Slot(bool)
    def _worker_busy(self, busy: bool) -> None:
        if not busy:
            self.stage_changed.emit("", None)

    def _fold(self, events: list[Event]) -> None:
        if not events:
            return
        tokens = 0
        for event in events:
            match event:
                case TokenDecoded():
                    tokens += 1
                case Started():
                    self._begun()
                case Finished(tokens_per_second=rate):
                    self.rate_changed.emit(rate)
                case Failed(message=text):
                    self.said.emit(text, "error")
                case _:
                    pass
        if self._beginning is not None:
            return  # the run failed before it had a trace: the one that is shown is another one's
        self._session.apply(events)
        if tokens:
            self.stage_changed.emit("", None)
        if tokens and not isinstance(events[-1], Finished):
            self.rate_changed.emit(self._rate.after(tokens))

    def _begun(self) -> None:
        """The run has its trace: its file and what it is over take the place of those of before."""
        beginning, self._beginning = self._beginning, None
        assert beginning is not None
        self._session.set_follow(follow_live())
        self.begun.emit(beginning.scene, beginning.path)

    def _ended(self) -> None:
        """The run is over, whether it had a trace or not."""
        beginning, self._beginning = self._beginning, None
        self._control = None
        self.batching = False
        self._set_state(RunState.IDLE)
        if beginning is not None:
            self.failed_before.emit(beginning.scene)

    def _set_state(self, state: RunState) -> None:
        self.state = state
        self.state_changed.emit()
