"""A contact sheet: small pictures of the steps that matter, in the order of the run, on one scale."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from core.export.atomic import replacing
from core.export.format import Format, Progress, Steps, checked_steps, no_progress, token_range
from core.export.look import COLOURS, OPACITY, SIGNED, look_from
from core.export.options import Option
from core.quantity import UNCALIBRATED

if TYPE_CHECKING:
    from PIL import Image

    from core.trace import Trace

COUNT: Final = Option(
    "count", "number", 9, "At most", "How many steps at most: the most reliant", low=1, high=60
)
COLUMNS: Final = Option("columns", "number", 3, "Columns", "Pictures beside each other", low=1, high=8)
CELL: Final = Option("cell", "number", 480, "Width of a picture", "In pixels", low=200, high=1600, unit=" px")

GAP: Final = 20


def chosen_steps(trace: Trace, steps: Steps | None, count: int) -> list[int]:
    """The ``count`` steps with the largest estimated reliance in size, in the order of the run.

    Steps that are not estimated to their end, and those without a word in them (empty lines), are left out
    where there are others.
    """
    import numpy as np

    from core.export.composition import estimated_steps, step_reliance

    first, last = checked_steps(trace, steps)
    unknown = np.arange(first, last) >= estimated_steps(trace)
    reliance = np.abs(step_reliance(trace)[first:last])
    worded = np.array([bool(trace.step(i).text.strip()) for i in range(first, last)], bool)
    order = np.lexsort((np.arange(last - first), -reliance, ~worded, unknown))
    return sorted(int(i) + first for i in order[:count])


def draw_sheet(
    trace: Trace,
    steps: Steps | None = None,
    progress: Progress | None = None,
    count: int = 9,
    columns: int = 3,
    cell: int = 480,
    **look: Any,
) -> Image.Image:
    """Draw the sheet; arguments and errors are those of ``export_sheet``."""
    import numpy as np
    from PIL import Image, ImageDraw

    from core.colour_maps import scale_of
    from core.export.annotate import tint, write
    from core.export.composition import INK, PAPER, RULE, SOFT_INK, Line, made_by, show, signed
    from core.export.lettering import lettering
    from core.export.thumbnail import thumbnail

    progress = progress or no_progress
    progress(0.0)
    numbers = chosen_steps(trace, steps, count)
    columns = max(1, min(columns, len(numbers)))
    spans = [token_range(trace, (i, i + 1)) for i in numbers]
    known = [trace.span_effects(*span) for span in spans if span[1] <= trace.estimated]
    scale = scale_of(np.array(known)) if known else 1.0
    plain = replace(look_from(**look), scale=scale, outlines=False, labels=3)
    small, labels = thumbnail(trace, cell, 2 * cell)
    picture_height = len(small)
    letters = max(12, round(cell / 30))
    heading, body = lettering(letters, bold=True), lettering(letters)
    cell_height = picture_height + heading.line * 2 + body.line * 3 + letters
    width = max(columns * (cell + GAP) + GAP, 480)
    title, note = lettering(round(letters * 1.4), bold=True), lettering(letters)
    room = width - 2 * GAP
    head = [(title, line, INK) for line in title.wrap(trace.prompt.strip() or "(no prompt)", room, 3)]
    most = "attend most to" if trace.quantity is UNCALIBRATED else "depend most on"
    about = (
        f"{made_by(trace)} · the {len(numbers)} of {trace.step_count} steps that {most} the "
        f"screenshot · {trace.quantity.kind} {trace.quantity.noun}, one scale of ±{scale:.2f} "
        f"{trace.quantity.unit}"
    )
    head += [(note, line, SOFT_INK) for line in note.wrap(about, room, 3)]
    lines, y = [], GAP
    for font, text, colour in head:
        lines.append(Line(GAP, y + font.line / 2, text, font, colour))
        y += font.line
    top = y + GAP
    rows = -(-len(numbers) // columns)
    canvas = Image.new("RGB", (width, top + rows * (cell_height + GAP)), PAPER)
    draw = ImageDraw.Draw(canvas)
    for place, number in enumerate(numbers):
        progress(0.9 * place / len(numbers))
        left = GAP + place % columns * (cell + GAP)
        upper = top + place // columns * (cell_height + GAP)
        shown = show(trace, (number, number + 1), plain)
        picture = small.copy()
        tint(picture, labels, shown.colours, plain.opacity)
        canvas.paste(Image.fromarray(picture), (left, upper))
        edge = (left - 1, upper - 1, left + picture.shape[1], upper + picture.shape[0])
        draw.rectangle(edge, outline=RULE)
        y = upper + picture_height + letters // 2
        names = [trace.region_map.regions[i].name for i in shown.strongest]
        phase = trace.step(number).phase
        reliance = f"{signed(shown.reliance)} {trace.quantity.unit}, {trace.quantity.kind}"
        if shown.effects is None:
            reliance = "effects were not estimated"
        told = f"Step {number + 1} · {phase} · {reliance}"
        texts = [(heading, heading.elide(told, cell), INK)]
        if names:
            texts.append((body, body.elide("on " + " · ".join(names), cell), SOFT_INK))
        texts += [(body, line, INK) for line in body.wrap(shown.text, cell, 3)]
        for font, text, colour in texts:
            lines.append(Line(left, y + font.line / 2, text, font, colour))
            y += font.line
    write(draw, tuple(lines))
    return canvas


def export_sheet(
    trace: Trace,
    out: Path,
    steps: Steps | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> None:
    """Draw the steps that depend most on the screenshot beside each other, as a PNG.

    Args:
        steps: choose among these only.
        options: ``count`` steps at most, in ``columns`` of ``cell`` pixels; how to colour them.

    Raises:
        InputError: there are no such steps, or the file cannot be written.
    """
    progress = progress or no_progress
    canvas = draw_sheet(trace, steps, progress, **options)
    with replacing(out) as part:
        canvas.save(part, "PNG", compress_level=4)
        progress(1.0)


def preview_sheet(trace: Trace, steps: Steps | None = None, **options: Any) -> Image.Image:
    """The sheet itself."""
    return draw_sheet(trace, steps, **options)


FORMAT: Final = Format(
    "sheet",
    ".png",
    "contact sheet of the steps that matter",
    export_sheet,
    preview_sheet,
    (COUNT, COLUMNS, CELL, SIGNED, OPACITY, COLOURS),
)
