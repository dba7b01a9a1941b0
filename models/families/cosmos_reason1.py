"""Cosmos-Reason1: a Qwen2.5-VL that thinks when its system prompt asks for it. Its markers are spelled."""

from __future__ import annotations

from core.trace import Sampling
from models.families.cells import merged_grid
from models.families.family import Family
from models.families.positions import multimodal_rope

COSMOS_REASON1 = Family(
    key="cosmos-reason1",
    name="Cosmos-Reason1",
    model_types=frozenset({"qwen2_5_vl"}),
    names=("cosmosreason1",),
    token_side=28,
    readable_share=1.0,
    layout=merged_grid,
    positions=multimodal_rope,
    image_inputs=("pixel_values", "image_grid_thw"),
    silent=("<answer>", "</answer>"),
    system_prompt=(
        "You are a helpful assistant. Answer the question in the following format: "
        "<think>\nyour reasoning\n</think>\n\n<answer>\nyour answer\n</answer>."
    ),
    sampling=Sampling(temperature=0.6, top_p=0.95, max_new_tokens=4096),
)
