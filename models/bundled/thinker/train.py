"""Train the bundled thinker: ``python -m models.bundled.thinker.train STAGE --out DIR --steps N``.

Stages: ``vision`` (eyes alone, against codes), ``language`` (reasoning over codes), ``joint`` (both, from
pixels), each resumable from ``DIR/STAGE.pt``. The recipe that made the committed weights is in README.md
beside this file, its log in train.log.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from models.bundled.thinker.architecture import ThinkerShape, build_config, build_model, parameter_count
from models.bundled.thinker.codes import AMPLITUDE, Codebook
from models.bundled.thinker.dataset import TEXT_SLOTS, Batch, Screens
from models.bundled.thinker.fast_forward import (
    Model,
    encode_images,
    mrope_positions,
    patchify,
    target_logits,
    text_forward,
)
from models.bundled.thinker.peers import Peers
from models.bundled.thinker.tokenizer import build_tokenizer

# Where the heads of each vision layer look first: (rows, columns) away in patches; None leaves a head free.
_GAZE: tuple[tuple[tuple[int, int] | None, ...], ...] = (
    ((0, -1), (0, 1), (-1, 0), (1, 0)),
    ((0, -1), (0, 1), (0, -2), (0, 2)),
    ((0, -1), (0, 1), (-1, 0), (1, 0)),
    ((0, -2), (0, 2), (1, 0), None),
    ((0, -1), (0, 1), None, None),
)


def fresh_model(tokenizer: object, shape: ThinkerShape | None = None) -> Model:
    """A randomly initialised thinker for a tokenizer."""
    ids = {t: tokenizer.convert_tokens_to_ids(t) for t in tokenizer.get_vocab()}  # type: ignore[attr-defined]
    config = build_config(
        vocab_size=-(-len(ids) // 16) * 16,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        eos_token_id=ids["<|im_end|>"],
        pad_token_id=ids["<|endoftext|>"],
        bos_token_id=ids["<|im_start|>"],
        shape=shape,
    )
    model: Model = build_model(config)
    look_locally(model)
    for merger in model.model.visual.deepstack_merger_list:
        torch.nn.init.zeros_(merger.linear_fc2.weight)  # joins the language model without a jolt
        torch.nn.init.zeros_(merger.linear_fc2.bias)
    return model


@torch.no_grad()
def look_locally(model: Model, strength: float = 6.0) -> None:
    """Let vision heads start out looking at neighbouring patches, as a convolution would.

    Query and key have biases, and rotary positions turn the product of two constant vectors into a function
    of the distance alone; a key bias turned by an offset makes it peak there. Nothing is frozen. (The idea
    is that of ConViT, d'Ascoli et al. 2021, by other means.)
    """
    for block, gaze in zip(model.model.visual.blocks, _GAZE, strict=True):
        heads = block.attn.num_heads
        bias = block.attn.qkv.bias
        head_dim = bias.numel() // 3 // heads
        quarter = head_dim // 4
        speed = 1.0 / 10_000.0 ** (torch.arange(quarter) / quarter)
        # Only the fast-turning pairs can tell neighbours apart.
        loud = (speed > 0.08).float() * (strength * head_dim**0.5) ** 0.5
        for head, offset in enumerate(gaze):
            if offset is None:
                continue
            angle = torch.cat([speed * offset[0], speed * offset[1]])
            size = torch.cat([loud, loud])
            # The score of a query at p and a key at p + d is the sum of size^2 * cos(speed * (d - offset)).
            query = torch.cat([size, torch.zeros_like(size)])
            key = torch.cat([size * angle.cos(), -size * angle.sin()])
            bias.view(3, heads, head_dim)[0, head] = query
            bias.view(3, heads, head_dim)[1, head] = key


@torch.no_grad()
def whiten_patches(model: Model, batches: list[Batch]) -> None:
    """Start the patch embedding from the principal components of real patches, each at unit variance.

    Random projections of text patches are nearly all alike; whitening shows strokes from the first step.
    """
    rows = torch.cat([patchify(b.images).flatten(0, 1) for b in batches])
    centred = rows - rows.mean(0)
    variance, basis = torch.linalg.eigh(centred.T @ centred / len(rows))
    projection = model.model.visual.patch_embed.proj
    width = projection.weight.shape[0]
    top, scale = basis[:, -width:], (variance[-width:] + 1e-3 * variance.mean()).rsqrt()
    weight = (top * scale).T
    projection.weight.copy_(weight.view_as(projection.weight))
    projection.bias.copy_(-(weight @ rows.mean(0)))


def optimizers(modules: list[torch.nn.Module], muon_lr: float, adam_lr: float) -> list[torch.optim.Optimizer]:
    """Muon for hidden matrices, AdamW for everything else (embeddings, norms, biases, patch embedding)."""
    matrices: list[torch.nn.Parameter] = []
    others: list[torch.nn.Parameter] = []
    seen: set[int] = set()
    for module in modules:
        for name, parameter in module.named_parameters():
            if id(parameter) in seen or not parameter.requires_grad:
                continue
            seen.add(id(parameter))
            hidden = parameter.ndim == 2 and "embed" not in name and "lm_head" not in name
            (matrices if hidden else others).append(parameter)
    muon = torch.optim.Muon(matrices, lr=muon_lr, weight_decay=0.01, momentum=0.95, ns_steps=4)
    adam = torch.optim.AdamW(others, lr=adam_lr, betas=(0.9, 0.98), weight_decay=0.0, fused=True)
    return [muon, adam]


def positions(model: Model, batch: Batch) -> Tensor:
    return mrope_positions(model.config, batch.image_start, batch.grid, batch.input_ids.shape[1])


def _see(
    model: Model, book: Codebook, batch: Batch, log: dict[str, float]
) -> tuple[Tensor, list[Tensor], Tensor]:
    """What the eyes hand over, and how badly they read and spell."""
    assert batch.grid is not None, "a drill shows no screen"
    taps = {layer: torch.empty(0) for layer in book.spelling.layers}
    patches = patchify(batch.images, dtype=torch.bfloat16)
    seen, deepstack = encode_images(model, patches, batch.grid, taps=taps)
    reading, right, slot = book.reading_loss(seen, batch.hints)
    spelling, letters = book.spelling.loss(taps, batch.letters)
    log["reading"], log["letters"] = float(reading.detach()), float(letters)
    log["words"] = float(right[slot < TEXT_SLOTS].float().mean())
    log["others"] = float(right[slot >= TEXT_SLOTS].float().mean())
    return seen, deepstack, reading + spelling


def vision_step(model: Model, book: Codebook, batch: Batch, log: dict[str, float]) -> Tensor:
    """Loss of the eyes alone."""
    assert batch.grid is not None, "a drill shows no screen"
    seen, _, loss = _see(model, book, batch, log)
    code = book.target(batch.hints, len(batch.images), batch.grid)
    distance = ((seen.float() - code) / AMPLITUDE).pow(2).mean()
    log["distance"] = float(distance.detach())
    return loss + 0.2 * distance


def language_step(model: Model, book: Codebook, batch: Batch, log: dict[str, float]) -> Tensor:
    """Loss of the reasoning over perfect codes."""
    assert batch.grid is not None, "a drill shows no screen"
    code = book.target(batch.hints, len(batch.images), batch.grid)
    code = code + 0.35 * AMPLITUDE * torch.randn_like(code)  # eyes will never be perfect
    return _language_loss(model, batch, code, None, log)


def joint_step(model: Model, book: Codebook, batch: Batch, log: dict[str, float]) -> Tensor:
    """Loss of the whole model from pixels; of the eyes alone on a wall of words; of a drill's look-ups."""
    if batch.grid is None:
        drilled: dict[str, float] = {}
        loss = _language_loss(model, batch, None, None, drilled)
        log["drills"] = drilled["tokens"]
        return loss
    seen, deepstack, loss = _see(model, book, batch, log)
    return loss if batch.wall else _language_loss(model, batch, seen, deepstack, log) + 0.5 * loss


def _language_loss(
    model: Model, batch: Batch, seen: Tensor | None, deepstack: list[Tensor] | None, log: dict[str, float]
) -> Tensor:
    hidden = text_forward(
        model,
        batch.input_ids,
        seen,
        deepstack,
        positions(model, batch),
        image_start=batch.image_start,
        keep_from=batch.keep_from,
    )
    targets = batch.targets[:, batch.keep_from :]
    logits, wanted = target_logits(model, hidden, targets)
    loss = torch.nn.functional.cross_entropy(logits, wanted)
    with torch.no_grad():
        right = torch.ones_like(targets, dtype=torch.bool)
        right[targets != -100] = logits.argmax(-1) == wanted
        log["language"] = float(loss.detach())
        log["tokens"] = float(right[targets != -100].float().mean())
        log["screens"] = float(right.all(1).float().mean())
    return loss


def schedule(step: int, warm: int, steps: int, decay: int) -> float:
    """Warm up, stay, then fall linearly to zero over the last ``decay`` steps."""
    return min((step + 1) / warm, 1.0, max((steps - step) / decay, 0.0) if decay else 1.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stage", choices=("vision", "language", "joint"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, required=True, help="total steps of this stage")
    parser.add_argument("--decay", type=int, default=0, help="steps over which the learning rate falls to 0")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--muon", type=float, default=0.02)
    parser.add_argument("--adam", type=float, default=3e-3)
    parser.add_argument("--novel", type=float, default=0.0)
    parser.add_argument("--walls", type=float, default=0.0, help="share of walls of words (stage vision)")
    parser.add_argument("--drills", type=float, default=0.0, help="text-only exercises for each batch")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--save-every", type=int, default=200)
    parser.add_argument("--me", type=int, default=0, help="number of this process among --peers")
    parser.add_argument("--peers", type=int, default=1, help="processes that average their weights")
    parser.add_argument("--meet-every", type=int, default=20, help="steps between two averages")
    parser.add_argument("--start", type=Path, nargs="*", default=[], help="earlier stages, or a saved folder")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)

    tokenizer = build_tokenizer()
    model = fresh_model(tokenizer)
    text, eyes = model.config.text_config, model.config.vision_config
    book = Codebook(text.vocab_size, text.hidden_size, eyes.hidden_size)
    with torch.no_grad():  # a seen word and a written word start out alike
        model.model.language_model.embed_tokens.weight.copy_(book.tokens * 0.05)
    step, path = 0, options.out / f"{options.stage}.pt"
    parts = {"vision": [model.model.visual], "language": [model.model.language_model], "joint": [model]}
    # 768 inputs that mostly move together: an ordinary learning rate shakes the patch embedding apart.
    model.model.visual.patch_embed.proj.requires_grad_(False)
    optimizer_list = optimizers([*parts[options.stage], book], options.muon, options.adam)
    if path.exists():
        state = torch.load(path, weights_only=True)
        model.load_state_dict(state["model"])
        book.load_state_dict(state["book"], strict=False)
        for optimizer, saved in zip(optimizer_list, state["optimizers"], strict=True):
            rates = [g["lr"] for g in optimizer.param_groups]
            optimizer.load_state_dict(saved)
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate
        step = state["step"]
    else:
        for earlier in options.start:
            if earlier.is_dir():
                _take_exported(model, earlier)
            else:
                _take(model, book, torch.load(earlier, weights_only=True), earlier.stem)
    seed = (options.seed * 64 + options.me) * 1_000_003 + step
    screens = Screens(tokenizer, options.batch, seed, options.novel, options.walls, options.drills)
    loader = iter(
        torch.utils.data.DataLoader(screens, batch_size=None, num_workers=options.workers, prefetch_factor=6)
    )
    if options.stage == "vision" and step == 0:
        whiten_patches(model, [next(loader) for _ in range(8)])
    run = {"vision": vision_step, "language": language_step, "joint": joint_step}[options.stage]
    rates = [[g["lr"] for g in o.param_groups] for o in optimizer_list]
    print(json.dumps({"parameters": parameter_count(model), "resumed": step, **vars(options)}, default=str))
    means: dict[str, float] = {}
    peers = Peers(options.out / f"meeting-{step}", options.me, options.peers)
    began, counted = time.monotonic(), step
    while step < options.steps:
        batch = next(loader)
        share = schedule(step, 100 if options.stage != "joint" else 50, options.steps, options.decay)
        for optimizer, base in zip(optimizer_list, rates, strict=True):
            for group, rate in zip(optimizer.param_groups, base, strict=True):
                group["lr"] = rate * share
        log: dict[str, float] = {}
        loss = run(model, book, batch, log)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.grad is not None], 1.0)
        for optimizer in optimizer_list:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        step += 1
        if step % options.meet_every == 0:
            peers.average([*parts[options.stage], book])
        for name, value in log.items():
            means[name] = value if name not in means else 0.98 * means[name] + 0.02 * value
        if step % 50 == 0:
            elapsed = time.monotonic() - began
            line = {"stage": options.stage, "step": step, "seconds": round(elapsed)}
            line["per_second"] = round((step - counted) * options.batch / elapsed, 1)
            print(json.dumps(line | {k: round(v, 4) for k, v in means.items()}), flush=True)
        if options.me == 0 and (step % options.save_every == 0 or step == options.steps):
            _save(path, model, book, optimizer_list, step)


