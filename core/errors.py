"""The one kind of error that is the user's to solve."""

from __future__ import annotations


class InputError(Exception):
    """Something the user gave cannot be used.

    The message is one or two plain sentences: what happened, and what to do next. The command line
    prints it and exits with code 2; the window shows it in its message bar.
    """
