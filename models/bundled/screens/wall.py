"""A wall of words, numbers and shapes: nothing to ask about, much to read. For training eyes only.

A screen shows about ten words; a wall of the same size shows about forty, so that reading is learned from
a quarter of the images.
"""

from __future__ import annotations

import numpy as np

from models.bundled.screens.board import Board, readable_on
from models.bundled.screens.desktops import draw_shape
from models.bundled.screens.fonts import FAMILIES
from models.bundled.screens.sample import Sample
from models.bundled.screens.words import COLOURS, SHAPES


def generate_wall(seed: int, novel: float = 0.0) -> Sample:
    """Draw a wall; it has no prompt, thinking or answer."""
    rng = np.random.default_rng([99, seed])
    board = Board(rng, None, novel)
    y = float(rng.uniform(2, 10))
    while True:
        size = float(rng.choice([rng.uniform(13.5, 16.5), rng.uniform(16.5, 24)], p=[0.75, 0.25]))
        board.family = str(rng.choice(list(FAMILIES)))
        style = str(rng.choice(["plain", "pairs", "chips", "shapes"], p=[0.5, 0.22, 0.16, 0.12]))
        tall = {"shapes": float(rng.uniform(40, 54)), "chips": size * 1.9}
        height = tall.get(style, size * 1.3)
        if y + height > board.height:
            break
        {"plain": _plain, "pairs": _pairs, "chips": _chips, "shapes": _shapes}[style](board, y, size, height)
        y += height + float(rng.uniform(0, 9))
    return Sample(
        "wall", seed, board.image, "", "", "", tuple(board.elements), (), tuple(board.words)
    )  # fmt: skip


def _word(board: Board) -> str:
    return str(board.number()) if board.rng.random() < 0.5 else board.any_word()


def _plain(board: Board, y: float, size: float, _height: float) -> None:
    bold = bool(board.rng.random() < 0.35)
    ink = (board.ink, board.faint, board.link)[int(board.rng.choice(3, p=[0.6, 0.25, 0.15]))]
    x = float(board.rng.uniform(3, 20))
    while x + board.text_width(word := _word(board), size, bold) < board.width - 3:
        board.text(x, y, word, size, ink, bold)
        x += board.text_width(word, size, bold) + float(board.rng.uniform(5, 26))


def _pairs(board: Board, y: float, size: float, _height: float) -> None:
    x = float(board.rng.uniform(3, 20))
    while True:
        label, value = board.any_word(), str(board.number())
        gap = float(board.rng.uniform(12, 60))
        end = x + board.text_width(label, size) + gap + board.text_width(value, size, True)
        if end > board.width - 3:
            return
        board.add("label", label, board.text(x, y, label, size), value=value)
        board.text(x + board.text_width(label, size) + gap, y, value, size, bold=True)
        x = end + float(board.rng.uniform(24, 40))


def _chips(board: Board, y: float, size: float, height: float) -> None:
    x = float(board.rng.uniform(3, 20))
    while x + board.text_width(word := _word(board), size, True) + 16 < board.width - 3:
        width = board.text_width(word, size, True) + 14
        name = str(board.rng.choice(list(COLOURS)))
        fill = board.shade(name)
        board.box(x, y, width, height, fill, radius=float(board.rng.uniform(0, 8)))
        box = board.text(x + 7, y + height / 2 - size * 0.62, word, size, readable_on(fill), True)
        board.add("slice", word, box, colour=name)
        x += width + float(board.rng.uniform(4, 20))


def _shapes(board: Board, y: float, _size: float, height: float) -> None:
    x = float(board.rng.uniform(3, 20)) + height / 2
    while x + height / 2 < board.width:
        name, shape = str(board.rng.choice(list(COLOURS))), str(board.rng.choice(SHAPES))
        radius = height / 2 * float(board.rng.uniform(0.75, 0.95))
        box = draw_shape(board, shape, x, y + height / 2, radius, board.shade(name))
        board.add(shape, "", box, colour=name)
        x += height + float(board.rng.uniform(4, 30))
