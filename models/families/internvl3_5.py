"""InternVL3.5: square tiles and a thumbnail, so that two visual tokens stand for each place."""

from __future__ import annotations

from core.trace import Sampling
from models.families.cells import tiles
from models.families.family import FULL, SLIDING, Family
from models.families.positions import counted

INTERNVL3_5 = Family(
    key="internvl3.5",
    name="InternVL3.5",
    model_types=frozenset({"internvl"}),
    token_side=28,
    readable=frozenset({FULL, SLIDING}),
    readable_share=1.0,
    layout=tiles,
    positions=counted,
    image_inputs=("pixel_values",),
    image_arguments=lambda processor: {"crop_to_patches": True},
    system_prompt=(
        "You are an AI assistant that rigorously follows this response protocol:\n\n1. First, conduct a "
        "detailed analysis of the question. Consider different angles, potential solutions, and "
        "reason through the problem step-by-step. Enclose this entire thinking process within <think> "
        "and </think> tags.\n\n2. After the thinking section, provide a clear, concise, and direct "
        "answer to the user's question. Separate the answer from the think section with a "
        "newline.\n\nEnsure that the thinking process is thorough but remains focused on the query. The "
        "final answer should be standalone and not reference the thinking section."
    ),
    sampling=Sampling(temperature=0.6, top_p=0.95, max_new_tokens=32_768),
)
