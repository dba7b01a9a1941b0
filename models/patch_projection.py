"""The patch embedding of a vision tower as the matrix product that it is. Imports torch.

Towers of the Qwen and GLM families are given patches already cut out, and convolve each with kernels of just
its size: a product of two matrices, for which a convolution in three dimensions is the slow way.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class PatchProjection(nn.Conv3d):
    """A convolution that multiplies where its input is no larger than its kernel."""

    def forward(self, patches: Tensor) -> Tensor:
        """[n, channels, frames, height, width] → as ``Conv3d``, equal up to rounding."""
        if patches.shape[2:] != self.kernel_size:
            return super().forward(patches)
        return F.linear(patches.flatten(1), self.weight.flatten(1), self.bias)[:, :, None, None, None]


def project_patches(model: nn.Module) -> None:
    """Let every convolution that may be a patch embedding multiply; the model keeps its weights."""
    for module in model.modules():
        if type(module) is nn.Conv3d and _may_multiply(module):
            module.__class__ = PatchProjection


def _may_multiply(module: nn.Conv3d) -> bool:
    return module.padding == (0, 0, 0) and module.dilation == (1, 1, 1) and module.groups == 1
