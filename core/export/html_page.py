"""The run as one HTML page that is scrubbed in a browser, with no network and no other file.

What the model wrote is never markup: it travels as JSON in a script element, in an encoding that cannot end
the element, and the page writes it with ``textContent``. The Content-Security-Policy allows one script and
one style sheet, by their hashes, and pictures that are in the page itself.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from importlib import resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, Final

from core.counted import counted
from core.export.atomic import replacing
from core.export.format import Format, Progress, Steps, checked_steps, no_progress, token_range
from core.export.look import COLOURS, OPACITY, SIGNED
from core.strict_json import finite, plain

if TYPE_CHECKING:
    import numpy as np

    from core.trace import Trace

_UNSAFE: Final = {ord(character): f"\\u{ord(character):04x}" for character in "<>&'\u2028\u2029"}


def to_html(
    trace: Trace,
    steps: Steps | None = None,
    progress: Progress | None = None,
    signed: bool = True,
    opacity: int = 65,
    colours: str = "default",
) -> str:
    """The text of the page; arguments and errors are those of ``export_html``."""
    progress = progress or no_progress
    progress(0.0)
    steps = checked_steps(trace, steps)
    style, script = _file("page.css"), _file("page.js")
    data = json.dumps(_data(trace, steps, signed, opacity, colours), ensure_ascii=False, allow_nan=False)
    progress(0.6)
    policy = (
        "default-src 'none'; img-src data:; "
        f"script-src {_hash(script)}; style-src {_hash(style)}; "
        "base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    )
    page = Template(_file("page.html")).substitute(
        csp=policy,
        title=html.escape(f"{plain(trace.prompt).strip() or 'Reasoning'} – Sightline"),
        style=style,
        image=_picture(trace),
        data=script_safe(data),
        script=script,
    )
    progress(0.9)
    return page


def script_safe(json_text: str) -> str:
    """JSON text that means the same and cannot end, comment out or open anything in HTML."""
    return json_text.translate(_UNSAFE)


def export_html(
    trace: Trace,
    out: Path,
    steps: Steps | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> None:
    """Write the run, or a range of its steps, as a page that is scrubbed in a browser.

    Args:
        options: ``signed``, ``opacity`` in percent, ``colours``.

    Raises:
        InputError: there are no such steps, or the file cannot be written.
    """
    progress = progress or no_progress
    page = to_html(trace, steps, progress, **options)
    with replacing(out) as part:
        part.write_text(page, encoding="utf-8", newline="\n")
        progress(1.0)


def preview_html(trace: Trace, steps: Steps | None = None, **options: Any) -> str:
    """What the page holds, and how it is used."""
    steps = checked_steps(trace, steps)
    start, end = token_range(trace, steps)
    size = len(to_html(trace, steps, **options).encode()) / 1e6
    return (
        f"One page of {size:.1f} MB. It opens in any browser and loads nothing else.\n\n"
        f"{counted(end - start, 'token')} in {counted(steps[1] - steps[0], 'step')}, "
        f"{counted(len(trace.region_map), 'region')}.\n\n"
        "←  →            previous, next token\n"
        "Ctrl+←  Ctrl+→  previous, next step\n"
        "Home  End       first, last token\n"
        "Space           play or hold\n"
        "N  Shift+N      next, previous token that relies on the lit region\n\n"
        "A click on a token moves the playhead. A region under the mouse marks the tokens that rely on it; "
        "a click keeps it lit. #token=5 or #step=2 behind the address opens the page there."
    )


def _data(trace: Trace, steps: Steps, signed: bool, opacity: int, colours: str) -> dict[str, Any]:
    """What the script shows. Tokens and steps are counted from the first that is exported."""
    from core.colour_maps import COLOUR_MAPS, SCALE_FLOOR
    from core.export.composition import made_by
    from core.export.contours import region_paths

    start, end = token_range(trace, steps)
    known = max(0, min(end, trace.estimated) - start)
    effects = finite(trace.effects[start:end])
    quantum = float(abs(effects).max(initial=0.0)) / 32767 or 1.0
    table = COLOUR_MAPS[colours]
    paths = region_paths(trace.region_map.labels, len(trace.region_map))
    return {
        "prompt": plain(trace.prompt).strip(),
        "about": plain(made_by(trace)),
        "width": trace.screenshot.width,
        "height": trace.screenshot.height,
        "regions": [
            {"name": plain(region.name), "path": path}
            for region, path in zip(trace.region_map.regions, paths, strict=True)
        ],
        "first": start,
        "firstStep": steps[0],
        "total": len(trace),
        "estimated": known,
        "kind": trace.quantity.kind,
        "unit": trace.quantity.unit,
        "steps": [
            {"start": step.start - start, "end": step.end - start, "phase": step.phase}
            for step in map(trace.step, range(*steps))
        ],
        "tokens": [plain(token.text) for token in trace.tokens[start:end]],
        "reliance": _rounded(trace.reliance[start:end]),
        "quantum": quantum,
        "effects": base64.b64encode((effects / quantum).round().astype("<i2").tobytes()).decode("ascii"),
        "measured": [
            {
                "start": one.start - start,
                "end": one.end - start,
                "operator": plain(one.operator),
                "effects": _rounded(one.effects),
                "reliance": _rounded(one.reliance),
            }
            for one in trace.measured
            if start <= one.start and one.end <= end
        ],
        "signed": signed,
        "opacity": opacity / 100,
        "floor": SCALE_FLOOR,
        "colours": (table.diverging if signed else table.sequential).tobytes().hex(),
        "supports": ", ".join(map(str, table.diverging[223])),
        "opposes": ", ".join(map(str, table.diverging[32])),
    }


def _rounded(values: np.ndarray | float) -> Any:
    return (finite(values).astype(float).round(4) + 0.0).tolist()


def _picture(trace: Trace) -> str:
    """The screenshot as the address of a picture that is in the page."""
    import io

    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(trace.screenshot.pixels).save(buffer, "PNG", compress_level=6)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _file(name: str) -> str:
    return (
        resources.files("core.export.page").joinpath(name).read_text(encoding="utf-8").replace("\r\n", "\n")
    )


def _hash(text: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii") + "'"


FORMAT: Final = Format(
    "html",
    ".html",
    "page that is scrubbed in a browser",
    export_html,
    preview_html,
    (SIGNED, OPACITY, COLOURS),
)
