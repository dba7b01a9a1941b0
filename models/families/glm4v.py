"""GLM-4.1V-Thinking and GLM-4.6V-Flash, and GLM-4.5V and GLM-4.6V, whose layers are built otherwise.

The model opens the thinking itself, and may box its answer.
"""

from __future__ import annotations

from dataclasses import replace

from core.trace import Sampling
from models.families.cells import merged_grid
from models.families.family import Family
from models.families.positions import multimodal_rope

GLM4V = Family(
    key="glm-4v",
    name="GLM-4.1V-Thinking",
    model_types=frozenset({"glm4v", "glm46v"}),
    token_side=28,
    readable_share=1.0,
    layout=merged_grid,
    positions=multimodal_rope,
    image_inputs=("pixel_values", "image_grid_thw"),
    silent=("<answer>", "</answer>", "<|begin_of_box|>", "<|end_of_box|>"),
    sampling=Sampling(temperature=0.8, top_p=0.6, top_k=2, max_new_tokens=8192),
    norm_after_attention="post_self_attn_layernorm",
)
GLM4V_MOE = replace(
    GLM4V,
    key="glm-4.5v",
    name="GLM-4.5V",
    model_types=frozenset({"glm4v_moe"}),
    norm_after_attention="",
)
