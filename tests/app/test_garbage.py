"""What is alive is left out of later collections, and still freed when it is let go."""

from __future__ import annotations

import gc
import weakref

import pytest

from app.garbage import keep_what_is_here


class Thing:
    pass


@pytest.fixture(autouse=True)
def thawed():
    yield
    gc.unfreeze()


def test_what_is_here_is_kept_out_of_collections_and_freed_as_ever():
    thing = Thing()
    gone = weakref.ref(thing)
    keep_what_is_here()
    assert gc.get_freeze_count() > 1000
    assert not any(found is thing for found in gc.get_objects())
    del thing
    assert gone() is None


def test_what_became_rubbish_while_it_was_kept_is_collected_the_next_time():
    one = Thing()
    one.itself = one
    gone = weakref.ref(one)
    keep_what_is_here()
    del one
    keep_what_is_here()
    assert gone() is None


def test_rubbish_is_collected_before():
    one = Thing()
    one.itself = one
    gone = weakref.ref(one)
    del one
    keep_what_is_here()
    assert gone() is None
