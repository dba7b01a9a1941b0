"""Reads attention out of a running decoder without slowing it down.

The decoder keeps its fast attention kernel; the probe keeps references to the query of each new position
and to the cached keys, and computes the few rows that matter for several tokens at once. The row that
*produced* token ``t`` belongs to the query one position before it, so the first row is that of the last
prompt position.

Nothing of the size tokens × visual tokens outlives a ``flush``: a long run grows by what each region got.

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
from torch.nn import functional
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS

from core.attention_rows import attention_rows, causal_mask
from core.features import LOOKS, Features
from core.log_probs import share_of_others
from core.norms import back_through, factors_of
from core.offload import device_of, weight_of
from core.threads import at_most

ATTENTION_NAME = "sightline"
_FAINT = 1e-12

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
    output, nothing = sdpa_attention_forward(module, query, key, value, attention_mask, **kwargs)
    probe: Probe | None = getattr(_listening, "probe", None)
    if probe is not None:
        probe.hear_attention(int(module.layer_idx), query, key, value, output)  # type: ignore[arg-type]
    return output, nothing


def arm(listener: Any) -> None:
    """Let something with the ``hear_`` methods of a probe listen in this thread; None ends it."""
    _listening.probe = listener


def register() -> None:
    """Make the attention function known to transformers, with the mask that it needs.

    Without its own entry in the mask table a model would silently run unmasked.
    """
    AttentionInterface.register(ATTENTION_NAME, _attention)
    AttentionMaskInterface.register(ATTENTION_NAME, ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Where one layer with readable attention keeps what the probe reads.

    Attributes:
        index: its place in the decoder.
        scaling: factor of query · key.
        output: the projection [hidden, heads · head_dim] after the heads.
        window: how many keys each position sees, its own included; None for all.
        gated: the module whose output holds, head by head, the query and a gate on what the head puts out.
        norm: the norm between ``output`` and the residual stream, if there is one.
        gain: by what the residual stream is multiplied from this layer on.
    """

    index: int
    scaling: float
    output: nn.Module
    window: int | None = None
    gated: nn.Module | None = None
    norm: nn.Module | None = None
    gain: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Decoder:
    """Where one text decoder keeps what the probe reads.

    Attributes:
        layers: those with readable attention.
        norm: the norm before the vocabulary head.
        head: the vocabulary head, [vocabulary, hidden].
        softcap: bound that the logits approach, or None.
        threads: how many CPU threads reading may take; None for all.
    """

    layers: tuple[Layer, ...]
    norm: nn.Module
    head: nn.Module
    softcap: float | None = None
    threads: int | None = None


def listen_to(decoder: Decoder) -> None:
    """Attach the probe's ears to the norms and gates, once for each loaded model."""
    decoder.norm.register_forward_pre_hook(lambda module, inputs: _hear("hidden", -1, inputs[0]))
    for place, layer in enumerate(decoder.layers):
        if layer.gated is not None:
            layer.gated.register_forward_hook(
                lambda module, inputs, output, place=place: _hear("gate", place, output)
            )
        if layer.norm is not None:
            layer.norm.register_forward_pre_hook(
                lambda module, inputs, place=place: _hear("added", place, inputs[0])
            )


def _hear(what: str, place: int, rows: Tensor) -> None:
    """Tell the armed probe of this thread, if any."""
    probe: Probe | None = getattr(_listening, "probe", None)
    if probe is not None:
        probe.hear_rows(what, place, rows)


def looks_of(attention: Tensor, direct: Tensor, area: Tensor) -> Tensor:
    """How rows look at regions, as ``LOOKS`` names it: [n, looks, R].

    Args:
        attention, direct, area: as in ``Features``.
    """
    shares = attention / attention.sum(-1, keepdim=True).clamp_min(1e-4)
    moved = direct.sum((1, 2))
    return torch.stack(
        (
            attention.mean((1, 2)),
            attention.amax((1, 2)),
            shares.amax((1, 2)) - area,
            torch.asinh(5 * moved),
            moved / direct.abs().sum((1, 2, 3)).clamp_min(1e-9).unsqueeze(-1),
        ),
        1,
    )


