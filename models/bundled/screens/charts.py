"""Kind *science*: bar, line and pie charts and diagrams, to be read for a value, a trend, a difference."""

from __future__ import annotations

import math
from itertools import pairwise

from models.bundled.screens.board import Board, readable_on
from models.bundled.screens.quantities import list_by_name, list_by_number
from models.bundled.screens.sample import Element, Thought
from models.bundled.screens.words import COLOURS, INTERFACE, NAMES, PLACES, THINGS
from models.bundled.screens.working import subtraction


def draw(board: Board) -> tuple[str, Thought, str, tuple[str, ...]]:
    """Draw a chart or diagram; returns prompt, thinking, answer and suggestions."""
    make = (_bars, _bars, _line, _pie, _diagram)[int(board.rng.integers(5))]
    return make(board)


def _title(board: Board) -> float:
    if board.rng.random() < 0.5:
        return 8.0
    size = float(board.rng.uniform(15, 18))
    word = board.pick(INTERFACE)
    left = (board.width - board.text_width(word, size, True)) / 2
    board.add("title", word, board.text(left, 5, word, size, board.faint, True))
    return size + 12


def _short(board: Board, width: float, size: float) -> str:
    while True:
        word = board.pick([*THINGS, *NAMES, *PLACES])
        if board.text_width(word, size) <= width:
            return word


def _bars(board: Board) -> tuple[str, Thought, str, tuple[str, ...]]:
    rng = board.rng
    top = _title(board)
    size = float(rng.uniform(14, 15))
    count = 3 if board.width < 260 else int(rng.integers(3, 5))
    pitch = (board.width - 12) / count
    base = board.height - size - 12
    board.lines([(6, base), (board.width - 6, base)], board.ink)
    values: list[int] = []
    while len(values) < count:
        value = board.number(10, 999)
        if value not in values:
            values.append(value)
    highest = max(values)
    many = bool(rng.random() < 0.4)
    names = [str(n) for n in rng.permutation(list(COLOURS))]
    pairs: list[tuple[Element, Element]] = []
    for i, value in enumerate(values):
        x = 6 + i * pitch
        height = max(4.0, (base - top - size - 8) * value / highest)
        width = pitch * float(rng.uniform(0.45, 0.6))
        colour = board.shade(names[i if many else 0])
        board.box(x + (pitch - width) / 2, base - height, width, height, colour)
        text = str(value)
        number_x = x + (pitch - board.text_width(text, size)) / 2
        number = board.text(number_x, base - height - size - 5, text, size)
        label = _short(board, pitch - 5, size)
        label_box = board.text(x + (pitch - board.text_width(label, size)) / 2, base + 4, label, size)
        pairs.append((board.add("label", label, label_box, value=text), board.add("value", text, number)))
    order = rng.permutation(count)
    first, second = pairs[order[0]], pairs[order[1]]
    if int(first[1].text) < int(second[1].text):
        first, second = second, first
    a, b = first[0].text, second[0].text
    prompts = (f"What is the value of {a}?", "Which bar is the highest?", f"How much higher is {a} than {b}?")
    task = int(rng.integers(3))
    thought = board.thought()
    (list_by_number if task == 1 else list_by_name)(thought, "The bars are ", pairs)
    if task == 0:
        thought.say(f". {a} {first[1].text}.")
        return prompts[0], thought, first[1].text, prompts
    if task == 1:
        label_, number_ = max(pairs, key=lambda p: int(p[1].text))
        thought.say(f". The largest is {number_.text} {label_.text}.")
        return prompts[1], thought, f"{label_.text}, {number_.text}", prompts
    x_, y_ = int(first[1].text), int(second[1].text)
    thought.say(f". {a} {x_}, {b} {y_}. " + subtraction(x_, y_))
    return prompts[2], thought, str(x_ - y_), prompts


def _line(board: Board) -> tuple[str, Thought, str, tuple[str, ...]]:
    rng = board.rng
    top = _title(board)
    size = float(rng.uniform(14, 16.5))
    count = int(rng.integers(3, 5))
    shape = board.one_of("rises", "falls", "rises then falls", "falls then rises")
    values = _trend(board, shape, count)
    left, right, base = 24.0, board.width - 26.0, board.height - 14.0
    span = max(values) - min(values)
    board.lines([(8, top), (8, base + 6), (board.width - 6, base + 6)], board.line, 1.2)
    points = [
        (
            left + (right - left) * i / (count - 1),
            base - 6 - (base - top - size - 20) * (v - min(values)) / span,
        )
        for i, v in enumerate(values)
    ]
    colour = board.shade(str(rng.choice(list(COLOURS))))
    board.lines(points, colour, 1.8)
    marks: list[Element] = []
    for value, (x, y) in zip(values, points, strict=True):
        board.disc(x, y, 3.5, colour)
        text = str(value)
        width = board.text_width(text, size)
        at = min(max(x - width / 2, 11), board.width - width - 4)
        # On a plate, so that the line never strikes a number through.
        board.box(at - 2, y - size - 7, width + 4, size + 2, board.ground)
        marks.append(board.add("value", text, board.text(at, y - size - 7, text, size)))
    thought = board.thought().say("The points are ")
    for i, mark in enumerate(marks):
        thought.say(", " if i else "").read(mark.text, mark)
    thought.say(f". The line {shape}.")
    prompts = ("What is the trend?", "Where does the line start and end?", "What is the highest point?")
    task = int(rng.integers(3))
    answers = (
        f"{shape}, from {values[0]} to {values[-1]}",
        f"{values[0]}, {values[-1]}",
        str(max(values)),
    )
    return prompts[task], thought, answers[task], prompts


