"""Kind *document*: a form, an invoice or a table, to be read or totalled."""

from __future__ import annotations

from models.bundled.screens.board import Board
from models.bundled.screens.sample import Element, Thought
from models.bundled.screens.words import FIELDS, INTERFACE, NAMES, PLACES, THINGS
from models.bundled.screens.working import addition


def draw(board: Board) -> tuple[str, Thought, str, tuple[str, ...]]:
    """Draw a document; returns prompt, thinking, answer and suggestions."""
    make = (_form, _invoice, _table)[int(board.rng.integers(3))]
    return make(board)


def _title(board: Board) -> float:
    size = float(board.rng.uniform(17, 21))
    word = board.pick(INTERFACE)
    board.add(
        "title", word, board.text(float(board.rng.uniform(8, 30)), 6, word, size, board.accent_ink(), True)
    )
    return size + 18


def _form(board: Board) -> tuple[str, Thought, str, tuple[str, ...]]:
    rng = board.rng
    y = _title(board)
    count = int(rng.integers(3, 6))
    pitch = min(38.0, (board.height - y - 6) / count)
    size = float(rng.uniform(14, min(17, pitch - 9)))
    x_label, x_value = float(rng.uniform(8, 20)), board.width * float(rng.uniform(0.42, 0.5))
    boxed = rng.random() < 0.5
    fields: list[tuple[Element, Element]] = []
    for i in range(count):
        top = y + i * pitch
        name = board.pick(FIELDS)
        number = rng.random() < 0.4
        text = str(board.number()) if number else board.pick([*NAMES, *PLACES, *THINGS])
        if boxed:
            board.box(x_value - 6, top - 4, board.width - x_value - 2, size + 11, board.card, board.line, 3)
        label_box = board.text(x_label, top, name + (":" if not boxed else ""), size, board.faint)
        value_box = board.text(x_value, top, text, size)
        fields.append((board.add("label", name, label_box, value=text), board.add("value", text, value_box)))
    label, value = fields[int(rng.integers(count))]
    prompts = [f"What is the {e.text}?" for e, _ in fields]
    thought = board.thought().say("The form reads ")
    for i, (name_, value_) in enumerate(fields):
        thought.say(", " if i else "").read(name_.text, name_).say(" ").read(value_.text, name_, value_)
    thought.say(f". {label.text} {value.text}.")
    return f"What is the {label.text}?", thought, value.text, tuple(prompts)


def _invoice(board: Board) -> tuple[str, Thought, str, tuple[str, ...]]:
    rng = board.rng
    y = _title(board)
    count = int(rng.integers(2, 4))
    size = float(rng.uniform(14, 18))
    pitch = min(size + float(rng.uniform(10, 20)), (board.height - y - 30) / (count + 0.5))
    x_label, right = float(rng.uniform(8, 24)), board.width - float(rng.uniform(10, 50))
    rows: list[tuple[Element, Element]] = []
    for i in range(count):
        top = y + i * pitch
        item, amount = board.pick(THINGS), str(board.number(1, 320))
        item_box = board.text(x_label, top, item, size)
        amount_box = board.text(right - board.text_width(amount, size), top, amount, size)
        rows.append(
            (board.add("label", item, item_box, value=amount), board.add("value", amount, amount_box))
        )
    top = y + count * pitch
    board.lines([(x_label, top - 3), (right + 4, top - 3)], board.ink)
    board.text(x_label, top + 2, "Total", size, bold=True)
    prompt = board.one_of("What is the total?", "Add up the invoice.")
    thought = board.thought().say("The rows are " if prompt.startswith("What") else "The invoice lists ")
    for i, (item_, amount_) in enumerate(rows):
        thought.say(", " if i else "").read(item_.text, item_).say(" ").read(amount_.text, amount_)
    thought.say(". ")
    total = int(rows[0][1].text)
    for _, amount_ in rows[1:]:
        thought.say(addition(total, int(amount_.text)) + " ")
        total += int(amount_.text)
    thought.say(f"The total is {total}.")
    return prompt, thought, str(total), ("What is the total?",)


def _table(board: Board) -> tuple[str, Thought, str, tuple[str, ...]]:
    rng = board.rng
    y = 8.0 + float(rng.uniform(0, 14))
    count = int(rng.integers(3, 5))
    size = float(rng.uniform(14, 16))
    pitch = min(size + float(rng.uniform(10, 22)), (board.height - y - 8) / (count + 1))
    lefts = [float(rng.uniform(8, 14)), board.width * 0.42, board.width * 0.72]
    board.box(4, y - 3, board.width - 8, pitch - 1, board.card, board.line)
    columns = []
    for left in lefts[1:]:
        word = _short(board, board.width * 0.27, size)
        columns.append(board.add("header", word, board.text(left, y, word, size, bold=True)))
    rows: list[tuple[Element, list[Element]]] = []
    for i in range(count):
        top = y + (i + 1) * pitch
        name = board.pick(NAMES)
        values = [str(board.number()) for _ in columns]
        label = board.add("label", name, board.text(lefts[0], top, name, size), value=" ".join(values))
        cells = [
            board.add("value", v, board.text(left, top, v, size))
            for v, left in zip(values, lefts[1:], strict=True)
        ]
        rows.append((label, cells))
        board.lines([(4, top + pitch - 4), (board.width - 4, top + pitch - 4)], board.line)
    label, cells = rows[int(rng.integers(count))]
    column = int(rng.integers(2))
    whole = bool(rng.random() < 0.3)
    thought = board.thought().say("The columns are ").read(columns[0].text, columns[0])
    thought.say(" and ").read(columns[1].text, columns[1]).say(". The rows are ")
    for i, (name_, values_) in enumerate(rows):
        thought.say(", " if i else "").read(name_.text, name_)
        for cell_ in values_:
            thought.say(" ").read(cell_.text, name_, cell_)
    thought.say(f". {label.text} {cells[0].text} {cells[1].text}")
    prompts = (f"What is the {columns[0].text} of {rows[0][0].text}?", f"Read the row {rows[-1][0].text}.")
    if whole:
        thought.say(".")
        answer = f"{cells[0].text}, {cells[1].text}"
        return f"Read the row {label.text}.", thought, answer, prompts
    pairs = ", ".join(f"{c.text} {v.text}" for c, v in zip(columns, cells, strict=True))
    thought.say(f", so {pairs}. {columns[column].text} {cells[column].text}.")
    return f"What is the {columns[column].text} of {label.text}?", thought, cells[column].text, prompts


def _short(board: Board, width: float, size: float) -> str:
    while True:
        word = board.pick([*FIELDS, *THINGS])
        if board.text_width(word, size, bold=True) < width - 6:
            return word
