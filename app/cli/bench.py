"""Measure Sightline itself: how fast it is, and how faithful its estimates are."""

from __future__ import annotations

import json
import os
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli import DONE
from app.cli.console import answer, progress, say
from app.cli.loading import add_arguments as add_loading_arguments
from app.cli.loading import loading_of
from core.errors import InputError
from core.paths import reachable

if TYPE_CHECKING:
    from core.attribution.linear_attention import LinearAttention
    from core.run import EffectEstimator
    from models.thinker import Thinker


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``sightline bench``."""
    add = parser.add_argument
    add("what", metavar="WHAT", help="speed, length, faithfulness, dynamics, segment, window or kills")
    add(
        "--samples",
        metavar="N",
        type=int,
        help="screens or kills (5 to 200; faithfulness, dynamics: of each kind, 100)",
    )
    add("--masks", metavar="N", type=int, default=128, help="faithfulness: random masks a screen (128)")
    add("--every", metavar="N", type=int, help="faithfulness: costly methods on every Nth (10)")
    add(
        "--processes",
        metavar="N",
        type=int,
        help="faithfulness: share the screens among N processes (one for each core; 1 for a big model)",
    )
    add("--resume", action="store_true", help="faithfulness: go on with what was judged for the same --json")
    add("--precision", metavar="P", default="full", help="faithfulness: full or half (full)")
    add("--picture", metavar="FILE", help="faithfulness: also draw the table as a PNG")
    add("--readme", metavar="FILE", help="faithfulness, dynamics: also write it into this Markdown file")
    add(
        "--from",
        metavar="FILE",
        dest="figures",
        help="faithfulness, dynamics: take the --json of another run",
    )
    add("--rounds", metavar="N", type=int, default=5, help="speed: rounds, each in all ways (5)")
    add("--model", metavar="M", default="bundled", help="bundled, a folder, or the id of a cached one")
    add(
        "--estimator",
        metavar="E",
        default="auto",
        help="auto, bundled, none (uncalibrated attention), or a folder",
    )
    add(
        "--regions",
        metavar="S",
        help="faithfulness: regions of one source: truth, opencv, grid or sam; at most 32, or N as in grid-N",
    )
    add("--segmenter", metavar="S", action="append", default=[], help="segment: one more, as sam:CHECKPOINT")
    add(
        "--shape",
        metavar="S",
        help="speed: random weights of a real architecture, such as qwen3-vl-8b, instead of a model",
    )
    add("--tokens", metavar="N", type=int, help="tokens a run (speed: 200; length: 32768)")
    add_loading_arguments(parser)
    add("--json", metavar="FILE", help="also write the numbers to a file")


def run(args: Namespace) -> int:
    """Do ``sightline bench``: prints a table."""
    benches: dict[str, Callable[[Namespace], tuple[dict[str, object], str]]] = {
        "speed": _speed,
        "length": _length,
        "faithfulness": _faithfulness,
        "segment": _segment,
        "dynamics": _dynamics,
        "window": _window,
        "kills": _kills,
    }
    if args.what not in benches:
        raise InputError(f"There is no benchmark “{args.what}”. Choose one of: {', '.join(benches)}.")
    for name in ("samples", "masks", "rounds", "every", "tokens", "processes"):
        if getattr(args, name) is not None and getattr(args, name) < 1:
            raise InputError(f"--{name} must be at least 1, not {getattr(args, name)}.")
    result, text = benches[args.what](args)
    answer(text)
    if args.json:
        from core.export.atomic import replacing

        with replacing(Path(args.json)) as part:
            part.write_text(json.dumps(result, indent=1), encoding="utf-8")
    return DONE


def _speed(args: Namespace) -> tuple[dict[str, object], str]:
    if args.shape:
        from models.shape_bench import bench_shape, shape_table

        result = bench_shape(
            args.shape, loading_of(args), rounds=args.rounds, tokens=args.tokens or 200, say=progress()
        )
        return result, shape_table(result)
    from app.engine import Engine
    from models.bundled.estimator.items import items
    from models.speed_bench import bench_speed, table

    tell = progress()
    thinker, estimator = Engine(args.model, args.estimator, loading=loading_of(args)).load(tell)
    from core.screenshot import from_array

    tasks = [
        (from_array(item.pixels, item.name), item.region_map, item.prompt)
        for item in items(args.samples or 5, held_out=True, sources=("opencv",))
    ]
    tokens = args.tokens or 200
    result = bench_speed(thinker, estimator, tasks, pairs=args.rounds, max_new_tokens=tokens, say=tell)
    return result, table(result)


def _length(args: Namespace) -> tuple[dict[str, object], str]:
    import tempfile

    from models.length_bench import bench_length, table

    with tempfile.TemporaryDirectory(prefix="sightline-") as folder:
        result = bench_length(Path(folder), args.tokens or 32_768, say=progress())
    return result, table(result)


def _faithfulness(args: Namespace) -> tuple[dict[str, object], str]:
    if args.precision not in ("full", "half"):
        raise InputError(f"There is no precision “{args.precision}”. Choose full or half.")
    _check_places(args, "faithfulness")
    from core.comparison import SCHEMA, table

    result = _figures(Path(args.figures), SCHEMA) if args.figures else _judged(args)
    if args.picture:
        from core.export.atomic import replacing
        from core.export.faithfulness_picture import draw_table

        with replacing(Path(args.picture)) as part:
            draw_table(result).save(part, "PNG")
    if args.readme:
        from core.export.faithfulness_text import section
        from core.export.marked_section import rewrite_section

        rewrite_section(Path(args.readme), "faithfulness", section(result))
    return result, table(result)


def _check_places(args: Namespace, name: str) -> None:
    """Refuse before half an hour of work what could not be written after it."""
    for file in (args.json, args.picture):
        if file and not reachable(Path(file).absolute().parent).is_dir():
            raise InputError(f"There is no folder for {file}. Create it, or choose another place.")
    if args.readme:
        from core.export.marked_section import marked_section

        marked_section(Path(args.readme), name)


def _figures(path: Path, schema: str) -> dict[str, Any]:
    """The result of an earlier run."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read {path}. Name what this benchmark wrote with --json.") from error
    if not isinstance(result, dict) or result.get("schema") != schema:
        raise InputError(f"{path} is no result of this version of the benchmark. Run it again.")
    return result


