"""Fast training forward of the bundled Qwen3-VL on batches whose images all share one patch grid.

transformers' own forward packs all images into one sequence, loops over them in attention, scatters the
image features by mask and keeps every step as its own kernel. With one grid a batch is a dense
``[B, N, D]`` tensor, which is several times faster on a CPU. The functions here read the *parameters of the
model's own modules* (no copies), so gradients land on the model and it is saved as it is.

Shapes: ``B`` batch, ``N`` patches of an image, ``M = N / merge²`` visual tokens, ``T`` tokens of a row,
``D`` text width.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD
from transformers.vision_utils import get_vision_interpolation_indices_and_weights, get_vision_position_ids

Model = Any
"""A ``Qwen3VLForConditionalGeneration``; the attributes of its modules are not typed."""
Grid = tuple[int, int]


@dataclass(frozen=True)
class FastOptions:
    """How the forward computes. The defaults are the fastest measured for training on two cores."""

    dtype: torch.dtype = torch.bfloat16
    """Type of the activations and of the weights as the products see them; parameters stay fp32."""
    sdpa: bool = False
    """Use ``scaled_dot_product_attention`` rather than two products around a softmax."""
    merge_projections: bool = True
    """Compute q, k, v in one product, and gate and up in one."""


FAST = FastOptions()
EXACT = FastOptions(dtype=torch.float32)


# ---------------------------------------------------------------------------------------------- pixels


def patchify(
    images: Tensor | np.ndarray,
    patch_size: int = 16,
    merge_size: int = 2,
    temporal_patch_size: int = 1,
    mean: Sequence[float] = OPENAI_CLIP_MEAN,
    std: Sequence[float] = OPENAI_CLIP_STD,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Turn ``images`` uint8 ``[B, H, W, 3]`` into patches ``[B, N, 3 · t · p · p]``.

    Same order and values as ``Qwen2VLImageProcessor`` (without its resize: H and W must be multiples of
    ``patch_size · merge_size``): merge blocks row by row, the patches of a block row by row, and inside a
    patch channel, frame, row, column.
    """
    pixels = torch.as_tensor(images)
    batch, height, width, channels = pixels.shape
    unit = patch_size * merge_size
    if height % unit or width % unit:
        raise ValueError(f"image {height} × {width} is not a multiple of {unit}")
    rows, cols = height // unit, width // unit
    blocks = pixels.reshape(batch, rows, merge_size, patch_size, cols, merge_size, patch_size, channels)
    # Reordered as bytes, before the conversion: a quarter of the memory traffic.
    blocks = blocks.permute(0, 1, 4, 2, 5, 7, 3, 6).contiguous()
    scale = torch.tensor([1.0 / (255.0 * value) for value in std]).view(channels, 1, 1)
    shift = torch.tensor([-m / s for m, s in zip(mean, std, strict=True)]).view(channels, 1, 1)
    values = torch.addcmul(shift, blocks.float(), scale).to(dtype)
    if temporal_patch_size > 1:
        values = values.unsqueeze(6).expand(*values.shape[:6], temporal_patch_size, -1, -1)
    return values.reshape(batch, rows * cols * merge_size**2, -1)


# ------------------------------------------------------------------------------------------- positions


@functools.lru_cache(maxsize=256)
def _mrope_row(prefix_len: int, grid: Grid | None, total_len: int, merge: int) -> Tensor:
    """The 3-row positions ``[3, 1, T]`` of one prompt."""
    if grid is None:
        return torch.arange(total_len).view(1, 1, -1).repeat(3, 1, 1)
    rows, cols = grid[0] // merge, grid[1] // merge
    after_len = total_len - prefix_len - rows * cols
    if after_len < 0:
        raise ValueError("total_len is too short for the prefix and the image")
    before = torch.arange(prefix_len).expand(3, -1)
    cells = torch.stack(
        (
            torch.zeros(rows * cols, dtype=torch.long),
            torch.arange(rows).repeat_interleave(cols),
            torch.arange(cols).repeat(rows),
        )
    )
    after = torch.arange(after_len).expand(3, -1) + prefix_len + max(rows, cols)
    return torch.cat((before, cells + prefix_len, after), dim=1).unsqueeze(1)


