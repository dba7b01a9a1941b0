"""Numbers of things, in words."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """``1 region``, ``0 regions`` or ``1,200 regions``: for nouns that take an s."""
    return f"{number:,} {noun}{'s' * (number != 1)}"
