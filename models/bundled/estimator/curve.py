"""Draws the few-shot curve: how well an estimator does that was fitted on 16, 64, 256 … screens.

    python -m models.bundled.estimator.curve --examples OUT/examples --json docs/calibration.json \
        --picture docs/images/calibration.png

Nothing is ablated: collected examples hold their masks and measurements. Those of held-out seeds judge and
never teach; where there are fewer than --judge of them, further ones are set apart by the hash of their name.

It takes an hour or two, and goes on where it was if it is begun again with the same --json: each point is
kept beside it, in a file whose name ends in ".part", until all are there.

--transfer asks what adapting is worth: for each kind of screen, an estimator fitted on the four other kinds
is adapted to this one on few screens, beside one fitted on the same few from random weights.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from core.adaptation import rounds
from core.attribution.linear_attention import LinearAttention, fit_linear
from core.attribution.prior import Prior
from core.calibration import Example
from core.effect_fit import fit
from core.estimator import FORMAT, Estimator
from core.export.atomic import replacing
from core.export.curve_picture import draw_curves
from core.held_out import Agreement, agreement_of
from core.kept_rows import append, take_up
from core.trace import Identity
from models.bundled.screens import HELD_OUT, KINDS

COUNTS = (16, 64, 256, 1000)
ADAPTED = (4, 16, 64)
BASE, BASE_ROUNDS = 300, 20
"""Screens of the other kinds, and how often a fit goes over them: enough to have something to adapt."""
REPEATS = 3
"""Fits on different screens where these are so few that it matters which."""


Point = dict[str, Any]


class Kept:
    """Points that are there already, in a file that grows by a line for each; None keeps none."""

    def __init__(self, file: Path | None, of: str) -> None:
        """``of`` says what the points are of; those of anything else are thrown away."""
        self._file, self._of = file, of
        found, rows = take_up(file) if file is not None else ("", [])
        if file is not None and found != of:
            file.unlink(missing_ok=True)
            rows = []
        self._points: dict[str, Point] = dict(rows)

    def point(self, name: str, make: Callable[[], Point]) -> Point:
        """The point of that name, made now if it is not there."""
        if name not in self._points:
            self._points[name] = make()
            if self._file is not None:
                append(self._file, self._of, (name, self._points[name]))
        return self._points[name]

    def done(self) -> None:
        """All points are where they belong."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class Owner:
    """Stands for the thinking model; fitting asks only who it is."""

    identity: Identity


def kind_of(example: Path) -> str:
    """The kind of a generated screen, from the name of its example."""
    return example.stem.split("-")[0]


def seed_of(example: Path) -> int:
    """Its seed."""
    return int(example.stem.rsplit("-", 1)[1])


def set_apart(examples: Sequence[Path], judging: int) -> tuple[list[Path], list[Path]]:
    """Examples that teach and examples that judge, each in the order of the hash of their name."""
    order = sorted(examples, key=lambda path: hashlib.sha256(path.stem.encode()).hexdigest())
    held_out = [path for path in order if seed_of(path) >= HELD_OUT]
    rest = [path for path in order if seed_of(path) < HELD_OUT]
    missing = max(0, judging - len(held_out))
    return rest[missing:], held_out[:judging] + rest[:missing]


def estimated(estimator: Estimator, judges: Sequence[Path]) -> Agreement:
    """How an estimator does."""
    return agreement_of(lambda example: estimator.estimate(example.features)[0], judges)


def fitted(
    examples: Sequence[Path], owner: Owner, seed: int, start: Estimator | None = None, epochs: int = 0
) -> Estimator:
    """Fit as a calibration does; ``epochs`` over the examples, 0 for the usual number."""
    count = epochs or rounds(len(examples), start is not None)
    network, config = fit(examples, owner, count, seed, start=start)  # type: ignore[arg-type]
    return Estimator(network, config, Identity(f"fitted on {len(examples)}"))


def curve(
    teachers: Sequence[Path], judges: Sequence[Path], owner: Owner, counts: Sequence[int], kept: Kept
) -> list[Point]:
    """One point for each number of screens: the estimator's and the paper's linear map's agreement."""
    return [
        kept.point(f"{count} {repeat}", partial(_fit_on, teachers, judges, owner, count, repeat))
        for count in sorted({min(count, len(teachers)) for count in counts})
        for repeat in range(REPEATS if 2 * count * REPEATS <= len(teachers) else 1)
    ]


