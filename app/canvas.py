"""The canvas: the screenshot with the estimated effects of the selection laid over it."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPoint, Qt, Signal, Slot
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSlider, QToolButton, QVBoxLayout, QWidget

from app import theme
from app.canvas_view import CanvasView
from app.hover_card import HoverCard
from app.legend import Legend
from app.session import Session
from app.views import Colouring, strongest, view_named
from app.wording import difference_finding, region_finding, span_title
from core.colour_maps import scale_of
from core.quantity import ESTIMATED, Quantity
from core.regions import BACKGROUND, RegionMap
from core.screenshot import Screenshot


class Canvas(QWidget):
    """Screenshot, overlay, legend, opacity and zoom.

    Attributes:
        view: the part that zooms and pans.
        legend: the colour bar.

    Signals:
        zoom_changed(float): 1 is 100 %.
    """

    zoom_changed = Signal(float)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._preview: tuple[Screenshot | None, RegionMap | None] = (None, None)
        self._shown: Screenshot | None = None
        self._run_scale: tuple[int, float] = (0, 0.0)
        self._pointer = QPoint()
        self.setAccessibleName("Canvas")
        self.view = CanvasView(self)
        self.view.setAccessibleName("Screenshot with the estimated effect of each region")
        self.setFocusProxy(self.view)
        self._card = HoverCard(self.view.viewport())
        self.legend = Legend(self)
        self._opacity = QSlider(Qt.Orientation.Horizontal, self)
        self._opacity.setRange(0, 100)
        self._opacity.setFixedWidth(72)
        self._opacity.setAccessibleName("Overlay opacity")
        self._opacity.setToolTip("How strongly the overlay covers the screenshot")
        self._zoom = QToolButton(self)
        self._zoom.setAutoRaise(True)
        self._zoom.setAccessibleName("Zoom")
        self._zoom.setToolTip("Switch between 100 % and the whole screenshot")
        self._zoom.setMinimumWidth(self._zoom.fontMetrics().horizontalAdvance("3,200 %") + 12)
        self.view_button = QToolButton(self)
        self.view_button.setAutoRaise(True)
        self.view_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.view_button.setToolTip("How effects are laid over the screenshot")
        self._comparing = QLabel(self)
        self._comparing.setTextFormat(Qt.TextFormat.PlainText)
        self._comparing.setWordWrap(True)
        self._comparing.setContentsMargins(theme.GAP, theme.TIGHT, theme.GAP, theme.TIGHT)
        self._comparing.hide()
        self._arrange()
        self.view.region_hovered.connect(self._hovered)
        self.view.region_clicked.connect(self._clicked)
        self.view.region_toggled.connect(self._toggled)
        self.view.zoom_changed.connect(self._zoomed)
        self._zoom.clicked.connect(self._toggle_zoom)
        self._opacity.valueChanged.connect(self._opacity_moved)
        session.trace_changed.connect(self._trace_changed)
        session.selection_changed.connect(self._recolour)
        session.effects_added.connect(self._effects_added)
        session.display_changed.connect(self._display_changed)
        session.pinned_changed.connect(self._recolour)
        session.pinned_changed.connect(self._compare)
        session.selection_changed.connect(self._compare)
        session.region_highlighted.connect(self._emphasise)
        session.region_selected.connect(self._emphasise)
        self._trace_changed()
        self._zoomed(self.view.scale)

    def set_screenshot(self, screenshot: Screenshot | None, region_map: RegionMap | None = None) -> None:
        """Show a screenshot, and its regions if they are known, while there is no trace."""
        self._preview = (screenshot, region_map)
        if self._session.trace is None:
            self._trace_changed()

    def set_top(self, bar: QWidget) -> None:
        """Put a bar above the screenshot."""
        self._column.insertWidget(0, bar)

    @Slot()
    def fit(self) -> None:
        """Show the whole screenshot."""
        self.view.fit()

    @Slot()
    def zoom_in(self) -> None:
        self.view.zoom_in()

    @Slot()
    def zoom_out(self) -> None:
        self.view.zoom_out()

    @Slot()
    def zoom_actual(self) -> None:
        """100 %."""
        self.view.zoom_actual()

    @property
    def hover_text(self) -> str:
        """What the card beside the pointer says; empty when it is hidden."""
        return "" if self._card.isHidden() else self._card.text()

    def _arrange(self) -> None:
        keep_room = self.legend.sizePolicy()  # or the screenshot would jump when the first effects come
        keep_room.setRetainSizeWhenHidden(True)
        self.legend.setSizePolicy(keep_room)
        self._bar = QWidget(self)
        bar = QHBoxLayout(self._bar)
        bar.setContentsMargins(theme.GAP, theme.TIGHT, theme.GAP, theme.TIGHT)
        bar.setSpacing(theme.GAP)
        bar.addWidget(self.legend, 1)
        bar.addStretch(0)
        bar.addWidget(self._opacity)
        bar.addWidget(self.view_button)
        bar.addWidget(self._zoom)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._comparing)
        column.addWidget(self.view, 1)
        column.addWidget(self._bar)

    @property
    def _regions(self) -> RegionMap | None:
        trace = self._session.trace
        return self._preview[1] if trace is None else trace.region_map

    @Slot()
    def _trace_changed(self) -> None:
        trace = self._session.trace
        self._run_scale = (0, 0.0)
        screenshot = self._preview[0] if trace is None else trace.screenshot
        if screenshot is not None and screenshot is self._shown:
            self.view.set_regions(self._regions)
        else:
            self.view.set_picture(screenshot, self._regions)
        self._shown = screenshot
        self._bar.setVisible(trace is not None or self._preview[0] is not None)
        self._card.hide()
        self._describe(-1)
        self._display_changed()
        self._emphasise()

    @Slot()
    def _display_changed(self) -> None:
        display = self._session.display
        self._opacity.blockSignals(True)
        self._opacity.setValue(round(100 * display.opacity))
        self._opacity.blockSignals(False)
        self.view.set_outlines(display.outlines)
        self.view_button.setText(view_named(display.view).text)
        self.view_button.setAccessibleName(f"View: {view_named(display.view).text}")
        self._recolour()

    @Slot(int, int)
    def _effects_added(self, start: int, end: int) -> None:
        selection = self._session.selection
        if self._session.display.fixed_scale or (
            selection is not None and selection.start < end and start < selection.end
        ):
            self._recolour()

    @Slot()
    def _recolour(self) -> None:
        effects, display = self._session.compared_effects(), self._session.display
        if effects is None:
            self.view.set_overlay(None)
        else:
            comparing = self._session.comparing
            signed = display.signed or comparing  # a difference has two sides
            scale = self._scale(effects)
            view = view_named(display.view)
            kept = strongest(effects, display.strongest, signed)
            colouring = Colouring(kept, scale, signed, display.colour_map, display.opacity)
            self.legend.set_quantity(self._quantity())
            self.legend.set_scale(scale, signed, display.colour_map, view.id, comparing)
            self.view.set_overlay(
                (lambda picture, ratio: view.draw(picture, colouring, ratio)) if display.opacity > 0 else None
            )
        self.legend.setVisible(effects is not None)
        if not self._card.isHidden():
            self._show_card(self._session.highlighted)

    @Slot()
    def _compare(self) -> None:
        """Say above the screenshot which two moments are compared."""
        trace, pinned, selection = self._session.trace, self._session.pinned, self._session.selection
        if trace is None or pinned is None or selection is None:
            self._comparing.hide()
            return
        now, then = (span_title(trace, span.start, span.end) for span in (selection, pinned))
        self._comparing.setText(f"{now} minus {then}: positive where the region counts more now")
        self._comparing.show()

    def _scale(self, effects: np.ndarray) -> float:
        """Nats at the strongest colour: of this selection, or of the whole run so far."""
        trace = self._session.trace
        if not self._session.display.fixed_scale or self._session.comparing or trace is None:
            return scale_of(effects)
        count = self._run_scale[0]
        # the run's scale settles early: it is taken again when the run has grown by an eighth
        if trace.estimated >= count + count // 8 + 1 or (
            trace.status != "running" and count != trace.estimated
        ):
            self._run_scale = (trace.estimated, scale_of(trace.effects[: trace.estimated]))
        return self._run_scale[1]

    @Slot()
    def _emphasise(self) -> None:
        self.view.set_emphasis(self._session.highlighted, self._session.chosen)

    @Slot(int, QPoint)
    def _hovered(self, region_id: int, pointer: QPoint) -> None:
        self._pointer = pointer
        self._session.highlight(region_id)
        self._show_card(region_id)

    def _quantity(self) -> Quantity:
        trace = self._session.trace
        return ESTIMATED if trace is None else trace.quantity

    def _show_card(self, region_id: int) -> None:
        regions = self._regions
        if region_id < 0 or regions is None:
            self._card.hide()
            self._describe(-1)
            return
        session, quantity = self._session, self._quantity()
        if session.comparing:  # the card tells what the colours show
            finding = difference_finding(regions, region_id, session.compared_effects(), quantity)
        else:
            effects, bounds = session.selected_effects(), session.selected_bounds()
            finding = region_finding(regions, region_id, effects, quantity, bounds)
        self._card.show_at(finding, self._pointer)
        self._describe(region_id)

    def _describe(self, region_id: int) -> None:
        """Tell a screen reader what the card tells the eye."""
        self.view.setAccessibleDescription(self._card.text().replace("\n", ": ") if region_id >= 0 else "")

    @Slot(int)
    def _clicked(self, region_id: int) -> None:
        chosen = region_id if region_id not in (-1, BACKGROUND, self._session.selected) else -1
        self._session.select_region(chosen)

    @Slot(int)
    def _toggled(self, region_id: int) -> None:
        if region_id > BACKGROUND:
            self._session.toggle_region(region_id)

    @Slot(int)
    def _opacity_moved(self, value: int) -> None:
        self._session.set_display(opacity=value / 100)

    @Slot(float)
    def _zoomed(self, scale: float) -> None:
        self._card.hide()
        self._zoom.setText(f"{100 * scale:,.0f} %")
        self.zoom_changed.emit(scale)

    @Slot()
    def _toggle_zoom(self) -> None:
        if self.view.scale == 1.0:
            self.view.fit()
        else:
            self.view.zoom_actual()
