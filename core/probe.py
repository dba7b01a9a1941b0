"""Reads attention out of a running decoder without slowing it down.

The decoder keeps its fast attention kernel; the probe keeps references to the query of each new position
and to the cached keys and values, and computes the few rows that matter for several tokens at once. The row
that *produced* token ``t`` belongs to the query one position before it, so the first row is that of the last
prompt position.

Imports torch and transformers: import this module only where a model is loaded.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

from core.features import Features
from core.threads import at_most

ATTENTION_NAME = "sightline"

_listening = threading.local()

Observer = Callable[[int, int, Tensor], None]


def _attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """SDPA, with the armed probe of this thread, if any, listening in."""
    probe: Probe | None = getattr(_listening, "probe", None)
    if probe is not None:
        probe.hear_attention(int(module.layer_idx), query, key, value)  # type: ignore[arg-type]
    return sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)


def _before_final_norm(module: nn.Module, inputs: tuple[Any, ...]) -> None:
    probe: Probe | None = getattr(_listening, "probe", None)
    if probe is not None:
        probe.hear_hidden(inputs[0])


def register() -> None:
    """Make the attention function known to transformers, with the mask that it needs.

    Without its own entry in the mask table a model would silently run unmasked.
    """
    AttentionInterface.register(ATTENTION_NAME, _attention)
    AttentionMaskInterface.register(ATTENTION_NAME, ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])


@dataclass(frozen=True, slots=True, eq=False)
class Decoder:
    """Where one text decoder keeps what the probe reads.

    Attributes:
        layers: indices of the layers with readable attention.
        scaling: factor of query · key, for each of them.
        output_projections: weight [hidden, heads · head_dim] after the heads, for each of them.
        norm: the norm before the vocabulary head.
        head: weight [vocabulary, hidden] of the vocabulary head.
        threads: how many CPU threads reading may take; None for all.
    """

    layers: tuple[int, ...]
    scaling: tuple[float, ...]
    output_projections: tuple[Tensor, ...]
    norm: nn.Module
    head: Tensor
    threads: int | None = None


def listen_to(decoder: Decoder) -> None:
    """Attach the probe's ear to the final norm, once for each loaded model."""
    decoder.norm.register_forward_pre_hook(_before_final_norm)


def causal_mask(count: int, first_position: int, keys: Tensor, groups: int) -> Tensor:
    """What hides later keys from consecutive positions: [groups · count, S], 0 or −inf.

    Args:
        count: how many positions, from ``first_position`` on; each sees the keys up to its own.
        keys: [key_heads, S, head_dim]; gives length, format and device.
        groups: heads that share a key head; their rows stand below each other.
    """
    positions = torch.arange(first_position, first_position + count, device=keys.device)
    hidden = torch.arange(keys.shape[1], device=keys.device) > positions[:, None]
    mask = torch.zeros(hidden.shape, dtype=keys.dtype, device=keys.device)
    return mask.masked_fill_(hidden, float("-inf")).repeat(groups, 1)


def attention_rows(queries: Tensor, keys: Tensor, mask: Tensor, scaling: float) -> Tensor:
    """Attention of consecutive positions over all keys, as eager attention computes it.

    Args:
        queries: [heads, n, head_dim] after norm and rotary embedding.
        keys: [key_heads, S, head_dim]; consecutive heads share a key head.
        mask: from ``causal_mask``.
        scaling: factor of the products.

    Returns:
        float32 [heads, n, S]; rows sum to 1.
    """
    heads, count, size = queries.shape
    # The heads that share a key head stand below each other, so that keys are never repeated.
    stacked = queries.reshape(keys.shape[0], -1, size)
    scores = torch.baddbmm(mask.unsqueeze(0), stacked, keys.transpose(1, 2), alpha=scaling)
    return torch.softmax(scores, -1, dtype=torch.float32).view(heads, count, -1)


