"""Fits the bundled estimator: collect ablations on generated screens, fit, judge on held-out screens.

    python -m models.bundled.estimator.train --screens 600 --out resources/bundled/estimator --thinker bundled

Started again with the same arguments, it goes on where it was, collecting or fitting; what that needs lies in
the ``--examples`` folder.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import torch
from safetensors import safe_open

from core.attribution.linear_attention import fit_linear, save_linear
from core.attribution.registry import METHODS
from core.calibration import collect
from core.comparison import compare, table
from core.effect_fit import fit
from core.estimator import EffectNetwork, EstimatorConfig, joined, load_estimator, save_estimator
from core.interval_fit import fit_interval
from core.trace import Sampling
from models.bundled.estimator.items import items
from models.thinker import load_thinker

JUDGED = ("random", "mean attention", "linear attention", "estimator", "ridge 64")
"""Methods that the estimator is held against right after it is fitted; the benchmark takes them all."""


def _say(text: str, fraction: float | None) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--screens", type=int, default=600)
    parser.add_argument("--first", type=int, default=500_000, help="first seed; others teach other screens")
    parser.add_argument("--masks", type=int, default=32)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--thinker", default="bundled")
    parser.add_argument("--examples", type=Path, required=True, help="folder of the collected examples")
    parser.add_argument("--collect-minutes", type=float, default=10.0)
    parser.add_argument("--fit-minutes", type=float, default=5.0)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--hidden", type=int, default=64)
    parser.add_argument("--dropout", type=float, default=0.25)
    parser.add_argument("--members", type=int, default=4, help="networks, each from its own random weights")
    parser.add_argument("--keep", type=int, default=8, help="one example in so many is for the intervals")
    parser.add_argument("--judge", type=int, default=100, help="held-out screens to judge on")
    parser.add_argument("--judge-minutes", type=float, default=5.0)
    parser.add_argument("--max-new-tokens", type=int, default=160)
    parser.add_argument("--batch", type=int, default=11, help="screenshots in one forward pass")
    parser.add_argument("--processes", type=int, default=2, help="each with one thread, for collecting")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def _collect(arguments: argparse.Namespace, place: int) -> None:
    """Collect one share of the screens, in a process of its own."""
    torch.set_num_threads(1)
    collect(
        load_thinker(arguments.thinker, device="cpu"),
        items(arguments.screens, first=arguments.first, shard=(place, arguments.processes)),
        arguments.screens // arguments.processes,
        arguments.examples,
        arguments.masks,
        Sampling(max_new_tokens=arguments.max_new_tokens),
        arguments.batch,
        arguments.collect_minutes * 60,
        _say,
    )


def _collect_side_by_side(arguments: argparse.Namespace) -> list[Path]:
    """All examples collected so far. Single-threaded processes waste less than one with several threads."""
    context = multiprocessing.get_context("spawn")
    shares = [
        context.Process(target=_collect, args=(arguments, place)) for place in range(arguments.processes)
    ]
    for share in shares:
        share.start()
    for share in shares:
        share.join()
    if any(share.exitcode for share in shares):
        raise SystemExit("collecting failed; see above")
    return sorted(arguments.examples.glob("*.safetensors"))


def _unfinished(arguments: argparse.Namespace) -> Path:
    """The folder of fits in progress."""
    return Path(arguments.examples, "fits")


def _fit(arguments: argparse.Namespace, fitted: list[Path], member: int, folder: Path) -> None:
    """Fit one member of the estimator, in a process of its own, and leave it in a folder."""
    torch.set_num_threads(1)
    network, config = fit(
        fitted,
        load_thinker(arguments.thinker, device="cpu"),
        arguments.epochs,
        arguments.seed + member,
        arguments.hidden,
        arguments.fit_minutes * 60,
        lambda text, fraction: _say(f"Network {member + 1}: {text}", fraction),
        state=_unfinished(arguments) / f"{member}.safetensors",
        dropout=arguments.dropout,
    )
    save_estimator(folder, network, config, {})


def _fit_side_by_side(
    arguments: argparse.Namespace, fitted: list[Path]
) -> tuple[EffectNetwork, EstimatorConfig]:
    """All members of the estimator, ``--processes`` at a time."""
    _unfinished(arguments).mkdir(exist_ok=True)
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as made, context.Pool(arguments.processes, maxtasksperchild=1) as pool:
        folders = [Path(made, str(member)) for member in range(arguments.members)]
        tasks = [(arguments, fitted, member, folder) for member, folder in enumerate(folders)]
        pool.starmap(_fit, tasks, chunksize=1)
        members = [load_estimator(folder) for folder in folders]
    torch.manual_seed(arguments.seed)  # what tells their errors is theirs together, and begins at random
    return joined([one.network for one in members], members[0].config)


def _with_masks(examples: list[Path]) -> dict[str, int]:
    """How many examples have how many random masks; a folder may hold those of several collections."""
    counts = Counter[int]()
    for path in examples:
        with safe_open(path, "pt") as tensors:
            counts[tensors.get_slice("masks").get_shape()[0]] += 1
    return {str(masks): count for masks, count in sorted(counts.items())}


def main() -> None:
    """The command line of the recipe."""
    arguments = _arguments()
    began = time.monotonic()
    examples = _collect_side_by_side(arguments)
    collected = time.monotonic() - began
    thinker = load_thinker(arguments.thinker, device="cpu")
    kept = examples[:: arguments.keep]
    fitted = [path for path in examples if path not in set(kept)]
    network, config = _fit_side_by_side(arguments, fitted)
    config = fit_interval(network, config, kept[::2], kept[1::2], arguments.seed)
    notes: dict[str, object] = {
        "screens": len(fitted),
        "screens_for_intervals": len(kept),
        "screens_with_masks": _with_masks(fitted),
        "operator": "pixels",
        "seed": arguments.seed,
        "dropout": arguments.dropout,
        "collect_seconds": round(collected),
        "fit_seconds": round(time.monotonic() - began - collected),
    }
    save_estimator(arguments.out, network, config, notes)
    linear = fit_linear(fitted, thinker.identity.sha256, say=_say)
    save_linear(arguments.out, linear)
    shutil.rmtree(_unfinished(arguments))
    if arguments.judge:
        result = compare(
            thinker,
            load_estimator(arguments.out),
            items(arguments.judge, held_out=True, sources=("truth", "sam")),
            [METHODS[name] for name in JUDGED],
            64,
            Sampling(max_new_tokens=arguments.max_new_tokens),
            arguments.batch,
            arguments.judge_minutes * 60,
            _say,
            linear=linear,
            curves=False,
        )
        save_estimator(arguments.out, network, config, notes | {"judged": result})
        print(table(result))
        print(json.dumps(result))


if __name__ == "__main__":
    main()
