"""segment-anything 1.0 as a ``MaskModel``: its predictor and automatic mask generator, unmodified.

Importing this module imports torch and segment_anything; import it lazily.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from core.trace import Identity
from models import opencv
from models.mask_model import Masks, Tick

opencv.load()  # before segment_anything, which imports cv2 without looking after Qt's variables

from segment_anything import (  # noqa: E402
    SamAutomaticMaskGenerator,
    SamPredictor,
    sam_model_registry,
)
from segment_anything.modeling import Sam  # noqa: E402

__all__ = ["SegmentAnythingModel", "sam_model_registry"]

BATCH = 16
"""Prompts at once; each costs about 12 bytes a pixel for a while."""


class SegmentAnythingModel:
    """A loaded ``Sam``.

    Args:
        sam: in evaluation mode.
        identity: of its checkpoint.
        window, good, likely, exact: as in ``MaskModel``; None: as likely as good.
        masks_of_boxes: what gives the mask prompts [N, 1, m, m] that go with boxes [N, 4], if the checkpoint
            learned to have them.
    """

    def __init__(
        self,
        sam: Sam,
        identity: Identity,
        window: int | None,
        good: float,
        masks_of_boxes: Callable[[torch.Tensor, int, int], torch.Tensor] | None = None,
        likely: float | None = None,
        exact: bool = True,
    ) -> None:
        self.sam = sam
        self.identity = identity
        self.window, self.good = window, good
        self.likely = good if likely is None else likely
        self.masks_of_boxes = masks_of_boxes
        self.exact = exact
        self.predictor = _RememberingPredictor(sam)

    def look(self, pixels: np.ndarray, tick: Tick) -> None:
        with _ticking(self.sam, tick):
            self.predictor.set_image(pixels)

    def in_boxes(self, boxes: np.ndarray, tick: Tick) -> Masks:
        found = []
        size = self.predictor.original_size
        with _ticking(self.sam, tick):
            for start in range(0, len(boxes), BATCH):
                part = self.predictor.transform.apply_boxes(boxes[start : start + BATCH], size)
                asked = torch.as_tensor(part, dtype=torch.float, device=self.sam.device)
                masks, quality, _ = self.predictor.predict_torch(
                    point_coords=None,
                    point_labels=None,
                    boxes=asked,
                    mask_input=self._drawn(asked),
                    multimask_output=False,
                )
                found.append(Masks(masks[:, 0].cpu().numpy(), quality[:, 0].cpu().numpy()))
        return _joined(found, size)

    def _drawn(self, boxes: torch.Tensor) -> torch.Tensor | None:
        if self.masks_of_boxes is None:
            return None
        side = self.sam.prompt_encoder.mask_input_size[0]
        return self.masks_of_boxes(boxes, self.sam.image_encoder.img_size, side)

    def automatic(self, points: np.ndarray, tick: Tick) -> Masks:
        height, width = size = self.predictor.original_size
        if not len(points):
            return _joined([], size)
        generator = SamAutomaticMaskGenerator(
            self.sam,
            points_per_side=None,
            point_grids=[points / np.array([width, height])],
            points_per_batch=BATCH,
            pred_iou_thresh=self.good,
            stability_score_thresh=0.85,
        )
        generator.predictor = self.predictor
        with _ticking(self.sam, tick):
            found = generator.generate(self.predictor.picture)
        return _joined(
            [
                Masks(m["segmentation"][None].astype(bool), np.array([m["predicted_iou"]], np.float32))
                for m in found
            ],
            size,
        )

    def at_point(self, x: float, y: float) -> Masks:
        masks, quality, _ = self.predictor.predict(np.array([[x, y]]), np.array([1]), multimask_output=True)
        order = np.argsort(masks.sum((1, 2)), kind="stable")
        return Masks(masks[order], quality[order])


class _RememberingPredictor(SamPredictor):
    """Does not encode the picture again that it has just seen: the mask generator shows it each time."""

    picture = np.empty((0, 0, 3), np.uint8)

    def set_image(self, image: np.ndarray, image_format: str = "RGB") -> None:
        if image.shape == self.picture.shape and image.ctypes.data == self.picture.ctypes.data:
            return
        self.picture = np.empty((0, 0, 3), np.uint8)  # nothing is seen if this is broken off
        super().set_image(image, image_format)
        self.picture = image

    def reset_image(self) -> None:
        """Keeps the embedding, which the mask generator would throw away."""
        if getattr(self, "features", None) is None:
            super().reset_image()


@contextmanager
def _ticking(sam: Sam, tick: Tick) -> Iterator[None]:
    """Call ``tick`` before each block of the encoder and each round of the decoder."""

    def hook(module: Any, inputs: Any) -> None:
        tick()

    modules = [*sam.image_encoder.blocks, sam.mask_decoder]
    handles = [module.register_forward_pre_hook(hook) for module in modules]
    try:
        with torch.inference_mode():
            yield
    finally:
        for handle in handles:
            handle.remove()


def _joined(parts: list[Masks], size: tuple[int, int]) -> Masks:
    if not parts:
        return Masks(np.zeros((0, *size), bool), np.zeros(0, np.float32))
    return Masks(np.concatenate([p.masks for p in parts]), np.concatenate([p.quality for p in parts]))
