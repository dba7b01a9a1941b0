"""Run-length encoding of masks as COCO has it: column by column, starting with the run of zeros.

Two forms: a plain list of counts, and the compressed string that pycocotools reads and writes
(``rleToString`` in its maskApi.c: each count, from the fourth on as a difference to the count two before,
in groups of five bits, lowest first, with a continuation bit, offset to printable characters).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def encode(mask: np.ndarray) -> list[int]:
    """Run lengths of a bool [H, W] mask in column-major order; the first counts zeros and may be 0."""
    flat = np.asarray(mask, bool).ravel(order="F")
    if flat.size == 0:
        return []
    changes = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    bounds = np.concatenate([[0], changes, [flat.size]])
    counts = np.diff(bounds).tolist()
    return [0, *counts] if flat[0] else counts


def decode(counts: Sequence[int], height: int, width: int) -> np.ndarray:
    """Bool [H, W] mask from run lengths.

    Raises:
        ValueError: a run is negative, or the runs do not cover exactly ``height × width`` pixels.
    """
    runs = np.asarray(counts, np.int64)
    if (runs < 0).any() or int(runs.sum()) != height * width:
        raise ValueError(f"run lengths sum to {int(runs.sum())}, not to {height} × {width}")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape((height, width), order="F")


def compress(counts: Sequence[int]) -> str:
    """The string form of run lengths."""
    out: list[str] = []
    for i, count in enumerate(counts):
        value = count - counts[i - 2] if i > 2 else count
        more = True
        while more:
            group = value & 0x1F
            value >>= 5
            more = value != (-1 if group & 0x10 else 0)
            out.append(chr((group | (0x20 if more else 0)) + 48))
    return "".join(out)


def decompress(text: str) -> list[int]:
    """Run lengths from their string form.

    Raises:
        ValueError: the string holds other characters or breaks off.
    """
    counts: list[int] = []
    value = shift = 0
    for character in text:
        group = ord(character) - 48
        if not 0 <= group < 64:
            raise ValueError(f"{character!r} does not occur in a run-length string")
        value |= (group & 0x1F) << shift
        shift += 5
        if group & 0x20:
            continue
        if group & 0x10:
            value -= 1 << shift
        if len(counts) > 2:
            value += counts[-2]
        counts.append(value)
        value = shift = 0
    if shift:
        raise ValueError("the run-length string breaks off")
    return counts


def to_coco(mask: np.ndarray) -> dict[str, Any]:
    """``{"size": [H, W], "counts": string}``, the form that COCO JSON and pycocotools use."""
    height, width = mask.shape
    return {"size": [int(height), int(width)], "counts": compress(encode(mask))}


def from_coco(rle: dict[str, Any]) -> np.ndarray:
    """Bool [H, W] mask from COCO's form, compressed or not.

    Raises:
        ValueError: as ``decode`` and ``decompress``.
    """
    height, width = rle["size"]
    counts = rle["counts"]
    if isinstance(counts, bytes):
        counts = counts.decode("ascii")
    return decode(decompress(counts) if isinstance(counts, str) else counts, height, width)