def _trend(board: Board, shape: str, count: int) -> list[int]:
    numbers = sorted(int(v) for v in board.rng.choice(range(10, 1000), count, replace=False))
    while any(b - a < 25 for a, b in pairwise(numbers)):
        numbers = sorted(int(v) for v in board.rng.choice(range(10, 1000), count, replace=False))
    if shape == "rises":
        return numbers
    if shape == "falls":
        return numbers[::-1]
    turn = int(board.rng.integers(1, count - 1))
    kept = board.rng.permutation(numbers[:-1] if shape == "rises then falls" else numbers[1:])
    before, after = sorted(int(v) for v in kept[:turn]), sorted(int(v) for v in kept[turn:])
    if shape == "rises then falls":
        return [*before, numbers[-1], *after[::-1]]
    return [*before[::-1], numbers[0], *after]


def _pie(board: Board) -> tuple[str, Thought, str, tuple[str, ...]]:
    rng = board.rng
    top = _title(board)
    size = float(rng.uniform(14, 16))
    count = int(rng.integers(3, 5))
    names = [str(n) for n in rng.permutation(list(COLOURS))[:count]]
    shares = _shares(board, count)
    radius = min(board.width * 0.27, (board.height - top) * 0.42)
    wide = board.width > board.height
    cx, cy = radius + 8, top + radius + 4
    legend_x = cx + radius + 14 if wide or board.width - 2 * radius > 90 else 10
    legend_y = top + 8 if legend_x > 20 else cy + radius + 6
    angle = float(rng.uniform(0, 360))
    slices: list[Element] = []
    for name, share in zip(names, shares, strict=True):
        colour = board.shade(name)
        end = angle + share * 3.6
        arc = [math.radians(angle + (end - angle) * t / 24) for t in range(25)]
        points = [(cx, cy), *((cx + radius * math.cos(t), cy + radius * math.sin(t)) for t in arc)]
        board.polygon(points, colour)
        middle = math.radians((angle + end) / 2)
        text = str(share)
        x = cx + radius * 0.62 * math.cos(middle) - board.text_width(text, size, True) / 2
        y = cy + radius * 0.62 * math.sin(middle) - size * 0.6
        box = board.text(x, y, text, size, readable_on(colour), bold=True)
        slices.append(board.add("slice", text, box, colour=name))
        angle = end
    entries: list[Element] = []
    pitch = min(28.0, (board.height - legend_y - 4) / count)
    order = rng.permutation(count)
    for i, index in enumerate(order):
        y = legend_y + i * pitch
        word = _short(board, board.width - legend_x - 22, size)
        swatch = board.box(legend_x, y + 2, 12, 12, board.shade(names[index]))
        label = board.text(legend_x + 18, y, word, size)
        box = (swatch[0], min(swatch[1], label[1]), label[0] + label[2] - swatch[0], max(swatch[3], label[3]))
        entries.append(board.add("label", word, box, colour=names[index]))
    pick = int(rng.integers(count))
    entry, slice_ = entries[pick], slices[int(order[pick])]
    thought = board.thought().say("I see ")
    for i, other in enumerate(entries):
        thought.say(", " if i else "").read(f"{other.text} in {other.colour}", other)
    thought.say(f". {entry.text} in {entry.colour}. The {entry.colour} slice shows ")
    thought.read(slice_.text, slice_).say(".")
    prompts = tuple(f"What is the share of {e.text}?" for e in entries)
    return prompts[pick], thought, slice_.text, prompts


def _shares(board: Board, count: int) -> list[int]:
    """Different whole percentages of at least 14 that sum to 100."""
    while True:
        cuts = sorted(int(c) for c in board.rng.integers(14, 87, count - 1))
        shares = [b - a for a, b in zip([0, *cuts], [*cuts, 100], strict=True)]
        if min(shares) >= 14 and len(set(shares)) == count:
            return shares


def _diagram(board: Board) -> tuple[str, Thought, str, tuple[str, ...]]:
    rng = board.rng
    top = _title(board)
    size = float(rng.uniform(14, 17))
    count = 4 if board.height >= 224 else 3
    forward = bool(rng.random() < 0.5)
    pitch = (board.height - top - 4) / count
    boxes: list[Element] = []
    radius = float(rng.uniform(0, 8))
    left = float(rng.uniform(8, 40))
    for i in range(count):
        word = _short(board, board.width - left - 60, size)
        width = board.text_width(word, size) + 24
        x = left + float(rng.uniform(0, max(1, min(30, board.width - left - width - 8))))
        y = top + i * pitch
        box = board.box(x, y, width, size + 11, board.card, board.ink, radius)
        board.text(x + 12, y + 4, word, size)
        boxes.append(board.add("box", word, box))
    x = left + 44
    direction = "down" if forward else "up"
    arrows: list[Element] = []
    for i in range(count - 1):
        y0, y1 = top + i * pitch + size + 13, top + (i + 1) * pitch - 3
        tip, tail = (y1, y0) if forward else (y0, y1)
        back = (-1 if forward else 1) * min(10.0, abs(y1 - y0) * 0.6)
        board.lines([(x, tail), (x, tip + back / 2)], board.ink, 1.5)
        head = board.polygon([(x, tip), (x - 8, tip + back), (x + 8, tip + back)], board.ink)
        arrows.append(board.add(f"{direction} arrow", "", head))
    thought = board.thought().say("The arrows point ").read(direction, *arrows).say(". The order is ")
    chain = boxes if forward else boxes[::-1]
    for i, element in enumerate(chain):
        thought.say(", " if i else "").read(element.text, element)
    at = int(rng.integers(count - 1))
    thought.say(f". After {chain[at].text}, {chain[at + 1].text}.")
    prompts = tuple(f"What comes after {e.text}?" for e in chain[:-1])
    return prompts[at], thought, chain[at + 1].text, prompts
