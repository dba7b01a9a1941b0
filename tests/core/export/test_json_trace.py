import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import core
from core import rle
from core.export.json_trace import export_json, to_json

SCHEMA = Path(next(iter(core.__path__))).parent / "docs" / "trace.schema.json"


@pytest.fixture
def check():
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema).validate


def strict(text):
    def refuse(constant):
        raise ValueError(constant)

    return json.loads(text, parse_constant=refuse)


def test_an_export_follows_the_schema_and_says_what_the_trace_says(tmp_path, make_trace, check):
    trace = make_trace()
    export_json(trace, tmp_path / "t.json")
    read = strict((tmp_path / "t.json").read_text(encoding="utf-8"))
    check(read)
    assert read["schema"] == "sightline.trace/1"
    assert read["image"] == {"width": 60, "height": 40, "sha256": trace.screenshot.sha256}
    assert read["prompt"] == trace.prompt
    assert read["model"] == {
        "name": "bundled thinker",
        "sha256": "ab" * 32,
        "details": {"parameters": 12_000_000},
    }
    assert [t["text"] for t in read["tokens"]] == [t.text for t in trace.tokens]
    assert [(s["start"], s["end"], s["text"]) for s in read["steps"]] == [
        (s.start, s.end, s.text) for s in trace.steps
    ]
    np.testing.assert_allclose(read["effects"]["values"], trace.effects, atol=1e-5)
    for region, entry in zip(trace.region_map.regions, read["regions"], strict=True):
        assert (entry["id"], entry["label"], entry["bbox"]) == (region.id, region.name, list(region.bbox))
        assert (rle.decode(entry["rle"]["counts"], 40, 60) == trace.region_map.mask(region.id)).all()
        assert sum(entry["rle"]["counts"][1::2]) == entry["area"]
    (measured,) = read["measured"]
    np.testing.assert_allclose(measured["effects"], trace.measured[0].effects, atol=1e-5)
    np.testing.assert_array_equal(np.array(measured["masks"], bool), trace.measured[0].masks)


def test_a_range_of_steps_keeps_its_indices(make_trace, check):
    trace = make_trace()
    read = to_json(trace, (1, 3))
    check(read)
    assert [s["index"] for s in read["steps"]] == [1, 2]
    assert [t["index"] for t in read["tokens"]] == list(range(5, 15))
    np.testing.assert_allclose(read["effects"]["values"], trace.effects[5:15], atol=1e-5)
    assert read["measured"] == []  # of step 0


def test_tokens_without_estimates_have_null_not_zeros(make_trace, check):
    from core.trace import Token

    trace = make_trace()
    trace.add_token(Token(20, 1, "x", -1.0, "answer", 3))
    read = to_json(trace)
    check(read)
    assert read["effects"]["values"][20] is None
    assert len(read["effects"]["values"]) == len(read["tokens"]) == 21


def test_nothing_that_json_lacks_gets_in(tmp_path, make_trace, check):
    trace = make_trace()
    trace.set_effects(0, np.full((1, len(trace.region_map)), np.nan, "f4"), np.zeros(1, "f4"))
    trace.set_effects(1, np.full((1, len(trace.region_map)), -np.inf, "f4"), np.zeros(1, "f4"))
    trace.tokens[2] = replace(trace.tokens[2], log_prob=float("-inf"), text="\udce9 <script> \0 🙂")
    trace.model.details["loss"] = float("nan")
    export_json(trace, tmp_path / "t.json")
    read = strict((tmp_path / "t.json").read_text(encoding="utf-8"))
    check(read)
    assert read["tokens"][2]["text"] == "? <script> \0 🙂"
    assert read["effects"]["values"][0] == [0] * len(trace.region_map)


def test_the_schema_refuses_what_is_not_a_trace(make_trace, check):
    good = to_json(make_trace())
    for spoil in (
        lambda t: t.pop("measured"),
        lambda t: t.update(schema="sightline.trace/2"),
        lambda t: t["effects"].update(kind="guessed"),
        lambda t: t["regions"][0]["rle"].update(counts=[-1]),
        lambda t: t["tokens"][0].update(phase="dreaming"),
        lambda t: t.update(extra=1),
    ):
        bad = json.loads(json.dumps(good))
        spoil(bad)
        with pytest.raises(jsonschema.ValidationError):
            check(bad)


def test_intervals_are_exported_where_there_are_any(make_trace, check):
    trace = make_trace()
    assert "intervals" not in to_json(trace)["effects"]
    trace.set_bounds(2, (trace.effects[2:] - 1, trace.effects[2:] + 2))
    read = to_json(trace)
    check(read)
    found = read["effects"]["intervals"]
    assert found["nominal"] == 0.9
    assert found["lower"][:2] == found["upper"][:2] == [None, None]
    np.testing.assert_allclose(found["lower"][2:], trace.effects[2:] - 1, atol=1e-4)
    np.testing.assert_allclose(found["upper"][2:], trace.effects[2:] + 2, atol=1e-4)
