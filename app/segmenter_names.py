"""What segmenters are called in the window, and which checkpoints the person chose before."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from app.settings import settings

_NAMES: Final = {"sam": "SAM, bundled", "opencv": "OpenCV", "grid": "Grid"}
_REMEMBERED: Final = 8
_KEY: Final = "segmenter/checkpoints"


def title(segmenter: str) -> str:
    """A name for people: "SAM: sam_vit_b.pth" for "sam:/somewhere/sam_vit_b.pth"."""
    kind, _, checkpoint = segmenter.partition(":")
    if checkpoint:
        return f"SAM: {Path(checkpoint).name}" if kind == "sam" else segmenter
    return _NAMES.get(segmenter, segmenter)


def remember(checkpoint: Path) -> None:
    """Offer a checkpoint the next time too."""
    saved = [str(checkpoint), *(str(other) for other in remembered() if other != checkpoint)]
    settings().setValue(_KEY, saved[:_REMEMBERED])


def remembered() -> list[Path]:
    """Checkpoints that were chosen lately and are still there, newest first."""
    saved = settings().value(_KEY, [])
    listed = [saved] if isinstance(saved, str) else saved if isinstance(saved, list) else []
    return [path for path in map(Path, listed) if os.path.exists(path)]  # Path.exists may raise
