"""The arguments that say how a model is loaded, the same for every command that loads one."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from core.errors import InputError

if TYPE_CHECKING:
    from models.checkpoint import Loading


def add_arguments(parser: ArgumentParser) -> None:
    """Device, number format, quantization, image budget, permission to run code, family."""
    add = parser.add_argument
    add("--device", metavar="D", default="auto", help="auto, cpu, cuda, cuda:1, mps, or spread (auto)")
    add("--dtype", metavar="F", default="auto", help="auto, float32, bfloat16 or float16 (auto)")
    add("--quantized", metavar="Q", default="", help="8bit or 4bit weights, on an NVIDIA GPU")
    add("--visual-tokens", metavar="N", type=int, help="at most N for an image (default: the model's own)")
    add("--allow-code", action="store_true", help="let this model run program code of its own")
    add("--family", metavar="F", default="", help="family of the model, where its name does not tell")


def loading_of(args: Namespace) -> Loading:
    """What the arguments say."""
    from models.checkpoint import Loading

    if args.visual_tokens is not None and args.visual_tokens < 1:
        raise InputError(f"--visual-tokens must be at least 1, not {args.visual_tokens}.")
    return Loading(args.device, args.dtype, args.quantized, args.visual_tokens, args.allow_code, args.family)
