"""The command line: one file a command.

Each module has ``add_arguments(parser)`` and ``run(args) -> int``. Modules import nothing heavy at their
top, so that ``--help`` answers at once.
"""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from importlib import import_module
from typing import NoReturn

from app.cli.console import harmless

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
"""Exit codes."""


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand: its name, the module that does it, one line for ``--help``."""

    name: str
    module: str
    summary: str


COMMANDS: tuple[Command, ...] = (
    Command("run", "app.cli.run", "one run over a screenshot, no window; streams the reasoning"),
    Command("segment", "app.cli.segment", "find the regions of a screenshot: PNG and COCO JSON"),
    Command("export", "app.cli.export", "turn a trace into a picture, a film, a page or data"),
    Command("verify", "app.cli.verify", "measure the effects in a trace and compare with its estimates"),
    Command("calibrate", "app.cli.calibrate", "fit an estimator for a model on your own screenshots"),
    Command("bench", "app.cli.bench", "measure speed and faithfulness"),
    Command("sample", "app.cli.sample", "draw a generated screen with its truth"),
    Command("models", "app.cli.models", "what is known, present and usable on this machine"),
)


class Parser(ArgumentParser):
    """An argument parser that complains in one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, harmless(f"{self.prog}: {message}. See {self.prog} --help.\n"))


def run_command(command: Command, argv: list[str]) -> int:
    """Parse the arguments of a command and do it; returns the exit code."""
    module = import_module(command.module)
    parser = Parser(prog=f"sightline {command.name}", description=module.__doc__)
    module.add_arguments(parser)
    args: Namespace = parser.parse_args(argv)
    return int(module.run(args))
