"""Where a model goes: device and number format from the hardware, spreading, quantization, and whether it
fits.

Imports torch and transformers only inside its functions.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError
from models.hardware import BYTES, GIB, QUANTIZED, free_memory, shape_of

SPREAD = "spread"
DEVICES = ("auto", "cpu", "cuda", "mps", SPREAD)
WHOLE = ("lm_head", "visual", "vision_tower", "vision_model", "multi_modal_projector", "o_proj")
"""Modules that are never quantized: small, sensitive, or multiplied with by the probe."""


@dataclass(frozen=True, slots=True)
class Placement:
    """A decision.

    Attributes:
        device: the torch device that inputs go to.
        dtype: name of the number format.
        spread: the model is laid out by accelerate and must not be moved.
        arguments: for ``from_pretrained``.
    """

    device: Any
    dtype: str
    spread: bool
    arguments: dict[str, Any]


def place(
    folder: Path, name: str, device: str = "auto", dtype: str = "auto", quantized: str = "", key: str = ""
) -> Placement:
    """Decide where a model goes; arguments as in ``models.checkpoint.Loading``, ``key`` names it on the disk.

    "auto" spreads a model over several GPUs when it does not fit on the first.

    Raises:
        InputError: there is no such device or format, quantization is not possible here, or not enough
        memory.
    """
    import torch

    spread = device == SPREAD
    main = machine_device("auto" if spread else device)
    chosen = number_format(dtype, main.type)
    arguments: dict[str, Any] = {"dtype": getattr(torch, chosen)}
    if quantized:
        arguments["quantization_config"] = _quantization(quantized, main.type, chosen)
    weights = shape_of(folder).weights(chosen, quantized)
    if main.type == "cuda" and device == "auto" and torch.cuda.device_count() > 1:
        spread = spread or 1.1 * weights > free_memory(str(main))
    if spread:
        arguments |= {"device_map": "auto", "offload_folder": str(_offload_folder(key))}
    elif quantized:
        arguments["device_map"] = {"": str(main)}
    if not spread and 1.02 * weights > (free := free_memory(str(main))):
        raise InputError(
            f"The model {name} needs {weights / GIB:.1f} GiB for its weights alone, and {main} has "
            f"{free / GIB:.1f} GiB free. Take a smaller model, bfloat16, 8 or 4 bit (on an NVIDIA GPU), or "
            f"the device “{SPREAD}”, which is slow but fits."
        )
    return Placement(main, chosen, spread or bool(quantized), arguments)


def machine_device(device: str) -> Any:
    """The torch device that a name means; "auto" takes the best.

    Raises:
        InputError: it is not usable here.
    """
    import torch

    if device == "auto":
        device = (
            "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        )
    try:
        torch.empty(1, device=device)
        return torch.device(device)
    except (RuntimeError, AssertionError) as error:
        raise InputError(
            f'The device "{device}" is not usable on this machine. Try "auto" or "cpu".'
        ) from error


def number_format(dtype: str, device_type: str) -> str:
    """The name of the number format; "auto" takes what suits the device. Raises InputError if unknown."""
    if dtype == "auto":
        return {"cuda": "bfloat16", "mps": "float16"}.get(device_type, "float32")
    if dtype not in BYTES:
        raise InputError(f'Unknown number format "{dtype}". Use auto, {", ".join(BYTES)}.')
    return dtype


def _quantization(quantized: str, device_type: str, dtype: str) -> Any:
    if quantized not in QUANTIZED:
        raise InputError(f'Unknown quantization "{quantized}". Use {" or ".join(QUANTIZED)}.')
    if device_type != "cuda":
        raise InputError("8 and 4 bit need an NVIDIA GPU. Take a smaller model, or bfloat16.")
    if importlib.util.find_spec("bitsandbytes") is None:
        raise InputError("8 and 4 bit need an extra package: uv sync --extra quantized.")
    import torch
    from transformers import BitsAndBytesConfig

    if quantized == "8bit":
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=list(WHOLE))
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=getattr(torch, dtype),
        llm_int8_skip_modules=list(WHOLE),
    )


def _offload_folder(key: str) -> Path:
    """Where what fits into no memory goes; made only when it is needed."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("sightline", appauthor=False)) / "offload" / (key[:16] or "model")
