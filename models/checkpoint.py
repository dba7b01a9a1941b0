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
from core.thinking import Progress
from core.trace import Identity
from models.families import FAMILIES, Family, family_of

BUNDLED = "bundled"
_HASHED_WHOLE = 512 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """A loaded checkpoint: model in eval mode on its device, processor, family, identity."""

    model: Any
    processor: Any
    family: Family
    identity: Identity


def load_checkpoint(
    name_or_path: str,
    device: str = "auto",
    dtype: str = "auto",
    allow_download: bool = False,
    progress: Progress | None = None,
) -> Checkpoint:
    """Load a thinking model from a local folder, the Hugging Face cache or (only if allowed) the hub.

    Args:
        name_or_path: "bundled", a folder, or a Hugging Face id.
        device: "auto" (CUDA, then MPS, then CPU) or a torch device.
        dtype: "auto" (bfloat16 on CUDA, float16 on MPS, float32 on CPU) or a torch dtype's name.
        allow_download: whether files may be fetched.
        progress: told what is going on.

    Raises:
        InputError: not found, not a supported model, damaged, or weights missing or left over.
    """
    say = progress or (lambda text, fraction: None)
    say("Reading the model's configuration", None)
    folder = _folder(name_or_path, allow_download)
    family = _family(folder, name_or_path)
    say("Loading the libraries", None)
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from transformers.utils import logging as transformers_logging

    target = _device(device)
    transformers_logging.disable_progress_bar()
    say("Loading the weights", None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            processor = AutoProcessor.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            loaded: Any = AutoModelForImageTextToText.from_pretrained(
                folder,
                local_files_only=True,
                trust_remote_code=False,
                dtype=_dtype(dtype, target),
                output_loading_info=True,
            )
    except torch.OutOfMemoryError as error:
        raise InputError(
            f"The model {name_or_path} does not fit into memory. Take a smaller model or another device."
        ) from error
    except Exception as error:
        first_line = (str(error).strip().splitlines() or ["unknown reason"])[0]
        raise InputError(
            f"The model in {name_or_path} cannot be loaded: {first_line} Check that the folder is complete."
        ) from error
    model, report = loaded
    _refuse_gaps(report, name_or_path)
    model.eval().requires_grad_(False).to(target)
    name = "bundled" if name_or_path == BUNDLED else Path(name_or_path).name or name_or_path
    identity = Identity(name, _content_hash(folder), {"source": name_or_path, "family": family.name})
    return Checkpoint(model, processor, family, identity)


def _folder(name_or_path: str, allow_download: bool) -> Path:
    if name_or_path == BUNDLED:
        folder = Path(resources.__file__).parent / "bundled" / "thinker"
        if not (folder / "config.json").is_file():
            raise InputError(f"The bundled thinking model is missing from {folder}. Reinstall Sightline.")
        return folder
    path = Path(name_or_path).expanduser()
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
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name_or_path, local_files_only=not allow_download))
    except LocalEntryNotFoundError as error:
        raise InputError(
            f'The model "{name_or_path}" is not on this machine. Allow the download, or give a local folder.'
        ) from error
    except (HfHubHTTPError, HFValidationError, OSError) as error:
        raise InputError(f'The model "{name_or_path}" could not be downloaded: {error}') from error


def _family(folder: Path, name: str) -> Family:
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        model_type = str(config["model_type"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"The config.json of {name} cannot be read as a model configuration.") from error
    family = family_of(model_type)
    if family is None:
        known = ", ".join(entry.name for entry in FAMILIES)
        raise InputError(
            f'The model {name} is of type "{model_type}", which Sightline cannot read. Supported: {known}.'
        )
    return family


def _device(device: str) -> Any:
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


def _dtype(dtype: str, device: Any) -> Any:
    import torch

    if dtype == "auto":
        return {"cuda": torch.bfloat16, "mps": torch.float16}.get(device.type, torch.float32)
    known = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    if dtype not in known:
        raise InputError(f'Unknown number format "{dtype}". Use auto, {", ".join(known)}.')
    return known[dtype]


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


def _content_hash(folder: Path) -> str:
    """Hash of configuration and weights; of weights beyond 512 MiB only names, sizes and first MiB."""
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    files = sorted(folder.glob("*.safetensors"))
    whole = sum(file.stat().st_size for file in files) <= _HASHED_WHOLE
    for file in files:
        digest.update(f"{file.name}:{file.stat().st_size}".encode())
        with file.open("rb") as stream:
            digest.update(stream.read() if whole else stream.read(2**20))
    return digest.hexdigest()
