"""Kind *general*: shapes and desktop icons: what is where, how many, which colour."""

from __future__ import annotations

import math

from models.bundled.screens.board import Board, Colour, readable_on
from models.bundled.screens.sample import Box, Element, Thought
from models.bundled.screens.words import COLOURS, INTERFACE, SHAPES


def draw(board: Board) -> tuple[str, Thought, str, tuple[str, ...]]:
    """Draw shapes or a desktop; returns prompt, thinking, answer and suggestions."""
    return (_shapes if board.rng.random() < 0.5 else _icons)(board)


def _shapes(board: Board) -> tuple[str, Thought, str, tuple[str, ...]]:
    rng = board.rng
    columns, rows = (3, 2) if board.width >= board.height else (2, 3)
    count = int(rng.integers(3, 6))
    cells = sorted(int(c) for c in rng.choice(columns * rows, count, replace=False))
    width, height = board.width / columns, board.height / rows
    centres = [((c % columns + 0.5) * width, (c // columns + 0.5) * height) for c in cells]
    kinds: list[tuple[str, str]] = []
    palette = [str(c) for c in rng.permutation(list(COLOURS))[: int(rng.integers(2, 6))]]
    forms = [str(s) for s in rng.permutation(SHAPES)[: int(rng.integers(2, 6))]]
    for _ in range(count):
        kinds.append((str(rng.choice(palette)), str(rng.choice(forms))))
    found: list[Element] = []
    for (colour, shape), (x, y) in zip(kinds, centres, strict=True):
        radius = float(rng.uniform(17, 27))
        x, y = x + float(rng.uniform(-9, 9)), y + float(rng.uniform(-9, 9))
        box = draw_shape(board, shape, x, y, radius, board.shade(colour))
        found.append(board.add(shape, "", box, colour=colour))
    names = [f"{e.colour} {e.role}" for e in found]
    listing = board.one_of("List the shapes.", "Name the shapes.")
    thought = board.thought()
    colour, shape = kinds[int(rng.integers(count))]
    one_colour = [e for e in found if e.colour == colour]
    one_shape = [e for e in found if e.role == shape]
    unique = [e for e in found if sum(o.role == e.role for o in found) == 1]
    task = int(rng.integers(5))
    prompts = (listing, f"How many {colour} shapes are there?", f"How many {shape} shapes are there?")
    if unique and task >= 3:
        wanted = unique[int(rng.integers(len(unique)))]
        # Shape first, then what is asked of it: the list is then looked up by shape.
        thought.say("I see ")
        for i, (element, cell) in enumerate(zip(found, cells, strict=True)):
            said = f"at {_place(cell, columns, rows)}" if task == 3 else f"in {element.colour}"
            thought.say(", " if i else "").read(f"{element.role} {said}", element)
        if task == 3:
            place = _place(cells[found.index(wanted)], columns, rows)
            thought.say(f". The {wanted.role} at {place}.")
            return f"Where is the {wanted.role}?", thought, place, prompts
        thought.say(f". The {wanted.role} in {wanted.colour}.")
        return f"Which colour is the {wanted.role}?", thought, wanted.colour, prompts
    if task == 0:
        thought.say("The shapes are " if listing.startswith("Name") else "I see ")
        for i, (name, element) in enumerate(zip(names, found, strict=True)):
            thought.say(", " if i else "").read(name, element)
        thought.say(f". That makes {len(found)}.")
        return prompts[0], thought, ", ".join(names), prompts
    chosen, what = (one_colour, f"{colour} shapes") if task % 2 else (one_shape, f"{shape} shapes")
    thought.say(f"I count {what}: ")
    so_far = 0
    for i, (name, element) in enumerate(zip(names, found, strict=True)):
        so_far += element in chosen
        thought.say(", " if i else "").read(name, element).say(f" {so_far}")
    answer = f"{so_far} of {len(found)}"
    thought.say(f". That makes {answer}.")
    return f"How many {what} are there?", thought, answer, prompts


def _place(cell: int, columns: int, rows: int) -> str:
    row, column = divmod(cell, columns)
    down = ("top", "bottom") if rows == 2 else ("top", "middle", "bottom")
    across = ("left", "right") if columns == 2 else ("left", "middle", "right")
    return f"{down[row]} {across[column]}"


def draw_shape(board: Board, shape: str, x: float, y: float, r: float, colour: Colour) -> Box:
    """Draw one of ``SHAPES`` around (x, y) with radius r, logical pixels. Returns its box, device pixels."""
    turn = -math.pi / 2
    if shape == "circle":
        return board.disc(x, y, r * 0.95, colour)
    if shape == "square":
        return board.box(x - r * 0.85, y - r * 0.85, 1.7 * r, 1.7 * r, colour)
    if shape == "triangle":
        return board.polygon([(x, y - r), (x + r, y + r * 0.8), (x - r, y + r * 0.8)], colour)
    if shape == "diamond":
        return board.polygon([(x, y - r), (x + r * 0.8, y), (x, y + r), (x - r * 0.8, y)], colour)
    if shape == "star":
        radii = [r * 1.1 if i % 2 == 0 else r * 0.46 for i in range(10)]
        angles = [turn + i * math.pi / 5 for i in range(10)]
        corners = [(x + q * math.cos(a), y + q * math.sin(a)) for q, a in zip(radii, angles, strict=True)]
        return board.polygon(corners, colour)
    t = r * 0.36
    cross = [
        (-t, -r),
        (t, -r),
        (t, -t),
        (r, -t),
        (r, t),
        (t, t),
        (t, r),
        (-t, r),
        (-t, t),
        (-r, t),
        (-r, -t),
        (-t, -t),
    ]
    return board.polygon([(x + dx, y + dy) for dx, dy in cross], colour)


def _icons(board: Board) -> tuple[str, Thought, str, tuple[str, ...]]:
    rng = board.rng
    size = float(rng.uniform(14, 15))
    columns = 2 if board.width < 250 else 3
    rows = max(2, min(3, int(board.height // 82)))
    count = int(rng.integers(3, min(6, columns * rows) + 1))
    bar = float(rng.uniform(14, 20)) if rng.random() < 0.4 else 0.0
    if bar:
        board.box(0, board.height - bar, board.width, bar, board.card)
        for i in range(int(rng.integers(1, 5))):
            board.box(8 + i * (bar + 4), board.height - bar + 3, bar - 6, bar - 6, board.line, radius=2)
    height = board.height - bar
    cells = sorted(int(c) for c in rng.choice(columns * rows, count, replace=False))
    width, pitch = board.width / columns, height / rows
    icons: list[Element] = []
    for cell in cells:
        row, column = divmod(cell, columns)
        colour = str(rng.choice(list(COLOURS)))
        word = _caption(board, width - 6, size)
        side = min(float(rng.uniform(28, 38)), pitch - size - 14)
        x = column * width + width / 2
        y = row * pitch + (pitch - side - size - 6) / 2 + float(rng.uniform(-3, 3))
        fill = board.shade(colour)
        icon = board.box(x - side / 2, y, side, side, fill, radius=float(rng.uniform(3, 10)))
        _glyph(board, x, y + side / 2, side * 0.22, readable_on(fill))
        caption = board.text(x - board.text_width(word, size) / 2, y + side + 3, word, size)
        x0, x1 = min(icon[0], caption[0]), max(icon[0] + icon[2], caption[0] + caption[2])
        icons.append(
            board.add("icon", word, (x0, icon[1], x1 - x0, caption[1] + caption[3] - icon[1]), colour=colour)
        )
    chosen = icons[int(rng.integers(count))]
    colour = chosen.colour
    thought = board.thought()
    prompts = (
        "List the icons.",
        f"Which colour is the icon {chosen.text}?",
        "How many icons are there?",
    )
    task = int(rng.integers(3))
    if task == 1:
        thought.say("I see ")
        for i, icon_ in enumerate(icons):
            thought.say(", " if i else "").read(f"{icon_.text} in {icon_.colour}", icon_)
        thought.say(f". {chosen.text} in {colour}.")
        return prompts[1], thought, colour, prompts
    thought.say("I see ")
    for i, icon_ in enumerate(icons):
        thought.say(", " if i else "").read(f"{icon_.colour} {icon_.text}", icon_)
    thought.say(f". That makes {count}.")
    names = ", ".join(i.text for i in icons)
    return (
        (prompts[0], thought, names, prompts)
        if task == 0
        else (prompts[2], thought, f"{count}: {names}", prompts)
    )


def _caption(board: Board, width: float, size: float) -> str:
    while True:
        word = board.pick(INTERFACE)
        if board.text_width(word, size) <= width:
            return word


def _glyph(board: Board, x: float, y: float, r: float, colour: tuple[int, int, int]) -> None:
    """A small mark inside an icon; it means nothing."""
    kind = int(board.rng.integers(4))
    if kind == 0:
        board.disc(x, y, r, colour)
    elif kind == 1:
        board.box(x - r, y - r, 2 * r, 2 * r, colour, radius=1)
    elif kind == 2:
        board.polygon([(x - r, y - r), (x + r, y), (x - r, y + r)], colour)
    else:
        for dy in (-r, 0, r):
            board.lines([(x - r, y + dy), (x + r, y + dy)], colour, 1.2)
