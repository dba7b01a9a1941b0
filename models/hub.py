"""Models on the Hugging Face hub or a mirror of it: what is there, how big it is, and fetching it.

Nothing here is called unless a person asked for it. Everything lands in the standard Hugging Face cache, so
that other programs find it. The token is that of the standard login (``hf auth login``); it is read when
needed and never kept.

huggingface_hub does all but one thing: it throws an unfinished file away, and a shard of a model is
gigabytes. Large files are therefore fetched here, into a ``.sightline`` file beside the cache's blobs that a
later try continues. Imports huggingface_hub only inside its functions.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.errors import InputError

WANTED = ("*.json", "*.safetensors", "*.jinja", "*.txt", "*.model")
"""What transformers reads of a repository; never pickles, program code or other formats of the weights."""
UNWANTED = ("*/*", "consolidated*")
"""Subfolders, and the second copy of the weights that Mistral's repositories hold."""

_LARGE = 2**20
_TRIES = 5
_SILENCE = 5.0
"""Seconds without a byte after which a connection is given up; also the longest a cancel can take."""
_FIRST_WAIT = 1.0
_BLOCK = 2**20
_MARGIN = 256 * 2**20

Advance = Callable[[int, int], None]
"""Told the bytes that are there and the bytes wanted in all."""


class DownloadCancelled(Exception):  # noqa: N818  nothing went wrong
    """The person asked to stop; what was fetched is kept."""


@dataclass(frozen=True, slots=True)
class Hub:
    """Where models come from.

    Attributes:
        endpoint: address of a mirror; "" is the standard one (``HF_ENDPOINT`` or huggingface.co).
        offline: never contact it.
        cache: folder of the cache; None is the standard one (``HF_HOME``, ``HF_HUB_CACHE``).
    """

    endpoint: str = ""
    offline: bool = False
    cache: Path | None = None

    @property
    def address(self) -> str:
        """The address that is asked, for people."""
        from huggingface_hub import constants

        return self.endpoint.rstrip("/") or str(constants.ENDPOINT)

    @property
    def folder(self) -> Path:
        """The cache folder."""
        from huggingface_hub import constants

        return Path(self.cache or constants.HF_HUB_CACHE).expanduser()

    @property
    def token(self) -> bool | None:
        """None: that of the standard login. False: none, because a mirror named only here may not have it."""
        from huggingface_hub import constants

        return None if self.address == str(constants.ENDPOINT) else False


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a model. ``sha256`` is "" for small files, which the hub keeps in git."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What fetching a model would mean; nothing has been fetched yet.

    Attributes:
        name: Hugging Face id.
        revision: commit.
        files: all files that Sightline would use.
        total, missing: bytes of all of them, and of those not in the cache yet.
        licence: as its card names it, or "".
        address: of the hub.
    """

    name: str
    revision: str
    files: tuple[HubFile, ...] = field(repr=False)
    total: int
    missing: int
    licence: str
    address: str


def cached_folder(name: str, hub: Hub | None = None) -> Path | None:
    """The folder of a model that is in the cache as a whole, without asking anyone; None if it is not.

    Raises:
        InputError: ``name`` cannot be the id of a model.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(
            snapshot_download(
                name,
                cache_dir=(hub or Hub()).folder,
                local_files_only=True,
                allow_patterns=list(WANTED),
                ignore_patterns=list(UNWANTED),
            )
        )
    except LocalEntryNotFoundError:
        return None
    except HFValidationError as error:
        raise InputError(f'"{name}" cannot be the id of a model. An id looks like {_EXAMPLE}.') from error


