"""Weights that accelerate keeps in main memory or on the disk while nobody computes with them.

Such a module holds only a placeholder on torch's device "meta"; the real weight is brought to the device that
computes for each forward pass. Whoever multiplies with a weight by hand has to ask for it here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch
from accelerate.utils import align_module_device
from torch import Tensor, nn


@contextlib.contextmanager
def weight_of(module: nn.Module) -> Iterator[Tensor]:
    """The weight of a module where it computes; one that is kept elsewhere is there only inside the block."""
    with align_module_device(module):
        yield module.weight  # type: ignore[misc]


def device_of(module: nn.Module) -> torch.device:
    """Where a module computes, which need not be where its weight is kept."""
    weight: Tensor = module.weight  # type: ignore[assignment]
    return torch.device(module._hf_hook.execution_device) if weight.is_meta else weight.device  # type: ignore[union-attr,arg-type]
