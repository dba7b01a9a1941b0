"""Looking a model up at a hub, and fetching what is missing of it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.errors import InputError
from models.hub.errors import EXAMPLE, explained
from models.hub.large_files import DownloadCancelled, fetch_large
from models.hub.offer import Hub, HubFile, Offer, gigabytes, pointer, there

WANTED = ("*.json", "*.safetensors", "*.jinja", "*.txt", "*.model")
"""What transformers reads of a repository; never pickles, program code or other formats of the weights."""
UNWANTED = ("*/*", "consolidated*")
"""Subfolders, and the second copy of the weights that Mistral's repositories hold."""

_LARGE = 2**20
_SHA256 = re.compile("[0-9a-f]{64}")
_PATIENCE = 10.0
"""Seconds that the hub may take to say what a model is made of."""
_MARGIN = 256 * 2**20

Advance = Callable[[int, int], None]
"""Told the bytes that are there and the bytes wanted in all."""


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
        raise InputError(f'"{name}" cannot be the id of a model. An id looks like {EXAMPLE}.') from error


def look_up(name: str, hub: Hub | None = None) -> Offer:
    """Ask the hub what a model is made of. Fetches none of it.

    Raises:
        InputError: offline, not reachable, no such model, or not for everyone.
    """
    hub = hub or Hub()
    _refuse_offline(name, hub)
    from huggingface_hub import HfApi
    from huggingface_hub.utils import filter_repo_objects

    with explained(name, hub):
        api = HfApi(endpoint=hub.address, token=hub.token)
        info = api.model_info(name, files_metadata=True, timeout=_PATIENCE)
    siblings = {sibling.rfilename: sibling for sibling in info.siblings or ()}
    chosen = filter_repo_objects(siblings, allow_patterns=list(WANTED), ignore_patterns=list(UNWANTED))
    files = tuple(_file(siblings[path]) for path in sorted(chosen))
    if not any(file.name.endswith(".safetensors") for file in files):
        raise InputError(
            f"{name} at {hub.address} holds no .safetensors weights, so Sightline cannot use it."
        )
    total = sum(file.size for file in files)
    already = sum(there(name, str(info.sha), file, hub) for file in files)
    card: Any = info.card_data
    licence = str(getattr(card, "license_name", None) or getattr(card, "license", None) or "")
    return Offer(name, str(info.sha), files, total, total - already, licence, hub.address)


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
    with explained(offer.name, hub):
        for file in offer.files:
            if file.sha256 and file.size >= _LARGE and not pointer(offer, file, hub).exists():
                fetch_large(offer, file, hub, tell, stop)
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


def _file(sibling: Any) -> HubFile:
    if sibling.lfs is not None:
        sha256 = str(sibling.lfs.sha256)
        if not _SHA256.fullmatch(sha256):  # it becomes the name of a file
            raise InputError(
                f"The server says of {sibling.rfilename} what no server of models says, so nothing is "
                "fetched from it. Check its address in the preferences, or leave that empty."
            )
        return HubFile(sibling.rfilename, int(sibling.lfs.size), sha256)
    return HubFile(sibling.rfilename, int(sibling.size or 0), "")


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
