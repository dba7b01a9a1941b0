"""The regions ranked by their estimated effect on the selection, as a table model."""

from __future__ import annotations

from typing import Any

import numpy as np
from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.region_crops import RegionCrops
from app.wording import NOT_CALIBRATED, percent, plain_tooltip, region_finding, shares, signed_number
from core.colour_maps import scale_of
from core.intervals import Bounds
from core.quantity import ESTIMATED, Quantity
from core.regions import RegionMap

NAME, EFFECT, SHARE, MEASURED = range(4)
HEADERS = ("Region", "Effect, nats", "Share", "Measured, nats")
TIPS = (
    "Regions of the screenshot, the strongest support first",
    "How much lower the log-probability of the selected tokens would be without the region, estimated",
    "The region's part of all support",
    "The same, measured: the region was removed and the model asked again",
)

REGION_ROLE = int(Qt.ItemDataRole.UserRole)
EFFECT_ROLE = REGION_ROLE + 1
MEASURED_ROLE = EFFECT_ROLE + 1
BOUNDS_ROLE = MEASURED_ROLE + 1
"""Region id of a row; its estimated and its measured effect in nats, and the lower and upper bound of the
estimated one; None when not known."""

WHISKER_TIP = "The line over a bar is its interval: nine of ten measured effects lie within theirs"

Index = QModelIndex | QPersistentModelIndex


class RegionsModel(QAbstractTableModel):
    """One row a region. A new selection changes what rows say, not how many there are, so nothing flickers.

    Attributes:
        largest: the largest |effect| in nats, for the length of bars; at least a small floor.
        measured: float [regions], nats, or None when the selection was not measured.
        quantity: what the effects are.
        crops: pictures of the regions, or None where there is no screenshot.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.quantity = ESTIMATED
        self.crops: RegionCrops | None = None
        self._map: RegionMap | None = None
        self._effects: np.ndarray | None = None
        self.measured: np.ndarray | None = None
        self._bounds: Bounds | None = None
        self._shares = np.zeros(0)
        self._order = np.zeros(0, np.intp)
        self._rows = np.zeros(0, np.intp)
        self.largest = self.scale = 0.25

    def set_regions(
        self,
        region_map: RegionMap | None,
        quantity: Quantity = ESTIMATED,
        pixels: np.ndarray | None = None,
    ) -> None:
        """Show other regions, in order of their ids; ``quantity`` says what their effects will be.

        ``pixels``: uint8 [H, W, 3] RGB of the screenshot that they are regions of.
        """
        self.beginResetModel()
        self.quantity = quantity
        self.crops = None if region_map is None or pixels is None else RegionCrops(pixels, region_map)
        self._map = region_map
        self._effects = self.measured = self._bounds = None
        self._shares = np.zeros(0)
        self._order = np.arange(0 if region_map is None else len(region_map))
        self._rows = self._order
        self.endResetModel()

    def set_effects(
        self, effects: np.ndarray | None, measured: np.ndarray | None = None, bounds: Bounds | None = None
    ) -> None:
        """Rank by estimated effects, float [regions] in nats, the largest first; None forgets them.

        ``measured`` are those of the same selection, where it was measured; ``bounds`` the intervals of the
        estimated ones, where there are any.
        """
        if self._map is None:
            return
        self._effects, self.measured, self._bounds = effects, measured, bounds
        self._order = np.arange(len(self._map)) if effects is None else np.argsort(-effects, kind="stable")
        self._rows = np.argsort(self._order)
        self._shares = np.zeros(0) if effects is None else shares(effects, self.quantity)
        known = [float(np.abs(values).max()) for values in (effects, measured) if values is not None]
        self.largest = max([0.25, *known])
        self.scale = self.largest if effects is None else scale_of(effects)
        if len(self._order):
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._order) - 1, MEASURED))

    @property
    def region_map(self) -> RegionMap | None:
        """The regions that are shown."""
        return self._map

    def region_at(self, row: int) -> int:
        """The region shown in a row, -1 for none."""
        return int(self._order[row]) if 0 <= row < len(self._order) else -1

    def row_of(self, region_id: int) -> int:
        """The row that shows a region, -1 for none."""
        return int(self._rows[region_id]) if 0 <= region_id < len(self._rows) else -1

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._order)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(HEADERS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole if self._bare(section):
                return "Relative"
            case Qt.ItemDataRole.DisplayRole if section == EFFECT and self.measured is not None:
                return "Estimated, nats"
            case Qt.ItemDataRole.DisplayRole:
                return HEADERS[section]
            case Qt.ItemDataRole.ToolTipRole:
                if section == EFFECT and self._bounds is not None:
                    return f"{TIPS[EFFECT]}. {WHISKER_TIP}"
                return NOT_CALIBRATED if self._bare(section) else TIPS[section]
            case Qt.ItemDataRole.TextAlignmentRole:
                side = Qt.AlignmentFlag.AlignLeft if section == NAME else Qt.AlignmentFlag.AlignRight
                return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        region = self.region_at(index.row()) if index.isValid() else -1
        if region < 0 or self._map is None:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self.text_of(region, index.column())
            case Qt.ItemDataRole.ToolTipRole:
                return plain_tooltip(
                    region_finding(self._map, region, self._effects, self.quantity, self._bounds)
                )
            case Qt.ItemDataRole.AccessibleTextRole:
                return self.text_of(region, index.column())
            case _ if role == REGION_ROLE:
                return region
            case _ if role == EFFECT_ROLE:
                return self.effect_of(region)
            case _ if role == MEASURED_ROLE:
                return self.measured_of(region)
            case _ if role == BOUNDS_ROLE:
                return self.bounds_of(region)
        return None

    def _bare(self, section: int) -> bool:
        """Whether this column holds numbers that were never calibrated."""
        return section == EFFECT and self.quantity is not ESTIMATED

    def effect_of(self, region: int) -> float | None:
        """The estimated effect of a region in nats, None when not known."""
        return None if self._effects is None else float(self._effects[region])

    def measured_of(self, region: int) -> float | None:
        """The measured effect of a region in nats, None when the selection was not measured."""
        return None if self.measured is None else float(self.measured[region])

    def bounds_of(self, region: int) -> tuple[float, float] | None:
        """The lower and upper bound of the estimated effect in nats, None where there are none."""
        return (
            None if self._bounds is None else (float(self._bounds[0][region]), float(self._bounds[1][region]))
        )

    def text_of(self, region: int, column: int) -> str:
        """What a column says of a region."""
        assert self._map is not None
        if column == NAME:
            return self._map.regions[region].name
        number = self.measured_of(region) if column == MEASURED else self.effect_of(region)
        if number is None:
            return "–"
        return percent(float(self._shares[region])) if column == SHARE else signed_number(number)
