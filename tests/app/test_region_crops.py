"""The lists of regions show what each region is."""

from __future__ import annotations

import numpy as np
import pytest
from fake_traces import fake_trace
from pixels import colour_at, picture
from PySide6.QtCore import QPointF, QSize
from PySide6.QtGui import QColor

from app.region_cells import CROP, LEAST_NAME, SWATCH
from app.region_crops import RegionCrops
from app.regions_model import NAME
from app.regions_panel import RegionsPanel
from app.session import Session
from app.theme import GAP
from core.regions import Region, RegionMap

ROOM = QSize(44, 20)
RED, BLUE = QColor(200, 0, 0), QColor(0, 0, 220)


@pytest.fixture
def scene():
    """A red region 400 wide and 100 high, and a blue one of 3 x 3, on black: pixels and region map."""
    pixels = np.zeros((300, 500, 3), np.uint8)
    labels = np.zeros((300, 500), np.uint8)
    regions = [Region(0, "background", (0, 0, 500, 300), 0)]
    for region, (colour, (x, y, width, height)) in enumerate(
        ((RED, (50, 20, 400, 100)), (BLUE, (7, 200, 3, 3))), 1
    ):
        pixels[y : y + height, x : x + width] = colour.red(), colour.green(), colour.blue()
        labels[y : y + height, x : x + width] = region
        regions.append(Region(region, str(region), (x, y, width, height), width * height))
    return pixels, RegionMap(labels, tuple(regions))


def test_a_region_is_shrunk_in_its_shape(scene):
    crops = RegionCrops(*scene)
    image = crops.picture(1, ROOM)
    assert image.size() == QSize(44, 11)
    assert image.pixelColor(22, 5) == RED
    assert crops.picture(1, ROOM) is image


def test_a_small_region_is_shown_as_it_is(scene):
    image = RegionCrops(*scene).picture(2, ROOM)
    assert image.size() == QSize(3, 3)
    assert image.pixelColor(1, 1) == BLUE


def test_the_rows_show_their_regions_where_there_is_room(qtbot, scene):
    pixels, region_map = scene
    panel = RegionsPanel(Session())
    qtbot.addWidget(panel)
    panel.resize(520, 400)
    panel.show()
    panel.set_preview(region_map, pixels)
    rect = panel.table.visualRect(panel.model.index(1, NAME))
    middle = QPointF(rect.x() + SWATCH + 2 * GAP + CROP / 2, rect.center().y() + 0.5)
    assert colour_at(picture(panel.table.viewport()), middle) == RED
    panel.resize(200, 400)
    assert panel.table.visualRect(panel.model.index(1, NAME)).width() < LEAST_NAME + CROP
    assert colour_at(picture(panel.table.viewport()), middle) != RED


def test_a_run_shows_the_regions_of_its_own_screenshot(qtbot):
    session = Session()
    panel = RegionsPanel(session)
    qtbot.addWidget(panel)
    trace = fake_trace()
    session.set_trace(trace)
    crop = panel.model.crops.picture(0, QSize(trace.screenshot.width, trace.screenshot.height))
    red, green, blue = (int(value) for value in trace.screenshot.pixels[0, 0])
    assert crop.pixelColor(0, 0) == QColor(red, green, blue)
