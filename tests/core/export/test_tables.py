"""Parquet, COCO and the contact sheet, opened by pyarrow, pycocotools and Pillow."""

import contextlib
import io
import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image
from pycocotools.coco import COCO

from core.export import annotate
from core.export.coco import export_coco
from core.export.json_trace import to_json
from core.export.parquet import export_parquet
from core.export.png import export_png
from core.export.registry import FORMATS
from core.export.sheet import chosen_steps, draw_sheet, export_sheet
from core.reattribution import before_effects
from core.trace import Token, Trace


def test_a_parquet_file_holds_the_tokens_and_their_effects(tmp_path, make_trace):
    trace = make_trace()
    trace.add_token(Token(20, 2**40, "late\0\ud800", -1.0, "answer", 3))
    export_parquet(trace, tmp_path / "t.parquet")
    table = pyarrow.parquet.read_table(tmp_path / "t.parquet")
    rows = table.to_pylist()
    assert [row["text"] for row in rows[:20]] == [token.text for token in trace.tokens[:20]]
    assert [row["step"] for row in rows] == [token.step for token in trace.tokens]
    np.testing.assert_array_equal([row["effects"] for row in rows[:20]], trace.effects[:20])
    np.testing.assert_array_equal([row["reliance"] for row in rows[:20]], trace.reliance[:20])
    assert (rows[20]["effects"], rows[20]["reliance"], rows[20]["id"]) == (None, None, 2**40)
    about = json.loads(table.schema.metadata[b"sightline"])
    whole = to_json(trace)
    assert about["regions"] == whole["regions"]
    assert about["effects"] == {"kind": "estimated", "unit": "nats"}
    assert about["model"]["name"] == "bundled thinker"


def test_a_long_run_that_was_killed_before_its_last_estimates_is_exported(tmp_path, make_trace):
    trace = make_trace(steps=30, tokens_a_step=9)
    kept = replace_effects(trace, 250)
    assert (kept.effects.shape, kept.reliance.shape) == ((270, len(trace.region_map)), (270,))
    assert not kept.effects[250:].any()
    for export, name in ((export_parquet, "t.parquet"), (export_sheet, "s.png"), (export_png, "t.png")):
        export(kept, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 0


def replace_effects(trace: Trace, estimated: int) -> Trace:
    """The same trace with effects of the first tokens only."""
    kept = before_effects(trace, trace.region_map, trace.segmenter)
    kept.set_effects(0, trace.effects[:estimated], trace.reliance[:estimated])
    return kept


def test_a_range_of_steps_is_a_range_of_rows(tmp_path, make_trace):
    export_parquet(make_trace(), tmp_path / "t.parquet", (1, 3))
    table = pyarrow.parquet.read_table(tmp_path / "t.parquet")
    assert table["index"].to_pylist() == list(range(5, 15))


# pycocotools 2.0.11 speaks numpy 1's __array__ protocol
@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_pycocotools_reads_the_regions_and_their_effects(tmp_path, make_trace):
    trace = make_trace()
    trace.region_map = replace(
        trace.region_map, regions=tuple(replace(r, name="\ud800<x>") for r in trace.region_map.regions)
    )
    export_coco(trace, tmp_path / "c.json", (1, 3))
    with contextlib.redirect_stdout(io.StringIO()):
        coco = COCO(str(tmp_path / "c.json"))
    (image,) = coco.loadImgs(coco.getImgIds())
    assert (image["width"], image["height"], image["file_name"]) == (60, 40, "screen.png")
    annotations = coco.loadAnns(coco.getAnnIds(imgIds=[image["id"]]))
    assert [a["id"] for a in annotations] == list(range(1, len(trace.region_map)))
    for annotation in annotations:
        mask = coco.annToMask(annotation).astype(bool)
        assert (mask == trace.region_map.mask(annotation["id"])).all()
        assert annotation["area"] == mask.sum()
        steps = [trace.span_effects(s.start, s.end)[annotation["id"]] for s in trace.steps[1:3]]
        np.testing.assert_allclose(annotation["effects"], steps, atol=1e-5)
    assert coco.dataset["info"]["effects"] == {
        "kind": "estimated",
        "unit": "nats",
        "steps": [1, 3],
        "tokens": [5, 15],
    }


def test_a_step_that_is_not_estimated_to_its_end_has_no_number(tmp_path, make_trace):
    trace = make_trace()
    trace.add_token(Token(20, 1, " late", -1.0, "answer", 3))
    export_coco(trace, tmp_path / "c.json")
    annotation = json.loads((tmp_path / "c.json").read_text())["annotations"][0]
    assert [value is None for value in annotation["effects"]] == [False, False, False, True]


def test_the_sheet_shows_the_steps_that_matter_in_the_order_of_the_run(make_trace):
    trace = make_trace(steps=6)
    reliance = np.zeros(30, np.float32)
    reliance[[2, 12, 27]] = [1.0, 5.0, -3.0]
    trace.set_effects(0, trace.effects.copy(), reliance)
    assert chosen_steps(trace, None, 2) == [2, 5]
    assert chosen_steps(trace, None, 3) == [0, 2, 5]
    assert chosen_steps(trace, (3, 6), 1) == [5]
    for i in range(25, 30):
        trace.tokens[i] = replace(trace.tokens[i], text="\n")
    assert chosen_steps(trace, None, 2) == [0, 2]


def test_the_sheet_prefers_steps_that_are_estimated_and_says_which_are_not(partly_estimated, monkeypatch):
    written = []
    monkeypatch.setattr(annotate, "write", lambda draw, lines: written.extend(line.text for line in lines))
    assert chosen_steps(partly_estimated, None, 1) == [0]
    draw_sheet(partly_estimated)
    cells = [line for line in written if line.startswith("Step ")]
    assert ["not estimated" in cell for cell in cells] == [False, True, True, True]
    assert ["nats" in cell for cell in cells] == [True, False, False, False]


@pytest.mark.parametrize(("count", "columns", "across"), [(1, 3, 1), (4, 2, 2), (9, 3, 3)])
def test_a_sheet_opens_in_pillow_and_has_its_pictures_in_columns(
    tmp_path, make_trace, count, columns, across
):
    trace = make_trace(np.full((120, 200, 3), (10, 200, 30), np.uint8))
    trace.set_effects(0, np.zeros((20, len(trace.region_map)), np.float32), np.ones(20, np.float32))
    export_sheet(trace, tmp_path / "s.png", count=count, columns=columns, cell=200)
    with Image.open(tmp_path / "s.png") as sheet:
        green = (np.asarray(sheet) == (10, 200, 30)).all(-1)
    assert green.sum() == min(count, 4) * 200 * 120
    widest = int(green.sum(1).max())
    assert widest == across * 200


def test_previews_of_data_say_how_the_file_begins(make_trace):
    trace = make_trace()
    assert '"sightline.trace/1"' in FORMATS["json"].preview(trace, None)
    assert "annotations" in FORMATS["coco"].preview(trace, None)
    assert "effects: fixed_size_list" in FORMATS["parquet"].preview(trace, None)
    assert "20 tokens in 4 steps, 7 regions" in FORMATS["html"].preview(trace, None)
