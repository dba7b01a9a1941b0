"""Train the bundled SAM: ``python -m models.bundled.sam.train --out DIR --steps N`` or ``--minutes M``.

Resumes from ``DIR/sam.pt``. The recipe that made the committed weights is in README.md beside this file, its
log in train.log.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import generalized_box_iou_loss

from models.bundled.sam.architecture import Shape, boxes_as_masks, build_sam
from models.bundled.sam.dataset import Examples
from models.bundled.thinker.peers import Peers

Batch = list[tuple[Tensor, ...]]


@torch.no_grad()
def whiten_patches(sam: Any, batch: Batch) -> None:
    """Start the patch embedding from the principal components of real patches, each at unit variance."""
    projection = sam.image_encoder.patch_embed.proj
    side, width = projection.weight.shape[-1], projection.weight.shape[0]
    patches = []
    for image, *_ in batch:
        unfolded = functional.unfold(normalised(sam, image)[None], side, stride=side)[0].T
        patches.append(unfolded)
    rows = torch.cat(patches)
    centred = rows - rows.mean(0)
    variance, basis = torch.linalg.eigh(centred.T @ centred / len(rows))
    top, scale = basis[:, -width:], (variance[-width:] + 1e-2 * variance.mean()).rsqrt()
    weight = (top * scale).T
    projection.weight.copy_(weight.view_as(projection.weight))
    projection.bias.copy_(-(weight @ rows.mean(0)))


def normalised(sam: Any, image: Tensor) -> Tensor:
    """An image uint8 [3, h, w] as the encoder takes it: normalised, then padded to a square."""
    return sam.preprocess(image.float())


def forward(sam: Any, batch: Batch, autocast: bool) -> tuple[Tensor, Tensor, Tensor]:
    """Mask logits [N, 1 + LEVELS, m, m] and predicted qualities [N, 1 + LEVELS] of all prompts of a batch.

    And the image embeddings [B, prompt width, grid, grid].
    """
    images = torch.stack([normalised(sam, image) for image, *_ in batch])
    prompts = [_prompts(sam, points, boxes) for _, points, boxes, *_ in batch]
    place = sam.prompt_encoder.get_dense_pe()
    # Only the encoder gains from half precision on a CPU; the small products of the decoder lose.
    with torch.autocast(images.device.type, torch.bfloat16, enabled=autocast):
        embeddings = sam.image_encoder(images)
    embeddings = embeddings.float()
    masks, qualities = [], []
    for embedding, (sparse, dense) in zip(embeddings, prompts, strict=True):
        low, quality = sam.mask_decoder.predict_masks(
            image_embeddings=embedding[None],
            image_pe=place,
            sparse_prompt_embeddings=sparse,
            dense_prompt_embeddings=dense,
        )
        masks.append(low)
        qualities.append(quality)
    return torch.cat(masks), torch.cat(qualities), embeddings


def _prompts(sam: Any, points: Tensor, boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Points [P, 2] and boxes [B, 4] as the decoder takes them, in full precision: short waves need it."""
    labels = torch.ones(len(points), 1, dtype=torch.int, device=points.device)
    at_points, dense = sam.prompt_encoder(points=(points[:, None], labels), boxes=None, masks=None)
    size = sam.prompt_encoder.input_image_size[0]
    drawn = boxes_as_masks(boxes, size, sam.prompt_encoder.mask_input_size[0])
    in_boxes, corrected = sam.prompt_encoder(points=None, boxes=boxes, masks=drawn)
    return torch.cat([at_points, in_boxes]), torch.cat([dense, corrected])


class ExtentHead(nn.Module):
    """Reads the box of the finest element, and of the next finest, off the image embedding at every place.

    It helps in training only: every place of a screen teaches the encoder, not just the few that are asked
    about, and what a mask needs is then there to be read by the decoder.
    """

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.size = shape.image_size
        self.read = nn.Conv2d(shape.prompt_width, 4 * 2 * 5, 1)

    def loss(self, embeddings: Tensor, boxes: Tensor, held: Tensor) -> Tensor:
        """Mean of 1 − generalized IoU where there is an element, and of whether there is one.

        Args:
            embeddings: [B, prompt width, g, g].
            boxes, held: as in ``Example``, [B, 2, 2·g, 2·g, 4] and [B, 2, 2·g, 2·g].
        """
        read = functional.pixel_shuffle(self.read(embeddings), 2)
        read = read.unflatten(1, (2, 5)).permute(0, 1, 3, 4, 2)
        side = read.shape[2]
        place = (torch.arange(side, device=read.device) + 0.5) * (self.size / side)
        centre = torch.stack(torch.meshgrid(place, place, indexing="xy"), -1)
        reach = functional.softplus(read[..., :4]) * 16
        found = torch.cat([centre - reach[..., :2], centre + reach[..., 2:]], -1)[held]
        truth = boxes[held]
        size = (truth[:, 2:] - truth[:, :2]).prod(1)
        weight = size.clamp(min=64).rsqrt()  # a large element is not worth as much as its many places
        wrong = functional.binary_cross_entropy_with_logits(read[..., 4], held.float())
        missed = generalized_box_iou_loss(found, truth)
        return wrong + (missed * weight).sum() / weight.sum().clamp(min=1e-6)


