"""Text-only exercises in looking up what was just written: the part of reasoning that needs no eyes.

Most of a thought is found in earlier thought: the number that was listed after a name, the name after the
smallest number. A screen asks for one or two such look-ups at the price of an image; a drill asks for many
at the price of a line of text. Nothing is asked of the list itself, which no reader without eyes could know.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from models.bundled.screens.words import COLOURS, CONTENT, SHAPES
from models.bundled.screens.working import addition, subtraction

Part = tuple[str, bool]
"""Text, and whether the model is to predict it."""

_PLACES = tuple(
    f"{down} {across}" for down in ("top", "middle", "bottom") for across in ("left", "middle", "right")
)
_OPENINGS = ("The numbers are ", "I read ", "The bars are ", "The form reads ")


def draw_drill(rng: np.random.Generator) -> list[Part]:
    """One exercise as parts of text; deterministic in ``rng``."""
    kinds: tuple[Callable[[np.random.Generator], list[Part]], ...] = (
        _pairs, _pairs, _rows, _colours, _places, _order, _extreme, _chain, _trend, _count,
    )  # fmt: skip
    return kinds[int(rng.integers(len(kinds)))](rng)


def _words(rng: np.random.Generator, count: int) -> list[str]:
    return [CONTENT[i] for i in rng.choice(len(CONTENT), count, replace=False)]


def _number(rng: np.random.Generator) -> int:
    return int(rng.integers(100 if rng.random() < 0.4 else 1000))


def _numbers(rng: np.random.Generator, count: int) -> list[int]:
    found: dict[int, None] = {}
    while len(found) < count:
        found[_number(rng)] = None
    return list(found)


def _pick(rng: np.random.Generator, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _pairs(rng: np.random.Generator) -> list[Part]:
    count = int(rng.integers(3, 7))
    names, spare = _words(rng, count), _words(rng, count)
    numbers = _numbers(rng, count)
    forms = rng.random() < 0.3
    values = [
        word if forms and word not in names and rng.random() < 0.6 else str(number)
        for word, number in zip(spare, numbers, strict=True)
    ]
    listed = ", ".join(f"{n} {v}" for n, v in zip(names, values, strict=True))
    parts: list[Part] = [(f"{_pick(rng, _OPENINGS)}{listed}", False), (".", True)]
    for i in rng.permutation(count)[:3]:
        parts += [(f" {names[i]}", False), (f" {values[i]}.", True)]
    a, b = (int(i) for i in rng.permutation(count)[:2])
    if values[a].isdigit() and values[b].isdigit():
        x, y = int(values[a]), int(values[b])
        parts += [(f" {names[a]}", False), (f" {x},", True), (f" {names[b]}", False), (f" {y}.", True)]
        if x >= y and rng.random() < 0.5:
            parts += [(f" {x} -", False), (f" {subtraction(x, y).split(' - ', 1)[1]}", True)]
        else:
            parts += [(f" {x} +", False), (f" {addition(x, y).split(' + ', 1)[1]}", True)]
    return parts


def _rows(rng: np.random.Generator) -> list[Part]:
    count = int(rng.integers(3, 6))
    first, second, *names = _words(rng, count + 2)
    values = [(_number(rng), _number(rng)) for _ in names]
    listed = ", ".join(f"{n} {a} {b}" for n, (a, b) in zip(names, values, strict=True))
    parts: list[Part] = [(f"The columns are {first} and {second}. The rows are {listed}", False), (".", True)]
    for i in rng.permutation(count)[:2]:
        a, b = values[i]
        parts += [(f" {names[i]}", False), (f" {a} {b}, so {first} {a}, {second} {b}.", True)]
        column, value = ((first, a), (second, b))[int(rng.integers(2))]
        parts += [(f" {column}", False), (f" {value}.", True)]
    return parts


def _colours(rng: np.random.Generator) -> list[Part]:
    names = _words(rng, int(rng.integers(3, 7)))
    if rng.random() < 0.4:
        names = [str(s) for s in rng.permutation(SHAPES)][: len(names)]
    colours = [_pick(rng, tuple(COLOURS)) for _ in names]
    listed = ", ".join(f"{n} in {c}" for n, c in zip(names, colours, strict=True))
    parts: list[Part] = [(f"I see {listed}", False), (".", True)]
    for i in rng.permutation(len(names))[:4]:
        said = f"The {names[i]}" if names[i] in SHAPES else names[i]
        parts += [(f" {said} in", False), (f" {colours[i]}.", True)]
    return parts


def _places(rng: np.random.Generator) -> list[Part]:
    shapes = [str(s) for s in rng.permutation(SHAPES)][: int(rng.integers(3, 6))]
    places = [_PLACES[int(i)] for i in rng.permutation(len(_PLACES))[: len(shapes)]]
    listed = ", ".join(f"{s} at {p}" for s, p in zip(shapes, places, strict=True))
    parts: list[Part] = [(f"I see {listed}", False), (".", True)]
    for i in rng.permutation(len(shapes))[:3]:
        parts += [(f" The {shapes[i]} at", False), (f" {places[i]}.", True)]
    return parts


def _order(rng: np.random.Generator) -> list[Part]:
    count = int(rng.integers(3, 5))
    pairs = list(zip(_numbers(rng, count), _words(rng, count), strict=True))
    listed = ", ".join(f"{v} {n}" for v, n in pairs)
    ordered = ", ".join(f"{v} {n}" for v, n in sorted(pairs))
    return [(f"I read {listed}. From small to large:", False), (f" {ordered}.", True)]


def _extreme(rng: np.random.Generator) -> list[Part]:
    count = int(rng.integers(3, 6))
    pairs = list(zip(_numbers(rng, count), _words(rng, count), strict=True))
    listed = ", ".join(f"{v} {n}" for v, n in pairs)
    parts: list[Part] = [(f"{_pick(rng, _OPENINGS)}{listed}.", False)]
    for which, (value, name) in (("largest", max(pairs)), ("smallest", min(pairs))):
        parts += [(f" The {which} is", False), (f" {value} {name}.", True)]
    return parts


def _chain(rng: np.random.Generator) -> list[Part]:
    names = _words(rng, int(rng.integers(3, 6)))
    parts: list[Part] = [(f"The order is {', '.join(names)}", False), (".", True)]
    steps = list(pairwise(names))
    for i in rng.permutation(len(steps))[:3]:
        parts += [(f" After {steps[i][0]},", False), (f" {steps[i][1]}.", True)]
    return parts


def _trend(rng: np.random.Generator) -> list[Part]:
    numbers = _numbers(rng, int(rng.integers(3, 5)))
    turns = [b > a for a, b in pairwise(numbers)]
    changes = [t for i, t in enumerate(turns) if i == 0 or t != turns[i - 1]]
    if len(changes) > 2:
        return _trend(rng)
    shape = " then ".join("rises" if t else "falls" for t in changes)
    return [(f"The points are {', '.join(map(str, numbers))}. The line", False), (f" {shape}.", True)]


def _count(rng: np.random.Generator) -> list[Part]:
    colours = [str(c) for c in rng.permutation(list(COLOURS))[: int(rng.integers(2, 4))]]
    shapes = [str(s) for s in rng.permutation(SHAPES)[: int(rng.integers(2, 4))]]
    seen = [(str(rng.choice(colours)), str(rng.choice(shapes))) for _ in range(int(rng.integers(3, 7)))]
    wanted = seen[int(rng.integers(len(seen)))][int(rng.integers(2))]
    parts: list[Part] = [(f"I count {wanted} shapes:", False)]
    total = 0
    for i, (colour, shape) in enumerate(seen):
        total += wanted in (colour, shape)
        parts += [
            (f" {colour} {shape}", False),
            (f" {total}{',' if i < len(seen) - 1 else '.'}", i == len(seen) - 1),
        ]
        if i < len(seen) - 1:  # the comma that follows is not foreseeable
            parts[-1:] = [(f" {total}", True), (",", False)]
    return [*parts, (" That makes", False), (f" {total} of {len(seen)}.", True)]
