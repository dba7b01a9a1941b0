"""A checkpoint's family is told by its type, by its name where types are shared, or by a person."""

from __future__ import annotations

import pytest

from core.errors import InputError
from models.families import FAMILIES, choose_family, families_of, family_named


def test_every_family_is_found_by_its_key_and_its_name():
    for family in FAMILIES:
        assert family_named(family.key) is family_named(family.name) is family
    assert len({family.key for family in FAMILIES}) == len(FAMILIES) == 9


@pytest.mark.parametrize(
    ("model_type", "name", "key"),
    [
        ("qwen3_vl", "/models/anything", "qwen3-vl"),
        ("glm4v", "zai-org/GLM-4.1V-9B-Thinking", "glm-4v"),
        ("glm46v", "zai-org/GLM-4.6V-Flash", "glm-4v"),
        ("glm4v_moe", "zai-org/GLM-4.5V", "glm-4.5v"),
        ("qwen2_5_vl", "XiaomiMiMo/MiMo-VL-7B-RL", "mimo-vl"),
        ("qwen2_5_vl", "/cache/models--nvidia--Cosmos-Reason1-7B/snapshots/ab12", "cosmos-reason1"),
        ("qwen3_5", "Qwen/Qwen3.5-27B", "qwen3.5"),
        ("gemma4", "google/gemma-4-E2B-it", "gemma-4"),
        ("mistral3", "mistralai/Ministral-3-8B-Reasoning-2512", "ministral-3"),
        ("internvl", "OpenGVLab/InternVL3_5-8B-HF", "internvl3.5"),
    ],
)
def test_type_and_name_tell_the_family(model_type, name, key):
    assert choose_family(model_type, name).key == key


def test_a_shared_type_with_a_name_that_does_not_tell_is_asked_about():
    with pytest.raises(InputError, match=r"MiMo-VL or Cosmos-Reason1.*--family mimo-vl or --family cosmos-"):
        choose_family("qwen2_5_vl", "/models/my-tuned-model")
    assert choose_family("qwen2_5_vl", "/models/my-tuned-model", chosen="mimo-vl").key == "mimo-vl"


def test_what_a_person_says_beats_the_name():
    assert choose_family("qwen2_5_vl", "nvidia/Cosmos-Reason1-7B", chosen="mimo-vl").key == "mimo-vl"


def test_a_family_that_cannot_be_is_refused():
    with pytest.raises(InputError, match="cannot be a Gemma 4"):
        choose_family("qwen3_vl", "x", chosen="gemma-4")
    with pytest.raises(InputError, match="no model family"):
        choose_family("qwen3_vl", "x", chosen="gpt")


def test_an_unknown_type_gets_the_supported_families():
    assert families_of("llava_next") == ()
    with pytest.raises(InputError, match=r"llava_next.*Qwen3-VL-Thinking.*InternVL3\.5"):
        choose_family("llava_next", "x")


def test_sampling_never_stops_before_a_long_reasoning_ends():
    assert all(family.sampling.max_new_tokens >= 4096 for family in FAMILIES)
