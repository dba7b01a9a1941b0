"""Gemma 4: five of six layers see only the last few hundred tokens, so late thoughts reach the image in few.

It thinks only when the template is told so, and names the channel before it begins.
"""

from __future__ import annotations

from core.trace import Sampling
from models.families.cells import pooled_grid
from models.families.family import FULL, SLIDING, Family
from models.families.positions import counted

GEMMA4 = Family(
    key="gemma-4",
    name="Gemma 4",
    model_types=frozenset({"gemma4"}),
    token_side=48,
    readable=frozenset({FULL, SLIDING}),
    readable_share=1.0,
    layout=pooled_grid,
    positions=counted,
    image_inputs=("pixel_values", "image_position_ids"),
    token_inputs=("mm_token_type_ids",),
    think_open="<|channel>",
    think_close="<channel|>",
    label="thought\n",
    template_arguments={"enable_thinking": True},
    sampling=Sampling(temperature=1.0, top_p=0.95, top_k=64, max_new_tokens=16_384),
    norm_after_attention="post_attention_layernorm",
    layer_scale="layer_scalar",
)
