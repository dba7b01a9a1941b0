"""Models on the Hugging Face hub or a mirror of it: what is there, how big it is, and fetching it.

Nothing here is called unless a person asked for it. Everything lands in the standard Hugging Face cache, so
that other programs find it. The token is that of the standard login (``hf auth login``); it is read when
needed and never kept. Imports huggingface_hub only inside its functions.
"""

from models.hub.fetching import cached_folder, fetch, look_up
from models.hub.large_files import DownloadCancelled
from models.hub.offer import Hub, Offer, gigabytes

__all__ = ["DownloadCancelled", "Hub", "Offer", "cached_folder", "fetch", "gigabytes", "look_up"]
