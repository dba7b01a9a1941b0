"""Turn a trace into a file for other programs or for people."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from pathlib import Path

from app.cli import DONE
from core.errors import InputError


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``sightline export``."""
    parser.add_argument("trace", metavar="TRACE", help="a .sightline file")
    parser.add_argument("--format", metavar="F", help="png or json (default: what the name of FILE says)")
    parser.add_argument("--steps", metavar="A:B", help="only the steps A to B, B not included, from 0")
    parser.add_argument("--out", metavar="FILE", required=True, help="the file to write")


def run(args: Namespace) -> int:
    """Do ``sightline export``."""
    from core.export.registry import format_named, format_of
    from core.store import read_trace

    out = Path(args.out)
    format = format_named(args.format) if args.format else format_of(out)
    steps = parse_steps(args.steps) if args.steps else None
    format.export(read_trace(Path(args.trace)), out, steps)
    print(out)
    return DONE


def parse_steps(text: str) -> tuple[int, int]:
    """ "3:7" as (3, 7).

    Raises:
        InputError: anything else.
    """
    start, _, end = text.partition(":")
    if not (start.isdecimal() and end.isdecimal()):
        raise InputError(f"“{text}” is no range of steps. Give A:B, such as 0:3 for the first three.")
    return int(start), int(end)
