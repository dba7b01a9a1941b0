"""What can go wrong with a hub, a network and a disk, each as a sentence that says what to do."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from core.errors import InputError
from models.hub.offer import Hub

EXAMPLE = '"Qwen/Qwen3-VL-2B-Thinking"'


@contextlib.contextmanager
def explained(name: str, hub: Hub) -> Iterator[None]:
    """Turns what goes wrong inside the block, while ``name`` is looked up or fetched, into an InputError."""
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
        raise InputError(f'"{name}" cannot be the id of a model. An id looks like {EXAMPLE}.') from error
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
