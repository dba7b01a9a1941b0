"""The run as an MP4 film (H.264)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.errors import InputError
from core.export.atomic import replacing
from core.export.format import Format, Progress, Steps, no_progress
from core.export.look import FILM, look_from

if TYPE_CHECKING:
    from PIL import Image

    from core.trace import Trace

MOST_A_SECOND: Final = 30
ENCODERS: Final = ("libx264", "libopenh264", "h264_videotoolbox", "h264_mf")
"""Of H.264, the preferred first: which ones are there depends on how PyAV was built."""
CLOCK: Final = 1000
"""Ticks a second of the film's time stamps."""


def export_mp4(
    trace: Trace,
    out: Path,
    steps: Steps | None = None,
    progress: Progress | None = None,
    by: str = "tokens",
    speed: int = 8,
    width: int = 800,
    **look: Any,
) -> None:
    """Write the run, or a range of its steps, as an H.264 film without sound.

    Raises:
        InputError: there are no such steps, the file cannot be written, or no H.264 encoder is installed.
    """
    from fractions import Fraction

    import av
    import numpy as np

    from core.export.film import END_SECONDS, Film

    progress = progress or no_progress
    progress(0.0)
    encoder = _encoder()
    film = Film(trace, steps, look_from(**look), by, speed, width, MOST_A_SECOND)
    times = [moment.seconds for moment in film.moments] or [0.0]
    clock = Fraction(1, CLOCK)
    with replacing(out) as part:
        quiet = {"movflags": "+faststart", "fflags": "+bitexact"}
        with av.open(str(part), "w", format="mp4", options=quiet) as container:
            stream = container.add_stream(encoder, rate=MOST_A_SECOND)
            assert isinstance(stream, av.VideoStream)
            stream.width, stream.height = film.size
            stream.pix_fmt = "yuv420p"
            stream.time_base = stream.codec_context.time_base = clock
            # One thread and exact flags: the same bytes on every run, whatever the number of cores.
            stream.codec_context.thread_count = 1
            stream.codec_context.flags |= av.codec.context.Flags.bitexact
            if encoder == "libx264":
                # Without mbtree: its fast code reads memory that nobody wrote, and the bytes would vary.
                stream.options = {"preset": "veryfast", "crf": "20", "x264-params": "mbtree=0"}
            else:
                stream.bit_rate = 4_000_000
            now = 0.0
            last: np.ndarray | None = None
            for i, picture in enumerate(film.frames()):
                _encode(container, stream, picture, round(now * CLOCK), clock)
                now, last = now + times[i], picture
                progress(0.98 * (i + 1) / len(times))
            if last is not None:  # the end stays for a moment
                _encode(container, stream, last, round((now + END_SECONDS) * CLOCK), clock)
            container.mux(stream.encode(None))
        progress(1.0)


def preview_mp4(
    trace: Trace,
    steps: Steps | None = None,
    by: str = "tokens",
    speed: int = 8,
    width: int = 800,
    **look: Any,
) -> Image.Image:
    """A picture from the middle of the film."""
    from core.export.gif import preview_gif

    return preview_gif(trace, steps, by, speed, width, **look)


def _encode(container: Any, stream: Any, picture: Any, tick: int, clock: Any) -> None:
    import av

    frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
    frame.pts, frame.time_base = tick, clock
    container.mux(stream.encode(frame))


def _encoder() -> str:
    import av

    for name in ENCODERS:
        try:
            av.Codec(name, "w")
        except av.codec.codec.UnknownCodecError:
            continue
        return name
    raise InputError(
        "No H.264 encoder is installed: this build of PyAV has none. Install the common one "
        "(pip install av), or export a GIF."
    )


FORMAT: Final = Format(
    "mp4",
    ".mp4",
    "film of the run (H.264)",
    export_mp4,
    preview_mp4,
    FILM,
)
