"""SAM 2.1 from transformers as a ``MaskModel``.

Importing this module imports torch and transformers; import it lazily.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torchvision.ops import batched_nms, masks_to_boxes
from transformers import Sam2Model, Sam2Processor
from transformers.utils import logging as transformers_logging

from core.errors import InputError
from core.trace import Identity
from models.mask_model import Masks, Tick

BATCH = 16
_STABLE = 0.85
_SAME_BOX = 0.7


class TransformersSam2:
    """A loaded SAM 2 or 2.1.

    Args:
        folder: a transformers checkpoint.
        identity: of that checkpoint.

    Raises:
        InputError: damaged, incomplete or another kind of model.
    """

    window: int | None = None
    exact = True
    good = likely = 0.7

    def __init__(self, folder: Path, identity: Identity) -> None:
        self.identity = identity
        transformers_logging.disable_progress_bar()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                loaded: Any = Sam2Model.from_pretrained(
                    folder, local_files_only=True, output_loading_info=True
                )
                self.processor = Sam2Processor.from_pretrained(folder, local_files_only=True)
        except Exception as error:
            first_line = (str(error).strip().splitlines() or ["unknown reason"])[0]
            raise InputError(
                f"The SAM 2 model in {folder} cannot be loaded: {first_line} "
                "Check that the folder is complete."
            ) from error
        self.model, report = loaded
        if report["missing_keys"]:
            raise InputError(
                f"The SAM 2 model in {folder} lacks weights that it needs ({len(report['missing_keys'])}). "
                "Fetch it again."
            )
        self.model.eval().requires_grad_(False)
        self._picture: np.ndarray | None = None

    @torch.inference_mode()
    def look(self, pixels: np.ndarray, tick: Tick) -> None:
        if self._picture is not None and self._picture is pixels:
            return
        tick()
        self._size = pixels.shape[:2]
        seen = self.processor(images=pixels, return_tensors="pt")
        self._seen = self.model.get_image_embeddings(seen["pixel_values"])
        self._picture = pixels

    @torch.inference_mode()
    def in_boxes(self, boxes: np.ndarray, tick: Tick) -> Masks:
        found = []
        for start in range(0, len(boxes), BATCH):
            tick()
            asked = self._asked(input_boxes=[boxes[start : start + BATCH].tolist()])
            logits, quality = self._answer(asked, multimask_output=False)
            found.append(Masks((logits[:, 0] > 0).numpy(), quality[:, 0].numpy()))
        return self._joined(found)

    @torch.inference_mode()
    def automatic(self, points: np.ndarray, tick: Tick) -> Masks:
        kept, qualities = [], []
        for start in range(0, len(points), BATCH):
            tick()
            part = points[start : start + BATCH]
            asked = self._asked(input_points=[[[p] for p in part.tolist()]], input_labels=[[[1]] * len(part)])
            logits, quality = self._answer(asked, multimask_output=True)
            logits, quality = logits.flatten(0, 1), quality.flatten()
            stable = _overlap(logits > 1, logits > -1)
            good = (quality >= self.good) & (stable >= _STABLE)
            kept.append(logits[good] > 0)
            qualities.append(quality[good])
        masks = torch.cat(kept) if kept else torch.zeros(0, *self._size, dtype=torch.bool)
        if not len(masks):
            return self._joined([])
        quality = torch.cat(qualities)
        boxes = masks_to_boxes(masks)
        first = batched_nms(boxes, quality, torch.zeros(len(boxes)), _SAME_BOX)
        return Masks(masks[first].numpy(), quality[first].numpy())

    @torch.inference_mode()
    def at_point(self, x: float, y: float) -> Masks:
        asked = self._asked(input_points=[[[[x, y]]]], input_labels=[[[1]]])
        logits, quality = self._answer(asked, multimask_output=True)
        masks = (logits[0] > 0).numpy()
        order = np.argsort(masks.sum((1, 2)), kind="stable")
        return Masks(masks[order], quality[0].numpy()[order])

    def _asked(self, **prompts: Any) -> Any:
        return self.processor(original_sizes=[list(self._size)], return_tensors="pt", **prompts)

    def _answer(self, asked: Any, multimask_output: bool) -> tuple[Tensor, Tensor]:
        """Mask logits [n, k, h, w] and qualities [n, k] for n prompts."""
        keys = [key for key in ("input_points", "input_labels", "input_boxes") if key in asked]
        output = self.model(
            image_embeddings=self._seen, multimask_output=multimask_output, **{k: asked[k] for k in keys}
        )
        logits = self.processor.post_process_masks(
            output.pred_masks, [list(self._size)], binarize=False
        )  # fmt: skip
        return logits[0].float(), output.iou_scores[0].float()

    def _joined(self, parts: list[Masks]) -> Masks:
        if not parts:
            return Masks(np.zeros((0, *self._size), bool), np.zeros(0, np.float32))
        return Masks(np.concatenate([p.masks for p in parts]), np.concatenate([p.quality for p in parts]))


def _overlap(inner: Tensor, outer: Tensor) -> Tensor:
    """Share of the outer masks [n, h, w] that the inner ones fill; 0 for empty ones."""
    return inner.sum((1, 2)) / outer.sum((1, 2)).clamp(min=1)
