"""Qwen3.5 and Qwen3.6: three of four layers are recurrent and attend to nothing that could be read."""

from __future__ import annotations

from core.trace import Sampling
from models.families.cells import merged_grid
from models.families.family import Family
from models.families.positions import multimodal_rope

QWEN3_5 = Family(
    key="qwen3.5",
    name="Qwen3.5",
    model_types=frozenset({"qwen3_5", "qwen3_5_moe"}),
    token_side=32,
    readable_share=0.25,
    layout=merged_grid,
    positions=multimodal_rope,
    image_inputs=("pixel_values", "image_grid_thw"),
    template_arguments={"enable_thinking": True},
    sampling=Sampling(temperature=1.0, top_p=0.95, top_k=20, max_new_tokens=32_768),
    gated=True,
)
