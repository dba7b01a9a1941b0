"""The recipe of the bundled SAM: scenes know their masks, and training makes masks better."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sam_checkpoints import TINY_SHAPE

from models.bundled.sam.architecture import Shape, build_sam
from models.bundled.sam.canvas import Canvas
from models.bundled.sam.dataset import (
    LEVELS,
    Examples,
    Screen,
    draw_screen,
    framed,
    prompts,
    with_proposals,
)
from models.bundled.sam.recorded import recorded
from models.bundled.sam.scenes import scene
from models.bundled.sam.train import (
    ExtentHead,
    forward,
    losses,
    parameter_groups,
    schedule,
    whiten_patches,
)
from models.bundled.screens import KINDS, generate
from models.sam_checkpoint import BUNDLED
from models.segment_bench import bench_segment
from models.segmenters import DEFAULT

SEEDS = range(30, 36)


def draw(canvas: Canvas, role: str, box: tuple[int, int, int, int], parent: int = -1) -> int:
    """A thing in a grey of its own; text as stripes."""
    x0, y0, x1, y1 = box
    shade = 90 + 50 * len(canvas.things) % 160
    canvas.image[y0:y1, x0 : x1 : 2 if role == "text" else 1] = shade if role != "text" else 255
    return canvas.note(role, box, parent=parent)


def unasked(canvas: Canvas) -> Screen:
    """A screen on which nothing is proposed."""
    return Screen(canvas, np.zeros((0, 4)), np.zeros(0, int))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_scene_is_the_same_each_time_and_knows_its_masks(seed: int) -> None:
    first, second = scene(seed, 256), scene(seed, 256)
    assert np.array_equal(first.image, second.image)
    assert max(first.image.shape[:2]) == 256
    assert first.image.dtype == np.uint8
    for (i, thing), (_, again) in zip(first.visible(), second.visible(), strict=True):
        x0, y0, x1, y1 = thing.box
        assert thing.mask.shape == (y1 - y0, x1 - x0)
        assert 0 <= x0 < x1 <= first.width
        assert 0 <= y0 < y1 <= first.height
        assert thing.parent < i
        assert np.array_equal(thing.mask, again.mask)


def test_what_is_covered_is_not_seen() -> None:
    canvas = Canvas(np.zeros((60, 60, 3), np.uint8))
    draw(canvas, "card", (10, 10, 30, 30))
    draw(canvas, "text", (50, 50, 70, 58))
    canvas.cover((20, 0, 60, 40), np.ones((40, 40), bool), len(canvas.things))
    things = dict(canvas.visible())
    assert things[0].mask.sum() == 200
    assert things[1].box == (50, 50, 60, 58), "cut at the edge"
    canvas.cover((0, 0, 60, 40), np.ones((40, 60), bool), 1)
    assert 0 not in dict(canvas.visible())


def test_what_does_not_stand_out_is_no_element() -> None:
    canvas = Canvas(np.full((60, 60, 3), 100, np.uint8))
    faint = canvas.note("text", (5, 5, 40, 15))
    canvas.image[5:15, 5:40:3] = 130
    clear = canvas.note("text", (5, 20, 40, 30))
    canvas.image[20:30, 5:40:3] = 200
    level = canvas.note("card", (30, 32, 60, 60))
    canvas.image[32:60, 30:60] = 104
    framed_card = canvas.note("card", (2, 32, 28, 58))
    canvas.image[32:58, [2, 27]] = canvas.image[[32, 57], 2:28] = 140
    table = canvas.note("table", (0, 0, 58, 31))
    assert set(dict(canvas.visible())) == {clear, framed_card, table}
    assert faint not in dict(canvas.visible())
    assert level not in dict(canvas.visible())


@pytest.mark.parametrize("kind", KINDS)
def test_a_recorded_screen_is_the_generators_own_with_the_masks_of_its_words(kind: str) -> None:
    canvas, sample = recorded(kind, 17, 2.0), generate(kind, 17, ratio=2.0)
    assert np.array_equal(canvas.image, sample.image)
    things = [thing for _, thing in canvas.visible()]
    assert len(things) >= 3
    for word in sample.words:
        cx, cy = word.bbox[0] + word.bbox[2] / 2, word.bbox[1] + word.bbox[3] / 2
        assert any(t.box[0] <= cx < t.box[2] and t.box[1] <= cy < t.box[3] for t in things), word.text


def test_prompts_have_the_answers_that_they_ask_for() -> None:
    rng = np.random.default_rng(1)
    screen = framed(rng, with_proposals(draw_screen(rng, 3)), 256)
    example = prompts(rng, screen, 64, 12, 8)
    assert example is not None
    assert example.targets.shape == (20, 1 + LEVELS, 64, 64)
    assert (example.asked[:12] == [False, True, True, True]).all(), "a point has an answer for each level"
    assert (example.asked[12:] == [True, False, False, False]).all(), "a box has one"
    assert (example.targets.any((1, 2, 3)) ^ example.nothing).all()
    for i in np.flatnonzero(~example.nothing[:12]):
        areas = (example.targets[i, 1:] > 127).sum((1, 2))
        assert areas[0] <= areas[1], "the finest comes first"
        x, y = (example.points[i] / 4).astype(int)
        assert example.targets[i, 1, max(y - 1, 0) : y + 2, max(x - 1, 0) : x + 2].max() > 0
    for i in np.flatnonzero(~example.nothing[12:]):
        rows, columns = np.nonzero(example.targets[12 + i, 0] > 127)
        x0, y0, x1, y1 = example.boxes[i] / 4
        assert abs(columns.mean() - (x0 + x1) / 2) < 0.3 * (x1 - x0) + 3
        assert abs(rows.mean() - (y0 + y1) / 2) < 0.3 * (y1 - y0) + 3


def test_proposals_are_asked_about_with_the_element_that_they_mean() -> None:
    canvas = Canvas(np.full((200, 256, 3), 250, np.uint8))
    icon = draw(canvas, "icon", (40, 40, 70, 70))
    canvas.image[120:150, 40:100] = 30  # drawn, but not noted: there is nothing to be found here
    screen = with_proposals(canvas)
    mine = screen.boxes[screen.meant == icon]
    others = screen.boxes[screen.meant == -1]
    assert len(mine)
    assert np.abs(mine - (40, 40, 70, 70)).max() <= 6
    assert any(np.abs(box - (40, 120, 100, 150)).max() <= 3 for box in others)
    for seed in range(6):
        shown = framed(np.random.default_rng(seed), screen, 256)
        things = dict(shown.canvas.visible())
        for box, meant in zip(shown.boxes, shown.meant, strict=True):
            assert meant < 0 or np.abs(box - things[meant].box).max() <= 12, "however it was cut and turned"
    example = prompts(np.random.default_rng(2), screen, 64, 0, 40)
    assert example is not None
    assert 0.3 < example.nothing.mean() < 0.7


def test_every_place_knows_the_box_of_the_finest_element_there_and_of_the_next() -> None:
    canvas = Canvas(np.zeros((64, 64, 3), np.uint8))
    card = draw(canvas, "card", (8, 8, 56, 40))
    draw(canvas, "text", (16, 16, 40, 24), card)
    example = prompts(np.random.default_rng(1), unasked(canvas), 32, 3, 2)
    assert example is not None
    assert example.extents.shape == (2, 16, 16, 4)
    assert example.extents[0, 4, 4].tolist() == [16, 16, 40, 24]
    assert example.extents[1, 4, 4].tolist() == [8, 8, 56, 40]
    assert example.extents[0, 8, 12].tolist() == [8, 8, 56, 40]
    assert example.held[:, 4, 4].all()
    assert example.held[:, 8, 12].tolist() == [True, False]
    assert not example.held[:, 0, 0].any()


def test_boxes_are_read_off_the_embedding_better_and_better() -> None:
    torch.manual_seed(0)
    head = ExtentHead(Shape.from_json(TINY_SHAPE))
    side, size = TINY_SHAPE["image_size"] // TINY_SHAPE["patch"], TINY_SHAPE["image_size"]
    embedding = torch.randn(1, TINY_SHAPE["prompt_width"], side, side)
    boxes = torch.tensor([0.0, 0.0, size, size]).expand(1, 2, 2 * side, 2 * side, 4)
    held = torch.ones(boxes.shape[:-1], dtype=torch.bool)
    optimizer = torch.optim.AdamW(head.parameters(), lr=0.1)
    values = []
    for _ in range(30):
        loss = head.loss(embedding, boxes, held)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(float(loss.detach()))
    assert values[-1] < 0.5 * values[0]


def test_an_easy_start_asks_for_large_elements() -> None:
    canvas = Canvas(np.zeros((256, 256, 3), np.uint8))
    draw(canvas, "window", (100, 100, 240, 240))
    for i in range(8):
        draw(canvas, "icon", (4 + 12 * i, 4, 12 + 12 * i, 12))

    def share(ease: float) -> float:
        example = prompts(np.random.default_rng(5), unasked(canvas), 64, 60, 0, ease)
        assert example is not None
        asked = example.points[~example.nothing]
        return float((asked[:, 1] > 50).mean())

    assert share(1.0) > share(0.0) + 0.1


def test_a_stream_of_examples_repeats_for_its_seed_alone() -> None:
    def first(seed: int) -> torch.Tensor:
        return next(iter(Examples(seed, 128, 32, 4, 4)))[0]

    assert torch.equal(first(5), first(5))
    other = first(900)
    assert other.shape != first(5).shape or not torch.equal(other, first(5))


def test_a_few_steps_make_masks_better() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    shape = Shape.from_json(TINY_SHAPE)
    sam = build_sam(shape).train()
    stream = iter(Examples(11, shape.image_size, shape.grid * 4, 5, 5))
    batch = [next(stream) for _ in range(3)]
    whiten_patches(sam, batch)
    optimizer = torch.optim.AdamW(parameter_groups(sam, 3e-3))
    targets, asked, nothing = (torch.cat([example[i] for example in batch]) for i in (3, 4, 5))
    values = []
    for _ in range(12):
        masks, qualities, _ = forward(sam, batch, autocast=False)
        loss, log = losses(masks, qualities, targets, asked, nothing)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(float(loss.detach()))
    assert values[-1] < 0.7 * values[0]
    assert set(log) == {"masks", "quality", "iou_boxes", "iou_points"}


def test_each_level_of_a_point_is_held_against_the_answer_that_comes_nearest_to_it() -> None:
    random = np.random.default_rng(4)
    truth = torch.from_numpy((random.random((1, 1 + LEVELS, 8, 8)) > 0.5).astype(np.uint8) * 255)
    right = (truth.float() / 255 - 0.5) * 40
    turned = right[:, [0, 3, 1, 2]]
    asked = torch.tensor([[False, True, True, True]])
    some, none = torch.tensor([False]), torch.tensor([True])
    certain, doubtful = torch.tensor([[0.0, 1.0, 1.0, 1.0]]), torch.full((1, 1 + LEVELS), 0.25)
    for masks in (right, turned):
        loss, log = losses(masks, certain, truth, asked, some)
        assert float(loss) == pytest.approx(0, abs=1e-3)
        assert log["iou_points"] == 1
    assert float(losses(right, doubtful, truth, asked, some)[0]) == pytest.approx(0.75**2, abs=1e-3)
    assert float(losses(-right, certain, truth, asked, some)[0]) > 3
    with_nothing = torch.cat([right, right]), torch.cat([certain, doubtful]), torch.cat([truth, truth * 0])
    loss, _ = losses(*with_nothing, torch.cat([asked, asked]), torch.cat([some, none]))
    assert float(loss) == pytest.approx(0.25**2 / 2, abs=1e-3), "where nothing is, only the quality counts"


def test_the_rate_warms_up_and_falls_to_nothing() -> None:
    assert schedule(0.0, 0.02, 0.5) == 0
    assert schedule(0.3, 0.02, 0.5) == 1
    assert schedule(0.75, 0.02, 0.5) == pytest.approx(0.5)
    assert schedule(1.2, 0.02, 0.5) == 0


def test_the_bundled_weights_are_small_and_have_a_card() -> None:
    assert (BUNDLED / "model.safetensors").stat().st_size <= 12 * 2**20
    assert (BUNDLED / "README.md").is_file()
    assert (Path(__file__).parents[3] / "models/bundled/sam/train.log").is_file()


def test_the_bundled_sam_is_the_default_and_finds_more_than_opencv_on_held_out_screens() -> None:
    assert DEFAULT == "sam"
    rows = bench_segment(["opencv", "sam"], 12)["segmenters"]
    assert rows["sam"]["mean_best_iou"] > rows["opencv"]["mean_best_iou"] + 0.02
    assert rows["sam"]["recall_50"] > rows["opencv"]["recall_50"] + 0.02