def losses(
    masks: Tensor, qualities: Tensor, targets: Tensor, asked: Tensor, nothing: Tensor
) -> tuple[Tensor, dict[str, float]]:
    """What is wrong with the masks and with the qualities.

    A box has one answer. A point has several, one for each level, and each level is held against the answer
    that comes nearest to it, as in SAM: told which answer to give for which level, points learned at half
    the speed. An answer's quality is its overlap with the level that it meets best.
    """
    in_boxes, at_points = asked[:, 0] & ~nothing, asked[:, 1] & ~nothing
    found, truth = masks[in_boxes, :1], targets[in_boxes, :1]
    box_costs, box_overlaps = costs(found[:, :, None], truth[:, None])
    found, truth = masks[at_points, 1:], targets[at_points, 1:]
    point_costs, point_overlaps = costs(found[:, :, None], truth[:, None])
    wrong = torch.cat([box_costs.flatten(), point_costs.amin(1).mean(1)])
    quality_truth = torch.zeros_like(qualities)
    quality_truth[in_boxes, :1] = box_overlaps.amax(2)
    quality_truth[at_points, 1:] = point_overlaps.amax(2)
    error = (qualities - quality_truth)[asked].pow(2).mean()
    log = {
        "masks": float(wrong.detach().mean()),
        "quality": float(error.detach()),
        "iou_boxes": float(box_overlaps.mean()),
        "iou_points": float(point_overlaps.amax(1).mean()),
    }
    return wrong.mean() + error, log


