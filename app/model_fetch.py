"""What the model chooser knows and does, without widgets: measuring the machine, looking up, fetching."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot

from app.environment import estimators_folder
from app.settings import settings
from app.worker import Context, JobEnded, Problem, Worker
from core.counted import counted
from models.checkpoint import Loading
from models.choices import Choice, cached_models, choices
from models.hardware import Device, devices
from models.hub import DownloadCancelled, Hub, Offer, fetch, gigabytes, look_up

_NEWS_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class _Listed:
    devices: tuple[Device, ...]
    choices: list[Choice]


@dataclass(frozen=True, slots=True)
class _Advanced:
    done: int
    total: int
    rate: float


@dataclass(frozen=True, slots=True)
class _Fetched:
    name: str
    stopped: bool


class ModelFetch(QObject):
    """One thing at a time: idle, or busy with ``name``.

    Attributes:
        busy: whether something goes on that can be cancelled.
        offer: what the person was told and has not answered yet, or None.

    Signals:
        listed(devices, choices): what there is to choose from.
        offered(Offer): the hub answered; nothing is fetched before ``consent``.
        advanced(done, total, rate): bytes, bytes, bytes a second.
        fetched(name): a model is on this machine now.
        stopped(name): the person cancelled; what came is kept.
        failed(str): a sentence.
        busy_changed(bool): see ``busy``.
    """

    listed = Signal(object, object)
    offered = Signal(object)
    advanced = Signal(object, object, float)
    fetched = Signal(str)
    stopped = Signal(str)
    failed = Signal(str)
    busy_changed = Signal(bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.busy = False
        self.offer: Offer | None = None
        self._cancelled = False
        self._worker = Worker("hub", self)
        self._worker.delivered.connect(self._hear)
        self._devices: tuple[Device, ...] = ()

    def list(self, image: tuple[int, int], loading: Loading, more: tuple[str, ...]) -> None:
        """Work out what fits, for a screenshot of this size."""
        hub, known = chosen_hub(), self._devices

        def job(context: Context) -> None:
            from models.estimators import estimators_in

            found = known or devices()
            estimators = estimators_in([estimators_folder()])
            context.post(
                _Listed(found, choices(found, image, loading, estimators, hub, (*more, *cached_models(hub))))
            )

        self._worker.submit(job)

    def ask(self, name: str) -> None:
        """Ask the hub how big a model is. Fetches nothing."""
        hub = chosen_hub()
        self._begin(lambda context: context.post(look_up(name, hub)))

    def decline(self) -> None:
        """Forget the offer."""
        self.offer = None

    def consent(self) -> None:
        """Fetch what was offered."""
        offer, hub = self.offer, chosen_hub()
        if offer is None:
            return
        self.offer = None

        def job(context: Context) -> None:
            news = _Pace(context.post)
            try:
                fetch(offer, hub, news.tell, lambda: self._cancelled or context.cancelled())
            except DownloadCancelled:
                context.post(_Fetched(offer.name, True))
            else:
                context.post(_Fetched(offer.name, False))

        self._begin(job)

    def cancel(self) -> None:
        """Stop fetching, within seconds; what came is kept and continued the next time."""
        self._cancelled = True

    def close(self) -> bool:
        """Stop everything; False when the thread is stuck."""
        self._cancelled = True
        return self._worker.close(0.2)  # a stalled connection ends by itself; the window does not wait

    def _begin(self, job: Callable[[Context], None]) -> None:
        if self.busy:
            return
        self._cancelled = False
        self.busy = True
        self.busy_changed.emit(True)

        def whole(context: Context) -> None:
            try:
                job(context)
            finally:
                context.post("idle")

        self._worker.submit(whole)

    @Slot(object)
    def _hear(self, batch: Sequence[object]) -> None:
        for message in batch:
            match message:
                case _Listed():
                    self._devices = message.devices
                    self.listed.emit(message.devices, message.choices)
                case Offer():
                    self.offer = message
                    self.offered.emit(message)
                case _Advanced():
                    self.advanced.emit(message.done, message.total, message.rate)
                case _Fetched(name=name, stopped=True):
                    self.stopped.emit(name)
                case _Fetched(name=name):
                    self.fetched.emit(name)
                case Problem(message=text):
                    self.failed.emit(text)
                case "idle":
                    self.busy = False
                    self.busy_changed.emit(False)
                case JobEnded():
                    pass


class _Pace:
    """Passes progress on a few times a second, with the rate of the last seconds."""

    def __init__(self, post: Callable[[object], None]) -> None:
        self._post = post
        self._seen: list[tuple[float, int]] = []
        self._last = 0.0

    def tell(self, done: int, total: int) -> None:
        now = time.monotonic()
        if now - self._last < _NEWS_SECONDS and done < total:
            return
        self._last = now
        self._seen = [(at, count) for at, count in self._seen if now - at < 5.0] + [(now, done)]
        began, first = self._seen[0]
        span = now - began
        self._post(_Advanced(done, total, (done - first) / span if span > 0.2 else 0.0))


def chosen_hub() -> Hub:
    """The hub as the person set it: a mirror, or none at all."""
    saved = settings()
    return Hub(str(saved.value("hub/mirror", "") or ""), str(saved.value("hub/offline", "")) == "true")


def progress_text(name: str, done: int, total: int, rate: float) -> str:
    """``Fetching Qwen/…: 1.2 GB of 4.3 GB, 25 MB a second, 2 minutes left``."""
    text = f"Fetching {name}: {gigabytes(done)} of {gigabytes(total)}"
    if rate <= 0:
        return text
    minutes = (total - done) / rate / 60
    long = counted(round(minutes), "minute") if minutes < 90 else "hours"
    return f"{text}, {gigabytes(rate)} a second, {long if minutes >= 1 else 'less than a minute'} left"


def offer_text(offer: Offer, cache: Path) -> str:
    """What the person is asked to agree to."""
    already = offer.total - offer.missing
    kept = f" ({gigabytes(already)} are here already)" if already else ""
    licence = f", licence {offer.licence}" if offer.licence else ""
    size = gigabytes(offer.missing)
    return f"{offer.name} from {offer.address}: {size} to fetch{kept}{licence}, into {cache}."