def _judged(args: Namespace) -> dict[str, Any]:
    """The result of judging now."""
    if args.resume and not args.json:
        raise InputError("Say with --json which benchmark to go on with.")
    tell = progress()
    tell("Loading the libraries", None)
    from core.comparison import EVERY
    from models.faithfulness_bench import SOURCES, Plan, bench_faithfulness

    on_cpu = args.device in ("auto", "cpu")
    half = args.precision == "half"
    sources = (args.regions,) if args.regions else SOURCES
    plan = Plan(args.samples or 100, args.masks, args.every or EVERY, half, sources)
    keep = Path(f"{args.json}.unfinished") if args.json else None
    # Each process has a model of its own; only the bundled one is known to be small.
    alone = not on_cpu or args.model != "bundled"
    processes = args.processes or (1 if alone else os.cpu_count() or 1)
    return bench_faithfulness(partial(_load_judged, args), plan, tell, processes, keep, args.resume)


def _load_judged(args: Namespace) -> tuple[Thinker, EffectEstimator | None, LinearAttention | None]:
    """What the benchmark judges."""
    from app.engine import Engine
    from app.environment import estimators_folder
    from core.attribution.linear_attention import load_linear
    from core.attribution.prior import Prior
    from models.estimators import bundled_estimator, estimators_in

    thinker, fitted = Engine(args.model, args.estimator, loading=loading_of(args)).load(lambda *_: None)
    name = args.estimator
    if name == "auto" and args.model != "bundled":
        folder = estimators_in([estimators_folder()]).get(thinker.identity.sha256)
    else:
        folder = bundled_estimator() if name in ("auto", "bundled") else Path(name)
    linear = None if folder is None else load_linear(folder)
    if linear is not None and linear.thinker_sha256 != thinker.identity.sha256:
        say("The linear map beside the estimator belongs to another model and is left out.")
        linear = None
    return thinker, None if isinstance(fitted, Prior) else fitted, linear


def _dynamics(args: Namespace) -> tuple[dict[str, object], str]:
    from app.engine import Engine
    from models.dynamics_bench import SCHEMA, bench_dynamics, section, table

    _check_places(args, "dynamics")
    if args.figures:
        result = _figures(Path(args.figures), SCHEMA)
    else:
        tell = progress()
        thinker, estimator = Engine(args.model, args.estimator, loading=loading_of(args)).load(tell)
        result = bench_dynamics(thinker, estimator, args.samples or 100, say=tell)
    if args.readme:
        from core.export.marked_section import rewrite_section

        rewrite_section(Path(args.readme), "dynamics", section(result))
    return result, table(result)


def _segment(args: Namespace) -> tuple[dict[str, object], str]:
    from models.segment_bench import bench_segment, table
    from models.segmenters import SEGMENTERS

    names = list(dict.fromkeys([*SEGMENTERS, *args.segmenter]))
    result = bench_segment(names, args.samples or 200, progress())
    return result, table(result)


def _window(args: Namespace) -> tuple[dict[str, object], str]:
    import sys

    from app.environment import display_problem, prepare_qt

    if display_problem() is not None:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    prepare_qt()
    sys.setswitchinterval(0.0005)  # as the app does
    from app.window_bench import bench_window, table

    tell = progress()
    result = bench_window(say=tell)
    return result, table(result)


def _kills(args: Namespace) -> tuple[dict[str, object], str]:
    import tempfile

    from core.kill_bench import bench_kills, table

    with tempfile.TemporaryDirectory(prefix="sightline-") as folder:
        result = bench_kills(Path(folder), args.samples or 100, say=progress())
    return result, table(result)
