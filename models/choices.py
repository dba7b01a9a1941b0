"""The models one can choose from on this machine, and for each: is it here, does it fit, how fast, how shown.

Everything is an estimate from ``models/hardware.py``; nothing is loaded and nobody is asked.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from core.paths import typed_path
from models.catalogue import CATALOGUE
from models.checkpoint import AS_IT_COMES, BUNDLED, Loading, content_hash, folder_of
from models.families import families_of
from models.hardware import GIB, Device, Shape, shape_of, visual_tokens
from models.hub import Hub, cached_folder, gigabytes
from models.image_budget import budget_of
from models.placement import SPREAD

HERE, ELSEWHERE = "on this machine", "to be fetched"


@dataclass(frozen=True, slots=True)
class Choice:
    """One model.

    Attributes:
        name: what ``--model`` takes.
        present: whether it is on this machine.
        where: the same in words, with the size of the download.
        needed: bytes of memory for a run over this image.
        fits: whether they are free on the device.
        verdict: that in words, with what would help.
        speed: tokens a second at most, or None where nobody knows.
        visual: visual tokens reckoned with.
        shown: what regions will show: the effects of an estimator, or uncalibrated attention.
    """

    name: str
    present: bool
    where: str
    needed: float
    fits: bool
    verdict: str
    speed: float | None
    visual: int
    shown: str


def choices(
    devices: Sequence[Device],
    image: tuple[int, int],
    loading: Loading = AS_IT_COMES,
    estimators: Mapping[str, Path] | None = None,
    hub: Hub | None = None,
    more: Sequence[str] = (),
) -> list[Choice]:
    """The bundled model, every published one that Sightline knows, and ``more`` folders or ids that are here.

    Args:
        devices: of this machine, the best first.
        image: width and height of the screenshot.
        loading: how it would be loaded.
        estimators: from ``models.estimators.estimators_in``.
        hub: whose cache to look into.
        more: further models; those that are not on this machine are left out.
    """
    device = chosen_device(devices, loading)
    found = [_choice(BUNDLED, folder_of(BUNDLED), None, device, image, loading, estimators or {})]
    names = [entry.id for entry in CATALOGUE]
    for name in dict.fromkeys((*names, *more)):
        known = next((entry.shape for entry in CATALOGUE if entry.id == name), None)
        folder = _here(name, hub)
        if folder is None and known is None:
            continue
        found.append(_choice(name, folder, known, device, image, loading, estimators or {}))
    return found


def _here(name: str, hub: Hub | None) -> Path | None:
    """The folder that a name or an id means, if there is one on this machine."""
    try:
        path = typed_path(name)
    except InputError:
        return None
    return path if path.is_dir() else cached_folder(name, hub)


def cached_models(hub: Hub | None = None) -> list[str]:
    """Ids of vision-language models in the Hugging Face cache that belong to a supported family."""
    from huggingface_hub import scan_cache_dir
    from huggingface_hub.errors import CacheNotFound

    try:
        repos = scan_cache_dir((hub or Hub()).folder).repos
    except CacheNotFound:
        return []
    found = []
    for repo in sorted(repos, key=lambda r: r.repo_id):
        configs = sorted(Path(repo.repo_path).glob("snapshots/*/config.json"))
        try:
            config = json.loads(configs[-1].read_text(encoding="utf-8"))
            if "vision_config" in config and families_of(str(config.get("model_type", ""))):
                found.append(repo.repo_id)
        except (OSError, ValueError, IndexError):
            continue
    return found


def chosen_device(devices: Sequence[Device], loading: Loading) -> Device:
    """The device that ``loading`` means.

    Raises:
        InputError: this machine has none like it.
    """
    wanted = loading.device
    if wanted in ("auto", SPREAD):
        return devices[0]
    found = next((d for d in devices if d.name == wanted or d.name.split(":")[0] == wanted), None)
    if found is None:
        here = ", ".join(d.name for d in devices)
        raise InputError(f'There is no device "{wanted}" here. This machine has: {here}.')
    return found


def _choice(
    name: str,
    folder: Path | None,
    known: Shape | None,
    device: Device,
    image: tuple[int, int],
    loading: Loading,
    estimators: Mapping[str, Path],
) -> Choice:
    try:
        shape = shape_of(folder) if folder is not None else known
    except InputError:
        folder, shape = None, known
    if shape is None:
        return Choice(name, False, "damaged", 0, False, "cannot be read; fetch it again", None, 0, "–")
    dtype = device.dtype if loading.dtype == "auto" else loading.dtype
    own = budget_of(folder) if folder is not None else None
    visual = visual_tokens(*image, shape.pixels, loading.visual_tokens or own)
    needed = shape.needed(visual, dtype, loading.quantized)
    fits = needed <= device.free
    speed = shape.speed(device.bandwidth, visual, dtype, loading.quantized) if device.bandwidth else None
    where = HERE if folder is not None else f"{ELSEWHERE}, {gigabytes(2 * shape.parameters)}"
    return Choice(
        name,
        folder is not None,
        "comes with Sightline" if name == BUNDLED else where,
        needed,
        fits,
        "fits" if fits else _remedy(shape, visual, device, loading),
        speed,
        visual,
        _shown(name, folder, estimators),
    )


def _remedy(shape: Shape, visual: int, device: Device, loading: Loading) -> str:
    """What would make it fit, the mildest first."""
    if loading.device == SPREAD:
        return "spread over all memory and the disk: slow"
    if device.dtype == "float32" and shape.needed(visual, "bfloat16") <= device.free:
        return "fits in bfloat16"
    if device.name.startswith("cuda"):
        for quantized, words in (("8bit", "8 bit"), ("4bit", "4 bit")):
            if shape.needed(visual, "bfloat16", quantized) <= device.free:
                return f"fits in {words}"
    if shape.needed(min(visual, 256), "bfloat16") <= device.free:
        return "fits with a smaller image, in bfloat16"
    return f"too large: {device.free / GIB:.1f} GiB are free"


def _shown(name: str, folder: Path | None, estimators: Mapping[str, Path]) -> str:
    if name == BUNDLED:
        return "estimated effects"
    if folder is not None and content_hash(folder) in estimators:
        return f"estimated effects ({estimators[content_hash(folder)].name})"
    return "uncalibrated attention"
