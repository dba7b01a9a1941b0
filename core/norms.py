"""What the norms of a decoder do to what passes through them, either way. Imports torch."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from core.offload import weight_of


def back_through(norm: nn.Module, hidden: Tensor, upstream: Tensor) -> Tensor:
    """Gradient at the input [n, size] of a norm, given that at its output."""
    epsilon = getattr(norm, "variance_epsilon", None)
    if epsilon is None:  # not the usual root mean square norm: let autograd find out
        with torch.inference_mode(False), torch.enable_grad():
            start = hidden.clone().requires_grad_()
            end = norm(start)
            return torch.autograd.grad(end, start, upstream.to(end.device, copy=True))[0]
    with torch.inference_mode(), weight_of(norm) as weight:
        wide, weighted = hidden.float(), (upstream * weight.to(upstream.device)).float()
        scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + epsilon)
        along = (wide * weighted).mean(-1, keepdim=True) * scale.square()
        return ((weighted - wide * along) * scale).to(hidden.dtype)


def factors_of(norm: nn.Module, rows: Tensor) -> Tensor:
    """By what a root mean square norm multiplies each entry of ``rows`` [n, size], its scale held fixed."""
    epsilon = float(getattr(norm, "variance_epsilon", getattr(norm, "eps", 0.0)))
    # A row of ones comes out as the weight, however the norm keeps it (as w, or as w − 1).
    weight = norm(torch.ones_like(rows[:1])) * (1 + epsilon) ** 0.5
    return weight * torch.rsqrt(rows.float().square().mean(-1, keepdim=True) + epsilon).to(rows.dtype)
