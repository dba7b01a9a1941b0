"""An annotated picture as SVG: the screenshot as it is, regions as outlines, words as text."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from xml.etree import ElementTree

from core.export.atomic import replacing
from core.export.format import Format, Progress, Steps, no_progress
from core.export.look import PICTURE, look_from

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

    from core.export.composition import Composition, Line
    from core.export.labels import Plate
    from core.trace import Trace

_FONTS: Final = "'DejaVu Sans', Verdana, sans-serif"
_NOT_XML: Final = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STOPS: Final = 33


def to_svg(trace: Trace, steps: Steps | None = None, progress: Progress | None = None, **look: Any) -> str:
    """A picture of a range of steps as the text of an SVG file.

    Arguments and errors are those of ``export_svg``.
    """
    from core.export.composition import PAPER, RULE, compose
    from core.export.contours import region_paths

    progress = progress or no_progress
    progress(0.0)
    plan = compose(trace, steps, look_from(**look))
    shown, regions = plan.shown, trace.region_map.regions
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "width": str(plan.width),
            "height": str(plan.height),
            "viewBox": f"0 0 {plan.width} {plan.height}",
            "role": "img",
            "font-family": _FONTS,
        },
    )
    _child(root, "title").text = _text(shown.heading)
    _child(root, "desc").text = _text(trace.prompt)
    _child(root, "rect", width=str(plan.width), height=str(plan.height), fill=_colour(PAPER))
    left, top = plan.origin
    picture = _child(root, "g", id="screenshot", transform=f"translate({left} {top})")
    width, height = trace.screenshot.width * plan.factor, trace.screenshot.height * plan.factor
    size = {"width": str(width), "height": str(height)}
    if plan.look.screenshot:
        href = "data:image/png;base64," + base64.b64encode(_png(trace.screenshot.pixels)).decode("ascii")
        smooth = {"style": "image-rendering:pixelated"} if plan.factor > 1 else {}
        _child(picture, "image", href=href, **size, **smooth)
    else:
        _child(picture, "rect", fill="#ffffff", **size)
    progress(0.3)
    paths = region_paths(trace.region_map.labels, len(regions), plan.factor)
    progress(0.7)
    if plan.look.words:
        _child(picture, "rect", fill="none", stroke=_colour(RULE), **size)
    overlay = _child(picture, "g", id="regions")
    overlay.set("fill-rule", "evenodd")
    for region, data in zip(regions, paths, strict=True):
        if data:
            drawn = _child(overlay, "path", id=f"region-{region.id}", d=data, **_fill(plan, region.id))
            _child(drawn, "title").text = _text(_said(plan, region.id, region.name))
    if plan.look.outlines:
        _outlines(picture, plan, paths)
    _legend(root, plan)
    for plate in plan.plates:
        _plate(root, plate)
    for line in plan.lines:
        _line(root, line)
    return ElementTree.tostring(root, encoding="unicode") + "\n"


def export_svg(
    trace: Trace, out: Path, steps: Steps | None = None, progress: Progress | None = None, **look: Any
) -> None:
    """Draw a range of steps (the one that relies most on the screenshot, unless given) as SVG.

    Args:
        look: options of ``core.export.look.PICTURE``.

    Raises:
        InputError: there are no such steps, nothing was measured where measured effects are asked for, or
            the file cannot be written.
    """
    progress = progress or no_progress
    content = to_svg(trace, steps, progress, **look)
    with replacing(out) as part:
        part.write_text(content, encoding="utf-8", newline="\n")
        progress(1.0)


def preview_svg(trace: Trace, steps: Steps | None = None, **look: Any) -> Image.Image:
    """The same composition, drawn with pixels."""
    from core.export.annotate import annotate

    return annotate(trace, steps, look_from(**look))


def _child(parent: ElementTree.Element, tag: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, tag, attributes)


def _text(text: str) -> str:
    """Text as XML can hold it; ElementTree escapes what is markup."""
    from core.export.lettering import visible

    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", visible(text))


def _colour(colour: tuple[int, int, int] | np.ndarray) -> str:
    return "#{:02x}{:02x}{:02x}".format(*(int(channel) for channel in colour[:3]))


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _png(pixels: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


def _fill(plan: Composition, region: int) -> dict[str, str]:
    """How a region is filled; also without a fill it is there to be found and hovered."""
    if plan.shown.effects is None or not plan.look.overlay:
        return {"fill": "#ffffff", "fill-opacity": "0"}
    colour = plan.shown.colours[region]
    opacity = int(colour[3]) / 255 * plan.look.opacity
    return {"fill": _colour(colour), "fill-opacity": f"{opacity:.3f}"}


def _said(plan: Composition, region: int, name: str) -> str:
    from core.export.composition import signed

    if plan.shown.effects is None:
        return name
    quantity = plan.shown.quantity
    return f"{name}: {signed(float(plan.shown.effects[region]))} {quantity.unit}, {quantity.kind}"


def _outlines(picture: ElementTree.Element, plan: Composition, paths: list[str]) -> None:
    """Fine lines around all regions, strong ones around those that are named."""
    group = _child(picture, "g", id="outlines", fill="none")
    group.set("stroke-linejoin", "round")
    if plan.shown.effects is not None or not plan.look.screenshot:
        lines = {"stroke": "#808080", "stroke-opacity": "0.8", "stroke-width": str(plan.thin)}
        _child(group, "path", d="".join(paths), **lines)
    from core.colour_maps import luminance

    for region in reversed(plan.shown.strongest):
        colour = plan.shown.colours[region, :3]
        halo = "#ffffff" if luminance(colour) < 0.4 else "#181a1e"
        for stroke, width in ((halo, 4 * plan.thin), (_colour(colour), 2 * plan.thin)):
            _child(group, "path", d=paths[region], stroke=stroke, **{"stroke-width": str(width)})


def _plate(root: ElementTree.Element, plate: Plate) -> None:
    from core.export.labels import PLATE_EDGE

    left, top, right, bottom = plate.box
    for grown, fill in ((plate.rim, "#ffffff"), (0, _colour(plate.colour))):
        rectangle = _child(
            root,
            "rect",
            x=_number(left - grown),
            y=_number(top - grown),
            width=_number(right - left + 2 * grown),
            height=_number(bottom - top + 2 * grown),
            rx=_number(plate.radius + grown),
            fill=fill,
        )
    rectangle.set("stroke", _colour(PLATE_EDGE))
    rectangle.set("stroke-width", _number(plate.rim / 2))
    for x, text in plate.words:
        _words(root, x, plate.middle, text, plate.font.size, True, plate.ink, plate.font.width(text))


def _line(root: ElementTree.Element, line: Line) -> None:
    width = line.font.width(line.text)
    _words(root, line.x, line.y, line.text, line.font.size, line.font.bold, line.colour, width)


def _words(
    root: ElementTree.Element,
    x: float,
    middle: float,
    text: str,
    size: int,
    bold: bool,
    colour: tuple[int, int, int],
    width: float,
) -> None:
    """A line of real text, as wide as it was planned whatever font draws it."""
    if not text.strip():
        return
    element = _child(root, "text", x=_number(x), y=_number(middle + size * 0.36), fill=_colour(colour))
    element.set("font-size", str(size))
    element.set("textLength", _number(width))
    element.set("lengthAdjust", "spacingAndGlyphs")
    element.set("xml:space", "preserve")
    if bold:
        element.set("font-weight", "bold")
    element.text = _text(text)


def _legend(root: ElementTree.Element, plan: Composition) -> None:
    """The bar of colours, as they look over white."""
    import numpy as np

    from core.colour_maps import map_effects
    from core.export.composition import RULE, SOFT_INK

    bar, scale, look = plan.bar, plan.shown.scale, plan.look
    if bar is None:
        return
    left, right, y = bar.rule
    _child(root, "path", d=f"M{left} {y}H{right}", stroke=_colour(RULE))
    gradient = _child(_child(root, "defs"), "linearGradient", id="colours")
    effects = np.linspace(-scale if look.signed else 0.0, scale, _STOPS)
    for i, colour in enumerate(map_effects(effects, scale, look.signed, look.colour_map)):
        stop = _child(gradient, "stop", offset=f"{i / (_STOPS - 1):.4f}")
        stop.set("stop-color", _colour(colour))
        stop.set("stop-opacity", f"{int(colour[3]) / 255 * look.opacity:.3f}")
    place = {"x": bar.left, "y": bar.top, "width": bar.length, "height": bar.height}
    edges = {key: str(value) for key, value in place.items()}
    _child(root, "rect", fill="#ffffff", **edges)
    _child(root, "rect", fill="url(#colours)", stroke=_colour(SOFT_INK), **edges)


FORMAT: Final = Format(
    "svg", ".svg", "annotated picture with outlines and text", export_svg, preview_svg, PICTURE
)