def _save(path: Path, model: Model, book: Codebook, optimizer_list: list, step: int) -> None:
    """Write a checkpoint beside the old one, then put it in its place."""
    state = {"model": model.state_dict(), "book": book.state_dict(), "step": step}
    torch.save(state | {"optimizers": [o.state_dict() for o in optimizer_list]}, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


def _take_exported(model: Model, folder: Path) -> None:
    """Start from a saved transformers folder."""
    keys = model.load_state_dict(load_file(folder / "model.safetensors"), strict=False)
    if keys.unexpected_keys or set(keys.missing_keys) - {"lm_head.weight"}:  # tied to the embedding
        raise ValueError(f"{folder} does not hold a thinker of this shape")


def _take(model: Model, book: Codebook, state: dict, stage: str) -> None:
    """Start from an earlier stage: the eyes of ``vision``, the words of ``language``, all of ``joint``."""
    part = {"vision": "model.visual.", "language": "model.language_model.", "joint": ""}[stage]
    chosen = {k: v for k, v in state["model"].items() if k.startswith(part) or (not part)}
    if stage == "language":
        chosen |= {k: v for k, v in state["model"].items() if k.startswith("lm_head")}
    missing = model.load_state_dict(chosen, strict=False)
    assert not missing.unexpected_keys, missing.unexpected_keys
    if stage != "language":
        book.load_state_dict(state["book"], strict=False)


if __name__ == "__main__":
    main()
