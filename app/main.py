"""``sightline``: the entry point. Nothing heavy is imported before it is known what is asked for."""

from __future__ import annotations

import contextlib
import os
import sys
from argparse import RawDescriptionHelpFormatter

from app.cli import BAD_INPUT, COMMANDS, DONE, FAILED, INTERRUPTED, Parser, run_command
from app.cli.console import discard_output, say
from core.errors import InputError
from core.memory import REMEDY, out_of_memory


def main(argv: list[str] | None = None) -> int:
    """Run ``sightline`` with these arguments (default: of the process); returns the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    try:
        return _dispatch(argv)
    except InputError as error:
        return _complain(str(error), BAD_INPUT)
    except KeyboardInterrupt:
        return _complain("Interrupted; what exists is saved.", INTERRUPTED)
    except BrokenPipeError:
        discard_output()
        return DONE
    except SystemExit as end:  # argparse: --help, --version and bad arguments
        return end.code if isinstance(end.code, int) else FAILED
    except Exception as error:
        return _complain(_internal(error), FAILED)


def _dispatch(argv: list[str]) -> int:
    for command in COMMANDS:
        if argv and argv[0] == command.name:
            return run_command(command, argv[1:])
    args = _parser().parse_args(argv)
    if args.version:
        from importlib.metadata import version

        print(f"sightline {version('sightline')}")
        return DONE
    from app.cli.window import run

    return run(args.file, args.model, args.estimator, args.device)


def _parser() -> Parser:
    width = max(len(command.name) for command in COMMANDS)
    listed = "\n".join(f"  {command.name:<{width}}  {command.summary}" for command in COMMANDS)
    parser = Parser(
        prog="sightline",
        description="Shows what a multimodal thinking model looks at while it thinks.",
        epilog=f"commands:\n{listed}\n\nWithout a command, the window opens.",
        formatter_class=RawDescriptionHelpFormatter,
        usage="sightline [IMAGE | TRACE] [--model M] [--estimator E]\n       sightline COMMAND ...",
    )
    parser.add_argument("file", nargs="?", metavar="IMAGE | TRACE", help="what to open in the window")
    parser.add_argument(
        "--model", metavar="M", default="bundled", help="bundled, a folder, or the id of a cached one"
    )
    parser.add_argument(
        "--estimator",
        metavar="E",
        default="auto",
        help="auto, bundled, none (uncalibrated attention), or a folder",
    )
    parser.add_argument("--device", metavar="D", default="auto", help="auto, cpu, cuda, cuda:1, mps (auto)")
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    return parser


def _complain(sentence: str, code: int) -> int:
    with contextlib.suppress(OSError):
        say(f"sightline: {sentence}")
    return code


def _internal(error: Exception) -> str:
    """One sentence for a defect; the whole story where ``SIGHTLINE_DEBUG`` is set."""
    from app.environment import missing_library

    if os.environ.get("SIGHTLINE_DEBUG"):
        import traceback

        traceback.print_exc(file=sys.stderr)
    if out_of_memory(error):
        return f"The machine ran out of memory. {REMEDY}"
    missing = missing_library(error) if isinstance(error, ImportError | OSError) else None
    if missing is not None:
        return missing
    return (
        f"Something went wrong inside Sightline ({type(error).__name__}: {error}). "
        "Set SIGHTLINE_DEBUG=1 to see where, and please report it."
    )


if __name__ == "__main__":
    sys.exit(main())
