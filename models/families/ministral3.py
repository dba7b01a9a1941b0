"""Ministral 3 Reasoning (Mistral3): a token ends each image row; a system prompt asks for thinking."""

from __future__ import annotations

from core.trace import Sampling
from models.families.cells import broken_rows
from models.families.family import FULL, SLIDING, Family
from models.families.positions import counted

MINISTRAL3 = Family(
    key="ministral-3",
    name="Ministral 3 Reasoning",
    model_types=frozenset({"mistral3"}),
    token_side=28,
    readable=frozenset({FULL, SLIDING}),
    readable_share=1.0,
    layout=broken_rows,
    positions=counted,
    image_inputs=("pixel_values", "image_sizes"),
    image_arguments=lambda processor: {"patch_size": processor.patch_size * processor.spatial_merge_size},
    think_open="[THINK]",
    think_close="[/THINK]",
    system_prompt=(
        "# HOW YOU SHOULD THINK AND ANSWER\n\nFirst draft your thinking process (inner monologue) until "
        "you arrive at a response. Format your response using Markdown, and use LaTeX for any "
        "mathematical equations. Write both your thoughts and the response in the same language as "
        "the input.\n\nYour thinking process must follow the template below:[THINK]Your thoughts or/and "
        "draft, like working through an exercise on scratch paper. Be as casual and as long as you "
        "want until you are confident to generate the response. Use the same language as the "
        "input.[/THINK]Here, provide a self-contained response."
    ),
    sampling=Sampling(temperature=0.7, top_p=0.95, max_new_tokens=32_768),
)
