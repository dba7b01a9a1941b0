"""A hub of models, what it offers, and where that lies in the standard Hugging Face cache."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


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


def storage(name: str, hub: Hub) -> Path:
    """The folder of a model in the cache."""
    from huggingface_hub.file_download import repo_folder_name

    return hub.folder / repo_folder_name(repo_id=name, repo_type="model")


def pointer(offer: Offer, file: HubFile, hub: Hub) -> Path:
    """Where huggingface_hub shows a file of a model by its name."""
    return storage(offer.name, hub) / "snapshots" / offer.revision / file.name


def there(name: str, revision: str, file: HubFile, hub: Hub) -> int:
    """Bytes of a file that need not be fetched again."""
    root = storage(name, hub)
    blob = root / "blobs" / file.sha256
    if (root / "snapshots" / revision / file.name).exists() or (file.sha256 and blob.exists()):
        return file.size
    part = part_of(blob)
    return min(part.stat().st_size, file.size) if file.sha256 and part.exists() else 0


def part_of(blob: Path) -> Path:
    """Where the beginning of a file is kept until its end is there."""
    return blob.with_name(f"{blob.name}.sightline")


def gigabytes(count: float) -> str:
    """``4.3 GB`` or ``12 MB``, decimal as download sizes are told everywhere."""
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{max(count, 0) / 1e6:.0f} MB"
