"""Fetching one published file whose hash is known: with progress, cancel and resumption.

Nothing here is called unless a person asked for it. What came of a broken or cancelled try stays in a
``.part`` file beside the target, and the next try goes on from there. (Models of the Hugging Face hub come
through ``models/hub.py``, into its cache.) Imports the HTTP client only inside its functions.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from core.errors import InputError
from models.hub import DownloadCancelled, gigabytes

_TRIES = 5
_SILENCE = 5.0
"""Seconds without a byte after which a connection is given up."""
_FIRST_WAIT = 1.0
_BLOCK = 2**20
_MARGIN = 256 * 2**20
"""Bytes that stay free on the disk."""

Advance = Callable[[int, int], None]
"""Told the bytes that are there and the bytes wanted in all."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file as its makers published it."""

    url: str
    size: int
    sha256: str

    @property
    def name(self) -> str:
        return self.url.rsplit("/", 1)[-1]

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or self.url


def missing(remote: RemoteFile, folder: Path) -> int:
    """Bytes that a fetch would still have to get."""
    if (folder / remote.name).is_file():
        return 0
    part = _part(remote, folder)
    return remote.size - min(part.stat().st_size if part.is_file() else 0, remote.size)


def fetch(
    remote: RemoteFile,
    folder: Path,
    advance: Advance | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Path:
    """Fetch a file into a folder; returns its path. Continues an earlier try. Calling this is the consent.

    Raises:
        DownloadCancelled: ``should_stop`` said so; what was fetched is kept.
        InputError: no connection, no such file, no room on the disk, or another content than was published.
    """
    stop = should_stop or (lambda: False)
    target = folder / remote.name
    if target.is_file():
        return target
    with _explained(remote, folder):
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_full_disk(remote, folder)
        part = _part(remote, folder)
        _fill(remote, part, advance or (lambda done, total: None), stop)
        if _sha256(part, stop) != remote.sha256:
            part.unlink()
            raise InputError(
                f"{remote.name} from {remote.host} is not the file that was published: its checksum differs. "
                "It was thrown away. Try again; if it happens again, something on the way changes it."
            )
        part.replace(target)
    return target


def _part(remote: RemoteFile, folder: Path) -> Path:
    return folder / f"{remote.name}.part"


def _fill(remote: RemoteFile, part: Path, advance: Advance, stop: Callable[[], bool]) -> None:
    """Append to ``part`` until it has the size of the file; tries again where a connection breaks."""
    import httpx2

    left = _TRIES
    while (have := part.stat().st_size if part.exists() else 0) < remote.size:
        if stop():
            raise DownloadCancelled
        advance(have, remote.size)
        try:
            _stream(remote, part, have, advance, stop)
            if not part.exists() or part.stat().st_size <= have:
                raise httpx2.RemoteProtocolError("the server sent nothing")
        except httpx2.TransportError:
            left = _TRIES if part.exists() and part.stat().st_size > have else left - 1
            if not left:
                raise
            _wait(_FIRST_WAIT * 2 ** (_TRIES - 1 - left), stop)


def _stream(remote: RemoteFile, part: Path, have: int, advance: Advance, stop: Callable[[], bool]) -> None:
    """One connection's worth of the file, from byte ``have`` on."""
    import httpx2

    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with (
        httpx2.Client(follow_redirects=True, timeout=_SILENCE) as client,
        client.stream("GET", remote.url, headers=headers) as response,
    ):
        if response.status_code == 416:  # what is there is longer than what the server has
            part.unlink()
            return
        if response.status_code in (408, 429) or response.status_code >= 500:
            raise httpx2.RemoteProtocolError(f"the server answered {response.status_code}")
        response.raise_for_status()
        if have and response.status_code != 206:  # the server cannot continue: begin again
            part.unlink()
            have = 0
        with part.open("ab") as out:
            for chunk in response.iter_bytes():
                out.write(chunk)
                have += len(chunk)
                advance(min(have, remote.size), remote.size)
                if stop():
                    raise DownloadCancelled
                if have > remote.size:
                    return


def _wait(seconds: float, stop: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if stop():
            raise DownloadCancelled
        time.sleep(min(0.05, max(0.0, until - time.monotonic())))


def _sha256(path: Path, stop: Callable[[], bool]) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
            if stop():
                raise DownloadCancelled
    return digest.hexdigest()


def _refuse_full_disk(remote: RemoteFile, folder: Path) -> None:
    wanted, free = missing(remote, folder), shutil.disk_usage(folder).free
    if wanted + _MARGIN > free:
        raise InputError(
            f"{remote.name} needs {gigabytes(wanted)} more on the disk of {folder}, which has "
            f"{gigabytes(free)} free. Make room, or fetch it elsewhere and choose it as a file."
        )


@contextlib.contextmanager
def _explained(remote: RemoteFile, folder: Path) -> Iterator[None]:
    """Turns what can go wrong with a network and a disk into a sentence."""
    import httpx2

    try:
        yield
    except httpx2.HTTPStatusError as error:
        code = error.response.status_code
        gone = "does not have it any more" if code in (404, 410) else f"answered with an error ({code})"
        raise InputError(
            f"{remote.name} cannot be fetched: {remote.host} {gone}. Try again later, or get it by hand and "
            "choose it as a file."
        ) from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")[:160]
        raise InputError(
            f"{remote.host} cannot be reached, or the connection broke ({reason}). What was fetched is kept; "
            "try again, or fetch the file by hand and choose it."
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise InputError(
                f"The disk of {folder} is full. What was fetched of {remote.name} is kept; make room and try "
                "again."
            ) from error
        raise InputError(
            f"{remote.name} cannot be written to {folder} ({error.strerror or error})."
        ) from error
