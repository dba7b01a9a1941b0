"""What is known, present and usable on this machine: thinking models, segmenters, devices."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from dataclasses import asdict, dataclass
from pathlib import Path

from app.cli import DONE


@dataclass(frozen=True, slots=True)
class Known:
    """One model or segmenter. ``usable`` says yes, or what is missing."""

    kind: str
    name: str
    where: str
    usable: str


def add_arguments(parser: ArgumentParser) -> None:
    """The arguments of ``sightline models``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: Namespace) -> int:
    """Do ``sightline models``."""
    found = [*_bundled(), *_cached(), *_segmenters()]
    devices = _devices()
    if args.json:
        print(json.dumps({"models": [asdict(k) for k in found], "devices": devices}))
        return DONE
    rows = [("kind", "name", "where", "usable"), *((k.kind, k.name, k.where, k.usable) for k in found)]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    for row in rows:
        print("  ".join((*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[3])))
    print(f"\ndevices: {', '.join(devices)}")
    return DONE


def _bundled() -> list[Known]:
    import resources

    folder = Path(resources.__path__[0]) / "bundled" / "thinker"
    present = (folder / "config.json").is_file()
    return [
        Known(
            "thinking model",
            "bundled",
            str(folder),
            "yes, for generated screens" if present else "no: its files are missing; reinstall Sightline",
        )
    ]


def _cached() -> list[Known]:
    """Vision-language models in the Hugging Face cache, and whether their family is supported."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    from models.families import families_of

    try:
        repos = scan_cache_dir().repos
    except CacheNotFound:
        return []
    found = []
    for repo in sorted(repos, key=lambda r: r.repo_id):
        configs = sorted(Path(repo.repo_path).glob("snapshots/*/config.json"))
        if not configs:
            continue
        try:
            config = json.loads(configs[-1].read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if "vision_config" not in config:
            continue
        model_type = str(config.get("model_type", ""))
        usable = "yes" if families_of(model_type) else f"no: models of type {model_type} are not supported"
        found.append(Known("thinking model", repo.repo_id, str(repo.repo_path), usable))
    return found


def _segmenters() -> list[Known]:
    from models.segmenters import SEGMENTERS

    return [
        Known("segmenter", name, entry.description, "with a checkpoint" if entry.takes_checkpoint else "yes")
        for name, entry in SEGMENTERS.items()
    ]


def _devices() -> list[str]:
    import torch

    found = ["cpu"]
    if torch.cuda.is_available():
        found += [f"cuda:{i} ({torch.cuda.get_device_name(i)})" for i in range(torch.cuda.device_count())]
    if torch.backends.mps.is_available():
        found.append("mps")
    return found
