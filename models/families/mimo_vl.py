"""MiMo-VL: a Qwen2.5-VL that opens its thinking itself."""

from __future__ import annotations

from core.trace import Sampling
from models.families.cells import merged_grid
from models.families.family import Family
from models.families.positions import multimodal_rope

MIMO_VL = Family(
    key="mimo-vl",
    name="MiMo-VL",
    model_types=frozenset({"qwen2_5_vl"}),
    names=("mimovl",),
    token_side=28,
    readable_share=1.0,
    layout=merged_grid,
    positions=multimodal_rope,
    image_inputs=("pixel_values", "image_grid_thw"),
    sampling=Sampling(temperature=0.3, top_p=0.95, max_new_tokens=32_768),
)
