"""Large files of a model, fetched so that a stopped or broken download goes on in the middle.

huggingface_hub does all but one thing: it throws an unfinished file away, and a shard of a model is
gigabytes. What came is kept in a ``.sightline`` file beside the cache's blobs, which a later try continues.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path

from core.errors import InputError
from models.hub.offer import Hub, HubFile, Offer, part_of, storage

_TRIES = 5
_SILENCE = 5.0
"""Seconds without a byte after which a connection is given up; also the longest a cancel can take."""
_FIRST_WAIT = 1.0
_BLOCK = 2**20


class DownloadCancelled(Exception):  # noqa: N818  nothing went wrong
    """The person asked to stop; what was fetched is kept."""


def fetch_large(
    offer: Offer, file: HubFile, hub: Hub, tell: Callable[[int], None], stop: Callable[[], bool]
) -> None:
    """Put one large file where huggingface_hub expects its content, continuing an earlier try.

    Args:
        offer, file, hub: what to fetch, and from where.
        tell: told how many more bytes came (fewer than none when a file is begun again).
        stop: asked often.

    Raises:
        DownloadCancelled: ``stop`` said so.
        InputError: the file arrived damaged, or another program is fetching it.
        httpx2.TransportError, OSError: the connection kept breaking, or the disk is full.
    """
    from filelock import FileLock, Timeout

    blob = storage(offer.name, hub) / "blobs" / file.sha256
    if blob.exists():
        return
    blob.parent.mkdir(parents=True, exist_ok=True)
    part = part_of(blob)
    try:
        with FileLock(part.with_suffix(".lock"), timeout=0.1):
            _fill(offer, file, hub, part, tell, stop)
            if _sha256(part, stop) != file.sha256:
                part.unlink()
                raise InputError(
                    f"{file.name} of {offer.name} arrived damaged and was thrown away. Try again; if it "
                    f"happens again, {hub.address} may not be a true copy of the hub."
                )
            part.replace(blob)
    except Timeout as error:
        raise InputError(
            f"Another program is fetching {offer.name} into the same folder just now. Wait until it is done."
        ) from error
    part.with_suffix(".lock").unlink(missing_ok=True)


def _fill(
    offer: Offer, file: HubFile, hub: Hub, part: Path, tell: Callable[[int], None], stop: Callable[[], bool]
) -> None:
    """Append to ``part`` until it has the size of ``file``; tries again where a connection breaks."""
    import httpx2

    left = _TRIES
    while (have := part.stat().st_size if part.exists() else 0) < file.size:
        try:
            _stream(offer, file, hub, part, have, tell, stop)
            if not part.exists() or part.stat().st_size <= have:
                raise httpx2.RemoteProtocolError("the server sent nothing")
        except httpx2.TransportError:
            left = _TRIES if part.exists() and part.stat().st_size > have else left - 1
            if not left:
                raise
            _wait(_FIRST_WAIT * 2 ** (_TRIES - 1 - left), stop)


def _stream(
    offer: Offer,
    file: HubFile,
    hub: Hub,
    part: Path,
    have: int,
    tell: Callable[[int], None],
    stop: Callable[[], bool],
) -> None:
    """One connection's worth of ``file``, from byte ``have`` on."""
    import httpx2
    from huggingface_hub import get_session, hf_hub_url, hf_raise_for_status
    from huggingface_hub.utils import build_hf_headers

    url = hf_hub_url(offer.name, file.name, revision=offer.revision, endpoint=hub.address)
    headers = build_hf_headers(token=hub.token) | {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    # The client follows redirects to storage servers, and gives the token to none of them.
    with get_session().stream("GET", url, headers=headers, timeout=_SILENCE) as response:
        if response.status_code == 416:  # what is there is longer than what the server has
            part.unlink()
            tell(-have)
            return
        if response.status_code in (408, 429) or response.status_code >= 500:
            raise httpx2.RemoteProtocolError(f"the server answered {response.status_code}")
        if response.is_error:
            response.read()
        hf_raise_for_status(response)
        if have and response.status_code != 206:  # the server cannot continue: begin again
            part.unlink()
            tell(-have)
        with part.open("ab") as out:
            for chunk in response.iter_bytes():
                out.write(chunk)
                tell(len(chunk))
                if stop():
                    raise DownloadCancelled
                if out.tell() > file.size:
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