def look_up(name: str, hub: Hub | None = None) -> Offer:
    """Ask the hub what a model is made of. Fetches none of it.

    Raises:
        InputError: offline, not reachable, no such model, or not for everyone.
    """
    hub = hub or Hub()
    _refuse_offline(name, hub)
    from huggingface_hub import HfApi
    from huggingface_hub.utils import filter_repo_objects

    with _explained(name, hub):
        api = HfApi(endpoint=hub.address, token=hub.token)
        info = api.model_info(name, files_metadata=True, timeout=2 * _SILENCE)
    siblings = {sibling.rfilename: sibling for sibling in info.siblings or ()}
    chosen = filter_repo_objects(siblings, allow_patterns=list(WANTED), ignore_patterns=list(UNWANTED))
    files = tuple(_file(siblings[path]) for path in sorted(chosen))
    if not any(file.name.endswith(".safetensors") for file in files):
        raise InputError(
            f"{name} at {hub.address} holds no .safetensors weights, so Sightline cannot use it."
        )
    total = sum(file.size for file in files)
    there = sum(_there(name, str(info.sha), file, hub) for file in files)
    card: Any = info.card_data
    licence = str(getattr(card, "license_name", None) or getattr(card, "license", None) or "")
    return Offer(name, str(info.sha), files, total, total - there, licence, hub.address)


