"""Which rectangle of the screenshot each visual token stands for, from what the processor really did.

Each function answers with the cells and with the size (width, height) in pixels that the model was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.coverage import Cells, grid_cells

Inputs = Mapping[str, Any]
Layout = tuple[Cells, tuple[int, int]]


def merged_grid(inputs: Inputs, processor: Any, width: int, height: int) -> Layout:
    """A row-major grid of patches, merged two by two or as the processor says (Qwen, GLM)."""
    _, rows, cols = (int(n) for n in inputs["image_grid_thw"][0])
    merge, patch = int(processor.image_processor.merge_size), int(processor.image_processor.patch_size)
    return grid_cells(rows // merge, cols // merge, width, height), (cols * patch, rows * patch)


def pooled_grid(inputs: Inputs, processor: Any, width: int, height: int) -> Layout:
    """A row-major grid of patches, averaged in squares after the vision tower; padding is at −1 (Gemma)."""
    cols, rows = (int(n) + 1 for n in inputs["image_position_ids"][0].amax(0))
    settings = processor.image_processor
    pool, patch = int(settings.pooling_kernel_size), int(settings.patch_size)
    return grid_cells(rows // pool, cols // pool, width, height), (cols * patch, rows * patch)


def broken_rows(inputs: Inputs, processor: Any, width: int, height: int) -> Layout:
    """A row-major grid whose rows end with a token that stands for no part of the screenshot (Mistral)."""
    high, wide = (int(n) for n in inputs["image_sizes"][0])
    side = int(processor.patch_size) * int(processor.spatial_merge_size)
    return grid_cells(high // side, wide // side, width, height), (wide, high)


def tiles(inputs: Inputs, processor: Any, width: int, height: int) -> Layout:
    """Square tiles one after the other, and the whole screenshot once more if there are several (InternVL).

    The two views of the screenshot overlap: each part lies in a cell of a tile and in one of the thumbnail.
    """
    count, _, high, wide = (int(n) for n in inputs["pixel_values"].shape)
    across, down = _tiling(processor, (wide, high), (width, height))
    if count != across * down + (across * down > 1):
        raise RuntimeError(f"{count} tiles for a canvas of {across} × {down}")
    size = across * wide, down * high
    side = round(int(processor.image_seq_length) ** 0.5)
    grid = grid_cells(down * side, across * side, width, height).boxes
    ordered = grid.reshape(down, side, across, side, 4).swapaxes(1, 2).reshape(-1, 4)
    if across * down == 1:
        return Cells(ordered, side, side), size
    thumbnail = grid_cells(side, side, width, height).boxes
    views = np.repeat([0, 1], [len(ordered), len(thumbnail)])
    return Cells(np.concatenate([ordered, thumbnail]), views=views), size


def _tiling(processor: Any, tile: tuple[int, int], screenshot: tuple[int, int]) -> tuple[int, int]:
    """Tiles (across, down) that the processor chose; both sizes are (width, height)."""
    from transformers.models.got_ocr2.image_processing_got_ocr2 import get_optimal_tiled_canvas

    settings = processor.image_processor
    limits = int(settings.min_patches), int(settings.max_patches)
    across, down = get_optimal_tiled_canvas(screenshot[::-1], tile[::-1], *limits)
    return int(across), int(down)
