"""How often the bundled thinker is exactly right: ``python -m models.bundled.thinker.evaluate``.

Greedy decoding by transformers' own ``generate`` from the saved folder, on screens whose seeds were never
trained on; once with the image, once with the whole image filled by one colour (a blind reader), once on
screens that show made-up words kept out of training.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from transformers import AutoModelForImageTextToText, AutoProcessor

from models.bundled.screens import HELD_OUT, KINDS, Sample, generate

CONDITIONS = ("sighted", "blind", "novel")
FOLDER = Path(__file__).resolve().parents[3] / "resources" / "bundled" / "thinker"


def blind(image: np.ndarray) -> np.ndarray:
    """The screen with everything on it replaced by its commonest colour."""
    colours, counts = np.unique(image.reshape(-1, 3), axis=0, return_counts=True)
    return np.broadcast_to(colours[counts.argmax()], image.shape).copy()


def normalized(text: str) -> str:
    """Text with every run of white space made one space, as exactness is judged."""
    return " ".join(text.split())


class Reader:
    """The saved thinker behind plain transformers calls."""

    def __init__(self, folder: Path) -> None:
        self.processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
        self.processor.tokenizer.padding_side = "left"
        self.model = AutoModelForImageTextToText.from_pretrained(
            folder, local_files_only=True, dtype=torch.float32
        ).eval()

    @torch.inference_mode()
    def write(self, images: list[np.ndarray], prompts: list[str]) -> list[tuple[str, str]]:
        """Thinking and answer for each screen."""
        chats = [
            [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": p}]}] for p in prompts
        ]
        text = [self.processor.apply_chat_template(c, add_generation_prompt=True) for c in chats]
        pictures = [[Image.fromarray(image)] for image in images]
        inputs = self.processor(text=text, images=pictures, padding=True, return_tensors="pt")
        ids = self.model.generate(**inputs, do_sample=False, max_new_tokens=230)
        written = self.processor.tokenizer.batch_decode(ids[:, inputs["input_ids"].shape[1] :])
        return [_split(w) for w in written]


def _split(written: str) -> tuple[str, str]:
    thinking, _, answer = written.split("<|im_end|>")[0].partition("</think>")
    return thinking.strip(), answer.strip()


def _batches(samples: list[Sample], size: int) -> Iterator[list[Sample]]:
    for start in range(0, len(samples), size):
        yield samples[start : start + size]


def score(reader: Reader, samples: list[Sample], ablated: bool = False) -> list[bool]:
    """Whether each answer is exact."""
    right = []
    for group in _batches(samples, 20):
        images = [blind(s.image) if ablated else s.image for s in group]
        for sample, (_, answer) in zip(group, reader.write(images, [s.prompt for s in group]), strict=True):
            right.append(normalized(answer) == normalized(sample.answer))
    return right


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=FOLDER)
    parser.add_argument("--screens", type=int, default=100, help="screens of each kind")
    parser.add_argument("--first-seed", type=int, default=HELD_OUT)
    parser.add_argument("--conditions", nargs="+", choices=CONDITIONS, default=list(CONDITIONS))
    parser.add_argument("--json", type=Path, help="also write the figures to a file")
    options = parser.parse_args()
    reader = Reader(options.model)
    seeds = range(options.first_seed, options.first_seed + options.screens)
    report: dict[str, dict[str, float]] = {}
    for condition in options.conditions:
        rows: dict[str, float] = {}
        total: list[bool] = []
        for kind in KINDS:
            novel = 1.0 if condition == "novel" else 0.0
            samples = [generate(kind, seed, novel=novel, novel_held_out=True) for seed in seeds]
            right = score(reader, samples, ablated=condition == "blind")
            rows[kind] = float(np.mean(right))
            total += right
        rows["overall"] = float(np.mean(total))
        report[condition] = {k: round(v, 4) for k, v in rows.items()}
        print(json.dumps({condition: report[condition]}), flush=True)
    if options.json:
        report["setting"] = {"screens of each kind": options.screens, "first seed": options.first_seed}
        options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
