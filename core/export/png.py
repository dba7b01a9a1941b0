"""An annotated picture as a PNG file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.export.atomic import replacing
from core.export.format import Format, Progress, Steps, no_progress
from core.export.look import ENLARGE, PICTURE, look_from

if TYPE_CHECKING:
    from PIL import Image

    from core.trace import Trace


def export_png(
    trace: Trace,
    out: Path,
    steps: Steps | None = None,
    progress: Progress | None = None,
    enlarge: int = 1,
    **look: Any,
) -> None:
    """Draw a range of steps (the one that relies most on the screenshot, unless given) and save the picture.

    Args:
        enlarge: how many times as large as the screenshot, 1 to 4.
        look: options of ``core.export.look.PICTURE``.

    Raises:
        InputError: there are no such steps, nothing was measured where measured effects are asked for, or
            the file cannot be written.
    """
    from core.export.annotate import annotate

    progress = progress or no_progress
    progress(0.0)
    picture = annotate(trace, steps, look_from(**look), enlarge)
    progress(0.5)
    with replacing(out) as part:
        picture.save(part, "PNG", compress_level=4)
        progress(1.0)


def preview_png(trace: Trace, steps: Steps | None = None, enlarge: int = 1, **look: Any) -> Image.Image:
    """The picture itself."""
    from core.export.annotate import annotate

    return annotate(trace, steps, look_from(**look), enlarge)


FORMAT: Final = Format(
    "png", ".png", "annotated picture of a step", export_png, preview_png, (ENLARGE, *PICTURE)
)
