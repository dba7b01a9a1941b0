"""Write a trained checkpoint as a transformers folder: ``python -m models.bundled.thinker.export``."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from transformers import Qwen2VLImageProcessor, Qwen3VLProcessor, Qwen3VLVideoProcessor

from models.bundled.thinker.dataset import MAX_PIXELS, MIN_PIXELS
from models.bundled.thinker.evaluate import FOLDER
from models.bundled.thinker.tokenizer import build_tokenizer
from models.bundled.thinker.train import fresh_model


def export(checkpoint: Path, folder: Path) -> None:
    """Save model (bf16 safetensors), tokenizer, processor and chat template to ``folder``."""
    tokenizer = build_tokenizer()
    model = fresh_model(tokenizer)
    model.load_state_dict(torch.load(checkpoint, weights_only=True)["model"])
    model.generation_config.eos_token_id = tokenizer.convert_tokens_to_ids("<|im_end|>")
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.bfloat16().save_pretrained(folder)
    images = Qwen2VLImageProcessor(
        patch_size=16, merge_size=2, temporal_patch_size=1, min_pixels=MIN_PIXELS, max_pixels=MAX_PIXELS
    )
    processor = Qwen3VLProcessor(
        image_processor=images,
        tokenizer=tokenizer,
        video_processor=Qwen3VLVideoProcessor(patch_size=16, merge_size=2),
        chat_template=tokenizer.chat_template,
    )
    processor.save_pretrained(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    export(options.checkpoint, options.folder)


if __name__ == "__main__":
    main()
