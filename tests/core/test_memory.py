"""Errors that say that memory ran out, whoever says so."""

from __future__ import annotations

import pytest

from core.memory import out_of_memory


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."
        ),
        RuntimeError("could not create a primitive"),
        ImportError("lib.so: failed to map segment from shared object"),
        RuntimeError("CUDA error: out of memory"),
    ],
)
def test_the_words_of_every_library_for_no_memory_are_understood(error):
    assert out_of_memory(error)


def test_other_errors_are_not_taken_for_it():
    assert not out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not out_of_memory(ImportError("No module named 'bitsandbytes'"))
