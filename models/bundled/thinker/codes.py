"""What a perfect pair of eyes would hand to the language model: a fixed code for each thing in each cell.

Eyes and language are first trained apart, at the same time: the language model reads these codes instead
of an image, and the vision tower learns to produce them. Each token has a random vector; which *slot* it
fills, and in which half of the cell it was seen, are bound to it by flipping signs, so that the sum over all
things in a cell can be taken apart again (vector symbolic architectures: Gayler 2003, Plate 1995).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from models.bundled.thinker.dataset import ALPHABET, SLOTS

AMPLITUDE = 0.1
_HALF = 0.5
_ASIDE = 0.4


class Codebook(torch.nn.Module):
    """Fixed random codes; only the temperature of the reading loss is learned, and how to spell.

    Args:
        vocabulary: tokens of the language model.
        width: of its hidden state.
        eyes: width of the vision tower.
        seed: of the codes.
    """

    def __init__(self, vocabulary: int, width: int, eyes: int, seed: int = 7) -> None:
        super().__init__()
        source = torch.Generator().manual_seed(seed)
        self.tokens: Tensor
        self.keys: Tensor
        self.rows: Tensor
        self.columns: Tensor
        self.register_buffer("tokens", torch.randn(vocabulary, width, generator=source))
        slots = torch.randint(0, 2, (SLOTS, 1, width), generator=source).float() * 2 - 1
        slots[0] = 1.0  # a word's own code is its vector: copying it needs no unbinding
        halves = torch.randint(0, 2, (1, 2, width), generator=source).float() * 2 - 1
        self.register_buffer("keys", (slots * (1 + _HALF * halves)).view(SLOTS * 2, width))
        self.register_buffer("rows", torch.randn(16, width, generator=source))
        self.register_buffer("columns", torch.randn(16, width, generator=source))
        self.sharpness = torch.nn.Parameter(torch.tensor(8.0))
        self.spelling = Spelling(eyes)

    def _bind(self, hints: Tensor) -> tuple[Tensor, Tensor]:
        """For each hint its key [K, width] and its weight [K]: full where the thing's centre is."""
        _, _, place, slot, _ = hints.unbind(1)
        weight = torch.where(place % 3 == 1, 1.0, _ASIDE)
        return self.keys[slot * 2 + place // 3], weight

    def target(self, hints: Tensor, batch: int, grid: tuple[int, int]) -> Tensor:
        """The code of every cell, [batch, cells, width], from hints [K, 5]."""
        rows, columns = grid[0] // 2, grid[1] // 2
        cells = rows * columns
        place = self.rows[:rows].repeat_interleave(columns, 0) + self.columns[:columns].repeat(rows, 1)
        code = (place * 0.5).unsqueeze(0).repeat(batch, 1, 1).view(batch * cells, -1)
        row, cell, _, _, token = hints.unbind(1)
        key, weight = self._bind(hints)
        vectors = self.tokens[token] * key * weight[:, None]
        return code.index_add(0, row * cells + cell, vectors).view(batch, cells, -1) * AMPLITUDE

    def reading_loss(self, seen: Tensor, hints: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """How well the hinted tokens can be taken out of ``seen`` [batch, cells, width].

        Returns mean cross-entropy in nats; for each hint, whether the right token came first; its slot.
        """
        row, cell, _, slot, token = hints.unbind(1)
        key, weight = self._bind(hints)
        bound = seen[row, cell] * key.to(seen.dtype)
        logits = (bound @ F.normalize(self.tokens, dim=-1).to(seen.dtype).T).float() * self.sharpness
        loss = (F.cross_entropy(logits, token, reduction="none") * weight).sum() / weight.sum()
        return loss, logits.argmax(-1) == token, slot


class Spelling(torch.nn.Module):
    """Which letter stands in each half of a patch, read off inner layers of the vision tower.

    Letters are local and few; once inner layers know them, whole words follow.
    """

    def __init__(self, width: int, layers: tuple[int, ...] = (1, 2)) -> None:
        super().__init__()
        self.layers = layers
        self.heads = torch.nn.ModuleList(torch.nn.Linear(width, 2 * len(ALPHABET)) for _ in layers)

    def loss(self, taps: dict[int, Tensor], letters: Tensor) -> tuple[Tensor, Tensor]:
        """Mean cross-entropy in nats over letters [J, 4], and the share that the last head gets right."""
        row, patch, half, letter = letters.unbind(1)
        total, right = torch.zeros(()), torch.zeros(())
        for layer, head in zip(self.layers, self.heads, strict=True):
            seen = F.layer_norm(taps[layer][row, patch].float(), (taps[layer].shape[-1],))
            logits = head(seen).view(len(letters), 2, -1)[torch.arange(len(letters)), half]
            total = total + F.cross_entropy(logits, letter) / len(self.layers)
            right = (logits.argmax(-1) == letter).float().mean()
        return total, right
