"""What differs between families of thinking models: one declarative entry each.

Imports nothing heavy, so that ``sightline models`` can list them at once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.coverage import Cells, grid_cells
from core.trace import Sampling


def _merged_grid(inputs: Mapping[str, Any], processor: Any, width: int, height: int) -> Cells:
    """Cells of a row-major grid of patches merged two by two (or as the processor says)."""
    _, rows, cols = (int(n) for n in inputs["image_grid_thw"][0])
    merge = int(processor.image_processor.merge_size)
    return grid_cells(rows // merge, cols // merge, width, height)


def _patch_image_size(inputs: Mapping[str, Any], processor: Any) -> tuple[int, int]:
    """(width, height) that the model sees, from the grid of patches."""
    _, rows, cols = (int(n) for n in inputs["image_grid_thw"][0])
    patch = int(processor.image_processor.patch_size)
    return cols * patch, rows * patch


def _multimodal_rope(model: Any, inputs: Mapping[str, Any]) -> tuple[Any, int]:
    """Positions [4, 1, P] (text, time, height, width) and the position of the next token in the last three.

    Row 0 counts tokens; it builds the causal mask. ``get_rope_index`` is pure: nothing is left on the model.
    """
    import torch

    ids = inputs["input_ids"]
    spatial, _ = model.model.get_rope_index(
        ids, mm_token_type_ids=inputs["mm_token_type_ids"], image_grid_thw=inputs["image_grid_thw"]
    )
    text = torch.arange(ids.shape[1], device=ids.device).view(1, 1, -1)
    return torch.cat((text, spatial), 0), int(spatial.max()) + 1


def _full_attention_layers(text_config: Any) -> tuple[int, ...]:
    """The layers whose attention spans all tokens; others (linear, sliding) are not read."""
    kinds = getattr(text_config, "layer_types", None) or ["full_attention"] * text_config.num_hidden_layers
    return tuple(index for index, kind in enumerate(kinds) if kind == "full_attention")


@dataclass(frozen=True, slots=True)
class Family:
    """How to handle one family.

    Attributes:
        name: for people.
        model_types: values of ``model_type`` in ``config.json``.
        cells: (processor output, processor, width, height of the screenshot) → cells.
        image_size: (processor output, processor) → (width, height) given to the model.
        positions: (model, processor output) → positions [4, 1, P], position of the next token.
        image_inputs: keys of the processor output that describe the image and are batched along dim 0.
        readable_layers: (text config) → indices of the layers whose attention the probe reads.
        think_open, think_close: the markers, as text that is one token each.
        template_arguments: passed to the chat template.
        sampling: what the model card recommends.
    """

    name: str
    model_types: frozenset[str]
    cells: Callable[[Mapping[str, Any], Any, int, int], Cells]
    image_size: Callable[[Mapping[str, Any], Any], tuple[int, int]]
    positions: Callable[[Any, Mapping[str, Any]], tuple[Any, int]]
    image_inputs: tuple[str, ...]
    readable_layers: Callable[[Any], tuple[int, ...]]
    think_open: str
    think_close: str
    template_arguments: Mapping[str, Any] = field(default_factory=dict)
    sampling: Sampling = field(default_factory=Sampling)


QWEN3_VL = Family(
    name="Qwen3-VL-Thinking",
    model_types=frozenset({"qwen3_vl", "qwen3_vl_moe"}),
    cells=_merged_grid,
    image_size=_patch_image_size,
    positions=_multimodal_rope,
    image_inputs=("pixel_values", "image_grid_thw"),
    readable_layers=_full_attention_layers,
    think_open="<think>",
    think_close="</think>",
    sampling=Sampling(temperature=1.0, top_p=0.95, top_k=20, max_new_tokens=40_960),
)

FAMILIES: tuple[Family, ...] = (QWEN3_VL,)


def family_of(model_type: str) -> Family | None:
    """The entry for a ``model_type``, or None if Sightline does not know it."""
    return next((family for family in FAMILIES if model_type in family.model_types), None)