def mrope_positions(
    config: Any, prefix_len: int, grid: Grid | None, total_len: int, batch: int = 1
) -> Tensor:
    """Return positions ``[3, batch, total_len]`` equal to the model's ``get_rope_index``.

    ``prefix_len`` counts the tokens before the first image token, the vision-start token included;
    ``grid`` is ``(h, w)`` in patches, or ``None`` for text alone. Leave ``batch`` at 1 in training: one row
    broadcasts, and its rotary table is then computed once rather than once a row.
    """
    merge = config.vision_config.spatial_merge_size
    return _mrope_row(prefix_len, grid, total_len, merge).expand(3, batch, total_len)


@functools.lru_cache(maxsize=64)
def _grid_tables(
    grid: Grid, side: int, merge: int, head_dim: int, theta: float, dtype: torch.dtype
) -> tuple[Tensor, Tensor, Tensor]:
    """Interpolation matrix ``[N, side²]`` of the position table, and rotary cos and signed sin ``[N, d]``."""
    thw = torch.tensor([[1, *grid]])
    taps, weights = get_vision_interpolation_indices_and_weights(
        thw, num_grid_per_side=side, mode="bilinear", align_corners=True, spatial_merge_size=merge
    )
    # A small dense product instead of a gather: its backward is one product, not an indexed accumulation.
    matrix = torch.zeros(grid[0] * grid[1], side * side).scatter_add_(1, taps, weights.float())
    places = get_vision_position_ids(thw, merge).float()
    spatial = head_dim // 2
    frequency = 1.0 / (theta ** (torch.arange(0, spatial, 2, dtype=torch.float) / spatial))
    angle = (places[:, :, None] * frequency).flatten(1)
    return (matrix, *_rotary(angle, dtype))


def _rotary(angle: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Tables ``[…, d]`` from angles ``[…, d / 2]``; the sign of ``rotate_half`` is folded into the sine."""
    cos, sin = angle.cos(), angle.sin()
    return torch.cat((cos, cos), -1).to(dtype), torch.cat((-sin, sin), -1).to(dtype)


def _text_tables(model: Model, position_ids: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Rotary cos and signed sin ``[B or 1, T, 1, d]`` of 3-row (or 4-row) positions."""
    rotary = model.model.language_model.rotary_emb
    places = position_ids[-3:]
    section = rotary.mrope_section
    axis = torch.zeros(rotary.inv_freq.numel(), dtype=torch.long)
    for dim in (1, 2):  # as recomposition_frequencies: every third frequency turns by height or width
        axis[dim : section[dim] * 3 : 3] = dim
    angle = places[axis].permute(1, 2, 0).float() * rotary.inv_freq.float()
    return _rotary(angle.unsqueeze(2), dtype)


# ------------------------------------------------------------------------------------ building blocks


def _rotate(x: Tensor, cos: Tensor, signed_sin: Tensor) -> Tensor:
    """Rotate ``x`` ``[B, N, heads, d]`` by tables broadcastable to it."""
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((second, first), -1) * signed_sin


def _linear(x: Tensor, layer: Any) -> Tensor:
    """``layer(x)`` with the weight cast to the activations' type (the fp32 parameter gets the gradient)."""
    weight, bias = layer.weight, layer.bias
    return F.linear(x, weight.to(x.dtype), None if bias is None else bias.to(x.dtype))


def _joined(x: Tensor, layers: Sequence[Any], merge: bool) -> list[Tensor]:
    """The outputs of several layers on one input, by one product where ``merge``."""
    if not merge:
        return [_linear(x, layer) for layer in layers]
    weight = torch.cat([layer.weight.to(x.dtype) for layer in layers])
    biases = [layer.bias for layer in layers]
    bias = None if biases[0] is None else torch.cat([b.to(x.dtype) for b in biases])
    return list(F.linear(x, weight, bias).split([layer.weight.shape[0] for layer in layers], dim=-1))


def _layer_norm(x: Tensor, norm: Any) -> Tensor:
    """LayerNorm; statistics in fp32 inside the kernel, also for bf16 input."""
    return F.layer_norm(x, (x.shape[-1],), norm.weight.to(x.dtype), norm.bias.to(x.dtype), norm.eps)


def _rms_norm(x: Tensor, norm: Any) -> Tensor:
    """RMSNorm with fp32 statistics, as the model's own."""
    wide = x.float()
    wide = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + norm.variance_epsilon)
    return (norm.weight * wide).to(x.dtype)


