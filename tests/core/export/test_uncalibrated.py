"""What a model without an estimator shows is called uncalibrated in every export, and never nats."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from core.export import annotate
from core.export.composition import show
from core.export.film import Film
from core.export.html_page import to_html
from core.export.json_trace import to_json
from core.export.look import Look
from core.export.sheet import draw_sheet
from core.export.svg import to_svg
from core.trace import Identity, Trace


@pytest.fixture
def bare(make_trace) -> Trace:
    """A trace that was made without an estimator."""
    made = make_trace()
    uncalibrated = Identity("attention, uncalibrated", "", {"calibrated": False})
    trace = Trace(
        made.screenshot,
        made.region_map,
        made.prompt,
        made.model,
        made.segmenter,
        uncalibrated,
        made.sampling,
    )
    for token in made.tokens:
        trace.add_token(token)
    trace.set_effects(0, np.abs(made.effects), made.reliance)
    return trace


def test_pictures_say_it(bare):
    shown = show(bare, (0, 1), Look())
    assert "uncalibrated attention, not effects" in shown.heading
    assert "nats" not in shown.heading
    assert shown.quantity.title == "uncalibrated attention, relative"


def test_an_svg_says_it(bare):
    svg = to_svg(bare, (0, 1))
    assert "relative, uncalibrated" in svg
    assert "uncalibrated attention" in svg
    assert "nats" not in svg
    assert "estimated" not in svg


def test_a_film_says_it_over_every_picture(bare):
    film = Film(bare, (0, 2), Look(), "tokens", speed=8, width=480, most_a_second=10)
    assert len(film.moments) == 10
    for moment in film.moments:
        assert film._heading(moment).endswith("uncalibrated attention, not effects")


def test_a_contact_sheet_says_it(bare, monkeypatch):
    written = []
    monkeypatch.setattr(annotate, "write", lambda draw, lines: written.extend(line.text for line in lines))
    draw_sheet(bare)
    said = " ".join(written)
    assert "attend most to the screenshot" in said
    assert "uncalibrated attention" in said
    for word in ("nats", "depend", "effect", "estimated"):
        assert word not in said


def test_a_page_says_it(bare):
    page = to_html(bare)
    data = page[page.index('type="application/json"') :]
    assert '"kind": "uncalibrated"' in data or '"kind":"uncalibrated"' in data
    assert '"unit": "relative"' in data or '"unit":"relative"' in data


def test_numbers_say_it_and_fit_the_schema(bare):
    exported = to_json(bare)
    assert exported["effects"]["kind"] == "uncalibrated"
    assert exported["effects"]["unit"] == "relative"
    assert exported["estimator"]["details"] == {"calibrated": False}
    schema = json.loads((Path(__file__).parents[3] / "docs" / "trace.schema.json").read_text("utf-8"))
    jsonschema.validate(exported, schema)


def test_an_estimators_numbers_stay_estimated(make_trace):
    assert to_json(make_trace())["effects"] | {"values": []} == {
        "kind": "estimated",
        "unit": "nats",
        "values": [],
    }
