"""Fits the paper's linear map on the examples that the estimator is fitted on, for a fair comparison.

python -m models.bundled.estimator.rival --examples OUT/examples --out resources/bundled/estimator
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from core.attribution.linear_attention import fit_linear, save_linear
from models.thinker import load_thinker


def main() -> None:
    """The command line of the recipe."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--examples", type=Path, required=True, help="folder of collected examples")
    parser.add_argument("--out", type=Path, required=True, help="folder of the estimator")
    parser.add_argument("--thinker", default="bundled")
    parser.add_argument("--epochs", type=int, default=60)
    arguments = parser.parse_args()
    identity = load_thinker(arguments.thinker, device="cpu").identity
    linear = fit_linear(
        sorted(arguments.examples.glob("*.safetensors")),
        identity.sha256,
        arguments.epochs,
        say=lambda text, part: print(text, file=sys.stderr, flush=True),
    )
    save_linear(arguments.out, linear)


if __name__ == "__main__":
    main()
