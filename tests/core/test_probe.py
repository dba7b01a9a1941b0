"""The probe reads the same attention as eager mode, live and afterwards, and never disturbs the run."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.attention_rows import attention_rows, causal_mask
from core.features import CARRIED, LOOKS, join
from core.norms import back_through
from core.trace import Sampling

GREEDY = Sampling(max_new_tokens=21)


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 255, (100, 170, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def prepared(tiny_thinker, pixels):
    return tiny_thinker.prepare(pixels, "What is this?")


@pytest.fixture(scope="module")
def coverage(prepared) -> np.ndarray:
    shares = np.random.default_rng(4).dirichlet(np.ones(5), len(prepared.cells))
    return shares.astype(np.float32)


@pytest.fixture(scope="module")
def live(tiny_thinker, prepared, coverage):
    """Token ids, features and raw rows {(layer, token): [heads, keys]} of a live run, flushed unevenly."""
    rows: dict[tuple[int, int], torch.Tensor] = {}

    def keep(layer: int, first: int, chunk: torch.Tensor) -> None:
        for i in range(chunk.shape[1]):
            rows[layer, first + i] = chunk[:, i]

    probe = tiny_thinker.probe(prepared, coverage, keep)
    ids, parts = [], []
    for drawn in tiny_thinker.decode(prepared, GREEDY, probe):
        ids.append(drawn.id)
        if probe.pending in (1, 8) and len(ids) != 2:
            parts.append(probe.flush())
    parts.append(probe.flush())
    return ids, join([part for part in parts if part is not None]), rows


@pytest.fixture(scope="module")
def eager(tiny_folder, prepared, live):
    """Attention [layer][heads, query, key] of one eager forward pass over prompt and tokens."""
    from transformers import AutoModelForImageTextToText

    model = AutoModelForImageTextToText.from_pretrained(tiny_folder, attn_implementation="eager").eval()
    inputs = {k: v for k, v in prepared.inputs.items() if k in ("pixel_values", "image_grid_thw")}
    ids = torch.cat((prepared.inputs["input_ids"], torch.tensor([live[0]])), 1)
    types = (ids == model.config.image_token_id).int()
    with torch.no_grad():
        output = model(
            input_ids=ids, mm_token_type_ids=types, output_attentions=True, use_cache=False, **inputs
        )
    return [attention[0] for attention in output.attentions], output.logits[0]


def test_every_row_of_every_layer_and_head_equals_eager_attention(prepared, live, eager):
    ids, _, rows = live
    first = prepared.prompt_length - 1
    assert len(ids) == GREEDY.max_new_tokens
    for layer, attention in enumerate(eager[0]):
        for token in range(len(ids)):
            row = rows[layer, token]
            seen = first + token + 1
            torch.testing.assert_close(row[:, :seen], attention[:, first + token, :seen], atol=1e-5, rtol=0)
            assert not row[:, seen:].any(), "a row sees only what came before its token"


def test_teacher_forced_rows_equal_eager_attention(tiny_thinker, prepared, coverage, live, eager):
    heard = {}
    tiny_thinker.teach(prepared, live[0], coverage, lambda layer, first, rows: heard.setdefault(layer, rows))
    first, count = prepared.prompt_length - 1, len(live[0])
    for layer, attention in enumerate(eager[0]):
        expected = attention[:, first : first + count, : first + count]
        torch.testing.assert_close(heard[layer], expected, atol=1e-5, rtol=0)


def test_teacher_forced_features_equal_live_features(tiny_thinker, prepared, coverage, live):
    taught = tiny_thinker.teach(prepared, live[0], coverage)
    for name in (
        "attention",
        "direct",
        "carried",
        "image_mass",
        "log_prob",
        "entropy",
        "area",
        "content",
        "sourced",
        "stirred",
        "influence",
        "hidden",
        "direct_total",
    ):
        torch.testing.assert_close(getattr(live[1], name), getattr(taught, name), atol=1e-4, rtol=0)


def test_long_texts_taught_in_chunks_have_the_features_of_one_chunk(
    tiny_thinker, prepared, coverage, monkeypatch
):
    ids = [int(i) for i in np.random.default_rng(0).integers(30, 200, 40)]
    whole = tiny_thinker.teach(prepared, ids, coverage)
    monkeypatch.setattr("models.thinker._TEACH_ROWS", 7)
    chunked = tiny_thinker.teach(prepared, ids, coverage)
    for name in ("attention", "direct", "carried"):
        torch.testing.assert_close(getattr(chunked, name), getattr(whole, name), atol=1e-5, rtol=0)


def test_attention_is_pooled_by_coverage(prepared, coverage, live, eager):
    first, columns = prepared.prompt_length - 1, torch.from_numpy(prepared.image_tokens)
    for layer, attention in enumerate(eager[0]):
        cells = attention[:, first : first + len(live[0])][:, :, columns]  # [heads, tokens, cells]
        expected = torch.einsum("hnc,cr->nhr", cells, torch.from_numpy(coverage))
        torch.testing.assert_close(live[1].attention[:, layer], expected, atol=1e-5, rtol=0)
        torch.testing.assert_close(live[1].image_mass[:, layer], cells.sum(-1).T, atol=1e-5, rtol=0)


def test_direct_effects_are_what_each_head_adds_to_the_log_odds(
    tiny_thinker, prepared, coverage, live, eager
):
    """Slow reference: differentiate the log-odds by the residual stream, value by value."""
    model, text = tiny_thinker.model, tiny_thinker.model.model.language_model
    hiddens, values = [], {}
    handles = [text.norm.register_forward_pre_hook(lambda m, i: hiddens.append(i[0]))]
    for index, layer in enumerate(text.layers):
        handles.append(
            layer.self_attn.v_proj.register_forward_hook(
                lambda m, i, o, index=index: values.update({index: o})
            )
        )
    tiny_thinker.teach(prepared, live[0], coverage)
    for handle in handles:
        handle.remove()
    token, first = 5, prepared.prompt_length - 1
    hidden = hiddens[0][0, first + token].clone().requires_grad_()
    log_p = torch.log_softmax(model.lm_head(text.norm(hidden)), -1)[live[0][token]]
    (gradient,) = torch.autograd.grad(log_p - (-log_p.expm1()).log(), hidden)
    for index, attention in enumerate(eager[0]):
        projection = text.layers[index].self_attn.o_proj.weight
        for head in range(4):
            expected = torch.zeros(coverage.shape[1])
            for cell, column in enumerate(prepared.image_tokens):
                value = values[index][0, column].view(2, 16)[head // 2]
                moved = projection[:, head * 16 : head * 16 + 16] @ value
                share = attention[head, first + token, column]
                expected += share * (moved @ gradient) * torch.from_numpy(coverage[cell])
            torch.testing.assert_close(live[1].direct[token, index, head], expected, atol=1e-5, rtol=1e-3)
            seen = attention[head, first + token, : first + token + 1]
            whole = seen @ values[index][0, : first + token + 1].view(-1, 2, 16)[:, head // 2]
            moved = projection[:, head * 16 : head * 16 + 16] @ whole
            torch.testing.assert_close(
                live[1].direct_total[token, index, head], moved @ gradient, atol=1e-5, rtol=1e-3
            )
    end = hidden.detach()
    torch.testing.assert_close(live[1].hidden[token], end / end.square().mean().sqrt(), atol=1e-4, rtol=1e-3)


def test_carried_attention_goes_to_earlier_tokens_only(live, prepared, coverage, eager):
    _, features, _ = live
    first = prepared.prompt_length - 1
    seen = features.attention.mean((1, 2))
    assert not features.carried[0].any()
    for layer, attention in enumerate(eager[0]):
        for token in (1, 8, 20):
            backwards = attention[:, first + token, first : first + token].mean(0)
            torch.testing.assert_close(
                features.carried[token, layer, CARRIED.index("mean")], backwards @ seen[:token],
                atol=1e-5, rtol=0,
            )  # fmt: skip


@pytest.mark.parametrize("look", LOOKS)
def test_all_looks_are_carried_by_the_positions_that_looked_and_by_the_tokens_that_came_of_it(
    live, prepared, eager, look
):
    _, features, _ = live
    first, token = prepared.prompt_length - 1, 20
    attention, direct = features.attention.numpy(), features.direct.numpy()
    seen = {
        "mean": attention.mean((1, 2)),
        "most": attention.max((1, 2)),
        "excess": (attention / attention.sum(-1, keepdims=True)).max((1, 2)) - features.area.numpy(),
        "direct": np.arcsinh(5 * direct.sum((1, 2))),
        "direct share": direct.sum((1, 2)) / np.abs(direct).sum((1, 2, 3))[:, None],
    }[look]
    for layer, rows in enumerate(eager[0]):
        backwards = rows[:, first + token].mean(0).numpy()
        states = sum(backwards[first + i] * seen[i] for i in range(token))
        tokens = sum(backwards[first + 1 + i] * seen[i] for i in range(token))
        found = features.carried[token, layer].numpy()
        np.testing.assert_allclose(found[CARRIED.index(look)], states, atol=1e-4)
        np.testing.assert_allclose(found[CARRIED.index(f"token {look}")], tokens, atol=1e-4)


def test_the_content_of_a_region_is_the_mean_of_the_first_layers_values_there(
    tiny_thinker, prepared, coverage, live
):
    values = []
    layer = tiny_thinker.model.model.language_model.layers[0]
    handle = layer.self_attn.v_proj.register_forward_hook(lambda m, i, o: values.append(o))
    tiny_thinker.teach(prepared, live[0], coverage)
    handle.remove()
    cells = values[0][0, torch.from_numpy(prepared.image_tokens)]
    shares = torch.from_numpy(coverage / coverage.sum(0))
    torch.testing.assert_close(live[1].content, shares.T @ cells, atol=1e-5, rtol=0)


def test_log_probability_and_entropy_are_the_models_own(live, prepared, eager):
    ids, features, _ = live
    first = prepared.prompt_length - 1
    log_probs = torch.log_softmax(eager[1][first : first + len(ids)], -1)
    torch.testing.assert_close(features.log_prob, log_probs.gather(1, torch.tensor(ids)[:, None])[:, 0])
    entropy = torch.distributions.Categorical(logits=log_probs).entropy()
    torch.testing.assert_close(features.entropy, entropy, atol=1e-4, rtol=1e-4)


def test_the_probe_changes_no_token(tiny_thinker, prepared, live):
    assert [drawn.id for drawn in tiny_thinker.decode(prepared, GREEDY)] == live[0]


def test_nothing_listens_after_the_run(tiny_thinker, prepared, coverage):
    probe = tiny_thinker.probe(prepared, coverage)
    list(tiny_thinker.decode(prepared, Sampling(max_new_tokens=3), probe))
    before = [len(waiting) for waiting in probe._queries]
    list(tiny_thinker.decode(prepared, Sampling(max_new_tokens=3)))
    assert [len(waiting) for waiting in probe._queries] == before


def test_rows_of_grouped_heads_match_a_loop_over_heads():
    generator = torch.Generator().manual_seed(0)
    queries = torch.randn(6, 3, 8, generator=generator)
    keys = torch.randn(2, 10, 8, generator=generator)
    rows = attention_rows(queries, keys, causal_mask(3, 5, keys, 3), 0.3)
    for head in range(6):
        for i in range(3):
            scores = torch.tensor([float(queries[head, i] @ keys[head // 3, j]) * 0.3 for j in range(6 + i)])
            torch.testing.assert_close(rows[head, i, : 6 + i], scores.softmax(0))
            assert not rows[head, i, 6 + i :].any()


def test_a_window_hides_what_is_too_far_back():
    keys = torch.zeros(1, 7, 4)
    mask = causal_mask(2, 8, keys, 1, first_key=3, window=4)  # positions 8 and 9 over keys 3 … 9
    assert (mask == 0).tolist() == [[0, 0, 1, 1, 1, 1, 0], [0, 0, 0, 1, 1, 1, 1]]


def test_the_gradient_through_a_norm_is_that_of_autograd():
    from transformers.models.qwen3_vl.modeling_qwen3_vl import Qwen3VLTextRMSNorm

    generator = torch.Generator().manual_seed(0)
    hidden, upstream = torch.randn(2, 5, 16, generator=generator)
    for norm in (Qwen3VLTextRMSNorm(16), torch.nn.LayerNorm(16)):
        torch.nn.init.normal_(norm.weight, generator=generator)
        start = hidden.clone().requires_grad_()
        (expected,) = torch.autograd.grad(norm(start), start, upstream)
        torch.testing.assert_close(back_through(norm, hidden, upstream), expected)
