"""The line that says how many tokens rest on the chosen region, and walks through them."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Slot
from PySide6.QtWidgets import QHBoxLayout, QToolButton, QWidget

from app import theme
from app.elided_label import ElidedLabel
from app.icons import icon
from app.session import Session
from app.walk_buttons import WalkButtons
from core.quantity import ESTIMATED


class RegionBar(QWidget):
    """Shown while a region is chosen and there is a trace."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.setAccessibleName("Tokens that rest on the chosen region")
        self._text = ElidedLabel(self)
        self.walk = WalkButtons("token on the region", self)
        self._close = QToolButton(self)
        self._close.setAutoRaise(True)
        self._close.setIconSize(QSize(14, 14))
        self._close.setAccessibleName("Choose no region")
        self._close.setToolTip("Choose no region")
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.WIDE, 0, theme.GAP, theme.TIGHT)
        row.setSpacing(theme.TIGHT)
        row.addWidget(self._text, 1)
        row.addWidget(self.walk)
        row.addWidget(self._close)
        self.walk.walked.connect(session.finder.step_on_region)
        self._close.clicked.connect(self._choose_none)
        session.finder.changed.connect(self._show_state)
        session.selection_changed.connect(self._show_state)
        self._draw_icon()
        self._show_state()

    @property
    def text(self) -> str:
        """What the line says."""
        return self._text.text()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._draw_icon()

    @Slot()
    def _choose_none(self) -> None:
        self._session.select_region(-1)

    @Slot()
    def _show_state(self) -> None:
        trace, region = self._session.trace, self._session.selected
        shown = trace is not None and 0 <= region < len(trace.region_map) and len(trace) > 0
        self.setVisible(shown)
        if shown and trace is not None:
            name = trace.region_map.regions[region].name
            quantity = trace.quantity
            verb = "rest on" if quantity is ESTIMATED else "attend to"
            self._text.setText(f"Tokens that {verb} “{name}”, {quantity.kind}")
            self._text.setToolTip(
                f"Tokens of which this region has at least half the {quantity.noun} of the strongest"
            )
            self.walk.show_position(*self._session.finder.position_on_region())

    def _draw_icon(self) -> None:
        self._close.setIcon(icon("close", theme.tokens(self.palette()).text))
