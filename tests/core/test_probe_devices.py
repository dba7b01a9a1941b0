"""The probe reads a decoder whose layers lie on several GPUs.

No GPU is needed: torch's fake tensors have a device and no numbers, and mix devices as little as real ones.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode

from core.probe import Decoder, Layer, Probe

HEADS, SIZE, HIDDEN, WORDS = 4, 8, 16, 50
PROMPT, TOKENS = 12, 5


class Norm(nn.Module):
    """A root mean square norm as most families have it."""

    variance_epsilon = 1e-6

    def __init__(self, device: str) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(HIDDEN, device=device), requires_grad=False)

    def forward(self, rows: torch.Tensor) -> torch.Tensor:
        return rows * self.weight


def spread_decoder(devices: list[str], norm: str, head: str) -> Decoder:
    layers = [
        Layer(i, 0.3, nn.Linear(HEADS * SIZE, HIDDEN, bias=False, device=device), norm=Norm(device))
        for i, device in enumerate(devices)
    ]
    return Decoder(tuple(layers), Norm(norm), nn.Linear(HIDDEN, WORDS, bias=False, device=head))


@pytest.mark.parametrize(
    ("layers", "norm", "head"),
    [
        (["cuda:0", "cuda:1"], "cuda:1", "cuda:1"),
        (["cuda:0", "cuda:1"], "cuda:1", "cuda:0"),  # the head shares its weight with the embeddings
        (["cuda:1", "cuda:2"], "cuda:2", "cuda:0"),
    ],
)
@torch.inference_mode()
def test_features_are_read_from_layers_on_several_gpus(layers, norm, head):
    with FakeTensorMode():
        decoder = spread_decoder(layers, norm, head)
        probe = Probe(decoder, np.full((6, 3), 1 / 3, np.float32), np.arange(2, 8), PROMPT)
        for position in range(TOKENS):
            length = PROMPT if position == 0 else 1
            for index, device in enumerate(layers):
                query = torch.zeros(1, HEADS, length, SIZE, device=device)
                keys = torch.zeros(1, 2, PROMPT + position, SIZE, device=device)
                probe.hear_attention(index, query, keys, keys, query.transpose(1, 2))
                probe.hear_rows("added", index, torch.zeros(1, length, HIDDEN, device=device))
            probe.hear_rows("hidden", -1, torch.zeros(1, length, HIDDEN, device=norm))
            # A loaded model gives its logits back on the device of its inputs.
            probe.drawn((7,), torch.zeros(1, WORDS, device="cuda:0"))
        features = probe.flush()
    assert features.direct.shape == (TOKENS, 2, HEADS, 3)
    assert {f.device for f in (features.attention, features.direct, features.log_prob)} == {
        torch.device(head)
    }
