"""Fitting an estimator to a model on more and more screenshots, as long as that helps. Imports torch.

A calibration examines some screenshots, fits, judges the fit on screenshots that never teach, and goes on
with twice as many. All that it learns is on disk when it is told: examples, finished passes, and the state of
the pass in progress. A calibration that was killed and is begun again with the same arguments goes on there,
and comes out as if nothing had happened.
"""

from __future__ import annotations

import contextlib
import math
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from safetensors import SafetensorError

from core.attribution.prior import Prior
from core.calibration import Example, Item, Say, claim, collect, load_example
from core.counted import counted
from core.effect_fit import fit
from core.errors import InputError
from core.estimator import Estimator, load_estimator, save_estimator
from core.fit_state import fit_key
from core.held_out import Agreement, agreement_of, divide
from core.interval_fit import fit_interval
from core.memory import REMEDY, out_of_memory
from core.thinking import ShouldStop, ThinkingModel
from core.trace import Sampling

FIRST_PASS: Final = 8
"""Screenshots before the first fit; each later one has twice as many."""
PATIENCE: Final = 2
"""Passes without a gain before a calibration ends."""
GAIN: Final = 0.005
"""LDS that counts as a gain."""
ADAPTING_ROUNDS: Final = 40
"""Rounds over its examples in which an estimator is adapted."""
AT_LEAST: Final = 32
"""Screenshots to try before giving up."""
JUDGING_TIME: Final = 0.3
"""Of a limited time, at most about so much goes to the screenshots that judge."""


@dataclass(frozen=True, slots=True)
class Work:
    """One question about one screenshot, before anything of it is loaded.

    Attributes:
        name: file name of its example; names all that decides what the example says.
        screen: hash of the screenshot's content.
        make: loads the screenshot and finds its regions. Raises InputError when it cannot be used.
    """

    name: str
    screen: str
    make: Callable[[], Item]


@dataclass(frozen=True, slots=True)
class Divided:
    """So many screenshots teach, so many judge, with so many questions in all."""

    teaching: int
    judging: int
    questions: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A screenshot cannot be used, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Judged:
    """What came of fitting on some screenshots.

    Attributes:
        screens: how many taught; 0 for what there was before.
        examples: questions about them that were answered and examined.
        agreement: on the screenshots that never teach.
        calibrated: False for attention of a model that has no estimator.
    """

    screens: int
    examples: int
    agreement: Agreement
    calibrated: bool = True

    @property
    def lds(self) -> float:
        """LDS of steps; −1 where nothing could be judged."""
        return -1.0 if self.agreement.steps.mean is None else self.agreement.steps.mean


@dataclass(frozen=True, slots=True, eq=False)
class Adapted:
    """A calibration is over.

    Attributes:
        before, passes: what was judged, in order.
        best: the best of the passes.
        estimator: of that pass.
        judging: how many screenshots judged.
        taught: content hashes of the screenshots that any pass was fitted on.
        why: why it ended, as the end of a sentence.
    """

    before: Judged
    passes: tuple[Judged, ...]
    best: Judged
    estimator: Estimator
    judging: int
    taught: tuple[str, ...]
    why: str

    @property
    def better(self) -> bool:
        """Whether the best pass agrees better with ablation than what there was before."""
        return self.best.lds > self.before.lds


