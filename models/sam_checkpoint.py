"""Finding and loading a Segment Anything checkpoint, with a clear sentence for all that can be wrong with it.

Three kinds: an official ``.pth`` file of segment-anything (ViT-B, L or H), a folder of SAM 2 or 2.1 in
transformers' layout (or its cached Hugging Face id), and a folder in the layout of the bundled one.
"""

from __future__ import annotations

import hashlib
import json
import pickle
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import resources
from core.errors import InputError
from core.paths import typed_path
from core.trace import Identity
from models.mask_model import MaskModel

if TYPE_CHECKING:
    from models.sam_judge import Jury

BUNDLED = Path(resources.__file__).parent / "bundled" / "sam"
JUDGE = "judge.safetensors"
TYPES = {12: "vit_b", 24: "vit_l", 32: "vit_h"}
"""Number of encoder blocks → name in segment-anything's registry."""
_LIKELY = 0.16
"""Quality from which the bundled SAM sees something in a box: it thinks little of itself, and was asked which
boxes hold something when it was trained. From scenes of training seeds."""
_HASHED = 64 * 2**20


def bundled() -> bool:
    """Whether the weights of the bundled SAM are there."""
    return (BUNDLED / "model.safetensors").is_file()


def load_mask_model(checkpoint: Path | None) -> MaskModel:
    """Load a checkpoint; None is the bundled one.

    Raises:
        InputError: missing, damaged, of another kind, or made to run code.
    """
    if checkpoint is None:
        if not bundled():
            raise InputError(
                "Sightline comes without weights of its own for SAM here. Give a checkpoint, as in "
                "“sam:sam_vit_b.pth”, or choose another segmenter."
            )
        return _small(BUNDLED, "sam")
    if not checkpoint.is_dir():
        return _official(checkpoint)
    try:
        config = json.loads((checkpoint / "config.json").read_text(encoding="utf-8"))
        model_type = config.get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise InputError(
            f"{checkpoint} holds no config.json that can be read, so it is no SAM checkpoint. Choose a .pth "
            "file of segment-anything or a folder of SAM 2.1."
        ) from error
    if model_type is None:
        return _small(checkpoint, f"sam:{checkpoint.name}")
    if not str(model_type).startswith("sam2"):
        raise InputError(f"{checkpoint} holds a model of type “{model_type}”, not a SAM 2. Choose another.")
    from models.sam2_model import TransformersSam2

    weights = sorted(checkpoint.glob("*.safetensors"))
    return TransformersSam2(checkpoint, _identity(f"sam:{checkpoint.name}", weights, str(model_type)))


def load_its_jury(checkpoint: Path | None) -> Jury | None:
    """The judges that learned from the answers of a checkpoint, which lie in its folder, if it has any.

    Raises:
        InputError: they are damaged.
    """
    weights = (checkpoint or BUNDLED) / JUDGE
    if not weights.is_file():
        return None
    from safetensors import SafetensorError

    from models.sam_judge import load_jury

    try:
        return load_jury(weights)
    except (OSError, KeyError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"The judges in {weights.parent} are damaged or incomplete ({_short(error)}). Reinstall that SAM "
            "or choose another."
        ) from error


def find_checkpoint(name: str) -> Path:
    """The file or folder that a name means: a path, or the Hugging Face id of a cached SAM 2.1.

    Raises:
        InputError: there is no such thing on this machine.
    """
    path = typed_path(name)
    if path.exists():
        return path
    if name.count("/") == 1 and path.suffix != ".pth" and not path.is_absolute():
        from models.hub import cached_folder

        folder = cached_folder(name)
        if folder is not None:
            return folder
        raise InputError(
            f"The model “{name}” is not on this machine. Fetch it first, or give a local folder."
        )
    raise InputError(f"There is no checkpoint {name}. Check the path and try again.")


def _small(folder: Path, name: str) -> MaskModel:
    """A SAM of segment-anything's classes at sizes of its own."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    from models.bundled.sam.architecture import Shape, boxes_as_masks, build_sam
    from models.segment_anything_model import SegmentAnythingModel

    weights = folder / "model.safetensors"
    try:
        shape = Shape.from_json(json.loads((folder / "config.json").read_text(encoding="utf-8")))
        sam = build_sam(shape)
        sam.load_state_dict(load_file(weights))
    except (OSError, ValueError, TypeError, KeyError, RuntimeError, SafetensorError) as error:
        raise InputError(
            f"The SAM in {folder} is damaged or incomplete ({_short(error)}). Reinstall it or choose another."
        ) from error
    files = [file for file in (weights, folder / JUDGE) if file.is_file()]
    return SegmentAnythingModel(
        sam, _identity(name, files, "small"), shape.image_size, 0.5, boxes_as_masks, _LIKELY, exact=False
    )


def _official(path: Path) -> MaskModel:
    """ViT-B, L or H as Meta published it, through segment-anything's own registry."""
    import torch

    from models.segment_anything_model import SegmentAnythingModel, sam_model_registry

    weights = _weights(path)
    blocks = {int(k.split(".")[2]) for k in weights if k.startswith("image_encoder.blocks.")}
    kind = TYPES.get(len(blocks))
    if kind is None:
        raise InputError(
            f"{path} holds no Segment Anything model (ViT-B, L or H). Choose an official .pth checkpoint."
        )
    with torch.device("meta"):
        sam = sam_model_registry[kind]()
    expected = {name: tuple(value.shape) for name, value in sam.state_dict().items()}
    wrong = sorted(
        name
        for name in expected.keys() | weights.keys()
        if name not in weights or tuple(weights[name].shape) != expected.get(name)
    )
    if wrong:
        raise InputError(
            f"{path} looks like {kind}, but {len(wrong)} of its weights are missing, left over or of the "
            f"wrong shape (for example {wrong[0]}). Fetch the checkpoint again."
        )
    sam = sam_model_registry[kind]()
    sam.load_state_dict(weights)
    return SegmentAnythingModel(sam, _identity(f"sam:{path.name}", [path], kind), None, good=0.8)


def _weights(path: Path) -> dict[str, Any]:
    """Tensors by name; nothing in the file is ever run."""
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old pickle protocols, which fail anyway
            weights = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        text = str(error)
        if "GLOBAL" in text or "reduce" in text:
            raise InputError(
                f"{path} holds program code beside or instead of weights. It was not run. Fetch the "
                "checkpoint from a source that you trust."
            ) from error
        raise _damaged(path, error) from error
    except (OSError, EOFError, RuntimeError, ValueError, KeyError, AttributeError, IndexError) as error:
        raise _damaged(path, error) from error
    tensors = isinstance(weights, dict) and all(isinstance(v, torch.Tensor) for v in weights.values())
    if not tensors or not all(isinstance(k, str) for k in weights):
        raise InputError(f"{path} is no list of weights. Choose an official .pth checkpoint of SAM.")
    return dict(weights)


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path} cannot be read as a checkpoint ({_short(error)}): it is damaged, cut short or something "
        "else. Fetch it again."
    )


def _short(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]


def _identity(name: str, files: list[Path], kind: str) -> Identity:
    """Hash of the weights; of files beyond 64 MiB the first 64 MiB and the size."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(str(file.stat().st_size).encode())
        with file.open("rb") as stream:
            digest.update(stream.read(_HASHED))
    return Identity(name, digest.hexdigest(), {"type": kind})
