"""An annotated picture as a PNG file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from core.export.atomic import replacing
from core.export.format import Format, Progress, Steps

if TYPE_CHECKING:
    from core.export.annotate import Look
    from core.trace import Trace


def export_png(
    trace: Trace,
    out: Path,
    steps: Steps | None = None,
    progress: Progress | None = None,
    look: Look | None = None,
) -> None:
    """Draw a range of steps (the one that relies most on the screenshot, unless given) and save the picture.

    Raises:
        InputError: there are no such steps, nothing was measured where ``look`` asks for measured effects, or
            the file cannot be written.
    """
    from core.export.annotate import annotate

    picture = annotate(trace, steps, look)
    if progress is not None:
        progress(0.5)
    with replacing(out) as part:
        picture.save(part, "PNG", compress_level=4)
    if progress is not None:
        progress(1.0)


FORMAT: Final = Format("png", ".png", "annotated picture of a step", export_png)
