"""Arithmetic written out the way the thinking does it: digit by digit, carries said aloud."""

from __future__ import annotations

_PLACES = ("ones", "tens", "hundreds", "thousands")


def _digits(number: int, count: int) -> list[int]:
    return [number // 10**place % 10 for place in range(count)]


def addition(a: int, b: int) -> str:
    """``345 + 27: ones 5 + 7 = 12, tens 4 + 2 + 1 = 7, hundreds 3 + 0 = 3, so 372.``"""
    count = max(len(str(a)), len(str(b)))
    carry, parts = 0, []
    for place, x, y in zip(_PLACES, _digits(a, count), _digits(b, count), strict=False):
        total = x + y + carry
        parts.append(f"{place} {x} + {y}{' + 1' if carry else ''} = {total}")
        carry = total // 10
    return f"{a} + {b}: {', '.join(parts)}, so {a + b}."


def subtraction(a: int, b: int) -> str:
    """``342 - 27: ones 12 - 7 = 5, tens 4 - 2 - 1 = 1, hundreds 3 - 0 = 3, so 315.`` Needs a ≥ b."""
    if a < b:
        raise ValueError("subtraction() is written for a >= b")
    count = len(str(a))
    borrow, parts = 0, []
    for place, x, y in zip(_PLACES, _digits(a, count), _digits(b, count), strict=False):
        short = x - y - borrow < 0
        top = x + 10 if short else x
        parts.append(f"{place} {top} - {y}{' - 1' if borrow else ''} = {top - y - borrow}")
        borrow = int(short)
    return f"{a} - {b}: {', '.join(parts)}, so {a - b}."
