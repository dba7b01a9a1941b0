"""For every family: what the probe reads equals eager attention, and changes no token."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from family_reference import PROMPT
from tiny_families import WITH_EXPERTS

from core.features import join
from core.trace import Sampling

LENGTH = 60


@pytest.fixture(scope="module")
def prepared(thinker, pixels):
    return thinker.prepare(pixels, PROMPT)


@pytest.fixture(scope="module")
def coverage(prepared):
    return np.random.default_rng(4).dirichlet(np.ones(5), len(prepared.cells)).astype(np.float32)


@pytest.fixture(scope="module")
def live(thinker, prepared, coverage):
    """Token ids, features and raw rows {(layer, token): [heads, keys]} of a live run, flushed unevenly."""
    rows: dict[tuple[int, int], torch.Tensor] = {}

    def keep(layer: int, first: int, chunk: torch.Tensor) -> None:
        rows.update({(layer, first + i): chunk[:, i] for i in range(chunk.shape[1])})

    probe = thinker.probe(prepared, coverage, keep)
    ids, parts = [], []
    for drawn in thinker.decode(prepared, Sampling(max_new_tokens=LENGTH), probe):
        ids.append(drawn.id)
        if probe.pending in (1, 17) and len(ids) != 2:
            parts.append(probe.flush())
    parts.append(probe.flush())
    return ids, join([part for part in parts if part is not None]), rows


@pytest.fixture(scope="module")
def eager(plain, pixels, live):
    return plain.forward(pixels, live[0], output_attentions=True).attentions


def test_every_row_of_every_readable_layer_equals_eager_attention(thinker, folder, prepared, live, eager):
    ids, _, rows = live
    # Experts add up tokens in another order when many come at once, so that what attention is given differs.
    within = 3e-5 if folder.name in WITH_EXPERTS else 1e-5
    layers = [layer.index for layer in thinker._decoder.layers]
    assert len(ids) == LENGTH
    assert len(layers) == len(eager) == thinker.layers
    first = prepared.prompt_length - 1
    for layer, attention in zip(layers, eager, strict=True):
        for token in range(LENGTH):
            seen = first + token + 1
            row = rows[layer, token]
            torch.testing.assert_close(
                row[:, :seen], attention[0, :, first + token, :seen], atol=within, rtol=0
            )
            assert not row[:, seen:].any()


def test_the_share_of_readable_layers_is_told(thinker):
    kinds = getattr(thinker.model.config.text_config, "layer_types", None) or ["full_attention"]
    assert thinker.readable_share == 1 - kinds.count("linear_attention") / len(kinds)
    assert (thinker.readable_share < 1) == (thinker.family.readable_share < 1)


def test_attention_on_the_image_is_pooled_by_coverage(prepared, coverage, live, eager):
    first, columns = prepared.prompt_length - 1, torch.from_numpy(prepared.image_tokens)
    for layer, attention in enumerate(eager):
        cells = attention[0][:, first : first + LENGTH][:, :, columns]
        expected = torch.einsum("hnc,cr->nhr", cells, torch.from_numpy(coverage))
        torch.testing.assert_close(live[1].attention[:, layer], expected, atol=1e-5, rtol=0)
        torch.testing.assert_close(live[1].image_mass[:, layer], cells.sum(-1).T, atol=1e-5, rtol=0)


def test_teacher_forced_features_equal_live_features(thinker, prepared, coverage, live):
    taught = thinker.teach(prepared, live[0], coverage)
    for name in (
        "attention", "direct", "carried", "image_mass", "log_prob", "entropy", "area", "hidden",
        "direct_total",
    ):  # fmt: skip
        torch.testing.assert_close(getattr(live[1], name), getattr(taught, name), atol=2e-4, rtol=1e-3)


def test_direct_effects_are_what_each_head_adds_to_the_log_odds(
    thinker, plain, prepared, coverage, pixels, live
):
    """Slow reference: each value through gate, projection, norm and scale, measured in a forward pass."""
    token, first = 41, prepared.prompt_length - 1
    place, decoder, family = first + token, plain.decoder, plain.family
    heard: dict[tuple[str, int], torch.Tensor] = {}
    handles = [
        decoder.norm.register_forward_pre_hook(lambda m, i: heard.update({("end", 0): i[0][0, place]}))
    ]
    for index, layer in enumerate(decoder.layers):
        if hasattr(layer, "self_attn"):
            handles.append(
                layer.self_attn.o_proj.register_forward_pre_hook(
                    lambda m, i, index=index: heard.update({("gated", index): i[0][0, place]})
                )
            )
        if family.norm_after_attention:
            handles.append(
                getattr(layer, family.norm_after_attention).register_forward_hook(
                    lambda m, i, o, index=index: heard.update({("norm", index): (o / i[0])[0, place]})
                )
            )
    with plain.by_hand():
        plain.forward(pixels, live[0])
    for handle in handles:
        handle.remove()
    hidden = heard["end", 0].clone().requires_grad_()
    logits = plain.model.lm_head(decoder.norm(hidden))
    if (bound := getattr(plain.model.config.text_config, "final_logit_softcapping", None)) is not None:
        logits = torch.tanh(logits / bound) * bound
    log_p = torch.log_softmax(logits, -1)[live[0][token]]
    (gradient,) = torch.autograd.grad(log_p - (-log_p.expm1()).log(), hidden)
    shares = torch.from_numpy(coverage)
    for where, layer in enumerate(thinker._decoder.layers):
        weights, values = plain.weights[layer.index], plain.values[layer.index]
        heads, _, size = values.shape
        plain_output = (weights[:, place, None] @ values)[:, 0].reshape(-1)
        gate = heard["gated", layer.index] / plain_output
        backwards = gradient * heard.get(("norm", layer.index), torch.ones(()))
        for later in decoder.layers[layer.index :]:
            backwards = backwards * (getattr(later, family.layer_scale) if family.layer_scale else 1.0)
        wanted = (backwards @ decoder.layers[layer.index].self_attn.o_proj.weight * gate).view(heads, size)
        columns = prepared.image_tokens
        moved = torch.einsum("hcs,hs->hc", values[:, columns], wanted) * weights[:, place, columns]
        torch.testing.assert_close(live[1].direct[token, where], moved @ shares, atol=2e-5, rtol=2e-3)
        whole = (torch.einsum("hcs,hs->hc", values, wanted) * weights[:, place]).sum(-1)
        torch.testing.assert_close(live[1].direct_total[token, where], whole, atol=2e-5, rtol=2e-3)


def test_the_probe_keeps_nothing_of_the_size_of_tokens_times_visual_tokens(thinker, prepared, coverage):
    def held(probe) -> int:
        # What the last few tokens looked back at grows by one number a token, whatever the screenshot's size.
        tensors, waiting = -probe.looked_back.numel(), list(vars(probe).values())
        while waiting:
            item = waiting.pop()
            if isinstance(item, torch.Tensor):
                tensors += item.numel()
            elif isinstance(item, dict):
                waiting += item.values()
            elif isinstance(item, list | tuple):
                waiting += item
        return tensors

    probe, sizes = thinker.probe(prepared, coverage), []
    for index, _ in enumerate(thinker.decode(prepared, Sampling(max_new_tokens=49), probe)):
        if index % 16 == 0:
            probe.flush()
            sizes.append(held(probe))
    assert sizes[1:] == sizes[:-1]