def costs(logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """How wrong masks are, and their IoU, each of the common shape without the last two dimensions.

    Dice and focal loss as in SAM; the focal loss of a small element counts more than its few pixels would.
    Elements thinner than a mask's pixel cannot be told apart at a threshold: the truth is the covered share.

    Args:
        logits: [..., m, m].
        truth: uint8 [..., m, m], 255 inside.
    """
    covered = truth.float() / 255.0
    share = logits.sigmoid()
    both = (share * covered).sum((-2, -1))
    area = covered.sum((-2, -1))
    dice = 1 - (2 * both + 1) / (share.sum((-2, -1)) + area + 1)
    # Binary cross-entropy with logits, which torch does not broadcast.
    wrong = functional.softplus(logits) - logits * covered
    focal = ((covered - share).square() * wrong).sum((-2, -1))
    focal = focal / ((area + 16) * truth.shape[-1] * truth.shape[-2]).sqrt()
    with torch.no_grad():
        inside, real = logits > 0, truth > 127
        overlap = (inside & real).sum((-2, -1)) / (inside | real).sum((-2, -1)).clamp(min=1)
    return dice + 5 * focal, overlap


def schedule(done: float, warm: float, decay: float) -> float:
    """Share of the learning rate when a share ``done`` of the training is over."""
    return (
        max(min(done / warm, 1.0, (1 - done) / decay), 0.0)
        if warm
        else max(min(1.0, (1 - done) / decay), 0.0)
    )


def parameter_groups(sam: Any, rate: float) -> list[dict[str, Any]]:
    """The patch embedding learns slowly: its many inputs move together and shake it apart."""
    slow = list(sam.image_encoder.patch_embed.parameters())
    kept = {id(p) for p in slow}
    fast = [p for p in sam.parameters() if id(p) not in kept]
    matrices, vectors = [p for p in fast if p.ndim > 1], [p for p in fast if p.ndim <= 1]
    return [
        {"params": matrices, "lr": rate, "weight_decay": 0.02},
        {"params": vectors, "lr": rate, "weight_decay": 0.0},
        {"params": slow, "lr": rate * 0.1, "weight_decay": 0.0},
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add = parser.add_argument
    add("--out", type=Path, required=True)
    add("--start", type=Path, help="checkpoint of another training to go on from with a rate of its own")
    add("--steps", type=int, default=0, help="total steps; or")
    add("--minutes", type=float, default=0.0, help="total minutes, those before a resumption included")
    add("--decay", type=float, default=0.5, help="share of the training in which the rate falls to 0")
    add("--easy", type=float, default=0.3, help="share of the training in which it grows from easy to hard")
    add("--batch", type=int, default=4)
    add("--points", type=int, default=4, help="point prompts a screen")
    add("--boxes", type=int, default=12, help="box prompts a screen")
    add("--rate", type=float, default=1.2e-3)
    add("--seed", type=int, default=0)
    add("--device", default="cpu")
    add("--threads", type=int, default=1)
    add("--workers", type=int, default=0, help="processes that draw; 0 draws in this one")
    fast_half = "AVX512" in torch.backends.cpu.get_cpu_capability()
    add(
        "--autocast", action=argparse.BooleanOptionalAction, default=fast_half, help="bfloat16 in the encoder"
    )
    add("--save-every", type=int, default=100)
    add("--me", type=int, default=0, help="number of this process among --peers")
    add("--peers", type=int, default=1, help="processes that average their weights")
    add("--meet-every", type=int, default=20, help="steps between two averages")
    options = parser.parse_args()
    if bool(options.steps) == bool(options.minutes):
        parser.error("give --steps or --minutes")
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    options.out.mkdir(parents=True, exist_ok=True)

    shape = Shape()
    sam = build_sam(shape).to(options.device).train()
    head = ExtentHead(shape).to(options.device)
    groups = [*parameter_groups(sam, options.rate), {"params": list(head.parameters()), "lr": options.rate}]
    optimizer = torch.optim.AdamW(groups, betas=(0.9, 0.98))
    path = options.out / "sam.pt"
    step, before = 0, 0.0
    if options.start and not path.exists():
        state = torch.load(options.start, weights_only=True, map_location=options.device)
        sam.load_state_dict(state["model"])
        head.load_state_dict(state["head"])
    if path.exists():
        state = torch.load(path, weights_only=True, map_location=options.device)
        sam.load_state_dict(state["model"])
        head.load_state_dict(state["head"])
        optimizer.load_state_dict(state["optimizer"])
        step, before = state["step"], state["seconds"]
    stream = Examples(
        (options.seed * 64 + options.me) * 1_000_003 + step * options.batch,
        shape.image_size,
        shape.grid * 4,
        options.points,
        options.boxes,
    )
    loader = iter(
        torch.utils.data.DataLoader(
            stream, batch_size=None, num_workers=options.workers,
            prefetch_factor=2 * options.batch if options.workers else None,
        )
    )  # fmt: skip
    if step == 0 and not options.start:
        whiten_patches(sam, [_to(next(loader), options.device) for _ in range(24)])
    peers = Peers(options.out / f"meeting-{step}", options.me, options.peers)
    parameters = sum(p.numel() for p in sam.parameters())
    print(json.dumps({"parameters": parameters, "resumed": step, **vars(options)}, default=str), flush=True)
    rates = [group["lr"] for group in groups]
    began, first, means, last = time.monotonic(), step, dict[str, float](), False
    while not last:
        seconds = before + time.monotonic() - began
        done = step / options.steps if options.steps else seconds / (60 * options.minutes)
        share = schedule(done, 0.02, options.decay)
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * share
        stream.ease.fill_(max(0.0, 1 - done / options.easy))
        batch = [_to(next(loader), options.device) for _ in range(options.batch)]
        masks, qualities, embeddings = forward(sam, batch, options.autocast)
        targets, asked, nothing = (torch.cat([example[i] for example in batch]) for i in (3, 4, 5))
        loss, log = losses(masks, qualities, targets, asked, nothing)
        extents = head.loss(embeddings, *(torch.stack([example[i] for example in batch]) for i in (6, 7)))
        log["extents"] = float(extents.detach())
        loss = loss + extents
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_([*sam.parameters(), *head.parameters()], 1.0)
        optimizer.step()
        step += 1
        log |= {"loss": float(loss.detach()), "norm": float(norm)}
        last = step >= options.steps if options.steps else False
        if step % options.meet_every == 0 or last:
            last = last or _meet(peers, [sam, head], options, done)
        for name, value in log.items():
            means[name] = value if name not in means else 0.96 * means[name] + 0.04 * value
        if step % 25 == 0 or last:
            elapsed = time.monotonic() - began
            line = {"step": step, "seconds": round(before + elapsed), "rate": round(share, 3)}
            line["per_second"] = round((step - first) * options.batch / elapsed, 2)
            print(json.dumps(line | {k: round(v, 4) for k, v in means.items()}), flush=True)
        if options.me == 0 and (step % options.save_every == 0 or last):
            _save(path, sam, head, optimizer, step, before + time.monotonic() - began)


def _meet(peers: Peers, modules: list[nn.Module], options: argparse.Namespace, done: float) -> bool:
    """Average with the others; whether this was the last time. Process 0 keeps the clock for all."""
    end = peers.folder / f"last-{peers.meetings}"
    if peers.count == 1:
        return bool(options.minutes) and done >= 1
    if options.me == 0 and options.minutes and done >= 1:
        end.touch()  # before the weights, so that whoever has read those sees it
    peers.average(modules)
    return end.exists()


def _to(example: tuple[Tensor, ...], device: str) -> tuple[Tensor, ...]:
    return tuple(part.to(device) for part in example)


def _save(
    path: Path, sam: Any, head: nn.Module, optimizer: torch.optim.Optimizer, step: int, seconds: float
) -> None:
    """Write a checkpoint beside the old one, then put it in its place."""
    state = {"model": sam.state_dict(), "head": head.state_dict(), "optimizer": optimizer.state_dict()}
    state |= {"step": step, "seconds": seconds}
    torch.save(state, path.with_suffix(".tmp"))
    path.with_suffix(".tmp").replace(path)


if __name__ == "__main__":
    main()
