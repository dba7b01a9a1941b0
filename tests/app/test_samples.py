"""Samples and the truth beside a generated screen."""

from __future__ import annotations

import json

from app.samples import KNOWN_QUESTIONS, questions, samples, truth_of

TRUTH = {"kind": "math", "prompt": "How many?", "answer": "3", "suggestions": ["How many?", "Which is red?"]}


def test_truth_is_found_under_both_names(tmp_path):
    (tmp_path / "screen.png").touch()
    (tmp_path / "truth.json").write_text(json.dumps(TRUTH))
    assert truth_of(tmp_path / "screen.png").prompt == "How many?"
    (tmp_path / "truth.json").rename(tmp_path / "screen.json")
    assert truth_of(tmp_path / "screen.png").answer == "3"


def test_a_picture_without_truth_or_with_someone_elses_json_has_none(tmp_path):
    assert truth_of(None) is None
    assert truth_of(tmp_path / "photo.png") is None
    (tmp_path / "photo.json").write_text("[1, 2]")
    assert truth_of(tmp_path / "photo.png") is None
    (tmp_path / "photo.json").write_bytes(b"\xff\xfe not json")
    assert truth_of(tmp_path / "photo.png") is None


def test_suggestions_come_from_the_truth_each_once(tmp_path):
    (tmp_path / "screen.json").write_text(json.dumps(TRUTH))
    assert questions(truth_of(tmp_path / "screen.png")) == ["How many?", "Which is red?"]
    assert questions(None) == list(KNOWN_QUESTIONS)


def test_samples_are_listed_by_name_with_their_question(tmp_path):
    (tmp_path / "b_invoice.png").touch()
    (tmp_path / "a_chart.png").touch()
    (tmp_path / "a_chart.json").write_text(json.dumps(TRUTH))
    assert [s.title for s in samples(tmp_path)] == ["A chart: How many?", "B invoice"]
