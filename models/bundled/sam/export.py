"""Write a trained checkpoint as the bundled SAM: ``python -m models.bundled.sam.export OUT/sam.pt``."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

import resources
from core.export.atomic import replacing
from models.bundled.sam.architecture import Shape, build_sam

FOLDER = Path(resources.__file__).parent / "bundled" / "sam"


def export(checkpoint: Path, folder: Path = FOLDER) -> None:
    """Save the weights (float32 safetensors), ``config.json`` and the model card to ``folder``."""
    shape = Shape()
    sam = build_sam(shape)
    sam.load_state_dict(torch.load(checkpoint, weights_only=True, map_location="cpu")["model"])
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "model.safetensors") as part:
        weights = {name: value.contiguous() for name, value in sam.state_dict().items()}
        save_file(weights, part, metadata={"format": "pt"})
    with replacing(folder / "config.json") as part:
        part.write_text(json.dumps(shape.to_json(), indent=1) + "\n", encoding="utf-8")
    card = Path(__file__).with_name("card.md").read_text(encoding="utf-8")
    with replacing(folder / "README.md") as part:
        part.write_text(card, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    export(options.checkpoint, options.folder)


if __name__ == "__main__":
    main()
