"""Qwen3-VL-Thinking. The template opens the thinking; visual features also enter early layers (DeepStack)."""

from __future__ import annotations

from core.trace import Sampling
from models.families.cells import merged_grid
from models.families.family import Family
from models.families.positions import multimodal_rope

QWEN3_VL = Family(
    key="qwen3-vl",
    name="Qwen3-VL-Thinking",
    model_types=frozenset({"qwen3_vl", "qwen3_vl_moe"}),
    token_side=32,
    readable_share=1.0,
    layout=merged_grid,
    positions=multimodal_rope,
    image_inputs=("pixel_values", "image_grid_thw"),
    sampling=Sampling(temperature=1.0, top_p=0.95, top_k=20, max_new_tokens=40_960),
)
