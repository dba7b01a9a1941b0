"""Kind *math*: labelled quantities on the screen, to be added, subtracted, compared or ordered."""

from __future__ import annotations

from models.bundled.screens.board import Board
from models.bundled.screens.sample import Element, Thought
from models.bundled.screens.words import FIELDS, INTERFACE, THINGS
from models.bundled.screens.working import addition, subtraction

_Entry = tuple[Element, Element]
"""Label and value."""


def draw(board: Board) -> tuple[str, Thought, str, tuple[str, ...]]:
    """Draw a panel of quantities; returns prompt, thinking, answer and suggestions."""
    rng = board.rng
    task = board.one_of("sum", "sum", "difference", "difference", "largest", "smallest", "order")
    count = int(rng.integers(3, 5 if task == "order" else 6))
    y = 8.0
    if rng.random() < 0.5:
        size = float(rng.uniform(16, 20))
        board.add("title", word := board.pick(INTERFACE), board.text(12, y, word, size, board.faint, True))
        y += size + 10
    entries = (_tiles if rng.random() < 0.5 else _rows)(board, y, count)
    first, second = (entries[i] for i in rng.permutation(len(entries))[:2])
    a, b = first[0].text, second[0].text
    questions = {
        "sum": board.one_of(f"What is {a} plus {b}?", f"Add {a} and {b}."),
        "difference": board.one_of(f"How much more is {a} than {b}?", f"What is {a} minus {b}?"),
        "largest": board.one_of("Which number is the largest?", "What is the largest?"),
        "smallest": board.one_of("Which number is the smallest?", "What is the smallest?"),
        "order": "Sort from small to large.",
    }
    if task == "difference" and int(first[1].text) < int(second[1].text):
        first, second = second, first
        a, b = b, a
        questions["difference"] = board.one_of(f"How much more is {a} than {b}?", f"What is {a} minus {b}?")
    thought = board.thought()
    if task in ("sum", "difference"):
        plain = questions[task].startswith("What")
        list_by_name(thought, "The numbers are " if plain else "I read ", entries)
        answer = _combine(thought, task, first, second)
    else:
        answer = _compare(thought, task, entries, questions[task].startswith("Which"))
    suggestions = tuple(q for name, q in questions.items() if name != "difference" or task == "difference")
    return questions[task], thought, answer, suggestions


def list_by_name(thought: Thought, opening: str, entries: list[_Entry]) -> None:
    """Every quantity in reading order, name first: what follows looks up a name."""
    thought.say(opening)
    for i, (label, value) in enumerate(entries):
        thought.say(", " if i else "").read(label.text, label).say(" ").read(value.text, label, value)


def list_by_number(thought: Thought, opening: str, entries: list[_Entry]) -> None:
    """Every quantity in reading order, number first: what follows looks up a number."""
    thought.say(opening)
    for i, (label, value) in enumerate(entries):
        thought.say(", " if i else "").read(value.text, value).say(" ").read(label.text, label, value)


def _combine(thought: Thought, task: str, first: _Entry, second: _Entry) -> str:
    x, y = int(first[1].text), int(second[1].text)
    thought.say(f". {first[0].text} {x}, {second[0].text} {y}. ")
    thought.say(addition(x, y) if task == "sum" else subtraction(x, y))
    return str(x + y if task == "sum" else x - y)


def _compare(thought: Thought, task: str, entries: list[_Entry], plain: bool) -> str:
    list_by_number(thought, "The numbers are " if plain else "I read ", entries)
    ordered = sorted(entries, key=lambda e: int(e[1].text))
    if task == "order":
        line = ", ".join(f"{v.text} {label.text}" for label, v in ordered)
        thought.say(f". From small to large: {line}.")
        return ", ".join(label.text for label, _ in ordered)
    label, value = ordered[-1] if task == "largest" else ordered[0]
    thought.say(f". The {task} is {value.text} {label.text}.")
    return f"{label.text}, {value.text}"


def _distinct(board: Board, count: int) -> list[int]:
    numbers: list[int] = []
    while len(numbers) < count:
        number = board.number()
        if number not in numbers:
            numbers.append(number)
    return numbers


def _entry(board: Board, number: int, label_box_at: tuple[float, float], value_at: tuple[float, float],
           label: str, small: float, large: float) -> _Entry:  # fmt: skip
    label_box = board.text(*label_box_at, label, small, board.ink)
    value_box = board.text(*value_at, str(number), large, board.ink, bold=bool(board.rng.random() < 0.6))
    return board.add("label", label, label_box, value=str(number)), board.add("value", str(number), value_box)


def _tiles(board: Board, y: float, count: int) -> list[_Entry]:
    columns = 2 if board.width < 300 else 3
    rows = -(-count // columns)
    gap = 6.0
    width = (board.width - gap * (columns + 1)) / columns
    height = min(78.0, (board.height - y - gap * rows) / rows)
    entries = []
    colour = board.one_of("card", "none")
    for i, number in enumerate(_distinct(board, count)):
        row, column = divmod(i, columns)
        x0, y0 = gap + column * (width + gap), y + row * (height + gap)
        if colour == "card":
            board.box(x0, y0, width, height, board.card, board.line, radius=5)
        small, large = float(board.rng.uniform(14, 16)), float(board.rng.uniform(17, 23))
        label = _fitting(board, width - 12, small)
        shift = float(board.rng.uniform(6, max(7, width - board.text_width(label, small) - 6)))
        above = float(board.rng.uniform(3, 6))
        entries.append(
            _entry(
                board,
                number,
                (x0 + shift, y0 + above),
                (x0 + shift, y0 + above + small + 6),
                label,
                small,
                large,
            )
        )
    return entries


def _rows(board: Board, y: float, count: int) -> list[_Entry]:
    pitch = min(40.0, (board.height - y - 6) / count)
    x_value = float(board.rng.uniform(0.55, 0.8)) * board.width
    x_label = float(board.rng.uniform(8, 24))
    size = float(board.rng.uniform(14, min(19, pitch - 6)))
    entries = []
    for i, number in enumerate(_distinct(board, count)):
        top = y + i * pitch
        if i:
            board.lines([(x_label, top - 2), (board.width - 8, top - 2)], board.line)
        label = _fitting(board, x_value - x_label - 8, size)
        entries.append(_entry(board, number, (x_label, top), (x_value, top), label, size, size))
    return entries


def _fitting(board: Board, width: float, size: float) -> str:
    while True:
        label = board.pick([*THINGS, *FIELDS])
        if board.text_width(label, size) <= width:
            return label