AdaptationEvent = Divided | Skipped | Judged | Adapted


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What a calibration does.

    Attributes:
        works: questions about screenshots, at least two screenshots.
        folder: where examples and fits are kept.
        start: the estimator to adapt; None to begin with random weights.
        taught: hashes of the screenshots that ``start`` was fitted on.
        masks: random masks for each question.
        sampling: how to generate.
        batch: screenshots in one forward pass; fewer where memory does not suffice.
        hidden: width of a network that begins with random weights.
        seed: of initial weights and order.
        seconds: a fit begins at the latest when so much time has passed, with what there is.
    """

    works: Sequence[Work]
    folder: Path
    start: Estimator | None = None
    taught: frozenset[str] = frozenset()
    masks: int = 32
    sampling: Sampling = field(default_factory=Sampling)
    batch: int = 8
    hidden: int = 64
    seed: int = 0
    seconds: float = math.inf


def sizes(screens: int) -> list[int]:
    """After how many screenshots to fit: 8, 16, 32 … and all of them, the last step being no small one."""
    found = []
    count = FIRST_PASS
    while count * 1.3 < screens:
        found.append(count)
        count *= 2
    return [*found, screens]


def rounds(examples: int, adapting: bool) -> int:
    """How often a fit goes over its examples: from random weights few examples more often, for enough steps.

    A network that knows something already needs no more of them for fewer examples: it would forget.
    """
    return ADAPTING_ROUNDS if adapting else min(80, max(40, round(16_000 / max(examples, 1))))


def adapt(
    thinker: ThinkingModel, plan: Plan, say: Say | None = None, should_stop: ShouldStop | None = None
) -> Iterator[AdaptationEvent]:
    """Calibrate; ends without ``Adapted`` when ``should_stop`` says so.

    Raises:
        InputError: too few screenshots can be used, the disk is full, or ``plan.start`` belongs to a model of
            another shape.
    """
    with _disk(plan.folder):
        yield from _Calibration(thinker, plan, say or (lambda text, part: None), should_stop).events()


class _Calibration:
    """One calibration in progress."""

    def __init__(self, thinker: ThinkingModel, plan: Plan, say: Say, should_stop: ShouldStop | None) -> None:
        self._thinker = thinker
        self._plan = plan
        self._say = say
        self._should_stop = should_stop
        self._began = time.monotonic()
        self._fits = plan.folder / "fits"
        self._batch = plan.batch
        self._skipped: list[Skipped] = []
        self._told_of: set[str] = set()

    def events(self) -> Iterator[AdaptationEvent]:
        plan = self._plan
        teaching, judging = divide((work.screen for work in plan.works), plan.taught)
        if not judging or not teaching:
            raise InputError(_too_few(len(teaching) + len(judging)))
        claim(plan.folder, self._thinker)
        yield Divided(len(teaching), len(judging), len(plan.works))
        judges, judged_on = list[Path](), 0
        for paths in self._examined(judging, "to judge on"):
            judges += paths
            judged_on += bool(paths)
            if judges and self._spent > JUDGING_TIME * plan.seconds:
                break
        yield from self._told()
        if self._stopped:
            return
        if not judges:
            raise InputError(_NONE_USABLE)
        before = self._before(judges)
        yield before
        screens, examples = list[str](), list[Path]()
        passes = list[tuple[Judged, Estimator]]()
        why = "all screenshots were used"
        marks = iter(sizes(len(teaching)))
        mark = next(marks)
        for place, paths in enumerate(self._examined(teaching, "to learn from"), 1):
            yield from self._told()
            if paths:
                screens.append(teaching[place - 1])
                examples += paths
            late = self._spent > plan.seconds
            if not examples or (place < mark and not late):
                continue
            estimator = self._fitted(examples, judges)
            if estimator is None:
                return
            judged = Judged(len(screens), len(examples), _agreement(estimator, judges))
            passes.append((judged, estimator))
            yield judged
            mark = next(marks, len(teaching))
            if late:
                why = "the time was over"
                break
            if _no_longer_rises([before, *(one for one, _ in passes)]):
                why = "it no longer rose"
                break
        if self._stopped:
            return
        if not passes:
            raise InputError(_NONE_USABLE)
        best, estimator = max(passes, key=lambda one: one[0].lds)
        yield Adapted(
            before, tuple(one for one, _ in passes), best, estimator, judged_on, tuple(screens), why
        )
        shutil.rmtree(self._fits, ignore_errors=True)

    @property
    def _spent(self) -> float:
        return time.monotonic() - self._began

    @property
    def _stopped(self) -> bool:
        return self._should_stop is not None and self._should_stop()

    def _told(self) -> Iterator[Skipped]:
        told, self._skipped = self._skipped, []
        yield from told

    def _before(self, judges: Sequence[Path]) -> Judged:
        return Judged(0, 0, _agreement(self._plan.start, judges), self._plan.start is not None)

    def _examined(self, screens: Sequence[str], purpose: str) -> Iterator[list[Path]]:
        """The examples of one screenshot after the other, made where they are not there yet."""
        works = dict[str, list[Work]]()
        for work in self._plan.works:
            works.setdefault(work.screen, []).append(work)
        began, made = time.monotonic(), 0
        for place, screen in enumerate(screens):
            pace = f", {(time.monotonic() - began) / made:.0f} s each" if made else ""
            self._say(f"Examining screenshots {purpose}: {place + 1} of {len(screens)}{pace}",
                      place / len(screens))  # fmt: skip
            found = list[Path]()
            fresh = False
            for work in works[screen]:
                path = self._plan.folder / f"{work.name}.safetensors"
                if not _usable(path):
                    fresh = True
                    path = self._examine(work) or path
                if self._stopped:
                    return
                if path.exists():
                    found.append(path)
            made += fresh
            yield found

    def _examine(self, work: Work) -> Path | None:
        """The example of one question; None when stopped, and where the screenshot cannot be used."""
        plan = self._plan
        try:
            item = work.make()
            while True:
                try:
                    made = collect(
                        self._thinker, [item], 1, plan.folder, plan.masks, plan.sampling, self._batch,
                        should_stop=self._should_stop,
                    )  # fmt: skip
                except Exception as error:
                    if not out_of_memory(error):
                        raise
                    if self._batch == 1:
                        raise InputError(
                            f"There is not enough memory to examine one of the screenshots. {REMEDY}"
                        ) from error
                    self._batch //= 2  # fewer screenshots at a time take longer and need less
                else:
                    return made[0] if made else None
        except InputError as error:
            if str(error) not in self._told_of:  # several questions may be about one screenshot
                self._told_of.add(str(error))
                self._skipped.append(Skipped(str(error)))
            return None

    def _fitted(self, examples: Sequence[Path], judges: Sequence[Path]) -> Estimator | None:
        """The estimator of a pass, from disk where it was finished before; None when stopped."""
        plan, count = self._plan, len(examples)
        epochs = rounds(count, plan.start is not None)
        origin = "" if plan.start is None else plan.start.identity.sha256
        names = [path.name for path in examples]
        name = fit_key([names, origin, epochs, plan.hidden, plan.seed, self._thinker.identity.sha256])[:16]
        done, state = self._fits / name, self._fits / f"{name}.safetensors"
        with contextlib.suppress(InputError):
            return load_estimator(done)
        self._fits.mkdir(parents=True, exist_ok=True)
        network, config = fit(
            examples, self._thinker, epochs, plan.seed, plan.hidden,
            say=lambda text, part: self._say(f"Fitting on {count} examples", part),
            should_stop=self._should_stop, start=plan.start, state=state,
        )  # fmt: skip
        if self._stopped:
            return None
        config = fit_interval(network, config, examples, judges, plan.seed)
        save_estimator(done, network, config, {})
        state.unlink(missing_ok=True)
        return load_estimator(done)


def _agreement(estimator: Estimator | None, judges: Sequence[Path]) -> Agreement:
    """How an estimator, or uncalibrated attention in place of one, agrees with ablation."""

    def effects(example: Example) -> np.ndarray:
        return (Prior() if estimator is None else estimator).estimate(example.features)[0]

    return agreement_of(effects, judges)


def _usable(path: Path) -> bool:
    """Whether an example is there; a damaged one is deleted."""
    if not path.exists():
        return False
    try:
        load_example(path)
    except InputError:
        path.unlink()
        return False
    return True


def _no_longer_rises(judged: Sequence[Judged]) -> bool:
    """Whether the last passes brought nothing that the ones before, or what there was at first, had not."""
    earlier, late = judged[:-PATIENCE], judged[-PATIENCE:]
    if not earlier or judged[-1].screens < AT_LEAST:
        return False
    return max(one.lds for one in late) < max(one.lds for one in earlier) + GAIN


_NONE_USABLE: Final = (
    "None of the screenshots could be used: the model said nothing about them, they cannot be read, or there "
    "is not enough memory for them. Choose other screenshots, another question, or a smaller model."
)


def _too_few(count: int) -> str:
    if count < 2:
        return (
            f"{counted(count, 'screenshot')} cannot both teach and judge. Choose a folder "
            "with at least 2 different ones; 16 or more are better."
        )
    return (
        "The estimator to begin with was fitted on all of these screenshots, so none is left to judge on. "
        "Add others, or begin with another estimator (--from)."
    )


@contextlib.contextmanager
def _disk(folder: Path) -> Iterator[None]:
    """Turn what a disk does not do into a sentence."""
    try:
        yield
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(
            f"Cannot write to {folder}: {reason}. What was collected before is kept; free some space and "
            "begin again, and it goes on from there."
        ) from error
