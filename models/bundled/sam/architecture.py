"""The bundled SAM: segment-anything's own classes at small sizes.

Importing this module imports torch and segment_anything; import it lazily.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from models import opencv

opencv.load()  # before segment_anything, which imports cv2 without looking after Qt's variables

from segment_anything.modeling import (  # noqa: E402
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)

_SLOWEST, _FASTEST = 0.3, 4.0
_SHARPNESS = 2.0


@dataclass(frozen=True, slots=True)
class Shape:
    """Every size of the model; ``config.json`` beside the weights holds these fields.

    Attributes:
        image_size: pixels of the longer side that the encoder sees.
        patch: pixels of a side of a patch; masks come out at a quarter of it.
        width, depth, heads: of the image encoder.
        window: patches of a side of the windows that most layers attend in.
        global_layers: layers that attend everywhere.
        prompt_width: width of prompts, image embedding and mask decoder.
        decoder_mlp, decoder_heads: of the decoder's two-way transformer.
    """

    image_size: int = 256
    patch: int = 16
    width: int = 96
    depth: int = 4
    heads: int = 3
    window: int = 8
    global_layers: tuple[int, ...] = (1, 3)
    prompt_width: int = 64
    decoder_mlp: int = 256
    decoder_heads: int = 4

    @property
    def grid(self) -> int:
        """Patches of a side."""
        return self.image_size // self.patch

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Shape:
        """Raises TypeError for fields that are missing their type or unknown."""
        return cls(**{**values, "global_layers": tuple(values["global_layers"])})


def build_sam(shape: Shape | None = None) -> Sam:
    """A randomly initialised small SAM in evaluation mode."""
    shape = shape or Shape()
    sam = Sam(
        image_encoder=ImageEncoderViT(
            depth=shape.depth,
            embed_dim=shape.width,
            img_size=shape.image_size,
            mlp_ratio=4,
            norm_layer=partial(nn.LayerNorm, eps=1e-6),
            num_heads=shape.heads,
            patch_size=shape.patch,
            qkv_bias=True,
            use_rel_pos=False,
            global_attn_indexes=shape.global_layers,
            window_size=shape.window,
            out_chans=shape.prompt_width,
        ),
        prompt_encoder=PromptEncoder(
            embed_dim=shape.prompt_width,
            image_embedding_size=(shape.grid, shape.grid),
            input_image_size=(shape.image_size, shape.image_size),
            mask_in_chans=16,
        ),
        mask_decoder=MaskDecoder(
            num_multimask_outputs=3,
            transformer=TwoWayTransformer(
                depth=2,
                embedding_dim=shape.prompt_width,
                mlp_dim=shape.decoder_mlp,
                num_heads=shape.decoder_heads,
            ),
            transformer_dim=shape.prompt_width,
            iou_head_depth=3,
            iou_head_hidden_dim=shape.prompt_width,
        ),
    )
    _tell_places_apart(sam, shape)
    _look_where_asked(sam)
    return sam.eval()


def boxes_as_masks(boxes: Tensor, size: int, side: int) -> Tensor:
    """Boxes as SAM's mask prompts: the bundled SAM is given each box both ways and learns to correct it.

    Args:
        boxes: float [N, 4], x0, y0, x1, y1 in pixels of the encoder's input.
        size: pixels of a side of that input.
        side: of the masks.

    Returns:
        Logits [N, 1, side, side], from -4 outside to 4 inside by the share of each cell that the box covers.
    """
    step = size / side
    start = torch.arange(side, device=boxes.device) * step
    low, high = boxes[:, :2, None], boxes[:, 2:, None]
    cover = (torch.minimum(high, start + step) - torch.maximum(low, start)).clamp(min=0) / step
    return 8 * cover[:, 1, :, None].mul(cover[:, 0, None, :])[:, None] - 4


@torch.no_grad()
def _look_where_asked(sam: Sam) -> None:
    """Start the attention between prompts and image with equal projections of queries and keys.

    A prompt and the patch that it lies on share a position, so they then attend to each other from the start.
    From unrelated projections nothing was learned in 2,400 screens but that most masks are empty.
    """
    transformer = sam.mask_decoder.transformer
    between = [transformer.final_attn_token_to_image]
    for layer in transformer.layers:
        between += [layer.cross_attn_token_to_image, layer.cross_attn_image_to_token]
    for attention in between:
        nn.init.orthogonal_(attention.q_proj.weight, gain=_SHARPNESS)
        attention.k_proj.weight.copy_(attention.q_proj.weight)
        attention.q_proj.bias.zero_()
        attention.k_proj.bias.zero_()


@torch.no_grad()
def _tell_places_apart(sam: Sam, shape: Shape) -> None:
    """Start positions from waves of all lengths down to two patches.

    SAM draws the waves of its prompts from one Gaussian, nearly all longer than a fifth of the image: with a
    quarter of the width they would leave a point blurred over dozens of patches.
    """
    count = shape.prompt_width // 2
    angle = torch.arange(count) * math.pi * (3 - math.sqrt(5))
    speed = torch.logspace(math.log10(_SLOWEST), math.log10(_FASTEST), count)
    waves: Tensor = sam.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix
    waves.copy_(torch.stack([speed * angle.cos(), speed * angle.sin()]))

    place = (torch.arange(shape.grid) + 0.5) / shape.grid * 2 * math.pi
    quarter = shape.width // 4
    turns = torch.logspace(math.log10(0.5), math.log10(shape.grid / 4), quarter)
    waves_1d = torch.cat([(place[:, None] * turns).sin(), (place[:, None] * turns).cos()], 1)
    down = waves_1d[:, None].expand(-1, shape.grid, -1)
    across = waves_1d[None].expand(shape.grid, -1, -1)
    position = sam.image_encoder.pos_embed
    assert position is not None
    position.copy_(0.3 * torch.cat([down, across], 2)[None])
