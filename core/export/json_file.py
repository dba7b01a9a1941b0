"""A JSON file, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.export.atomic import replacing
from core.export.format import Progress


def write_json(content: dict[str, Any], out: Path, progress: Progress) -> None:
    """Write ``content`` as strict JSON in UTF-8.

    Raises:
        InputError: the file cannot be written.
    """
    # dumps is written in C, dump to a file in Python: ten times slower
    text = json.dumps(content, ensure_ascii=False, allow_nan=False)
    progress(0.7)
    with replacing(out) as part:
        part.write_text(text + "\n", encoding="utf-8", newline="\n")
        progress(1.0)
