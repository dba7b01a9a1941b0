"""Which fitted estimators there are, for which thinking models, and where a new one goes.

Looking reads configurations only; installing imports torch.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import resources
from core.errors import InputError

if TYPE_CHECKING:
    from core.estimator import Estimator
    from core.trace import Identity


def bundled_estimator() -> Path:
    """The folder of the estimator that comes with Sightline, for the bundled thinking model."""
    return Path(resources.__path__[0]) / "bundled" / "estimator"


def estimators_in(folders: Iterable[Path]) -> dict[str, Path]:
    """Estimators in the subfolders of these folders, by the content hash of the model they were fitted on."""
    found: dict[str, Path] = {}
    for folder in folders:
        for config in sorted(folder.glob("*/config.json")):
            try:
                owner = json.loads(config.read_text(encoding="utf-8")).get("thinker_sha256")
            except (OSError, ValueError, AttributeError):
                continue
            if isinstance(owner, str) and owner:
                found[owner] = config.parent
    return found


def notes_of(folder: Path) -> dict[str, Any]:
    """How an estimator was fitted; {} where nobody wrote it down."""
    try:
        notes = json.loads((folder / "config.json").read_text(encoding="utf-8"))["fitted"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return notes if isinstance(notes, dict) else {}


def name_for(thinker: Identity) -> str:
    """A folder name for what belongs to a thinking model, such as "Qwen3-VL-2B-Thinking-1f0c92ab"."""
    readable = re.sub(r"[^\w.-]+", "-", thinker.name).strip("-.")[:60] or "model"
    return f"{readable}-{thinker.sha256[:8]}"


def refuse_other(folder: Path) -> None:
    """Raises InputError where there is something in a folder that no estimator may replace."""
    try:
        taken = folder.exists() and not (folder / "config.json").is_file() and any(folder.iterdir())
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"{folder} cannot be used for an estimator: {reason}. Choose another folder."
        ) from None
    if taken:
        raise InputError(f"{folder} holds something that is no estimator. Choose another folder.")


def install(folder: Path, estimator: Estimator, notes: dict[str, object], card: str) -> None:
    """Write an estimator with its notes and a model card, in place of what the folder holds.

    A kill leaves the old one or the new one.

    Raises:
        InputError: the folder cannot be written, or holds something else.
    """
    from core.estimator import save_estimator

    refuse_other(folder)
    new, old = (folder.with_name(f".{folder.name}.{word}") for word in ("new", "old"))
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(new, ignore_errors=True)
        save_estimator(new, estimator.network, estimator.config, notes)
        (new / "README.md").write_text(card, encoding="utf-8")
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            os.replace(folder, old)
        os.replace(new, folder)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"The estimator cannot be written to {folder}: {reason}. Choose another.") from error
