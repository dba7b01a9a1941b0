"""Writing a file so that its name only ever shows a complete one."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from core.errors import InputError


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """A temporary file beside ``out`` to write to; it takes the place of ``out`` when the block ends well.

    However the block ends otherwise (an error, a cancel, a kill), ``out`` is untouched.

    Raises:
        InputError: the folder is missing or cannot be written, or the disk is full.
    """
    out = Path(out).resolve()  # a link keeps pointing to the file, which is replaced
    part = out.with_name(f".sightline-{secrets.token_hex(8)}.part")
    try:
        if not out.parent.is_dir():
            raise InputError(f"There is no folder {out.parent}. Create it, or choose another place.")
        if out.is_dir():
            raise InputError(f"{out} is a folder. Give the name of a file to write.")
        if out.exists() and not out.is_file():
            raise InputError(f"{out} is a device, not a file. Give the name of a file to write.")
        part.touch(exist_ok=False)
        yield part
        os.replace(part, out)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"Cannot write {out}: {reason}. Choose another folder or free some space."
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
