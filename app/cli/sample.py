"""Draw a generated screen, such as the bundled model can read, with its truth."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path

from app.cli import DONE
from app.cli.console import answer
from core.errors import InputError


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``sightline sample``."""
    add = parser.add_argument
    add("--kind", metavar="K", required=True, help="code, math, document, science or general")
    add("--seed", metavar="N", type=int, default=0, help="the same seed, the same screen (0)")
    add("--out", metavar="DIR", required=True, help="where to write screen.png and truth.json")


def run(args: Namespace) -> int:
    """Do ``sightline sample``."""
    from PIL import Image

    from app.recording import make_folder
    from core.export.atomic import replacing
    from models.bundled.screens import KINDS, generate

    if args.kind not in KINDS:
        raise InputError(f"There is no kind “{args.kind}”. Choose one of: {', '.join(KINDS)}.")
    if args.seed < 0:
        raise InputError(f"--seed must be 0 or more, not {args.seed}.")
    sample = generate(args.kind, args.seed)
    out = Path(args.out)
    make_folder(out)
    with replacing(out / "screen.png") as part:
        Image.fromarray(sample.image).save(part, "PNG")
    with replacing(out / "truth.json") as part:
        part.write_text(json.dumps(sample.truth(), ensure_ascii=False, indent=1), encoding="utf-8")
    answer(out / "screen.png")
    answer(out / "truth.json")
    return DONE
