"""What a model without an estimator shows is called uncalibrated in every pane and on the command line."""

from __future__ import annotations

import json

import numpy as np
import pytest
from fake_traces import fake_trace
from PIL import Image
from PySide6.QtCore import QPointF, Qt

from app import timeline_painting
from app.canvas import Canvas
from app.engine import Engine
from app.main import main
from app.regions_model import EFFECT
from app.regions_panel import RegionsPanel
from app.session import Session
from app.timeline import Timeline
from app.wording import NOT_CALIBRATED
from core.trace import Identity


@pytest.fixture
def session(qapp):
    session, trace = Session(), fake_trace()
    trace.estimator = Identity("attention, uncalibrated", "", {"calibrated": False})
    session.set_trace(trace)
    session.select(3)
    return session


def test_the_legend_of_the_canvas_says_so(qtbot, session):
    canvas = Canvas(session)
    qtbot.addWidget(canvas)
    canvas.show()
    session.select(4)
    assert "uncalibrated attention" in canvas.legend.accessibleDescription()
    assert NOT_CALIBRATED in canvas.legend.toolTip()


def test_the_regions_panel_says_so(qtbot, session):
    panel = RegionsPanel(session)
    qtbot.addWidget(panel)
    panel.show()
    session.select(4)
    assert panel._title.text() == "Regions by uncalibrated attention"
    header = panel.model.headerData(EFFECT, Qt.Orientation.Horizontal, Qt.ItemDataRole.DisplayRole)
    assert header == "Relative"
    assert "uncalibrated" in panel.finding


def test_the_timeline_says_so(qtbot, session, monkeypatch):
    pane = Timeline(session)
    qtbot.addWidget(pane)
    pane.resize(900, 240)
    pane.show()
    written = []
    monkeypatch.setattr(
        timeline_painting.QPainter, "drawText", lambda self, *given: written.append(given[-1])
    )
    pane.grab()
    assert "uncalibrated" in written
    assert not any("nats" in str(text) for text in written)
    layout = pane.strip.layout_now
    place = QPointF(layout.token_x(3.5), layout.effects.center().y())
    assert "uncalibrated" in pane.strip.finding_at(place)


def test_the_command_line_and_the_status_bar_say_so(tiny_folder, tmp_path, capsys):
    picture, out = tmp_path / "screen.png", tmp_path / "o"
    Image.fromarray(np.full((90, 150, 3), 250, np.uint8)).save(picture)
    arguments = ["run", str(picture), "--prompt", "What?", "--model", str(tiny_folder), "--out", str(out)]
    assert main([*arguments, "--max-new-tokens", "4", "--segmenter", "grid", "--json"]) == 0
    said = capsys.readouterr()
    assert "regions show uncalibrated attention, not effects" in said.err
    told = json.loads(said.out)
    assert told["effects"] == {"kind": "uncalibrated", "unit": "relative"}
    assert all("estimated_effect" not in region for region in told["regions"])
    assert main(["verify", str(out / "trace.sightline"), "--masks", "4", "--steps", "0:1"]) == 0
    assert "LDS of uncalibrated attention" in capsys.readouterr().out
    _, device = Engine(str(tiny_folder), "auto", "cpu").warm_up(lambda text, part: None)
    assert device.endswith("uncalibrated")