def _attention(q: Tensor, k: Tensor, v: Tensor, causal: bool, scale: float, sdpa: bool) -> Tensor:
    """Attention of q ``[B, Q, heads, d]`` on k, v ``[B, K, kv, d]``; returns ``[B, Q, heads · d]``.

    With ``causal`` the queries are the last ``Q`` of the ``K`` positions.
    """
    batch, rows, heads, dim = q.shape
    columns, kv = k.shape[1], k.shape[2]
    if sdpa:
        if kv != heads:
            k, v = (x.repeat_interleave(heads // kv, dim=2) for x in (k, v))
        q, k, v = (x.transpose(1, 2) for x in (q, k, v))
        if causal and rows != columns:
            mask = torch.ones(rows, columns, dtype=torch.bool).tril(columns - rows)
            out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, scale=scale)
        else:
            out = F.scaled_dot_product_attention(q, k, v, is_causal=causal, scale=scale)
        return out.transpose(1, 2).reshape(batch, rows, heads * dim)
    group = heads // kv
    # The query heads that share a key head stand below each other, so that keys are never repeated.
    q = (q * scale).view(batch, rows, kv, group, dim).permute(0, 2, 3, 1, 4)
    q = q.reshape(batch * kv, group * rows, dim)
    k = k.transpose(1, 2).reshape(batch * kv, columns, dim)
    v = v.transpose(1, 2).reshape(batch * kv, columns, dim)
    score = torch.bmm(q, k.transpose(1, 2))
    if causal:
        mask = torch.full((rows, columns), float("-inf"), dtype=score.dtype).triu(columns - rows + 1)
        score = (score.view(-1, group, rows, columns) + mask).view(-1, group * rows, columns)
    # softmax accumulates in fp32 inside the kernel whatever the type of its input and output
    out = torch.bmm(torch.softmax(score, dim=-1), v)
    out = out.view(batch, kv, group, rows, dim).permute(0, 3, 1, 2, 4)
    return out.reshape(batch, rows, heads * dim)


# --------------------------------------------------------------------------------------------- vision


def _vision_core(
    model: Model,
    patches: Tensor,
    matrix: Tensor,
    cos: Tensor,
    sin: Tensor,
    options: FastOptions,
    taps: dict[int, Tensor] | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """The vision tower on dense patches; compiled as one graph."""
    visual = model.model.visual
    dtype = options.dtype
    projection = visual.patch_embed.proj
    weight = projection.weight.flatten(1).to(dtype)  # Conv3d whose stride is its kernel: a linear layer
    x = F.linear(patches.to(dtype), weight, projection.bias.to(dtype))
    x = x + (matrix @ visual.pos_embed.weight).to(dtype)
    batch, count, width = x.shape
    cos, sin = cos[:, None], sin[:, None]
    deepstack: list[Tensor] = []
    for index, block in enumerate(visual.blocks):
        heads = block.attn.num_heads
        qkv = _linear(_layer_norm(x, block.norm1), block.attn.qkv)
        q, k, v = qkv.view(batch, count, 3, heads, width // heads).unbind(2)
        q, k = _rotate(q, cos, sin), _rotate(k, cos, sin)
        mixed = _attention(q, k, v, causal=False, scale=block.attn.scaling, sdpa=options.sdpa)
        x = x + _linear(mixed, block.attn.proj)
        hidden = F.gelu(_linear(_layer_norm(x, block.norm2), block.mlp.linear_fc1), approximate="tanh")
        x = x + _linear(hidden, block.mlp.linear_fc2)
        if taps is not None and index in taps:
            taps[index] = x
        if index in visual.deepstack_visual_indexes:
            place = list(visual.deepstack_visual_indexes).index(index)
            deepstack.append(_merge(x, visual.deepstack_merger_list[place]))
    return _merge(x, visual.merger), deepstack


def _merge(x: Tensor, merger: Any) -> Tensor:
    """Patch merger: ``[B, N, width] → [B, M, D]``; the patches of a block are neighbours in the order."""
    batch = x.shape[0]
    if merger.use_postshuffle_norm:
        x = _layer_norm(x.reshape(batch, -1, merger.hidden_size), merger.norm)
    else:
        x = _layer_norm(x, merger.norm).reshape(batch, -1, merger.hidden_size)
    return _linear(F.gelu(_linear(x, merger.linear_fc1)), merger.linear_fc2)


def encode_images(
    model: Model,
    patches: Tensor,
    grid: Grid,
    options: FastOptions = FAST,
    core: Callable[..., Any] | None = None,
    taps: dict[int, Tensor] | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """Encode ``patches`` ``[B, N, dim]`` of images that all have the patch grid ``(h, w)``.

    Returns the visual tokens ``[B, M, D]`` and the deepstack features, a list of the same shape. Each
    layer that is a key of ``taps`` leaves its hidden state ``[B, N, width]`` there.
    """
    if patches.shape[1] != grid[0] * grid[1]:
        raise ValueError(f"{patches.shape[1]} patches for a grid of {grid}")
    config = model.config.vision_config
    tables = _grid_tables(
        grid,
        model.model.visual.num_grid_per_side,
        config.spatial_merge_size,
        config.hidden_size // config.num_heads,
        float(config.rope_parameters["rope_theta"]),
        options.dtype,
    )
    return (core or _vision_core)(model, patches, *tables, options, taps)


# ----------------------------------------------------------------------------------------------- text


def _text_core(
    model: Model,
    input_ids: Tensor,
    image_features: Tensor | None,
    deepstack: list[Tensor],
    image_start: int,
    cos: Tensor,
    sin: Tensor,
    keep_from: int,
    options: FastOptions,
) -> Tensor:
    """The text decoder on dense rows; compiled as one graph."""
    text = model.model.language_model
    x = F.embedding(input_ids, text.embed_tokens.weight).to(options.dtype)
    batch, total, _ = x.shape
    end = image_start
    if image_features is not None:
        end = image_start + image_features.shape[1]
        x = torch.cat((x[:, :image_start], image_features.to(x.dtype), x[:, end:]), dim=1)
    last = len(text.layers) - 1
    for index, layer in enumerate(text.layers):
        attention = layer.self_attn
        dim = attention.head_dim
        # Only keys and values of the last layer see the prompt; its queries and MLP can skip it.
        start = keep_from if index == last else 0
        normed = _rms_norm(x, layer.input_layernorm)
        if start:
            k, v = _joined(normed, (attention.k_proj, attention.v_proj), options.merge_projections)
            q = _linear(normed[:, start:], attention.q_proj)
            x = x[:, start:]
        else:
            projections = (attention.q_proj, attention.k_proj, attention.v_proj)
            q, k, v = _joined(normed, projections, options.merge_projections)
        q = _rms_norm(q.reshape(batch, total - start, -1, dim), attention.q_norm)
        k = _rms_norm(k.reshape(batch, total, -1, dim), attention.k_norm)
        q, k = _rotate(q, cos[:, start:], sin[:, start:]), _rotate(k, cos, sin)
        v = v.reshape(batch, total, -1, dim)
        mixed = _attention(q, k, v, causal=True, scale=attention.scaling, sdpa=options.sdpa)
        x = x + _linear(mixed, attention.o_proj)
        normed = _rms_norm(x, layer.post_attention_layernorm)
        gate, up = _joined(normed, (layer.mlp.gate_proj, layer.mlp.up_proj), options.merge_projections)
        x = x + _linear(F.silu(gate) * up, layer.mlp.down_proj)
        if index < len(deepstack):
            # The image is still whole here: deepstack layers come before the last one.
            x = x + F.pad(deepstack[index].to(x.dtype), (0, 0, image_start, total - end))
    return _rms_norm(x, text.norm)


def text_forward(
    model: Model,
    input_ids: Tensor,
    image_features: Tensor | None = None,
    deepstack: Sequence[Tensor] | None = None,
    position_ids: Tensor | None = None,
    image_start: int = 0,
    keep_from: int = 0,
    options: FastOptions = FAST,
    core: Callable[..., Any] | None = None,
) -> Tensor:
    """Run the decoder on ``input_ids`` ``[B, T]`` (right-padded); return hidden ``[B, T − keep_from, D]``.

    ``image_features`` ``[B, M, D]`` replace the tokens ``image_start … image_start + M`` of every row, and
    ``deepstack`` is added there after the first layers. ``position_ids`` is ``[3, B or 1, T]`` (see
    `mrope_positions`); without it the rows are plain text. No padding mask: under a causal mask nothing
    real ever sees what stands to its right.

    ``keep_from`` drops the first positions from the result: give the earliest position whose next token is
    a target, and the last layer skips the rest of its work on the prompt and the image.
    """
    if deepstack and len(deepstack) >= len(model.model.language_model.layers) and keep_from:
        raise ValueError("keep_from needs the deepstack layers to end before the last layer")
    if position_ids is None:
        if image_features is not None:
            raise ValueError("an image needs position_ids")
        position_ids = mrope_positions(model.config, 0, None, input_ids.shape[1])
    cos, sin = _text_tables(model, position_ids, options.dtype)
    return (core or _text_core)(
        model, input_ids, image_features, list(deepstack or ()), image_start, cos, sin, keep_from, options
    )


# ------------------------------------------------------------------------------------------------ loss


def target_logits(model: Model, hidden: Tensor, targets: Tensor, ignore: int = -100) -> tuple[Tensor, Tensor]:
    """Logits at the positions that have a target only.

    ``hidden`` ``[B, S, D]`` and ``targets`` ``[B, S]`` (the *next* token of each position, ``ignore`` where
    there is none) give logits ``[K, vocab]`` in fp32 and the targets ``[K]``.
    """
    wanted = (targets.reshape(-1) != ignore).nonzero().squeeze(1)
    rows = hidden.reshape(-1, hidden.shape[-1]).index_select(0, wanted)
    return _linear(rows, model.lm_head).float(), targets.reshape(-1)[wanted]


def language_loss(model: Model, hidden: Tensor, targets: Tensor, ignore: int = -100) -> Tensor:
    """Mean cross-entropy of the targets; see `target_logits`."""
    logits, wanted = target_logits(model, hidden, targets, ignore)
    return F.cross_entropy(logits, wanted)


# ------------------------------------------------------------------------------------------- compiling


@functools.lru_cache(maxsize=1)
def compiled_cores() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The two cores through inductor, for the ``core`` arguments of `encode_images` and `text_forward`.

    Every new combination of batch, grid, row length, ``image_start`` and ``keep_from`` compiles for about a
    minute on an idle machine (kept on disk for later runs), so pad rows to a few fixed lengths.
    Not with ``FastOptions.sdpa``: its compiled backward was ten times slower.
    """
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, 32)
    return torch.compile(_vision_core, dynamic=False), torch.compile(_text_core, dynamic=False)
