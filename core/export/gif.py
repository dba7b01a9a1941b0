"""The run as an animated GIF, one picture at a time: long runs need no more memory than short ones."""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

from core.export.atomic import replacing
from core.export.format import Format, Progress, Steps, no_progress
from core.export.look import FILM, look_from

if TYPE_CHECKING:
    from PIL import Image

    from core.export.film import Film
    from core.trace import Trace

MOST_A_SECOND: Final = 20
"""Pictures: browsers slow down what is faster."""
LONGEST: Final = 65_535
"""Hundredths of a second that one picture can be shown: the format has two bytes for them."""
COLOURS_FROM: Final = 12
"""Pictures over the run that the colours of all are taken from."""


def export_gif(
    trace: Trace,
    out: Path,
    steps: Steps | None = None,
    progress: Progress | None = None,
    by: str = "tokens",
    speed: int = 8,
    width: int = 800,
    **look: Any,
) -> None:
    """Write the run, or a range of its steps, as an animated GIF that repeats.

    Raises:
        InputError: there are no such steps, or the file cannot be written.
    """
    from PIL import Image, ImageChops

    from core.export.film import END_SECONDS, Film

    progress = progress or no_progress
    progress(0.0)
    film = Film(trace, steps, look_from(**look), by, speed, width, MOST_A_SECOND)
    palette = _palette(film)
    times = [moment.seconds for moment in film.moments] or [0.0]
    times[-1] += END_SECONDS
    with replacing(out) as part, part.open("wb") as file:
        before: Image.Image | None = None
        owed = 0.0
        for i, frame in enumerate(film.frames()):
            picture = Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE)
            owed += times[i] * 100
            delay = max(2, round(owed))  # hundredths of a second; what is rounded off is made up later
            owed -= delay
            if before is None:
                _begin(file, picture)
                box = (0, 0, *picture.size)
            else:
                box = ImageChops.difference(before.convert("RGB"), picture.convert("RGB")).getbbox() or (
                    0,
                    0,
                    1,
                    1,
                )
            while delay > LONGEST:
                _append(file, picture.crop(box), box[:2], LONGEST)
                delay -= LONGEST
            _append(file, picture.crop(box), box[:2], delay)
            before = picture
            progress(0.05 + 0.95 * (i + 1) / len(times))
        file.write(b";")


def preview_gif(
    trace: Trace,
    steps: Steps | None = None,
    by: str = "tokens",
    speed: int = 8,
    width: int = 800,
    **look: Any,
) -> Image.Image:
    """A picture from the middle of the film."""
    from PIL import Image

    from core.export.film import Film

    film = Film(trace, steps, look_from(**look), by, speed, width, MOST_A_SECOND)
    if not film.moments:
        return Image.fromarray(next(film.frames()))
    return Image.fromarray(film.frame(film.moments[len(film.moments) // 2]))


def _palette(film: Film) -> Image.Image:
    """An image whose palette suits the whole film."""
    from PIL import Image

    chosen = film.moments[:: max(1, len(film.moments) // COLOURS_FROM)]
    shown = [Image.fromarray(film.frame(moment)) for moment in chosen] or [
        Image.fromarray(frame) for frame in film.frames()
    ]
    together = Image.new("RGB", (shown[0].width, sum(picture.height for picture in shown)))
    y = 0
    for picture in shown:
        together.paste(picture, (0, y))
        y += picture.height
    return together.quantize(255, Image.Quantize.MEDIANCUT)


def _begin(file: IO[bytes], picture: Image.Image) -> None:
    """The header, with the colours of all pictures, and the wish to be repeated."""
    from PIL import GifImagePlugin

    blocks, _ = GifImagePlugin.getheader(picture, info={"loop": 0, "optimize": False})
    for block in blocks:
        file.write(block)


def _append(file: IO[bytes], part: Image.Image, at: tuple[int, int], delay: int) -> None:
    """What has changed since the picture before, shown ``delay`` hundredths of a second."""
    from PIL import GifImagePlugin

    for block in GifImagePlugin.getdata(part, at, duration=delay * 10, disposal=1):
        file.write(block)


FORMAT: Final = Format(
    "gif",
    ".gif",
    "animation of the run",
    export_gif,
    preview_gif,
    FILM,
)
