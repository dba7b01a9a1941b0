"""Tiny random SAM checkpoints in the layouts that Sightline loads."""

from __future__ import annotations

import json
from pathlib import Path

TINY_SHAPE = {
    "image_size": 128,
    "patch": 16,
    "width": 32,
    "depth": 2,
    "heads": 2,
    "window": 4,
    "global_layers": [1],
    "prompt_width": 32,
    "decoder_mlp": 32,
    "decoder_heads": 2,
}


def save_tiny_sam(folder: Path, seed: int = 0) -> Path:
    """Save a random SAM in the layout of the bundled one; returns ``folder``."""
    import torch
    from safetensors.torch import save_file

    from models.bundled.sam.architecture import Shape, build_sam

    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(build_sam(Shape.from_json(TINY_SHAPE)).state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(TINY_SHAPE))
    return folder


def save_tiny_sam2(folder: Path, seed: int = 0) -> Path:
    """Save a random SAM 2 in transformers' layout; returns ``folder``."""
    import torch
    from transformers import Sam2Config, Sam2ImageProcessor, Sam2Model, Sam2Processor

    size = 64
    config = Sam2Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam2_hiera_det_model",
                "image_size": [size, size],
                "hidden_size": 8,
                "num_attention_heads": 1,
                "blocks_per_stage": [1, 1, 2, 1],
                "embed_dim_per_stage": [8, 16, 32, 64],
                "num_attention_heads_per_stage": [1, 1, 2, 2],
                "window_size_per_stage": [8, 4, 4, 2],
                "global_attention_blocks": [3],
                "window_positional_embedding_background_size": [2, 2],
            },
            "backbone_channel_list": [64, 32, 16, 8],
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            "fpn_hidden_size": 32,
        },
        prompt_encoder_config={"hidden_size": 32, "image_size": size, "patch_size": 16},
        mask_decoder_config={
            "hidden_size": 32,
            "mlp_dim": 32,
            "num_attention_heads": 2,
            "iou_head_hidden_dim": 32,
        },
    )
    torch.manual_seed(seed)
    Sam2Model(config).save_pretrained(folder)
    side = {"height": size, "width": size}
    processor = Sam2ImageProcessor(size=side, mask_size={"height": size // 4, "width": size // 4})
    Sam2Processor(image_processor=processor, target_size=size).save_pretrained(folder)
    return folder
