"""On each sample, the sentence about the answer names regions that the answer was made from."""

from __future__ import annotations

import json

import pytest

from app.engine import Engine
from app.samples import SAMPLES, samples
from app.wording import earlier_finding
from core.events import Started, fold
from core.evidence import holders
from core.run import found, run
from core.screenshot import load_screenshot
from core.trace import Identity, Sampling, Trace
from models import segmenters
from models.following_bench import words_of_answer

MADE_FROM = {
    "add_two_numbers": {"188": ["107", "81", "Blankets", "Age"]},
    "bar_chart": {"62": ["Nuts", "95", "Delhi", "33"]},
    "desktop_icons": {"Register": ["Register"], "Mail": ["Mail"], "News": ["News"]},
    "invoice": {"755": ["270", "241", "244"]},
    "web_page": {"Melons": ["Melons Hanoi"], "Cans": ["Cans"], "Pasta": ["Pasta Beans"]},
}
"""Words of each answer, and the texts of the elements that they were made from."""


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine("bundled", "auto")


def a_run(engine: Engine, name: str) -> Trace:
    thinker, estimator = engine.load(lambda *_: None)
    screenshot = load_screenshot(SAMPLES / f"{name}.png")
    truth = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    regions = found(segmenters.segment(screenshot, "opencv"), Identity("opencv"))
    trace = None
    for event in run(screenshot, truth["prompt"], thinker, regions, estimator, Sampling(max_new_tokens=200)):
        trace = event.trace if isinstance(event, Started) else trace
        if trace is not None:
            fold(trace, event)
    assert trace is not None
    assert trace.text("answer").strip() == truth["answer"]
    return trace


def test_all_samples_are_asked():
    assert {sample.path.stem for sample in samples()} == set(MADE_FROM)


@pytest.mark.parametrize("name", MADE_FROM)
def test_the_sentence_about_the_answer_names_a_region_that_it_was_made_from(engine, name):
    trace = a_run(engine, name)
    elements = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))["elements"]
    spans = {word: (start, end) for word, start, end in words_of_answer(trace)}
    for word, texts in MADE_FROM[name].items():
        boxes = [tuple(element["bbox"]) for element in elements if element["text"] in texts]
        right = {trace.region_map.regions[int(r)].name for r in holders(trace.region_map, boxes).nonzero()[0]}
        sentence = earlier_finding(trace, *spans[word])
        assert "attention" in sentence, "it says what it follows"
        assert sentence.split("“")[1].split("”")[0] in right, (word, sentence)