def back_through(norm: nn.Module, hidden: Tensor, upstream: Tensor) -> Tensor:
    """Gradient at the input [n, size] of a norm, given that at its output."""
    epsilon = getattr(norm, "variance_epsilon", None)
    if epsilon is None:  # not the usual root mean square norm: let autograd find out
        with torch.inference_mode(False), torch.enable_grad():
            start = hidden.clone().requires_grad_()
            return torch.autograd.grad(norm(start), start, upstream.clone())[0]
    with torch.inference_mode():
        weight: Tensor = norm.weight  # type: ignore[assignment]
        wide, weighted = hidden.float(), (upstream * weight).float()
        scale = torch.rsqrt(wide.square().mean(-1, keepdim=True) + epsilon)
        along = (wide * weighted).mean(-1, keepdim=True) * scale.square()
        return ((weighted - wide * along) * scale).to(hidden.dtype)


class Probe:
    """Listens to one run and turns what it hears into features.

    Use: ``with probe:`` around each forward pass of the decoder, ``drawn`` after each token is chosen,
    ``flush`` whenever the features so far are wanted (every few tokens is cheapest).

    Attributes:
        start: index of the first token that the next ``flush`` will describe.
    """

    def __init__(
        self,
        decoder: Decoder,
        coverage: np.ndarray,
        image_tokens: np.ndarray,
        prompt_length: int,
        observer: Observer | None = None,
    ) -> None:
        """
        Args:
            decoder: what to read.
            coverage: float [cells, regions]; share of each cell in each region.
            image_tokens: int [cells]; places of the visual tokens in the prompt.
            prompt_length: tokens of the prompt.
            observer: called with (layer, first token, rows [heads, n, keys]) at every flush.
        """
        device = decoder.head.device
        self._decoder = decoder
        self._coverage = torch.as_tensor(coverage, dtype=torch.float32, device=device)
        self._area = self._coverage.mean(0)
        places = np.asarray(image_tokens)
        together = bool((np.diff(places) == 1).all())
        self._image: slice | Tensor = (
            slice(int(places[0]), int(places[-1]) + 1) if together else torch.as_tensor(places, device=device)
        )
        self._first = prompt_length - 1
        self._observer = observer
        self._order = {layer: place for place, layer in enumerate(decoder.layers)}
        self._queries: list[list[Tensor]] = [[] for _ in decoder.layers]
        self._keys: list[Tensor] = [decoder.head] * len(decoder.layers)
        self._values: list[Tensor] = [decoder.head] * len(decoder.layers)
        self._image_values: Tensor | None = None
        self._hidden: list[Tensor] = []
        self._ids: list[int] = []
        self._log_probs: list[Tensor] = []
        self._rows_wanted = 1
        self._seen = torch.zeros(256, self._coverage.shape[1], device=device)
        self.start = 0

    def __enter__(self) -> Probe:
        _listening.probe = self
        return self

    def __exit__(self, *exception: object) -> None:
        _listening.probe = None

    def expect(self, rows: int) -> Probe:
        """Set how many of the last positions of the next forward passes matter (1 while decoding)."""
        self._rows_wanted = rows
        return self

    def hear_attention(self, layer: int, query: Tensor, key: Tensor, value: Tensor) -> None:
        """Keep what one layer's attention was given: [1, heads, positions, head_dim]."""
        place = self._order.get(layer)
        if place is None:
            return
        # A slice of a prefill's queries would keep all of them alive; a copy of a few rows does not.
        whole = query.shape[2] == self._rows_wanted
        self._queries[place].append(query[0] if whole else query[0, :, -self._rows_wanted :].clone())
        self._keys[place] = key
        self._values[place] = value

    def hear_hidden(self, hidden: Tensor) -> None:
        """Keep the residual stream before the final norm: [1, positions, hidden]."""
        whole = hidden.shape[1] == self._rows_wanted
        self._hidden.append(hidden[0] if whole else hidden[0, -self._rows_wanted :].clone())

    def drawn(self, token_ids: Sequence[int], log_probs: Tensor) -> None:
        """Tell which tokens the next rows produced; ``log_probs`` is float32 [n, vocabulary], nats."""
        self._ids.extend(token_ids)
        self._log_probs.append(log_probs)

    @property
    def pending(self) -> int:
        """Tokens drawn since the last flush."""
        return len(self._ids)

    def flush(self) -> Features | None:
        """Features of the tokens drawn since the last flush, or None if there are none."""
        if not self._ids:
            return None
        with at_most(self._decoder.threads):
            return self._read()

    def _read(self) -> Features:
        count, decoder = len(self._ids), self._decoder
        gradient, log_prob, entropy = self._gradient(self._take(self._hidden, 0, count))
        with torch.inference_mode():
            if self._image_values is None:  # what the prompt left in the cache never changes
                values = [value[0][:, self._image].transpose(1, 2) for value in self._values]
                self._image_values = torch.cat(values).contiguous()
            looks, backwards = [], []
            first = self._first + self.start
            end = self._first + self.start + count
            mask = None
            for place, layer in enumerate(decoder.layers):
                queries, keys = self._take(self._queries[place], 1, count), self._keys[place][0]
                if mask is None or mask.shape != (len(queries) // len(keys) * count, keys.shape[1]):
                    mask = causal_mask(count, first, keys, len(queries) // len(keys))
                rows = attention_rows(queries, keys, mask, decoder.scaling[place])
                if self._observer is not None:
                    self._observer(layer, self.start, rows)
                looks.append(rows[:, :, self._image])
                backwards.append(rows[:, :, self._first : end].mean(0))
            look = torch.stack(looks)  # [L, H, n, cells]
            moved = look * self._value_products(gradient).view_as(look)
            pooled = torch.stack((look, moved)) @ self._coverage
            attention, direct = pooled.permute(0, 3, 1, 2, 4)
            features = Features(
                attention=attention,
                direct=direct,
                carried=self._carried(torch.stack(backwards), attention),
                image_mass=look.sum(-1).permute(2, 0, 1),
                log_prob=log_prob,
                entropy=entropy,
                area=self._area,
            )
        self.start += count
        self._ids.clear()
        return features

    def _take(self, waiting: list[Tensor], dim: int, count: int) -> Tensor:
        """The first ``count`` rows along ``dim`` of what waits; the rest keeps waiting."""
        rows = waiting[0] if len(waiting) == 1 else torch.cat(waiting, dim)
        waiting.clear()
        if rows.shape[dim] > count:
            waiting.append(rows.narrow(dim, count, rows.shape[dim] - count))
            rows = rows.narrow(dim, 0, count)
        return rows

    def _gradient(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """d log p(token) / d hidden, [n, hidden], with log-probability and entropy, [n] each.

        At the head's input it is the token's own output embedding less the expected one; from there it
        goes back through the final norm, whatever kind that is.
        """
        log_probs = self._log_probs[0] if len(self._log_probs) == 1 else torch.cat(self._log_probs)
        self._log_probs.clear()
        with torch.inference_mode():
            ids = torch.tensor(self._ids, device=log_probs.device)
            probs = log_probs.exp()
            entropy = torch.special.entr(probs).sum(-1)
            log_prob = log_probs.gather(1, ids[:, None])[:, 0]
            head = self._decoder.head
            upstream = head[ids] - probs.to(head.dtype) @ head
        return back_through(self._decoder.norm, hidden, upstream), log_prob, entropy

    def _value_products(self, gradient: Tensor) -> Tensor:
        """Value through the output projection · gradient: float32 [layers · key_heads, groups · n, cells]."""
        values = self._image_values  # [layers · key_heads, head_dim, cells]
        assert values is not None
        wanted = torch.stack([gradient @ weight for weight in self._decoder.output_projections])
        heads = wanted.view(len(wanted), len(gradient), -1, values.shape[1]).transpose(1, 2)
        return torch.bmm(heads.reshape(len(values), -1, values.shape[1]), values).float()

    def _carried(self, backwards: Tensor, attention: Tensor) -> Tensor:
        """Attention to generated positions [L, n, rows so far] × what those had looked at: [n, L, R]."""
        count, rows = backwards.shape[1:]
        while rows > len(self._seen):
            self._seen = torch.cat((self._seen, torch.zeros_like(self._seen)))
        self._seen[self.start : rows] = attention.mean((1, 2))
        return (backwards.tril(rows - count - 1) @ self._seen[:rows]).transpose(0, 1)