class Probe:
    """Listens to one run and turns what it hears into features.

    Use: ``with probe:`` around each forward pass of the decoder, ``drawn`` after each token is chosen,
    ``flush`` whenever the features so far are wanted (every few tokens is cheapest).

    Attributes:
        start: index of the first token that the next ``flush`` will describe.
        looked_back: float32 [n, tokens], attention of the tokens of the last ``flush`` to earlier generated
            tokens, averaged over layers and heads.
    """

    def __init__(
        self,
        decoder: Decoder,
        coverage: np.ndarray,
        image_tokens: np.ndarray,
        prompt_length: int,
        observer: Observer | None = None,
        influence: np.ndarray | None = None,
    ) -> None:
        """
        Args:
            decoder: what to read.
            coverage: float [cells, regions]; share of each cell in each region; rows sum to 1.
            image_tokens: int [cells]; places of the visual tokens in the prompt, ascending.
            prompt_length: tokens of the prompt.
            observer: called with (layer, first token, rows [heads, n, keys]) at every flush.
            influence: float [cells, regions], as ``core.influence`` measures it; ``coverage`` if left out.
        """
        device, layers = device_of(decoder.head), decoder.layers
        self._decoder = decoder
        shares = torch.as_tensor(coverage, dtype=torch.float32, device=device)
        self._area = shares.mean(0)
        places = torch.as_tensor(np.asarray(image_tokens), device=device)
        # Tokens between the visual ones (some models end each row with one) lie in no region.
        self._image = slice(int(image_tokens[0]), int(image_tokens[-1]) + 1)
        changes = shares if influence is None else torch.as_tensor(influence, dtype=torch.float32).to(device)
        sources = torch.where(changes.sum(1, keepdim=True) > 0, changes, shares)
        sources = sources / sources.sum(1, keepdim=True)
        total = changes.sum(0)
        self._influence = torch.stack((total, changes.amax(0), total / shares.sum(0).clamp_min(1e-3)), 1)

        def spread(per_cell: Tensor) -> Tensor:
            whole = per_cell.new_zeros(self._image.stop - self._image.start, per_cell.shape[1])
            whole[places - self._image.start] = per_cell
            return whole

        self._coverage, self._sources = spread(shares), spread(sources)
        self._shares = torch.cat((self._coverage, self._sources, spread(changes)), 1)
        self._first = prompt_length - 1
        self._observer = observer
        self._order = {layer.index: place for place, layer in enumerate(layers)}
        self._queries: list[list[Tensor]] = [[] for _ in layers]
        self._outputs: list[list[Tensor]] = [[] for _ in layers]
        self._keys: list[list[Tensor]] = [[] for _ in layers]
        self._image_values: list[Tensor] = [shares] * len(layers)
        self._alike: list[tuple[list[int], Tensor]] = []
        self._rows: dict[tuple[str, int], list[Tensor]] = {}
        self._ids: list[int] = []
        self._log_probs: list[Tensor] = []
        self._rows_wanted = 1
        self._heard = 0
        self._looks = torch.zeros(256, len(LOOKS), self._coverage.shape[1], device=device)
        self._content = torch.zeros(0)
        self.start = 0
        self.looked_back = torch.zeros(0, 0)

    def __enter__(self) -> Probe:
        _listening.probe = self
        return self

    def __exit__(self, *exception: object) -> None:
        _listening.probe = None

    def expect(self, rows: int) -> Probe:
        """Set how many of the last positions of the next forward passes matter (1 while decoding)."""
        self._rows_wanted = rows
        return self

    def hear_attention(self, layer: int, query: Tensor, key: Tensor, value: Tensor, output: Tensor) -> None:
        """Keep what one layer's attention was given, [1, heads, positions, head_dim] each.

        Also what came of it: ``output`` [1, positions, heads, head_dim].
        """
        place = self._order.get(layer)
        if place is None:
            return
        if not self._heard:  # the prompt; a cache with a window soon forgets the image
            seen = value[0][:, self._image].transpose(1, 2)
            self._image_values[place] = seen.to(self._coverage.device).contiguous()
        # A slice of a prefill's queries would keep all of them alive; a copy of a few rows does not.
        whole = query.shape[2] == self._rows_wanted
        self._queries[place].append(query if whole else query[:, :, -self._rows_wanted :].clone())
        self._outputs[place].append(output if whole else output[:, -self._rows_wanted :].clone())
        if self._decoder.layers[place].window is None or not self._keys[place]:
            self._keys[place] = [key]
        else:
            self._keys[place].append(key[:, :, -self._rows_wanted :])

    def hear_rows(self, what: str, place: int, rows: Tensor) -> None:
        """Keep the last of some rows, [1, positions, size].

        "hidden" is the residual stream before the final norm, "added" what the attention of the layer at
        ``place`` gives to its norm, "gate" the queries and gates of that layer.
        """
        whole = rows.shape[1] == self._rows_wanted
        kept = rows[0] if whole else rows[0, -self._rows_wanted :].clone()
        self._rows.setdefault((what, place), []).append(kept)
        if what == "hidden":
            self._heard += self._rows_wanted

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
        hidden = self._take(self._rows["hidden", -1], 0, count)
        gradient, log_prob, entropy = self._gradient(hidden)
        with torch.inference_mode():
            if not self._alike:
                self._gather_image_values()
            looks, backwards = [], []
            first, end = self._first + self.start, self._first + self.start + count
            masks: dict[tuple[int, int, int | None, torch.device], Tensor] = {}
            device = self._coverage.device
            for place, layer in enumerate(decoder.layers):
                queries, keys = self._take(self._queries[place], 2, count)[0], self._take_keys(place)[0]
                groups, before = len(queries) // len(keys), self._first + self._heard - keys.shape[1]
                like = groups, keys.shape[1], layer.window, keys.device
                if like not in masks:
                    masks[like] = causal_mask(count, first, keys, groups, before, layer.window)
                rows = attention_rows(queries, keys, masks[like], layer.scaling)
                if before:  # a cache with a window has dropped keys that no row here sees
                    rows = functional.pad(rows, (before, 0))
                if self._observer is not None:
                    self._observer(layer.index, self.start, rows)
                looks.append(rows[:, :, self._image].to(device))
                backwards.append(rows[:, :, self._first : end].mean(0).to(device))
            look = torch.stack(looks)  # [L, H, n, image]
            pooled = (look @ self._shares).permute(2, 0, 1, 3).unflatten(-1, (3, -1))
            attention, sourced, stirred = pooled.unbind(-2)
            wanted, totals = self._wanted(gradient, look.shape[1])
            direct = (self._value_products(wanted, look) @ self._sources).permute(2, 0, 1, 3)
            wide = hidden.to(device).float()
            features = Features(
                attention=attention,
                direct=direct,
                carried=self._carried(torch.stack(backwards), looks_of(sourced, direct, self._area)),
                image_mass=attention.sum(-1),
                log_prob=log_prob,
                entropy=entropy,
                area=self._area,
                content=self._content,
                sourced=sourced,
                stirred=torch.stack((stirred.mean(2), stirred.amax(2)), 2),
                influence=self._influence,
                hidden=wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + _FAINT),
                direct_total=totals,
            )
            self.looked_back = torch.stack(backwards).mean(0)[:, 1:]  # the first is the end of the prompt
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

    def _take_keys(self, place: int) -> Tensor:
        """The keys up to the last position heard, [1, key_heads, S, head_dim]; kept while queries wait."""
        waiting = self._keys[place]
        keys = waiting[0] if len(waiting) == 1 else torch.cat(waiting, 2)
        self._keys[place] = [keys] if self._queries[place] else []
        return keys

    def _gradient(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """d log-odds(token) / d hidden, [n, hidden], with log-probability and entropy, [n] each.

        At the head's input it is the token's own output embedding less the one expected of all others; from
        there it goes back through the final norm, whatever kind that is.
        """
        log_probs = self._log_probs[0] if len(self._log_probs) == 1 else torch.cat(self._log_probs)
        self._log_probs.clear()
        decoder = self._decoder
        log_probs, hidden = log_probs.to(self._coverage.device), hidden.to(self._coverage.device)
        with torch.inference_mode(), weight_of(decoder.head) as head:
            ids = torch.tensor(self._ids, device=log_probs.device)
            entropy = torch.where(log_probs > -torch.inf, -log_probs * log_probs.exp(), 0.0).sum(-1)
            log_prob = log_probs.gather(1, ids[:, None])[:, 0]
            others = share_of_others(log_probs, ids)
            if decoder.softcap is None:
                upstream = head[ids] - others.to(head.dtype) @ head
            else:
                logits = decoder.norm(hidden).to(head.device) @ head.T / decoder.softcap
                surprise = functional.one_hot(ids, len(head)) - others
                upstream = (surprise * (1 - logits.float().tanh().square())).to(head.dtype) @ head
        return back_through(decoder.norm, hidden, upstream), log_prob, entropy

    def _gather_image_values(self) -> None:
        """Put layers with values of one shape together: [layers · key_heads, head_dim, image]."""
        mean = self._coverage / self._coverage.sum(0).clamp_min(1e-6)
        self._content = (self._image_values[0].float() @ mean).flatten(0, 1).T
        shapes: dict[torch.Size, list[int]] = {}
        for place, values in enumerate(self._image_values):
            shapes.setdefault(values.shape, []).append(place)
        for places in shapes.values():
            self._alike.append((places, torch.cat([self._image_values[place] for place in places])))
        self._image_values.clear()

    def _value_products(self, wanted: Sequence[Tensor], look: Tensor) -> Tensor:
        """``look`` [L, H, n, image] × value · what is ``wanted`` of each layer: float32, same shape."""
        parts = []
        for places, values in self._alike:
            here = torch.stack([wanted[place] for place in places])
            heads = here.view(*here.shape[:2], -1, values.shape[1]).transpose(1, 2)
            products = torch.bmm(heads.reshape(len(values), -1, values.shape[1]), values).float()
            parts.append(products.view(len(places), *look.shape[1:]))
        if len(parts) == 1:
            return look * parts[0]
        moved = torch.empty_like(look)
        for (places, _), products in zip(self._alike, parts, strict=True):
            moved[places] = look[places] * products
        return moved

    def _wanted(self, gradient: Tensor, heads: int) -> tuple[list[Tensor], Tensor]:
        """Gradient of the log-odds at what the heads of each layer put out, [n, heads · head_dim] each.

        With it, what each head moved the log-odds by, whatever it attended to: float32 [n, L, heads].
        """
        wanted, totals = [], []
        for place, layer in enumerate(self._decoder.layers):
            upstream = gradient.to(device_of(layer.output))
            if layer.norm is not None:
                added = self._take(self._rows["added", place], 0, len(gradient))
                upstream = upstream * factors_of(layer.norm, added)
            with weight_of(layer.output) as output:
                slope = upstream @ output
            if layer.gain != 1.0:
                slope = slope * layer.gain
            if layer.gated is not None:
                both = self._take(self._rows["gate", place], 0, len(gradient))
                gates = both.reshape(len(gradient), heads, 2, -1)[:, :, 1]
                slope = slope * gates.reshape(len(gradient), -1).sigmoid()
            put_out = self._take(self._outputs[place], 1, len(gradient))[0]
            moved = (slope.view(put_out.shape) * put_out).float().sum(-1)
            wanted.append(slope.to(gradient.device))
            totals.append(moved.to(gradient.device))
        return wanted, torch.stack(totals, 1)

    def _carried(self, backwards: Tensor, looks: Tensor) -> Tensor:
        """What is carried on, as ``CARRIED`` names it: [n, L, 2 · looks, R].

        Args:
            backwards: [L, n, rows so far]; attention to the positions of the rows so far.
            looks: [n, looks, R]; of these rows, as ``LOOKS`` names them.
        """
        rows = backwards.shape[2]
        while rows > len(self._looks):
            self._looks = torch.cat((self._looks, torch.zeros_like(self._looks)))
        self._looks[self.start : rows] = looks
        known = self._looks[:rows].flatten(1)
        # A token stands one position after the row that produced it.
        states = backwards.tril(self.start - 1) @ known
        tokens = backwards[:, :, 1:].tril(self.start - 1) @ known[:-1]
        both = torch.stack((states, tokens), 2).transpose(0, 1)
        return both.reshape(*both.shape[:2], -1, looks.shape[2])
