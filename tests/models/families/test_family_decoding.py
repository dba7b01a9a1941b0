"""For every family: the own loop is ``generate``, runs do not disturb each other, thinking is told apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from family_reference import PROMPT
from tiny_families import save_qwen3_vl

from core.events import Started, fold
from core.phases import PhaseReader
from core.run import found, run
from core.screenshot import from_array
from core.thinking import Drawn
from core.trace import Identity, Sampling
from models.markers import find_markers
from models.thinker import load_thinker

GREEDY = Sampling(max_new_tokens=200)
OPENED = {"qwen3-vl", "qwen3.5"}
FAMILY_OF = {"glm-4.6v": "glm-4v"}


@pytest.fixture(scope="module")
def other_thinker(tmp_path_factory):
    return load_thinker(str(save_qwen3_vl(tmp_path_factory.mktemp("other") / "other", seed=5)), device="cpu")


def test_a_checkpoint_is_told_as_its_family(thinker, folder):
    name = folder.name.removesuffix("-moe")
    assert thinker.family.key == FAMILY_OF.get(name, name)


def test_own_loop_draws_the_tokens_of_generate(thinker, plain, pixels):
    inputs = plain.inputs(pixels)
    expected = plain.model.generate(
        **inputs, max_new_tokens=GREEDY.max_new_tokens, do_sample=False, output_logits=True,
        return_dict_in_generate=True,
    )  # fmt: skip
    drawn = list(thinker.decode(thinker.prepare(pixels, PROMPT), GREEDY))
    ids = [token.id for token in drawn]
    assert ids == expected.sequences[0, inputs["input_ids"].shape[1] :].tolist()
    assert len(ids) == GREEDY.max_new_tokens
    # Random weights repeat themselves; that each token is as likely says more than that it is the same.
    log_probs = torch.log_softmax(torch.cat(expected.logits).float(), -1)[range(len(ids)), ids]
    np.testing.assert_allclose([token.log_prob for token in drawn], log_probs.numpy(), atol=1e-4)
    assert log_probs.std() > 1e-3


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
    assert thinker.markers.opened == (thinker.family.key in OPENED)
    assert read(thinker, f"{opening}Is it 3?{family.think_close}It is 3.", False) == ("Is it 3?", "It is 3.")
    assert read(thinker, f"Is it 3?{family.think_close}It is 3.", True) == ("Is it 3?", "It is 3.")
    assert read(thinker, f"{opening}Is it 3? Or 4?", False) == ("Is it 3? Or 4?", "")
    assert read(thinker, "Is it 3? Or 4?", True) == ("Is it 3? Or 4?", "")
    assert read(thinker, "It is 3.", False) == ("", "It is 3.")


def replied(thinker, reply: str, pixels, region_map, monkeypatch) -> tuple[str, str]:
    """Thinking and answer in the trace of a run whose model says ``reply``."""
    ids = thinker.tokenizer(reply, add_special_tokens=False)["input_ids"]
    said = [Drawn(i, text, -1.0) for i, text in zip(ids, thinker.texts(ids), strict=True)]
    monkeypatch.setattr(thinker, "decode", lambda *given: iter(said))
    monkeypatch.setattr(thinker, "markers", find_markers(thinker.model, thinker.processor, thinker.family)[0])
    regions = found(region_map, Identity("by hand"))
    trace = None
    for event in run(from_array(pixels, "noise"), "What?", thinker, regions, None, Sampling()):
        if isinstance(event, Started):
            trace = event.trace
        elif trace is not None:
            fold(trace, event)
    assert trace.status == "finished"
    return trace.text("thinking"), trace.text("answer")


@pytest.mark.parametrize("opens", [True, False])
def test_a_trace_splits_thinking_as_its_template_begins_it(thinker, pixels, region_map, monkeypatch, opens):
    family, template = thinker.family, thinker.processor.chat_template
    closed = template.replace(f"{family.think_open}\n{{% endif %}}", "{% endif %}")
    opening = family.think_open + family.label
    monkeypatch.setattr(thinker.processor, "chat_template", closed + opening if opens else closed)
    begin, given = "" if opens else opening, (pixels, region_map, monkeypatch)
    ended = replied(thinker, f"{begin}Is it 3? Yes.{family.think_close}It is 3.", *given)
    assert ended == ("Is it 3? Yes.", "It is 3.")
    assert thinker.markers.opened == opens
    assert replied(thinker, f"{begin}Is it 3? Or 4?", *given) == ("Is it 3? Or 4?", "")
    if not opens:
        assert replied(thinker, "It is 3.", *given) == ("", "It is 3.")


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
