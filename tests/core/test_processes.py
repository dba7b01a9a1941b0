"""Work is dealt out, comes back as it is done, and ends when anything goes wrong."""

from __future__ import annotations

import os
import time

import pytest

from core.errors import InputError
from core.processes import deal_out


def squares(share: tuple[int, int]):
    """Of the numbers below ten that fall to this share, with who found them."""
    for number in range(share[0], 10, share[1]):
        yield number**2, os.getpid()


def test_every_share_is_done_by_a_process_of_its_own():
    found = list(deal_out(squares, 2))
    assert sorted(square for square, _ in found) == [number**2 for number in range(10)]
    assert len({process for _, process in found}) == 2
    assert os.getpid() not in {process for _, process in found}


def half_die(share: tuple[int, int]):
    yield "alive"
    if share[0] == 1:
        os._exit(3)


def test_a_process_that_dies_ends_the_work():
    with pytest.raises(RuntimeError, match="died"):
        list(deal_out(half_die, 2))


def half_refuse(share: tuple[int, int]):
    if share[0] == 1:
        raise InputError("There is nothing in that folder.")
    while True:
        time.sleep(0.01)
        yield "busy"


def test_what_a_user_got_wrong_is_said_as_one_process_would_and_ends_the_others():
    with pytest.raises(InputError, match="nothing in that folder"):
        list(deal_out(half_refuse, 2))
