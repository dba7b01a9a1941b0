"""Memory that runs out: how each device says it, and what a person can do about it."""

from __future__ import annotations

from typing import Final

REMEDY: Final = (
    "Take a smaller image budget (--visual-tokens, or Choose Model), a smaller model, or 8 or 4 bit weights."
)

_SIGNS: Final = (
    "can't allocate memory",  # a CPU on Linux and macOS
    "not enough memory",  # a CPU on Windows
    "could not create a primitive",  # oneDNN, on a CPU, in the middle of a run
    "failed to map segment from shared object",  # a library that is loaded when there is no room left
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "MPS backend out of memory",
)


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out, on any device."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    text = str(error)
    return any(sign in text for sign in _SIGNS)
