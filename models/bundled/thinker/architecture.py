"""The shape of the bundled thinking model: a very small Qwen3-VL made of transformers' own classes.

Nothing here subclasses or patches the real model, so a saved checkpoint reloads through plain
``AutoModelForImageTextToText`` with no code of this project.
"""

from __future__ import annotations

from dataclasses import dataclass

from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration


@dataclass(frozen=True)
class ThinkerShape:
    """Sizes of the model. The defaults give about 7 M parameters."""

    vision_hidden: int = 192
    vision_depth: int = 5
    vision_heads: int = 4
    vision_mlp: int = 640
    patch_size: int = 16
    spatial_merge: int = 2
    # The published models repeat a still image over two frames. With 1 the patch embedding has half the
    # weights and half the work; the image processor and the Conv3d accept it. Only videos would miss it.
    temporal_patch: int = 1
    deepstack_layers: tuple[int, ...] = (2,)
    position_table_side: int = 16

    text_hidden: int = 256
    text_layers: int = 6
    text_heads: int = 4
    text_kv_heads: int = 2
    text_head_dim: int = 64
    text_mlp: int = 640
    rope_theta: float = 10_000.0
    # Rotary frequencies given to time, height and width. Interleaved t, h, w, t, h, w, … by the model.
    mrope_section: tuple[int, int, int] = (12, 10, 10)
    max_positions: int = 2048

    def __post_init__(self) -> None:
        if sum(self.mrope_section) * 2 != self.text_head_dim:
            raise ValueError("mrope_section must sum to half of text_head_dim")
        if (self.vision_hidden // self.vision_heads) % 4:
            # Half of the head rotates by height, half by width, and rotation needs pairs.
            raise ValueError("the vision head size must be a multiple of 4")
        if self.text_heads % self.text_kv_heads:
            raise ValueError("text_heads must be a multiple of text_kv_heads")


def build_config(
    vocab_size: int,
    image_token_id: int,
    video_token_id: int,
    vision_start_token_id: int,
    vision_end_token_id: int,
    eos_token_id: int,
    pad_token_id: int,
    bos_token_id: int | None = None,
    shape: ThinkerShape | None = None,
) -> Qwen3VLConfig:
    """Return the configuration of the model for a tokenizer with these ids."""
    shape = shape or ThinkerShape()
    config = Qwen3VLConfig(  # type: ignore[call-arg]
        vision_config={
            "depth": shape.vision_depth,
            "hidden_size": shape.vision_hidden,
            "intermediate_size": shape.vision_mlp,
            "num_heads": shape.vision_heads,
            "patch_size": shape.patch_size,
            "spatial_merge_size": shape.spatial_merge,
            "temporal_patch_size": shape.temporal_patch,
            "out_hidden_size": shape.text_hidden,
            "num_position_embeddings": shape.position_table_side**2,
            "deepstack_visual_indexes": list(shape.deepstack_layers),
        },
        text_config={
            "vocab_size": vocab_size,
            "hidden_size": shape.text_hidden,
            "intermediate_size": shape.text_mlp,
            "num_hidden_layers": shape.text_layers,
            "num_attention_heads": shape.text_heads,
            "num_key_value_heads": shape.text_kv_heads,
            "head_dim": shape.text_head_dim,
            "max_position_embeddings": shape.max_positions,
            "rope_parameters": {
                "rope_type": "default",
                "rope_theta": shape.rope_theta,
                "mrope_section": list(shape.mrope_section),
                "mrope_interleaved": True,
            },
            "eos_token_id": eos_token_id,
            "pad_token_id": pad_token_id,
            "bos_token_id": bos_token_id,
            "tie_word_embeddings": True,
        },
        image_token_id=image_token_id,
        video_token_id=video_token_id,
        vision_start_token_id=vision_start_token_id,
        vision_end_token_id=vision_end_token_id,
        eos_token_id=eos_token_id,
        pad_token_id=pad_token_id,
        bos_token_id=bos_token_id,
        tie_word_embeddings=True,
    )
    config.architectures = ["Qwen3VLForConditionalGeneration"]
    return config


def build_model(config: Qwen3VLConfig) -> Qwen3VLForConditionalGeneration:
    """Return a freshly initialised fp32 model of ``config``."""
    return Qwen3VLForConditionalGeneration(config).float()


def parameter_count(model: Qwen3VLForConditionalGeneration) -> int:
    """Number of distinct parameters (the tied embedding counts once)."""
    return sum(parameter.numel() for parameter in model.parameters())