def _fit_on(teachers: Sequence[Path], judges: Sequence[Path], owner: Owner, count: int, repeat: int) -> Point:
    began = time.monotonic()
    some = teachers[repeat * count :][:count]
    found = estimated(fitted(some, owner, repeat), judges)
    seconds = time.monotonic() - began
    linear = fit_linear(some, owner.identity.sha256, seed=repeat)
    rival = agreement_of(partial(_scores, linear), judges)
    _say(f"{count} screens: {_short(found)}; linear map {_short(rival)}; {seconds:.0f} s")
    return {
        "screens": count,
        "repeat": repeat,
        "fit_seconds": round(seconds, 1),
        "estimator": asdict(found),
        "linear attention": asdict(rival),
    }


def _scores(linear: LinearAttention, example: Example) -> np.ndarray:
    return linear.scores(example.features)


def transfer(
    teachers: Sequence[Path], judges: Sequence[Path], owner: Owner, counts: Sequence[int], kept: Kept
) -> list[Point]:
    """For each kind and number of its screens: an estimator of the other kinds adapted, one from scratch."""
    points = list[Point]()
    for kind in KINDS:
        own = [path for path in teachers if kind_of(path) == kind]
        judging = [path for path in judges if kind_of(path) == kind]
        others = [path for path in teachers if kind_of(path) != kind]
        if not own or not judging or not others:
            continue
        base = cache(partial(fitted, others[:BASE], owner, 0, epochs=BASE_ROUNDS))  # if it is needed
        for count in sorted({min(count, len(own)) for count in counts}):
            adapt = partial(_adapt, kind, own[:count], judging, owner, base)
            points.append(kept.point(f"{kind} {count}", adapt))
    return points


def _adapt(
    kind: str, own: Sequence[Path], judging: Sequence[Path], owner: Owner, base: Callable[[], Estimator]
) -> Point:
    before = estimated(base(), judging)
    adapted = estimated(fitted(own, owner, 0, base()), judging)
    scratch = estimated(fitted(own, owner, 0), judging)
    _say(
        f"{kind}, {len(own)} screens: the others' {_short(before)}, adapted {_short(adapted)}, "
        f"from scratch {_short(scratch)}"
    )
    return {
        "kind": kind,
        "screens": len(own),
        "before": asdict(before),
        "adapted": asdict(adapted),
        "from scratch": asdict(scratch),
    }


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _short(agreement: Agreement) -> str:
    return f"steps {agreement.steps.mean or 0:.3f} tokens {agreement.tokens.mean or 0:.3f}"


def main() -> None:
    """The command line of the recipe."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=Path, required=True, help="folder of collected examples")
    parser.add_argument("--counts", default=",".join(map(str, COUNTS)), help="screens to fit on")
    parser.add_argument("--judge", type=int, default=150, help="examples that judge")
    parser.add_argument("--transfer", action="store_true", help="also adapt from kind to kind")
    parser.add_argument("--json", type=Path, help="write the figures there")
    parser.add_argument("--picture", type=Path, help="draw them there, as a PNG")
    arguments = parser.parse_args()
    teachers, judges = set_apart(list(arguments.examples.glob("*.safetensors")), arguments.judge)
    name, _, digest = (arguments.examples / "thinker.txt").read_text(encoding="utf-8").rpartition(" ")
    owner = Owner(Identity(name, digest.strip()))
    torch.manual_seed(0)
    names = " ".join(path.stem for path in [*teachers, *judges])
    of = hashlib.sha256(f"{owner.identity.sha256} {FORMAT} {names}".encode()).hexdigest()
    kept = Kept(arguments.json and arguments.json.with_name(f"{arguments.json.name}.part"), of)
    counts = [int(count) for count in arguments.counts.split(",")]

    def prior(example: Example) -> np.ndarray:
        return Prior().estimate(example.features)[0]

    result: dict[str, Any] = {
        "schema": "sightline.calibration-curve/1",
        "thinker": name,
        "thinker_sha256": owner.identity.sha256,
        "teaching_screens": len(teachers),
        "judging_screens": len(judges),
        "of_held_out_seeds": sum(seed_of(path) >= HELD_OUT for path in judges),
        "uncalibrated attention": asdict(agreement_of(prior, judges)),
        "curve": curve(teachers, judges, owner, counts, kept),
    }
    if arguments.transfer:
        result["transfer"] = transfer(teachers, judges, owner, ADAPTED, kept)
    if arguments.json:
        with replacing(arguments.json) as part:
            part.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        kept.done()
    if arguments.picture:
        with replacing(arguments.picture) as part:
            draw_curves(result).save(part, "PNG")
    print(json.dumps({key: value for key, value in result.items() if key not in ("curve", "transfer")}))


if __name__ == "__main__":
    main()
