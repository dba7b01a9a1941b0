"""What stands where in an annotated picture of some steps, before anything is drawn.

``annotate.py`` draws it with pixels, ``svg.py`` with shapes and real text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from core.colour_maps import map_effects, scale_of
from core.errors import InputError
from core.export.format import Steps, checked_steps, token_range
from core.export.labels import Label, Plate, lay_plates
from core.export.lettering import Lettering, lettering
from core.export.look import Look
from core.quantity import ESTIMATED, MEASURED, UNCALIBRATED, Quantity
from core.trace import Trace

Colour = tuple[int, int, int]

PAPER: Final = (250, 250, 249)
INK: Final = (24, 26, 30)
SOFT_INK: Final = (84, 88, 96)
RULE: Final = (208, 210, 214)
SMALLEST: Final = 240
"""A screenshot whose longer side is shorter than this is enlarged by a whole factor."""
NARROWEST: Final = 480
"""Width in pixels below which the words would not fit."""
MOST_PIXELS: Final = 250_000_000
"""Of a picture: what Pillow draws within a gigabyte."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What one picture shows.

    Attributes:
        effects: float32 [regions] in nats, or None where there are none.
        reliance: nats; 0 without effects.
        scale: the effect in nats with the strongest colour.
        colours: uint8 [regions, 4], straight alpha, without the look's opacity.
        strongest: ids of the regions to name, the strongest first.
        heading: which steps these are, and their reliance.
        text: what the model wrote in them.
        quantity: what the effects are.
    """

    effects: np.ndarray | None
    reliance: float
    scale: float
    colours: np.ndarray
    strongest: tuple[int, ...]
    heading: str
    text: str
    quantity: Quantity = ESTIMATED


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text: its left end and its middle height."""

    x: float
    y: float
    text: str
    font: Lettering
    colour: Colour


@dataclass(frozen=True, slots=True)
class Bar:
    """Where the bar of colours is, and the rule above it."""

    left: int
    top: int
    length: int
    height: int
    rule: tuple[int, int, int]
    """Left, right and height of the rule."""


@dataclass(frozen=True, slots=True, eq=False)
class Composition:
    """A picture that is not drawn yet.

    Attributes:
        width, height: of the whole, in pixels.
        origin: where the upper left corner of the screenshot is.
        factor: pixels of the picture for one pixel of the screenshot.
        thin: thickness of the thinnest line.
        lines, plates, bar: what stands around and on the screenshot.
    """

    width: int
    height: int
    origin: tuple[int, int]
    factor: int
    thin: int
    shown: Shown
    look: Look
    lines: tuple[Line, ...]
    plates: tuple[Plate, ...]
    bar: Bar | None


def most_reliant_step(trace: Trace) -> Steps | None:
    """The step that depends most on the screenshot, as a range of one: what to show of a whole trace.

    Of its steps that are estimated to their end the one with the largest sum of reliance; the first step of a
    trace without such; None for a trace without steps.
    """
    if not trace.step_count:
        return None
    best = int(step_reliance(trace)[: max(1, estimated_steps(trace))].argmax())
    return best, best + 1


def estimated_steps(trace: Trace) -> int:
    """How many steps, from the first, are estimated to their end."""
    ends = np.append(trace.step_starts[1:], len(trace))
    return int(np.searchsorted(ends, trace.estimated, side="right")) if trace.step_count else 0


def step_reliance(trace: Trace) -> np.ndarray:
    """Estimated reliance of each step, float32 [steps], nats."""
    starts = [step.start for step in trace.steps]
    return np.add.reduceat(trace.reliance, starts) if starts else np.zeros(0, np.float32)


