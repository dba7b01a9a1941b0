"""Kind *code*: a web page, to be written as HTML."""

from __future__ import annotations

from collections.abc import Callable

from models.bundled.screens.board import Board, readable_on
from models.bundled.screens.sample import Element, Thought

_PROMPTS = (
    "Write the HTML of this page.",
    "Write HTML that makes this page.",
    "Turn this screenshot into HTML.",
)
SUGGESTIONS = _PROMPTS[:1]

# The wording of the reasoning follows the wording of the question, so that a good reader can be exact:
# first part, later parts, what stands between a part and its text.
_STYLES = (
    ("At the top is ", "Then ", " saying "),
    ("The page starts with ", "Below it is ", " that reads "),
    ("I see ", "Next comes ", " with the text "),
)

_Part = tuple[str, list[Element], str]
"""How the thinking names a part, what it is read from, its HTML."""


def draw(board: Board) -> tuple[str, Thought, str, tuple[str, ...]]:
    """Draw a page; returns prompt, thinking, answer and suggestions."""
    rng = board.rng
    makers: list[Callable[[Board, float], tuple[_Part, float]]] = [_paragraph, _button, _field, _link, _list]
    room = board.height - 12
    y = 6.0 + float(rng.uniform(0, 10))
    parts: list[_Part] = []
    if rng.random() < 0.3:
        part, y = _navigation(board, y)
        parts.append(part)
    if rng.random() < 0.85:
        part, y = _heading(board, y)
        parts.append(part)
    order = [makers[i] for i in rng.permutation(len(makers))]
    wanted = int(rng.integers(3, 6))
    for make in order:
        if len(parts) >= wanted or y + (66 if make is _list else 34) > room:
            continue
        part, y = make(board, y + float(rng.uniform(2, 10)))
        parts.append(part)
    thought = board.thought()
    style = int(rng.integers(len(_PROMPTS)))
    first, later, saying = _STYLES[style]
    for i, (name, elements, _) in enumerate(parts):
        thought.say(" " + later if i else first)
        _tell(thought, name, elements, saying)
        thought.say(".")
    return _PROMPTS[style], thought, "\n".join(html for _, _, html in parts), SUGGESTIONS


def _tell(thought: Thought, name: str, elements: list[Element], saying: str) -> None:
    if name in ("list", "navigation"):
        thought.read("a " + name, *elements).say(" with ")
        for i, element in enumerate(elements):
            thought.say(", " if i else "").read(element.text, element)
    else:
        thought.read(f"a {name}", *elements).say(saying).read(elements[0].text, elements[0])


def _left(board: Board, width: float) -> float:
    return float(board.rng.uniform(8, max(9, min(60, board.width - width - 8))))


def _words(board: Board, count: int, size: float, bold: bool = False) -> str:
    while True:
        text = " ".join(board.any_word() for _ in range(count))
        if board.text_width(text, size, bold) < board.width - 30:
            return text
        count = max(1, count - 1)


def _navigation(board: Board, y: float) -> tuple[_Part, float]:
    size = float(board.rng.uniform(14, 15.5))
    bar = board.one_of("accent", "plain")
    ink = board.link
    if bar == "accent":
        board.box(0, y - 4, board.width, size + 14, board.accent)
        ink = readable_on(board.accent)
    x, elements = float(board.rng.uniform(10, 24)), []
    for _ in range(int(board.rng.integers(2, 4))):
        word = board.any_word()
        if x + board.text_width(word, size) > board.width - 6:
            break
        elements.append(board.add("navigation", word, board.text(x, y + 2, word, size, ink)))
        x += board.text_width(word, size) + float(board.rng.uniform(16, 26))
    links = "".join(f"<a>{e.text}</a>" for e in elements)
    return ("navigation", elements, f"<nav>{links}</nav>"), y + size + 16


def _heading(board: Board, y: float) -> tuple[_Part, float]:
    size = float(board.rng.uniform(20, 25))
    text = _words(board, int(board.rng.integers(1, 3)), size, bold=True)
    box = board.text(_left(board, board.text_width(text, size, True)), y, text, size, bold=True)
    return ("heading", [board.add("heading", text, box)], f"<h1>{text}</h1>"), y + size + 10


def _paragraph(board: Board, y: float) -> tuple[_Part, float]:
    size = float(board.rng.uniform(14, 16.5))
    text = _words(board, int(board.rng.integers(2, 4)), size)
    box = board.text(_left(board, board.text_width(text, size)), y, text, size)
    return ("paragraph", [board.add("paragraph", text, box)], f"<p>{text}</p>"), y + size + 9


def _button(board: Board, y: float) -> tuple[_Part, float]:
    size = float(board.rng.uniform(14, 16.5))
    text = _words(board, 1, size, bold=True)
    width = board.text_width(text, size, True)
    pad = float(board.rng.uniform(10, 20))
    x = _left(board, width + 2 * pad)
    box = board.box(x, y, width + 2 * pad, size + 13, board.accent, radius=float(board.rng.uniform(0, 9)))
    board.text(x + pad, y + 5, text, size, readable_on(board.accent), bold=True)
    return ("button", [board.add("button", text, box)], f"<button>{text}</button>"), y + size + 20


def _field(board: Board, y: float) -> tuple[_Part, float]:
    size = float(board.rng.uniform(14, 16.5))
    text = _words(board, 1, size)
    width = board.text_width(text, size) + float(board.rng.uniform(40, 80))
    x = _left(board, width)
    box = board.box(x, y, width, size + 12, board.card, board.line, radius=float(board.rng.uniform(0, 5)))
    board.text(x + 8, y + 5, text, size, board.faint)
    return ("field", [board.add("field", text, box)], f'<input placeholder="{text}">'), y + size + 19


def _link(board: Board, y: float) -> tuple[_Part, float]:
    size = float(board.rng.uniform(14, 16.5))
    text = _words(board, int(board.rng.integers(1, 3)), size)
    width = board.text_width(text, size)
    x = _left(board, width)
    box = board.text(x, y, text, size, board.link)
    board.lines([(x, y + size + 3), (x + width, y + size + 3)], board.link)
    return ("link", [board.add("link", text, box)], f"<a>{text}</a>"), y + size + 11


def _list(board: Board, y: float) -> tuple[_Part, float]:
    size = float(board.rng.uniform(14, 16.5))
    x = float(board.rng.uniform(16, 60))
    elements: list[Element] = []
    for _ in range(int(board.rng.integers(2, 4))):
        if elements and y + size + 8 > board.height - 6:
            break
        word = board.any_word()
        board.disc(x - 7, y + size * 0.62, 2.2, board.ink)
        elements.append(board.add("item", word, board.text(x + 2, y, word, size)))
        y += size + 8
    items = "".join(f"<li>{e.text}</li>" for e in elements)
    return ("list", elements, f"<ul>{items}</ul>"), y + 2
