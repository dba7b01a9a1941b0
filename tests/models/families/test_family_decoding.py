"""For every family: the own loop is ``generate``, runs do not disturb each other, thinking is told apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from family_reference import PROMPT
from tiny_families import save_qwen3_vl

from core.phases import PhaseReader
from core.trace import Sampling
from models.thinker import load_thinker

GREEDY = Sampling(max_new_tokens=200)
OPENED = {"qwen3-vl", "qwen3.5"}


@pytest.fixture(scope="module")
def other_thinker(tmp_path_factory):
    return load_thinker(str(save_qwen3_vl(tmp_path_factory.mktemp("other") / "other", seed=5)), device="cpu")


def test_own_loop_draws_the_tokens_of_generate(thinker, plain, pixels):
    inputs = plain.inputs(pixels)
    expected = plain.model.generate(**inputs, max_new_tokens=GREEDY.max_new_tokens, do_sample=False)
    drawn = [token.id for token in thinker.decode(thinker.prepare(pixels, PROMPT), GREEDY)]
    assert drawn == expected[0, inputs["input_ids"].shape[1] :].tolist()
    assert len(drawn) == GREEDY.max_new_tokens


def test_models_and_prompts_in_turn_give_what_each_gives_alone(thinker, other_thinker, pixels):
    short = Sampling(max_new_tokens=8)
    jobs = [
        (thinker, thinker.prepare(pixels, "One?")),
        (other_thinker, other_thinker.prepare(pixels[:64], "Another question?")),
        (thinker, thinker.prepare(pixels[:, :90], "And a third, of another length?")),
    ]
    alone = [[(d.id, d.log_prob) for d in model.decode(prepared, short)] for model, prepared in jobs]
    running = [model.decode(prepared, short) for model, prepared in jobs]
    together = [[(d.id, d.log_prob) for d in step] for step in zip(*running, strict=True)]
    assert [list(run) for run in zip(*together, strict=True)] == alone


def read(thinker, text: str, opened: bool | None = None) -> tuple[str, str]:
    """Thinking and answer of a text, cut into the tokens of the model's own tokenizer."""
    markers = thinker.markers if opened is None else replace(thinker.markers, opened=opened)
    ids = thinker.tokenizer(text, add_special_tokens=False)["input_ids"]
    reader = PhaseReader(markers)
    told = [reader.push(i, shown) for i, shown in zip(ids, thinker.texts(ids), strict=True)]
    return tuple("".join(t for p, t in told if p == phase) for phase in ("thinking", "answer"))


def test_thinking_is_told_from_the_answer(thinker, folder):
    family = thinker.family
    opening = family.think_open + family.label
    assert thinker.markers.opened == (folder.name in OPENED)
    assert read(thinker, f"{opening}Is it 3?{family.think_close}It is 3.", False) == ("Is it 3?", "It is 3.")
    assert read(thinker, f"Is it 3?{family.think_close}It is 3.", True) == ("Is it 3?", "It is 3.")
    assert read(thinker, f"{opening}Is it 3? Or 4?", False) == ("Is it 3? Or 4?", "")
    assert read(thinker, "Is it 3? Or 4?", True) == ("Is it 3? Or 4?", "")
    assert read(thinker, "It is 3.", False) == ("", "It is 3.")


def test_what_wraps_an_answer_is_not_shown(thinker):
    family = thinker.family
    if family.silent:
        text = f"{family.think_open}So.{family.think_close}{family.silent[0]}It is 3.{family.silent[1]}"
        assert read(thinker, text, False) == ("So.", "It is 3.")


def test_the_markers_of_a_system_prompt_open_nothing(thinker):
    if thinker.family.system_prompt and thinker.family.think_open in thinker.family.system_prompt:
        assert not thinker.markers.opened


def test_log_probabilities_are_those_of_one_forward_pass(thinker, plain, pixels):
    drawn = list(thinker.decode(thinker.prepare(pixels, PROMPT), Sampling(max_new_tokens=20)))
    expected = plain.log_probs(pixels, [token.id for token in drawn])
    np.testing.assert_allclose([token.log_prob for token in drawn], expected, atol=1e-4)
