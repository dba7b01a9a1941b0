"""Draws what of the timeline does not follow the playhead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

from app import theme
from app.effect_columns import EffectColumns, Order
from app.session import Display
from app.timeline_layout import TimelineLayout
from app.tints import blend
from app.wording import signed_number
from core.counted import counted
from core.hierarchy import depth
from core.quantity import ESTIMATED
from core.trace import Phase, Trace

_RIGHT = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
_LEFT = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
_CENTRE = int(Qt.AlignmentFlag.AlignCenter)

INDENT = 10
"""Logical pixels by which a region inside another is named further right."""

PHASE_NAMES: dict[Phase, str] = {"thinking": "Thinking", "answer": "Answer"}


@dataclass(frozen=True, slots=True)
class StepMark:
    """A step as the timeline needs it: tokens ``start`` to ``end`` (exclusive)."""

    start: int
    end: int
    phase: Phase


def paint_background(
    painter: QPainter,
    layout: TimelineLayout,
    trace: Trace,
    columns: EffectColumns,
    steps: list[StepMark],
    display: Display,
    order: Order,
    colours: theme.Tokens,
) -> None:
    """Draw phases, steps, the heat strip, the reliance curve and their names."""
    for band in (layout.steps, layout.effects, layout.reliance):
        painter.fillRect(band, QColor(colours.surface))
    _paint_steps(painter, layout, steps, colours)
    _paint_phases(painter, layout, steps, colours)
    if columns.used:
        _paint_effects(painter, layout, columns, display, colours)
        _paint_reliance(painter, layout, columns, colours)
    if layout.names_width:
        _paint_names(painter, layout, trace, columns, order, colours)


def _paint_steps(
    painter: QPainter, layout: TimelineLayout, steps: list[StepMark], colours: theme.Tokens
) -> None:
    band, left, per_token = layout.steps, layout.track.x(), layout.per_token
    metrics = painter.fontMetrics()
    papers = {
        (phase, odd): QColor(blend(colours.surface, ink, 0.2 if odd else 0.32))
        for phase, ink in (("thinking", colours.thinking), ("answer", colours.answer))
        for odd in (0, 1)
    }
    painter.setPen(QColor(colours.text))
    drawn_to = -1.0
    for index, step in enumerate(steps):
        x0, x1 = left + step.start * per_token, left + step.end * per_token
        if x1 - drawn_to < 1.5:  # many steps on a pixel look like one
            continue
        drawn_to = x1
        box = QRectF(x0, band.y(), x1 - x0, band.height())
        painter.fillRect(box, papers[step.phase, index % 2])
        if box.width() > 10 and metrics.horizontalAdvance(f"{index + 1:,}") + 4 <= box.width():
            painter.drawText(box, _CENTRE, f"{index + 1:,}")


def _paint_phases(
    painter: QPainter, layout: TimelineLayout, steps: list[StepMark], colours: theme.Tokens
) -> None:
    """A line over each phase, with its name above; a name moves left where it would leave the band."""
    band = layout.phases
    for phase, ink in (("thinking", colours.thinking), ("answer", colours.answer)):
        own = [step for step in steps if step.phase == phase]
        if not own:
            continue
        left, right = layout.token_x(own[0].start), layout.token_x(own[-1].end)
        painter.fillRect(QRectF(left, band.bottom() - 1, right - left, 2), QColor(ink))
        name = PHASE_NAMES[own[0].phase]
        wide = painter.fontMetrics().horizontalAdvance(name) + 2
        painter.setPen(QColor(ink))
        place = QRectF(min(left, band.right() - wide), band.y() - 2, wide, band.height())
        painter.drawText(place, _LEFT, name)


def _paint_effects(
    painter: QPainter,
    layout: TimelineLayout,
    columns: EffectColumns,
    display: Display,
    colours: theme.Tokens,
) -> None:
    paper, ratio = QColor(colours.surface), painter.device().devicePixelRatio()
    band, row_height = layout.effects, max(1, round(layout.line * ratio))
    argb = columns.colours(display.signed, display.colour_map, (paper.red(), paper.green(), paper.blue()))
    at = _columns_at(layout, columns, ratio)
    picture = np.repeat(argb[:, at], row_height, 0)
    picture[row_height - 1 :: row_height] = QColor(colours.window).rgb()  # a gap below each row
    _draw(painter, QRectF(band.x(), band.y(), len(at) / ratio, picture.shape[0] / ratio), picture)


def _columns_at(layout: TimelineLayout, columns: EffectColumns, ratio: float) -> np.ndarray:
    """The used column under each device pixel from the left end of the track on."""
    pixels = np.arange(round(layout.track.width() * ratio)) + 0.5
    at = (pixels / (columns.tokens_per_column * layout.per_token * ratio)).astype(np.intp)
    return at[at < columns.used]


def _draw(painter: QPainter, target: QRectF, argb: np.ndarray) -> None:
    """Draw premultiplied ARGB uint32 [height, width] pixel by pixel; scaling in a painter is far slower."""
    argb = np.ascontiguousarray(argb)
    height, width = argb.shape
    image = QImage(argb.data, width, height, 4 * width, QImage.Format.Format_ARGB32_Premultiplied)
    image.setDevicePixelRatio(width / target.width() if target.width() else 1.0)
    painter.drawImage(target.topLeft(), image)


def _paint_reliance(
    painter: QPainter, layout: TimelineLayout, columns: EffectColumns, colours: theme.Tokens
) -> None:
    ratio = painter.device().devicePixelRatio()
    width, height = round(layout.reliance.width() * ratio), round(layout.reliance.height() * ratio)
    values = columns.reliance[_columns_at(layout, columns, ratio)]
    fill, line = (QColor(c).rgb() for c in (blend(colours.surface, colours.muted, 0.35), colours.muted))
    picture = reliance_picture(values, width, height, round(ratio), fill, line)
    _draw(painter, QRectF(layout.reliance), picture)


def reliance_picture(
    values: np.ndarray, width: int, height: int, thickness: int, fill: int, line: int
) -> np.ndarray:
    """The reliance curve as pixels, uint32 [height, width]; a painter needs 20 times as long for it.

    Args:
        values: nats, one for each pixel from the left; at most ``width`` of them.
        thickness: of the line, in pixels.
        fill, line: opaque ARGB colours of the area between curve and zero, and of the curve.
    """
    argb = np.zeros((height, width), np.uint32)
    if not len(values):
        return argb
    high, low = max(1.0, float(values.max())), min(0.0, float(values.min()))
    room = height - 2 * thickness - 2
    per_nat = room / (high - low)
    zero = round(1 + high * per_nat)
    y = np.round(1 + (high - values) * per_nat).astype(np.intp)
    before = np.concatenate([[zero], y[:-1]])
    rows = np.arange(height)[:, None]
    part = argb[:, : len(values)]
    part[(rows >= np.minimum(y, zero)) & (rows < np.maximum(y, zero))] = fill
    part[(rows >= np.minimum(y, before)) & (rows < np.maximum(y, before) + thickness)] = line
    argb[zero : zero + thickness] = line
    return argb


def _paint_names(
    painter: QPainter,
    layout: TimelineLayout,
    trace: Trace,
    columns: EffectColumns,
    order: Order,
    colours: theme.Tokens,
) -> None:
    width, line, metrics = layout.names_width, layout.line, painter.fontMetrics()
    left = theme.GAP
    painter.setPen(QColor(colours.text))
    top = layout.effects.y()
    for row, region in enumerate(columns.rows):
        name = trace.region_map.regions[region].name
        box = QRect(left, top + row * line, width, line)
        if order == "hierarchy":
            inset = min(depth(trace.region_map, region) * INDENT, width // 3)
            box.setLeft(left + inset)
            shown = metrics.elidedText(name, Qt.TextElideMode.ElideRight, width - inset)
            painter.drawText(box, _LEFT, shown)
            continue
        _write_right(painter, box, name)
    painter.setPen(QColor(colours.muted))
    others = len(trace.region_map) - len(columns.rows)
    if others:
        box = QRect(left, top + len(columns.rows) * line, width, line)
        _write_right(painter, box, counted(others, "other region"))
    _write_right(painter, QRect(left, layout.steps.y(), width, layout.steps.height()), "Steps")
    band = layout.reliance
    name = "Reliance" if trace.quantity is ESTIMATED else "Attention"
    if band.height() < 2 * line or not columns.used:
        _write_right(painter, QRect(left, band.y(), width, band.height()), name)
        return
    box = QRect(left, band.y() + (band.height() - 2 * line) // 2, width, line)
    peak = signed_number(float(columns.reliance[: columns.used].max()), 1)
    _write_right(painter, box, name)
    # Attention that is not calibrated has no unit, so that its peak would say nothing.
    below = f"up to {peak} {trace.quantity.unit}" if trace.quantity is ESTIMATED else trace.quantity.kind
    _write_right(painter, box.translated(0, line), below)


def _write_right(painter: QPainter, box: QRect, text: str) -> None:
    """Write at the right; what has no room is elided, or its beginning, often a number, would be cut off."""
    shown = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, box.width())
    painter.drawText(box, _RIGHT, shown)
