"""Python's garbage collector, kept away from what stays.

A full collection walks through every object there is, which are some hundred thousand with a long run: it
holds the window for several frames whenever enough has been made anew, such as while the playhead is dragged.
"""

from __future__ import annotations

import gc


def keep_what_is_here() -> None:
    """Collect now, and let later collections leave out what is alive: a run that has just been opened.

    It is freed as ever when the last reference to it goes. What was kept before and has become rubbish since,
    going round in circles, is collected now.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
