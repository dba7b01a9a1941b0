"""Finding and loading a checkpoint folder, with a clear sentence for everything that can be wrong with it.

Imports torch and transformers only inside its functions.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import resources
from core.errors import InputError
from core.memory import out_of_memory
from core.paths import typed_path
from core.thinking import Progress
from core.trace import Identity
from models import image_budget
from models.families import Family, choose_family
from models.hub import cached_folder
from models.placement import place

BUNDLED = "bundled"
_HASHED_WHOLE = 512 * 2**20
_PIECES, _PIECE = 256, 16 * 2**10


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A loaded checkpoint.

    Attributes:
        model: in eval mode on its device, or spread over several.
        processor, family, identity: what belongs to it.
        device: the torch device that its inputs go to.
    """

    model: Any
    processor: Any
    family: Family
    identity: Identity
    device: Any


@dataclass(frozen=True, slots=True)
class Loading:
    """How to load a model.

    Attributes:
        device: "auto" (CUDA, then MPS, then CPU), a torch device, or "spread": over all GPUs, and what
            does not fit there in main memory and on the disk.
        dtype: "auto" (bfloat16 on CUDA, float16 on MPS, float32 on CPU) or a torch dtype's name.
        quantized: "", "8bit" or "4bit"; on an NVIDIA GPU, with the extra ``quantized`` installed.
        visual_tokens: at most so many for an image; None leaves it to the checkpoint.
        allow_code: let the checkpoint bring program code of its own.
        family: key or name of the model's family; "" to tell it by type and name.
    """

    device: str = "auto"
    dtype: str = "auto"
    quantized: str = ""
    visual_tokens: int | None = None
    allow_code: bool = False
    family: str = ""


AS_IT_COMES = Loading()


def load_checkpoint(
    name_or_path: str, loading: Loading = AS_IT_COMES, progress: Progress | None = None
) -> Checkpoint:
    """Load a thinking model that is on this machine; nothing is fetched (``models.hub.fetch`` does that).

    Args:
        name_or_path: "bundled", a folder, or the Hugging Face id of a cached model.
        loading: where to, in which format.
        progress: told what is going on.

    Raises:
        InputError: not found, not a supported model, damaged, weights missing or left over, program code that
            is not allowed, or not enough memory.
    """
    say = progress or (lambda text, fraction: None)
    say("Reading the model's configuration", None)
    folder = folder_of(name_or_path)
    family = _family(folder, name_or_path, loading.family)
    say("Loading the libraries", None)
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from transformers.utils import logging as transformers_logging

    from models.patch_projection import project_patches

    placement = place(
        folder, name_or_path, loading.device, loading.dtype, loading.quantized, content_hash(folder)
    )
    transformers_logging.disable_progress_bar()
    say("Loading the weights", None)
    common: dict[str, Any] = {"local_files_only": True, "trust_remote_code": loading.allow_code}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            processor = AutoProcessor.from_pretrained(folder, **common)
            loaded: Any = AutoModelForImageTextToText.from_pretrained(
                folder, **common, **placement.arguments, output_loading_info=True
            )
        model, report = loaded
        _refuse_gaps(report, name_or_path)
        model.eval().requires_grad_(False)
        project_patches(model)
        if not placement.spread:
            model.to(placement.device)
    except InputError:
        raise
    except Exception as error:
        raise InputError(_why_not(error, name_or_path)) from error
    details: dict[str, Any] = {"source": name_or_path, "family": family.name}
    details |= {"dtype": placement.dtype} | ({"quantized": loading.quantized} if loading.quantized else {})
    if loading.visual_tokens is not None:
        image_budget.limit(processor, loading.visual_tokens)
        details["visual_tokens_at_most"] = loading.visual_tokens
    name = "bundled" if name_or_path == BUNDLED else Path(name_or_path).name or name_or_path
    identity = Identity(name, content_hash(folder), details)
    return Checkpoint(model, processor, family, identity, placement.device)


def _why_not(error: Exception, name: str) -> str:
    """Why loading failed, and what to do, in a sentence."""
    if out_of_memory(error):
        return (
            f"The model {name} does not fit into memory. Take a smaller model, 8 or 4 bit (on an NVIDIA "
            "GPU), or the device “spread”."
        )
    text = str(error).strip()
    if "trust_remote_code" in text:
        return (
            f"The model {name} wants to run program code of its own on this machine, and Sightline refuses "
            "that unless you allow it for this one model, on the command line with --allow-code, if you "
            "trust who made it."
        )
    first_line = (text.splitlines() or ["unknown reason"])[0]
    return f"The model in {name} cannot be loaded: {first_line} Check that the folder is complete."


def folder_of(name_or_path: str) -> Path:
    """The folder of a model on this machine; arguments and errors as in ``load_checkpoint``."""
    if name_or_path == BUNDLED:
        folder = Path(resources.__file__).parent / "bundled" / "thinker"
        if not (folder / "config.json").is_file():
            raise InputError(f"The bundled thinking model is missing from {folder}. Reinstall Sightline.")
        return folder
    path = typed_path(name_or_path)
    if path.is_dir():
        if not (path / "config.json").is_file():
            raise InputError(
                f"{path} holds no config.json, so it is not a model folder. "
                "Choose the folder that holds config.json and the .safetensors files."
            )
        return path
    if path.exists() or path.is_absolute() or name_or_path.count("/") != 1:
        raise InputError(
            f'There is no model "{name_or_path}": give a folder, a Hugging Face id such as '
            '"Qwen/Qwen3-VL-2B-Thinking", or "bundled".'
        )
    cached = cached_folder(name_or_path)
    if cached is None:
        raise InputError(
            f'The model "{name_or_path}" is not on this machine. Fetch it with “sightline models --fetch '
            f"{name_or_path}” or in the window with Run, Choose Model, or give a local folder."
        )
    return cached


def _family(folder: Path, name: str, chosen: str) -> Family:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        model_type = str(config["model_type"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"The config.json of {name} cannot be read as a model configuration.") from error
    try:
        return choose_family(
            model_type, name, str(folder.resolve()), str(config.get("_name_or_path", "")), chosen=chosen
        )
    except InputError as error:
        raise InputError(f"The model {name} cannot be used. {error}") from error


def _refuse_gaps(report: dict[str, Any], name: str) -> None:
    """A model with random weights in it would run and talk nonsense; refuse it."""
    for key, words in (
        ("missing_keys", "lacks weights that it needs"),
        ("mismatched_keys", "has weights of the wrong shape"),
        ("unexpected_keys", "has weights that belong to another model"),
        ("error_msgs", "has damaged weights"),
    ):
        if report.get(key):
            example = next(iter(sorted(map(str, report[key]))))
            raise InputError(
                f"The checkpoint {name} {words} ({len(report[key])}, for example {example}). "
                "Fetch it again, or choose a matching folder."
            )


def content_hash(folder: Path) -> str:
    """Hash of configuration and weights.

    Of weights beyond 512 MiB names and sizes, and pieces all along each file: reading all of them would take
    minutes, and a fine-tuned model differs from its base in many places, though seldom in the first.
    """
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    files = sorted(folder.glob("*.safetensors"))
    whole = sum(file.stat().st_size for file in files) <= _HASHED_WHOLE
    for file in files:
        digest.update(f"{file.name}:{file.stat().st_size}".encode())
        with file.open("rb") as stream:
            if whole:
                digest.update(stream.read())
                continue
            for place in range(_PIECES):
                stream.seek(file.stat().st_size * place // _PIECES)
                digest.update(stream.read(_PIECE))
    return digest.hexdigest()
