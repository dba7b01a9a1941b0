"""Fit an estimator for a thinking model on screenshots of your own, so that its regions show effects in nats.
Interrupted or killed, the same command goes on where it was."""

from __future__ import annotations

import json
import math
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from app.calibrating import MASKS, MAX_NEW_TOKENS
from app.cli import DONE
from app.cli.console import answer, progress, say
from app.cli.loading import add_arguments as add_loading_arguments
from app.cli.loading import loading_of
from core.errors import InputError

if TYPE_CHECKING:
    from app.calibrating import Installed


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``sightline calibrate``."""
    add = parser.add_argument
    add("folder", metavar="FOLDER", help="screenshots to learn from; a fifth of them only judges")
    add("--model", metavar="M", default="bundled", help="bundled, a folder, or the id of a cached one")
    add("--prompt", metavar="P", action="append", default=[], help="ask this of each; may be repeated")
    add("--prompts", metavar="FILE", help="questions, one a line, each asked of every screenshot")
    add(
        "--from",
        metavar="E",
        dest="start",
        default="auto",
        help="estimator to begin with: auto (the model's own), bundled, none, or a folder",
    )
    add("--segmenter", metavar="S", help="how regions are found; sam:CHECKPOINT for a model")
    add("--masks", metavar="N", type=int, default=MASKS, help=f"random masks a question ({MASKS})")
    add("--screens", metavar="N", type=int, help="at most N screenshots (all)")
    add("--minutes", metavar="N", type=float, help="begin no fit later than that (no limit)")
    add(
        "--max-new-tokens",
        metavar="N",
        type=int,
        default=MAX_NEW_TOKENS,
        help=f"of each answer, the first N tokens ({MAX_NEW_TOKENS})",
    )
    add("--seed", metavar="N", type=int, default=0, help="of initial weights and order (0)")
    add_loading_arguments(parser)
    add("--anyway", action="store_true", help="keep the result even if it judges no better than before")
    add("--out", "--output", metavar="DIR", help="write the estimator there instead of installing it")
    add("--json", action="store_true", help="print one JSON object")


def run(args: Namespace) -> int:
    """Do ``sightline calibrate``."""
    from app.batch import images_in
    from app.calibrating import Installed, Wish, division, told
    from app.engine import Engine
    from core.adaptation import Divided, Judged, Skipped
    from models.segmenters import DEFAULT, load_or_default

    _check(args)
    folder = Path(args.folder)
    wish = Wish(
        folder,
        prompts=(*args.prompt, *(_lines(Path(args.prompts)) if args.prompts else ())),
        start=args.start,
        segmenter=load_or_default(args.segmenter or DEFAULT, say)[0],
        masks=args.masks,
        max_new_tokens=args.max_new_tokens,
        seed=args.seed,
        screens=args.screens,
        minutes=math.inf if args.minutes is None else args.minutes,
        out=Path(args.out) if args.out else None,
        anyway=args.anyway,
    )
    images_in(folder)  # a wrong folder is refused before a model is loaded
    engine = Engine(args.model, loading=loading_of(args))
    for event in engine.calibrate(wish, progress(), lambda: False):
        match event:
            case Divided():
                say(f"{division(event)}.")
            case Skipped(reason=reason):
                say(f"Left out: {reason}")
            case Judged():
                say(told(event))
            case Installed():
                _end(event, args)
    return DONE


def _end(event: Installed, args: Namespace) -> None:
    say(event.sentence)
    folder = event.folder
    if folder is not None:
        use = f"Use it with --estimator {folder}" if args.out else "Runs of this model use it from now on"
        say(f"{use}.")
    if args.json:
        print(json.dumps(event.result | {"estimator": None if folder is None else str(folder)}))
    elif folder is not None:
        answer(folder)


def _check(args: Namespace) -> None:
    for name, least in (("masks", 8), ("screens", 2), ("max_new_tokens", 1)):
        value = getattr(args, name)
        if value is not None and value < least:
            raise InputError(f"--{name.replace('_', '-')} must be at least {least}, not {value}.")
    if args.minutes is not None and not args.minutes > 0:
        raise InputError(f"--minutes must be more than 0, not {args.minutes}.")
    if not 0 <= args.seed < 2**63:
        raise InputError(f"--seed must be between 0 and 2^63 − 1, not {args.seed}.")
    if any(not prompt.strip() for prompt in args.prompt):
        raise InputError("The prompt is empty. Give a question about the screenshots.")


def _lines(path: Path) -> list[str]:
    """The questions in a file."""
    try:
        found = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise InputError(f"{path} cannot be read ({reason}). Give a text file of questions.") from None
    if not any(found):
        raise InputError(f"There is no question in {path}. Write one a line.")
    return [line for line in found if line]
