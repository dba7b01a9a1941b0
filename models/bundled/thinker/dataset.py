"""Training rows of the bundled thinker: what it is shown, what it should write, and hints for its eyes.

A *hint* says what can be seen in one visual token's cell: the tokens of a word drawn there, its colour, its
role, the value that belongs to it. Without them reading does not start (docs/how-it-works.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as tvf
from transformers import PreTrainedTokenizerFast
from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize

from models.bundled.screens import HELD_OUT, KINDS, Sample, generate
from models.bundled.screens.sample import Box
from models.bundled.screens.wall import generate_wall
from models.bundled.thinker.drills import draw_drill

CELL = 32
PATCH = 16
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
MIN_PIXELS, MAX_PIXELS = 16 * CELL * CELL, 70 * CELL * CELL
TEXT_SLOTS, VALUE_SLOTS = 6, 7
SLOTS = TEXT_SLOTS + VALUE_SLOTS + 2
_VALUE = TEXT_SLOTS
_COLOUR = _VALUE + VALUE_SLOTS
_ROLE = _COLOUR + 1
PLACES = 6
"""Where a thing lies seen from a cell: upper or lower half, times left of it, inside, right of it."""
PREFIX = "<|im_start|>user\n<|vision_start|>"
_IGNORED = -100

Hint = tuple[int, int, int, int]
"""cell, place, slot, token"""


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One screen ready for training: image uint8 [h, w, 3] at the size the model reads."""

    wall: bool
    image: np.ndarray
    tokens: list[int]
    prompt_tokens: int
    hints: list[Hint]
    letters: list[tuple[int, int, int]]


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Rows of one image size.

    Attributes:
        wall: these are walls of words, with nothing to write about.
        images: uint8 [B, h, w, 3]; grid: (rows, columns) in patches of 16 pixels, None for a drill.
        input_ids: int64 [B, T], right-padded; targets: the next token of each position or -100.
        image_start: index of the first image token; keep_from: the earliest position with a target.
        hints: int64 [K, 5]: row, cell, place, slot, token.
        letters: int64 [J, 4]: row, patch (in the model's order), half of the patch, letter.
    """

    wall: bool
    images: torch.Tensor
    grid: tuple[int, int] | None
    input_ids: torch.Tensor
    targets: torch.Tensor
    image_start: int
    keep_from: int
    hints: torch.Tensor
    letters: torch.Tensor


def resize(image: np.ndarray) -> np.ndarray:
    """The screen at the size the bundled processor gives it: the same rule and the same filter."""
    height, width = image.shape[:2]
    size = smart_resize(height, width, factor=CELL, min_pixels=MIN_PIXELS, max_pixels=MAX_PIXELS)
    pixels = torch.from_numpy(image).permute(2, 0, 1)
    small = tvf.resize(pixels, list(size), InterpolationMode.BICUBIC, antialias=True)
    return small.permute(1, 2, 0).numpy()


def make_row(sample: Sample, tokenizer: PreTrainedTokenizerFast) -> Row:
    """Prepare one screen."""
    image = resize(sample.image)
    cells = (image.shape[0] // CELL) * (image.shape[1] // CELL)
    head = _encode(tokenizer, PREFIX)
    ask = _encode(tokenizer, f"<|vision_end|>{sample.prompt}<|im_end|>\n<|im_start|>assistant\n<think>\n")
    write = _encode(tokenizer, f"{sample.thinking}\n</think>\n\n{sample.answer}<|im_end|>")
    image_token = _encode(tokenizer, "<|image_pad|>")
    prompt = [*head, *(image_token * cells), *ask]
    hints, letters = _hints(sample, image, tokenizer), _letters(sample, image)
    return Row(sample.kind == "wall", image, prompt + write, len(prompt), hints, letters)


def _encode(tokenizer: PreTrainedTokenizerFast, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False).input_ids)


def _hints(sample: Sample, image: np.ndarray, tokenizer: PreTrainedTokenizerFast) -> list[Hint]:
    scale_x = image.shape[1] / sample.image.shape[1]
    scale_y = image.shape[0] / sample.image.shape[0]
    rows, columns = image.shape[0] // CELL, image.shape[1] // CELL
    hints: list[Hint] = []

    def note(box: Box, slot: int, tokens: list[int]) -> None:
        x, y, w, h = box[0] * scale_x, box[1] * scale_y, box[2] * scale_x, box[3] * scale_y
        centre_x, centre_y = (x + w / 2) / CELL, (y + h / 2) / CELL
        row = min(max(int(centre_y), 0), rows - 1)
        half = int(centre_y - row >= 0.5)
        for column in range(max(int(x / CELL), 0), min(int((x + w) / CELL), columns - 1) + 1):
            overlap = min((column + 1) * CELL, x + w) - max(column * CELL, x)
            inside = column <= centre_x < column + 1
            if inside or overlap >= 0.35 * CELL:
                side = 1 if inside else (0 if centre_x < column else 2)
                cell, place = row * columns + column, half * 3 + side
                hints.extend((cell, place, slot + i, token) for i, token in enumerate(tokens))

    for word in sample.words:
        note(word.bbox, 0, _encode(tokenizer, word.text)[:TEXT_SLOTS])
    for element in sample.elements:
        anchor = _anchor(element.bbox, element.text, sample)
        note(anchor, _ROLE, _encode(tokenizer, " " + element.role)[:1])
        if element.colour:
            note(anchor, _COLOUR, _encode(tokenizer, " " + element.colour)[:1])
        if element.value:
            note(anchor, _VALUE, _encode(tokenizer, element.value)[:VALUE_SLOTS])
    return hints


def _letters(sample: Sample, image: np.ndarray) -> list[tuple[int, int, int]]:
    """Which letter has its centre in which half of which patch."""
    scale_x = image.shape[1] / sample.image.shape[1]
    scale_y = image.shape[0] / sample.image.shape[0]
    rows, columns = image.shape[0] // PATCH, image.shape[1] // PATCH
    found = []
    for word in sample.words:
        row = int((word.bbox[1] + word.bbox[3] / 2) * scale_y / PATCH)
        for x, letter in zip(word.letters, word.text, strict=True):
            column = x * scale_x / PATCH
            if letter in ALPHABET and 0 <= row < rows and 0 <= column < columns:
                # The model's order: cells row by row, and the four patches of a cell together.
                cell = row // 2 * (columns // 2) + int(column) // 2
                patch = cell * 4 + row % 2 * 2 + int(column) % 2
                found.append((patch, int(column % 1 >= 0.5), ALPHABET.index(letter)))
    return found


def _anchor(box: Box, text: str, sample: Sample) -> Box:
    """Where an element's first word stands, so that all that is said of it hangs together; else its box."""
    if text:
        first = text.split(" ")[0]
        for word in sample.words:
            x, y = word.bbox[0] + word.bbox[2] / 2, word.bbox[1] + word.bbox[3] / 2
            if word.text == first and box[0] <= x <= box[0] + box[2] and box[1] <= y <= box[1] + box[3]:
                return word.bbox
    return box


def collate(rows: list[Row], pad: int) -> Batch:
    """Stack rows of one image size."""
    length = -(-max(len(r.tokens) for r in rows) // 8) * 8
    ids = torch.full((len(rows), length), pad, dtype=torch.long)
    targets = torch.full((len(rows), length), _IGNORED, dtype=torch.long)
    hints: list[tuple[int, ...]] = []
    letters: list[tuple[int, ...]] = []
    for i, row in enumerate(rows):
        tokens = torch.tensor(row.tokens)
        ids[i, : len(tokens)] = tokens
        targets[i, row.prompt_tokens - 1 : len(tokens) - 1] = tokens[row.prompt_tokens :]
        hints.extend((i, *hint) for hint in row.hints)
        letters.extend((i, *letter) for letter in row.letters)
    height, width = rows[0].image.shape[:2]
    image_start = 4
    return Batch(
        wall=rows[0].wall,
        images=torch.from_numpy(np.stack([r.image for r in rows])),
        grid=(height // 16, width // 16),
        input_ids=ids,
        targets=targets,
        image_start=image_start,
        keep_from=image_start + (height // CELL) * (width // CELL),
        hints=torch.tensor(hints, dtype=torch.long).view(-1, 5),
        letters=torch.tensor(letters, dtype=torch.long).view(-1, 4),
    )


def drill_batch(rng: np.random.Generator, tokenizer: PreTrainedTokenizerFast, size: int) -> Batch:
    """Text-only exercises; only the parts to predict have targets."""
    rows: list[tuple[list[int], list[bool]]] = []
    for _ in range(size):
        ids = _encode(tokenizer, "<|im_start|>assistant\n<think>\n")
        wanted = [False] * len(ids)
        for text, predict in draw_drill(rng):
            more = _encode(tokenizer, text)
            ids += more
            wanted += [predict] * len(more)
        rows.append((ids, wanted))
    length = -(-max(len(ids) for ids, _ in rows) // 8) * 8
    inputs = torch.full((size, length), tokenizer.pad_token_id, dtype=torch.long)
    targets = torch.full((size, length), _IGNORED, dtype=torch.long)
    for i, (ids, wanted) in enumerate(rows):
        tokens = torch.tensor(ids)
        inputs[i, : len(ids)] = tokens
        targets[i, : len(ids) - 1] = torch.where(torch.tensor(wanted)[1:], tokens[1:], _IGNORED)
    none = torch.zeros(0, 5, dtype=torch.long)
    images = torch.zeros(size, 0, 0, 3, dtype=torch.uint8)
    return Batch(False, images, None, inputs, targets, 0, 0, none, none[:, :4])


class Screens(torch.utils.data.IterableDataset):
    """An endless stream of batches of freshly drawn screens; batch ``n`` of a seed is always the same.

    Args:
        tokenizer: of the thinker.
        batch: rows in a batch.
        seed: source of all choices.
        novel: share of screens on which some words are made up.
        walls: share of batches that are walls of words, for training eyes alone.
        drills: text-only exercises for each batch of screens (three times as many rows).
    """

    def __init__(
        self,
        tokenizer: PreTrainedTokenizerFast,
        batch: int,
        seed: int,
        novel: float = 0.0,
        walls: float = 0.0,
        drills: float = 0.0,
    ) -> None:
        self.tokenizer, self.batch, self.seed, self.novel = tokenizer, batch, seed, novel
        self.walls, self.drills = walls, drills

    def __iter__(self) -> Iterator[Batch]:
        torch.set_num_threads(1)
        info = torch.utils.data.get_worker_info()
        worker = info.id if info else 0
        rng = np.random.default_rng([self.seed, worker])
        waiting: dict[tuple[bool, tuple[int, ...]], list[Row]] = {}
        while True:
            novel = 0.5 if rng.random() < self.novel else 0.0
            seed = int(rng.integers(HELD_OUT // 2))
            if rng.random() < self.walls:
                sample = generate_wall(seed, novel)
            else:
                sample = generate(str(rng.choice(KINDS)), seed, novel=novel)
            row = make_row(sample, self.tokenizer)
            rows = waiting.setdefault((row.wall, row.image.shape), [])
            rows.append(row)
            if len(rows) == self.batch:
                yield collate(rows, self.tokenizer.pad_token_id)
                rows.clear()
                if rng.random() < self.drills:
                    yield drill_batch(rng, self.tokenizer, 3 * self.batch)
