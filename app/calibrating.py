"""A calibration as the command line and the window ask for it: a folder in, an estimator out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.environment import data_folder, estimators_folder
from app.samples import questions, truth_of
from core.counted import counted
from core.figure_text import short, short_interval

if TYPE_CHECKING:
    from core.adaptation import AdaptationEvent, Adapted, Divided, Judged
    from core.estimator import Estimator
    from core.screenshot import Screenshot
    from models.own_screens import Source
    from models.thinker import Thinker

MASKS = 32
MAX_NEW_TOKENS = 160


@dataclass(frozen=True, slots=True, eq=False)
class Wish:
    """What to calibrate on, and how.

    Attributes:
        folder: pictures to learn from, or None for ``extra`` alone.
        extra: one more screenshot, such as the open one.
        prompts: questions about each screenshot; empty for sensible ones.
        start: the estimator to begin with: "auto" (that of the model, if it has one), "bundled", "none" or a
            folder.
        segmenter: where regions come from.
        masks, max_new_tokens, seed: as in ``core.adaptation.Plan``.
        screens: at most so many screenshots; None for all.
        minutes: no fit begins later than that, whatever is left.
        out: folder for the estimator; None installs it where runs of the model find it.
        anyway: keep the estimator even if it judges no better than what there was.
    """

    folder: Path | None
    extra: Screenshot | None = None
    prompts: tuple[str, ...] = ()
    start: str = "auto"
    segmenter: str = "opencv"
    masks: int = MASKS
    max_new_tokens: int = MAX_NEW_TOKENS
    seed: int = 0
    screens: int | None = None
    minutes: float = math.inf
    out: Path | None = None
    anyway: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Installed:
    """The end of a calibration.

    Attributes:
        folder: where the estimator is now; None when it was no better and was not kept.
        result: plain JSON: how it was fitted, and how it agrees with ablation.
        sentence: what came of it, for people.
    """

    folder: Path | None
    result: dict[str, Any]
    sentence: str


def calibrate(
    thinker: Thinker,
    current: Estimator | None,
    wish: Wish,
    progress: Callable[[str, float | None], None],
    cancelled: Callable[[], bool],
) -> Iterator[AdaptationEvent | Installed]:
    """Calibrate for a loaded model; ends without ``Installed`` when cancelled.

    Args:
        current: the estimator that runs of the model use now, if any.

    Raises:
        InputError: nothing to learn from, an unknown segmenter or estimator, or a disk that is full.
    """
    from core.adaptation import Adapted, Plan, adapt
    from core.trace import Sampling
    from models.estimator_card import card_of
    from models.estimators import install, name_for, refuse_other
    from models.own_screens import works

    name = name_for(thinker.identity)
    if wish.out is not None:
        refuse_other(wish.out)
    start, taught = _start(wish.start, current, thinker)
    sources = _sources(wish)
    asked = works(
        sources, wish.prompts, thinker.identity, wish.segmenter, wish.masks, wish.max_new_tokens, wish.screens
    )
    plan = Plan(
        asked,
        data_folder() / "calibration" / name,
        start,
        taught,
        wish.masks,
        Sampling(max_new_tokens=wish.max_new_tokens),
        seed=wish.seed,
        seconds=60 * wish.minutes,
    )
    for event in adapt(thinker, plan, progress, cancelled):
        yield event
        if not isinstance(event, Adapted):
            continue
        result = _result(event, thinker, wish, start)
        keep = event.better or wish.anyway
        folder = (wish.out or estimators_folder() / name) if keep else None
        if folder is not None:
            before = sorted(taught) if start is not None else []
            notes = result | {"taught": [*before, *(one for one in event.taught if one not in taught)]}
            install(folder, event.estimator, notes, card_of(result))
        yield Installed(folder, result, _sentence(event, folder))


def division(divided: Divided) -> str:
    """What teaches and what judges, in a line."""
    teaching = f"{counted(divided.teaching, 'screenshot')} to learn from"
    return f"{teaching}, {divided.judging:,} to judge by; {counted(divided.questions, 'question')} in all"


def told(judged: Judged) -> str:
    """What one pass reached, in a line."""
    what = counted(judged.screens, "screenshot") if judged.screens else "Before"
    if not judged.calibrated:
        what += " (uncalibrated attention)"
    return f"{what}: {_with_interval(judged)}"


def _with_interval(judged: Judged) -> str:
    steps = judged.agreement.steps
    if steps.mean is None:
        return "nothing could be judged"
    return f"held-out step LDS {short_interval(asdict(steps))}"


def _sources(wish: Wish) -> list[Source]:
    from app.batch import images_in
    from models.own_screens import Source, source_of

    found = list[Source]()
    for path in images_in(wish.folder) if wish.folder is not None else []:
        truth = truth_of(path)
        found.append(source_of(path, questions(truth) if truth is not None else ()))
    extra = wish.extra
    if extra is not None and extra.path is not None and extra.path.is_file():
        found.append(source_of(extra.path))
    elif extra is not None:
        shown = extra
        found.append(Source(shown.sha256, lambda: shown))
    return found


def _start(name: str, current: Estimator | None, thinker: Thinker) -> tuple[Estimator | None, frozenset[str]]:
    """The estimator to begin with, and the screenshots that it was fitted on."""
    from core.estimator import load_estimator
    from models.estimators import bundled_estimator, estimators_in, notes_of

    if name == "none":
        return None, frozenset()
    if name == "auto":
        folder = estimators_in([estimators_folder()]).get(thinker.identity.sha256)
        start = current
        if folder is not None and (start is None or start.identity.name != folder.name):
            folder = None  # it is there and cannot be used
    else:
        folder = bundled_estimator() if name == "bundled" else Path(name)
        start = load_estimator(folder)
        start.check(thinker.layers, thinker.heads, thinker.identity.name)
    known = notes_of(folder).get("taught", []) if folder is not None and start is not None else []
    return start, frozenset(str(screen) for screen in known)


def _result(event: Adapted, thinker: Thinker, wish: Wish, start: Estimator | None) -> dict[str, Any]:
    from models import segmenters

    best = event.best
    return {
        "date": time.strftime("%Y-%m-%d"),
        "thinker": thinker.identity.name,
        "thinker_sha256": thinker.identity.sha256,
        "from": "random weights" if start is None else f"{start.identity.name} {start.identity.sha256[:12]}",
        "screens": best.screens,
        "examples": best.examples,
        "held_out_screens": event.judging,
        "held_out_examples": best.agreement.examples,
        "prompts": list(wish.prompts),
        "masks": wish.masks,
        "operator": "pixels",
        "segmenter": segmenters.identity(wish.segmenter).name,
        "seed": wish.seed,
        "ended": event.why,
        "before": _figures(event.before),
        "after": _figures(best),
        "better": event.better,
        "passes": [{"screens": one.screens} | _figures(one) for one in event.passes],
    }


def _figures(judged: Judged) -> dict[str, Any]:
    agreement = judged.agreement
    return {
        "calibrated": judged.calibrated,
        "lds_steps": asdict(agreement.steps),
        "lds_tokens": asdict(agreement.tokens),
    }


def _sentence(event: Adapted, folder: Path | None) -> str:
    count = event.judging
    on = f"on {counted(count, 'screenshot')} that it never learned from"
    change = f"Held-out LDS {short(event.before.lds)} → {short(event.best.lds)} {on}; {event.why}."
    if folder is None:
        return f"{change} That is no better than before, so nothing was changed. More screenshots may help."
    return change
