"""Which fitted estimators there are, and for which thinking models. Reads configurations only."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import resources


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