def compose(trace: Trace, steps: Steps | None, look: Look, enlarge: int = 1) -> Composition:
    """Lay out a picture of a range of steps; arguments and errors are those of ``annotate``."""
    shown = show(trace, most_reliant_step(trace) if steps is None else checked_steps(trace, steps), look)
    height, width = trace.screenshot.pixels.shape[:2]
    base = max(1, -(-SMALLEST // max(height, width)))
    factor = base * enlarge
    _refuse_too_large(width * factor, height * factor)
    size = _letter_size(width * base, height * base) * enlarge
    names = lettering(round(size * 0.92), bold=True)
    inner_width, inner_height = width * factor, height * factor
    if not look.words:
        plates = lay_plates(_labels(trace, shown, factor), (0, 0), (0, 0, inner_width, inner_height), names)
        thin = max(1, round(names.size / 16))
        return Composition(
            inner_width, inner_height, (0, 0), factor, thin, shown, look, (), tuple(plates), None
        )
    canvas_width = max(inner_width, NARROWEST * enlarge, size * 26)
    margin = size
    room = canvas_width - 2 * margin
    head, y = _stacked(_head(trace, size, room), margin, margin)
    top = y + margin * 2 // 3
    foot, y = _stacked(_foot(shown, size, room), margin, top + inner_height + margin * 2 // 3)
    lines, bar = head + foot, None
    if shown.effects is not None:
        bar, legend = _legend(shown, look, size, margin, y, room)
        lines += legend
        y += round(size * 5.2)
    left = (canvas_width - inner_width) // 2
    bounds = (0.0, top, canvas_width, top + inner_height)
    plates = lay_plates(_labels(trace, shown, factor), (left, top), bounds, names)
    return Composition(
        canvas_width,
        y + margin,
        (left, top),
        factor,
        max(1, round(names.size / 16)),
        shown,
        look,
        tuple(lines),
        tuple(plates),
        bar,
    )


def show(trace: Trace, steps: Steps | None, look: Look) -> Shown:
    """What a picture of these steps shows.

    Raises:
        InputError: measured effects are asked for and there are none.
    """
    nothing = np.zeros((len(trace.region_map), 4), np.uint8)
    if steps is None:
        return Shown(None, 0.0, 1.0, nothing, (), "Nothing was generated", "")
    first, last = steps
    start, end = token_range(trace, steps)
    phase = trace.step(first).phase
    text = "".join(token.text for token in trace.tokens[start:end]).removeprefix(" ")
    which = f"Step {first + 1}" if last == first + 1 else f"Steps {first + 1} to {last}"
    heading = f"{which} of {trace.step_count} · {phase}"
    if look.kind == "measured":
        found = [m for m in trace.measured if (m.start, m.end) == (start, end)]
        if not found:
            raise InputError(f"Nothing was measured for {which.lower()}. Run `sightline verify` on it first.")
        effects, reliance = found[-1].effects, found[-1].reliance
        heading += f" · ablation operator: {found[-1].operator}"
    elif end <= trace.estimated:
        effects, reliance = trace.span_effects(start, end), float(trace.reliance[start:end].sum())
    else:
        return Shown(None, 0.0, 1.0, nothing, (), f"{heading} · effects were not estimated", text)
    quantity = MEASURED if look.kind == "measured" else trace.quantity
    if quantity is UNCALIBRATED:
        heading += " · uncalibrated attention, not effects"
    else:
        heading += f" · {quantity.kind} reliance: {signed(reliance)} nats"
    effects = np.nan_to_num(np.asarray(effects, np.float32))
    scale = look.scale or scale_of(effects)
    colours = map_effects(effects, scale, look.signed, look.colour_map)
    strength = np.abs(effects) if look.signed else effects
    least = max(0.005, 0.02 * scale)
    order = np.argsort(-strength, kind="stable")[: look.labels]
    strongest = tuple(int(i) for i in order if strength[i] >= least)
    return Shown(effects, reliance, scale, colours, strongest, heading, text, quantity)


def signed(nats: float) -> str:
    """A number of nats with its sign and at most three significant digits: "+1.25", "−0.03", "0"."""
    digits = 2 if abs(nats) < 10 else 1 if abs(nats) < 100 else 0
    text = f"{abs(nats):.{digits}f}"
    return "0" if float(text) == 0 else f"{'+' if nats > 0 else '−'}{text}"


def box_of(trace: Trace, region: int, factor: int) -> tuple[int, int, int, int]:
    """x, y, width, height of a region in pixels of the picture, from the screenshot's corner."""
    x, y, width, height = trace.region_map.regions[region].bbox
    return x * factor, y * factor, width * factor, height * factor


def made_by(trace: Trace) -> str:
    """Who took part, in one line."""
    return f"Model: {trace.model.name} · regions: {trace.segmenter.name} · estimator: {trace.estimator.name}"


def _refuse_too_large(width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        raise InputError(f"A picture of {width} × {height} pixels is too large. Choose a smaller size.")


def _letter_size(width: int, height: int) -> int:
    """Letters grow with the picture, and stay small enough for words to fit its width."""
    return round(max(14, min(0.0155 * (width * height) ** 0.5, max(width, NARROWEST) / 30)))


def _labels(trace: Trace, shown: Shown, factor: int) -> list[Label]:
    if shown.effects is None:
        return []
    return [
        Label(
            box_of(trace, i, factor),
            signed(float(shown.effects[i])),
            trace.region_map.regions[i].name,
            (int(shown.colours[i, 0]), int(shown.colours[i, 1]), int(shown.colours[i, 2])),
        )
        for i in shown.strongest
    ]


def _head(trace: Trace, size: int, width: int) -> list[tuple[Lettering, str, Colour]]:
    """The title bar: the prompt, and what made the picture."""
    title, small = lettering(round(size * 1.2), bold=True), lettering(round(size * 0.85))
    prompt = title.wrap(trace.prompt.strip() or "(no prompt)", width, 3)
    return [(title, line, INK) for line in prompt] + [
        (small, line, SOFT_INK) for line in small.wrap(made_by(trace), width, 2)
    ]


def _foot(shown: Shown, size: int, width: int) -> list[tuple[Lettering, str, Colour]]:
    """The step's heading and words."""
    heading, body = lettering(round(size * 0.85), bold=True), lettering(size)
    return [(heading, line, SOFT_INK) for line in heading.wrap(shown.heading, width, 3)] + [
        (body, line, INK) for line in body.wrap(shown.text, width, 8) if shown.text.strip()
    ]


def _stacked(rows: list[tuple[Lettering, str, Colour]], x: int, y: int) -> tuple[list[Line], int]:
    """Lines from a top left corner down, and where the next would begin."""
    lines = []
    for font, text, colour in rows:
        lines.append(Line(x, y + font.line / 2, text, font, colour))
        y += font.line
    return lines, y


def _legend(shown: Shown, look: Look, size: int, left: int, top: int, width: int) -> tuple[Bar, list[Line]]:
    """The bar of colours with its values, and the words that say what they are."""
    small, bold = lettering(round(size * 0.85)), lettering(round(size * 0.85), bold=True)
    length = min(width, size * 34)
    y = top + size
    quantity = shown.quantity
    unit = "relative" if quantity is UNCALIBRATED else f"in {quantity.unit}"
    told = f"{quantity.kind} {quantity.noun} on these words, {unit}"
    words = Line(left, y + small.line / 2, told, bold, INK)
    y += small.line
    bar = Bar(left, y, length, round(size * 0.9), (left, left + width, top + size // 3))
    middle_height = y + bar.height + round(small.line * 0.6)
    low = -shown.scale if look.signed else 0.0
    middle = "0" if look.signed else signed(shown.scale / 2)
    right = f"supports {signed(shown.scale)}"
    places = (
        (left, f"{signed(low)} against" if look.signed else "0"),
        (left + (length - small.width(middle)) / 2, middle),
        (left + length - small.width(right), right),
    )
    return bar, [words, *(Line(x, middle_height, text, small, INK) for x, text in places)]
