"""The official checkpoints of segment-anything: where they are, how large, and what they must hash to."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from models.file_fetch import RemoteFile

_PLACE = "https://dl.fbaipublicfiles.com/segment_anything"

OFFICIAL: Final = {
    "ViT-B": RemoteFile(
        f"{_PLACE}/sam_vit_b_01ec64.pth",
        375_042_383,
        "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
    ),
    "ViT-L": RemoteFile(
        f"{_PLACE}/sam_vit_l_0b3195.pth",
        1_249_524_607,
        "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
    ),
    "ViT-H": RemoteFile(
        f"{_PLACE}/sam_vit_h_4b8939.pth",
        2_564_550_879,
        "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
    ),
}
"""As Meta published them; the hashes are those that projects which use them check against."""


def fetched(folder: Path) -> dict[str, Path]:
    """The official checkpoints that are in a folder, by name."""
    here = {name: folder / remote.name for name, remote in OFFICIAL.items()}
    return {
        name: path
        for name, path in here.items()
        if path.is_file() and path.stat().st_size == OFFICIAL[name].size
    }
