"""Turn a trace into a file for other programs or for people."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser, BooleanOptionalAction, Namespace
from pathlib import Path

from app.cli import DONE
from app.cli.console import answer, progress
from core.errors import InputError


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``sightline export``; what can be chosen about a format comes from the registry."""
    from core.export.registry import FORMATS, all_options

    parser.add_argument("trace", metavar="TRACE", help="a .sightline file")
    names = ", ".join(FORMATS)
    parser.add_argument("--format", metavar="F", help=f"{names} (default: what the name of FILE says)")
    parser.add_argument("--steps", metavar="A:B", help="only the steps A to B, B not included, from 0")
    parser.add_argument("--out", metavar="FILE", required=True, help="the file to write")
    group = parser.add_argument_group("options of the formats")
    for option, formats in all_options().values():
        which = "" if len(formats) == len(FORMATS) else f"{', '.join(formats)}: "
        words = option.tip[0].lower() + option.tip[1:]
        chosen = f" [{', '.join(option.choices)}]" if option.choices else ""
        told = f"{which}{words}{chosen} ({option.text(option.default)}{option.unit})".replace("%", "%%")
        if option.kind == "flag":
            group.add_argument(
                option.flag, dest=option.name, action=BooleanOptionalAction, default=SUPPRESS, help=told
            )
        else:
            group.add_argument(option.flag, dest=option.name, default=SUPPRESS, metavar="X", help=told)


def run(args: Namespace) -> int:
    """Do ``sightline export``."""
    from core.export.options import complete
    from core.export.registry import all_options, format_named, format_of
    from core.store import read_trace

    out = Path(args.out)
    format = format_named(args.format) if args.format else format_of(out)
    steps = parse_steps(args.steps) if args.steps else None
    given = {
        name: option.parse(value) if isinstance(value := getattr(args, name), str) else value
        for name, (option, _) in all_options().items()
        if hasattr(args, name)
    }
    values = complete(format.options, given, f"The format {format.name}")
    tell = progress()
    format.export(
        read_trace(Path(args.trace)), out, steps, lambda part: tell(f"Exporting {out.name}", part), **values
    )
    answer(out)
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