def fetch(
    offer: Offer,
    hub: Hub | None = None,
    advance: Advance | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Path:
    """Fetch what is missing of a model; returns its folder in the cache. Continues an earlier try.

    Args:
        offer: from ``look_up``; getting it and calling this is the consent.
        hub: the one it was looked up at.
        advance: told the progress, often.
        should_stop: asked often.

    Raises:
        DownloadCancelled: ``should_stop`` said so; what was fetched is kept.
        InputError: offline, broken connection, no room on the disk, or a damaged file.
    """
    hub = hub or Hub()
    _refuse_offline(offer.name, hub)
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import tqdm

    class Silent(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs | {"disable": True})

    _refuse_full_disk(offer, hub)
    stop = should_stop or (lambda: False)
    done = offer.total - offer.missing

    def tell(count: int) -> None:
        nonlocal done
        done += count
        if advance is not None:
            advance(done, offer.total)

    tell(0)
    with _explained(offer.name, hub):
        for file in offer.files:
            if file.sha256 and file.size >= _LARGE and not _pointer(offer, file, hub).exists():
                _fetch_large(offer, file, hub, tell, stop)
        if stop():
            raise DownloadCancelled
        folder = snapshot_download(
            offer.name,
            endpoint=hub.address,
            token=hub.token,
            cache_dir=hub.folder,
            allow_patterns=list(WANTED),
            ignore_patterns=list(UNWANTED),
            max_workers=1,
            tqdm_class=Silent,
        )
    done = offer.total
    tell(0)
    return Path(folder)


_EXAMPLE = '"Qwen/Qwen3-VL-2B-Thinking"'


def _file(sibling: Any) -> HubFile:
    if sibling.lfs is not None:
        return HubFile(sibling.rfilename, int(sibling.lfs.size), str(sibling.lfs.sha256))
    return HubFile(sibling.rfilename, int(sibling.size or 0), "")


def _storage(name: str, hub: Hub) -> Path:
    from huggingface_hub.file_download import repo_folder_name

    return hub.folder / repo_folder_name(repo_id=name, repo_type="model")


def _pointer(offer: Offer, file: HubFile, hub: Hub) -> Path:
    return _storage(offer.name, hub) / "snapshots" / offer.revision / file.name


def _there(name: str, revision: str, file: HubFile, hub: Hub) -> int:
    """Bytes of a file that need not be fetched again."""
    storage = _storage(name, hub)
    blob = storage / "blobs" / file.sha256
    if (storage / "snapshots" / revision / file.name).exists() or (file.sha256 and blob.exists()):
        return file.size
    part = _part(blob)
    return min(part.stat().st_size, file.size) if file.sha256 and part.exists() else 0


def _part(blob: Path) -> Path:
    return blob.with_name(f"{blob.name}.sightline")


def _fetch_large(
    offer: Offer, file: HubFile, hub: Hub, tell: Callable[[int], None], stop: Callable[[], bool]
) -> None:
    """Put one large file where huggingface_hub expects its content, continuing an earlier try."""
    from filelock import FileLock, Timeout

    blob = _storage(offer.name, hub) / "blobs" / file.sha256
    if blob.exists():
        return
    blob.parent.mkdir(parents=True, exist_ok=True)
    part = _part(blob)
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


def _refuse_offline(name: str, hub: Hub) -> None:
    from huggingface_hub import constants

    if hub.offline or constants.is_offline_mode():
        why = "Sightline is set to stay offline" if hub.offline else "HF_HUB_OFFLINE is set"
        raise InputError(
            f"{name} is not on this machine, and {why}. Switch that off to fetch it, or give a local folder."
        )


def _refuse_full_disk(offer: Offer, hub: Hub) -> None:
    place = hub.folder
    while not place.exists() and place != place.parent:
        place = place.parent
    free = shutil.disk_usage(place).free
    if offer.missing and offer.missing + _MARGIN > free:
        raise InputError(
            f"{offer.name} needs {gigabytes(offer.missing)} more on the disk of {hub.folder}, which has "
            f"{gigabytes(free)} free. Make room, or set HF_HOME to a folder on another disk."
        )


def gigabytes(count: float) -> str:
    """``4.3 GB`` or ``12 MB``, decimal as download sizes are told everywhere."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count, 0) / 1e6:.0f} MB"


@contextlib.contextmanager
def _explained(name: str, hub: Hub) -> Iterator[None]:
    """Turns what can go wrong with a network and a disk into a sentence."""
    import httpx2
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RemoteEntryNotFoundError,
        RepositoryNotFoundError,
    )

    host = urlsplit(hub.address).hostname or hub.address
    try:
        yield
    except HFValidationError as error:
        raise InputError(f'"{name}" cannot be the id of a model. An id looks like {_EXAMPLE}.') from error
    except GatedRepoError as error:
        raise InputError(
            f"{name} is only for people who accepted its licence. Accept it on its page at {host}, then "
            "log in once with: hf auth login"
        ) from error
    except RepositoryNotFoundError as error:
        raise InputError(
            f"There is no model {name} at {host}, or it is private. Check its name; for a private one, log "
            "in with: hf auth login"
        ) from error
    except RemoteEntryNotFoundError as error:
        raise InputError(f"{host} lists a file of {name} that it does not have. Try again later.") from error
    except HfHubHTTPError as error:
        if error.response.status_code in (401, 403):
            raise InputError(
                f"{host} does not let you have {name}. If you may, log in with: hf auth login"
            ) from error
        raise InputError(
            f"{host} answered with an error ({error.response.status_code}). What was fetched is kept; "
            "try again later."
        ) from error
    except OfflineModeIsEnabled as error:
        raise InputError(f"{name} is not on this machine, and HF_HUB_OFFLINE is set.") from error
    except (httpx2.HTTPError, httpx2.InvalidURL, LocalEntryNotFoundError) as error:
        raise InputError(
            f"{host} cannot be reached, or the connection broke ({_short(error)}). What was fetched is kept; "
            "try again, or set the address of a mirror."
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise InputError(
                f"The disk of {hub.folder} is full. What was fetched of {name} is kept; make room and try "
                "again, or set HF_HOME to a folder on another disk."
            ) from error
        reason = error.strerror or str(error)
        raise InputError(f"{name} cannot be written to {hub.folder} ({reason}).") from error


def _short(error: BaseException) -> str:
    """The first line of the first cause that says anything."""
    cause: BaseException | None = error
    while cause is not None and (isinstance(cause, FileNotFoundError) or not str(cause).strip()):
        cause = cause.__cause__
    text = str(cause).strip().splitlines()[0] if cause is not None else type(error).__name__
    return text.rstrip(".")[:160] or os.strerror(errno.ECONNABORTED)
