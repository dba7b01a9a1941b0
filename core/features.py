"""What the probe measures of each token, pooled from visual tokens to regions."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final

import torch
from torch import Tensor

LOOKS: Final = ("mean", "most", "excess", "direct", "direct share")
"""How a position looked at a region, each a number: its attention averaged over layers and heads; the
largest of any head; the largest share of any head's image attention, less the share of the screenshot that
the region covers; the sum of direct effects, asinh(5 · effect); that sum as a share of all direct effects."""
CARRIED: Final = (*LOOKS, *(f"token {name}" for name in LOOKS))
"""What is carried on from an earlier position: how it looked at regions to produce what comes next and, as
"token …", how the token that stands there had come about."""
_OF_THE_RUN: Final = ("area", "content", "influence")


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """Attention features of ``n`` tokens over ``R`` regions, from ``L`` layers with ``H`` heads.

    Attributes:
        attention: [n, L, H, R]; the share of each head's attention that falls into each region, by area.
        direct: [n, L, H, R], nats; attention × value through the output projection, times the gradient of the
            token's log-odds at the final hidden state: what the head moved straight into the logits. (Of a
            token that is all but certain, the log-probability has hardly a gradient.) Shared out as
            ``sourced`` is.
        carried: [n, L, len(CARRIED), R]; attention to earlier generated positions × what is known of them.
        image_mass: [n, L, H]; the share of each head's attention that falls on the image at all.
        log_prob: [n], nats; of the token under the model's own distribution.
        entropy: [n], nats; of that distribution.
        area: [R]; the share of the screenshot that each region covers.
        content: [R, D]; the values of the first layer, key head by key head, averaged over each region: what
            is to be seen there.
        sourced: [n, L, H, R]; the share of each head's attention that falls on visual tokens that the region
            changes, each token shared out among regions by how much they change it (``core/influence.py``).
        stirred: [n, L, 2, R]; attention × by how much the region changes what is attended to, the mean and
            the largest of the heads.
        influence: [R, 3]; the change of all visual tokens together when the region is removed, in tokens;
            the largest change of any; and the former for each token's worth of area.
        hidden: [n, hidden]; the residual stream that the token was read out of, before the final norm, scaled
            to a root mean square of 1.
        direct_total: [n, L, H], nats; as ``direct``, of everything that the head attended to, text too.
    """

    attention: Tensor
    direct: Tensor
    carried: Tensor
    image_mass: Tensor
    log_prob: Tensor
    entropy: Tensor
    area: Tensor
    content: Tensor
    sourced: Tensor
    stirred: Tensor
    influence: Tensor
    hidden: Tensor
    direct_total: Tensor

    def __len__(self) -> int:
        return int(self.log_prob.shape[0])

    @property
    def regions(self) -> int:
        return int(self.area.shape[0])

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Features:
        """The same features elsewhere."""
        return Features(*(getattr(self, f.name).to(device=device, dtype=dtype) for f in fields(self)))

    def rows(self, start: int, end: int) -> Features:
        """The features of tokens ``start`` to ``end`` (exclusive)."""
        whole = {f.name: getattr(self, f.name) for f in fields(self)}
        return Features(**{k: v if k in _OF_THE_RUN else v[start:end] for k, v in whole.items()})


def join(parts: list[Features]) -> Features:
    """Consecutive chunks of one run, joined along the tokens. Raises ValueError for an empty list."""
    if not parts:
        raise ValueError("no features to join")
    if len(parts) == 1:
        return parts[0]
    joined = {
        f.name: torch.cat([getattr(part, f.name) for part in parts])
        for f in fields(Features)
        if f.name not in _OF_THE_RUN
    }
    return Features(**joined, **{name: getattr(parts[0], name) for name in _OF_THE_RUN})


def save_tensors(features: Features, prefix: str = "") -> dict[str, Tensor]:
    """As named tensors for a safetensors file; attention and effects in float16."""
    half = {
        "attention", "direct", "carried", "image_mass", "content", "sourced", "stirred", "hidden",
        "direct_total",
    }  # fmt: skip
    formats = {f.name: torch.float16 if f.name in half else torch.float32 for f in fields(Features)}
    return {
        prefix + name: getattr(features, name).to("cpu", dtype).contiguous()
        for name, dtype in formats.items()
    }


def from_tensors(tensors: dict[str, Tensor], prefix: str = "") -> Features:
    """The inverse of ``save_tensors``, in float32."""
    return Features(**{f.name: tensors[prefix + f.name].float() for f in fields(Features)})
