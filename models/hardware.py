"""What this machine has, and what a model needs: memory and speed, from stated formulas.

With ``b`` bytes for each number (4 in float32, 2 in bfloat16 and float16), V visual tokens and T tokens of
text:

- *weights*: parameters × b; quantized, all but embeddings, vision tower, vocabulary head and the attention's
  output projections (the probe multiplies with those) take 1 byte (8 bit) or 0.5625 (4 bit and its scales);
- *cache*: 2 × layers × key heads × head size × b × (V + T);
- *reading attention*: 3 × layers × heads × 32 tokens × V × 4 (rows, their products with the values, and the
  sum on the way), as 32 tokens are read together;
- *prompt*: (V + T) × (2 × intermediate + 4 × hidden) × b, and the same for the patches of the vision tower,
  four to a visual token;
- *fixed*: half a GiB for libraries and the device, and 5 % of the weights for what the allocator keeps.

Decoding reads the active weights and the cache once for each token and starts the kernels of every layer,
about 0.4 ms each in transformers: 1 ÷ (bytes ÷ memory bandwidth + 0.4 ms × layers) tokens a second, rather
fewer than more.

Imports torch only inside its functions.
"""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from core.errors import InputError

GIB = 2**30
BYTES = {"float32": 4.0, "bfloat16": 2.0, "float16": 2.0}
QUANTIZED = {"8bit": 1.0, "4bit": 0.5625}
"""Bytes of a quantized number, scales included."""
TEXT_TOKENS = 4096
"""Tokens of prompt and reasoning that estimates reckon with."""
READ_AT_ONCE = 32
"""Tokens whose attention is read together: ``core.run.EFFECTS_AT_ONCE``, whose module imports torch."""
_FIXED = 0.5 * GIB
_KERNELS = 0.4e-3
"""Seconds a layer: 2.4 of the 2.9 ms of the bundled model with its 6 layers; half of what GLM-4.1V's authors
report for an A100."""
_PATCHES = 4


@dataclass(frozen=True, slots=True)
class Device:
    """Something a model can run on.

    Attributes:
        name: for torch: "cpu", "cuda:0", "mps".
        label: for people.
        total, free: bytes of its memory.
        bandwidth: bytes a second that its memory delivers, or None where nobody says.
        dtype: the number format that "auto" takes there.
    """

    name: str
    label: str
    total: int
    free: int
    bandwidth: float | None
    dtype: str


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of a model that memory and speed follow from; for some of them see the module's formulas.

    Attributes:
        parameters, active: all, and those that one token uses (fewer with experts).
        unquantized: parameters that quantization leaves alone.
        layers: whose cache grows with the text.
        heads, key_heads, head_size, hidden, intermediate: of the text decoder.
        vision_hidden, vision_intermediate: of the vision tower.
        pixels: side of the square that one visual token stands for, in pixels given to the model.
    """

    parameters: int
    active: int
    unquantized: int
    layers: int
    heads: int
    key_heads: int
    head_size: int
    hidden: int
    intermediate: int
    vision_hidden: int
    vision_intermediate: int
    pixels: int

    def weights(self, dtype: str, quantized: str = "") -> float:
        """Bytes of all weights."""
        return self._bytes(self.parameters, dtype, quantized)

    def cache(self, tokens: int, dtype: str) -> float:
        """Bytes of keys and values of so many tokens."""
        return 2 * self.layers * self.key_heads * self.head_size * BYTES[dtype] * tokens

    def needed(self, visual_tokens: int, dtype: str, quantized: str = "", text: int = TEXT_TOKENS) -> float:
        """Bytes of memory for a run over an image of so many visual tokens and ``text`` other tokens."""
        size = BYTES[dtype]
        weights = self.weights(dtype, quantized)
        reading = 3 * self.layers * self.heads * READ_AT_ONCE * visual_tokens * 4
        prompt = (visual_tokens + min(text, 512)) * (2 * self.intermediate + 4 * self.hidden) * size
        tower = _PATCHES * visual_tokens * (2 * self.vision_intermediate + 4 * self.vision_hidden) * size
        cached = self.cache(visual_tokens + text, dtype)
        return 1.05 * weights + cached + max(reading, prompt, tower) + _FIXED

    def speed(self, bandwidth: float, visual_tokens: int, dtype: str, quantized: str = "") -> float:
        """Tokens a second to expect at most from memory of this bandwidth, in the middle of a run."""
        read = self._bytes(self.active, dtype, quantized)
        read += self.cache(visual_tokens + TEXT_TOKENS // 2, dtype)
        return 1 / (read / bandwidth + _KERNELS * self.layers)

    def _bytes(self, parameters: int, dtype: str, quantized: str) -> float:
        if not quantized:
            return parameters * BYTES[dtype]
        kept = min(self.unquantized, parameters)
        return kept * BYTES[dtype] + (parameters - kept) * QUANTIZED[quantized]


def visual_tokens(width: int, height: int, pixels: int, budget: int | None = None) -> int:
    """How many visual tokens a plain resize makes of a screenshot, at most ``budget``: an estimate."""
    count = max(1, round(width / pixels)) * max(1, round(height / pixels))
    return count if budget is None else min(count, budget)


def shape_of(folder: Path) -> Shape:
    """The shape of a checkpoint folder, from its configuration and the headers of its weights.

    Raises:
        InputError: they cannot be read.
    """
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        sizes = _tensor_sizes(folder)
        return _shape(config, sizes)
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise InputError(
            f"The model in {folder} cannot be loaded: its configuration or weights are incomplete. "
            "Fetch it again."
        ) from error


def _tensor_sizes(folder: Path) -> dict[str, int]:
    """Numbers in every tensor of every safetensors file, without reading the tensors."""
    sizes: dict[str, int] = {}
    for path in sorted(folder.glob("*.safetensors")):
        if path.name.startswith("consolidated"):
            continue
        with path.open("rb") as stream:
            (length,) = struct.unpack("<Q", stream.read(8))
            if length > 100 * 2**20:
                raise ValueError("not a safetensors file")
            header = json.loads(stream.read(length))
        sizes |= {n: math.prod(t["shape"]) for n, t in header.items() if n != "__metadata__"}
    if not sizes:
        raise ValueError("no weights")
    return sizes


def _shape(config: Mapping[str, Any], sizes: Mapping[str, int]) -> Shape:
    text, vision = config.get("text_config") or config, config.get("vision_config") or {}
    total = sum(sizes.values())
    plain = ("embed_tokens", "lm_head", "visual", "vision", "o_proj", "norm", "projector")
    kept = sum(count for name, count in sizes.items() if any(part in name for part in plain))
    experts = sum(count for name, count in sizes.items() if ".experts." in name)
    routed = _first(text, "num_experts", "num_local_experts", "n_routed_experts")
    used = _first(text, "num_experts_per_tok", "top_k_experts")
    idle = experts * (1 - used / routed) if routed and used else 0
    # A token reads one row of the embeddings; tied weights are also the vocabulary head and read whole.
    tied = bool(config.get("tie_word_embeddings") or text.get("tie_word_embeddings"))
    rows = 0 if tied else sum(count for name, count in sizes.items() if "embed_tokens" in name)
    seen = sum(count for name, count in sizes.items() if "visual" in name or "vision" in name)
    hidden, heads = int(text["hidden_size"]), int(text["num_attention_heads"])
    patch = vision.get("patch_size", 14)
    patch = int(patch[0] if isinstance(patch, list) else patch)
    merge = _first(vision, "spatial_merge_size", "pooling_kernel_size") or _first(
        config, "spatial_merge_size"
    )
    vision_hidden = int(vision.get("hidden_size") or 1024)
    return Shape(
        parameters=total,
        active=round(total - idle - rows - seen),
        unquantized=kept,
        layers=int(text["num_hidden_layers"]),
        heads=heads,
        key_heads=int(text.get("num_key_value_heads") or heads),
        head_size=int(text.get("head_dim") or hidden // heads),
        hidden=hidden,
        intermediate=int(text.get("intermediate_size") or text.get("moe_intermediate_size") or 4 * hidden),
        vision_hidden=vision_hidden,
        vision_intermediate=int(vision.get("intermediate_size") or 4 * vision_hidden),
        pixels=patch * (merge or 2),
    )


def _first(config: Mapping[str, Any], *names: str) -> int:
    """The first of some settings that a configuration has; architectures name the same thing differently."""
    return next((int(config[name]) for name in names if config.get(name)), 0)


def devices() -> tuple[Device, ...]:
    """What a model can run on here, the best first. Imports torch, and measures the CPU for a moment."""
    import torch

    found = []
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        about = torch.cuda.get_device_properties(index)
        free, total = torch.cuda.mem_get_info(index)
        # Two transfers a clock; kilohertz and bits.
        speed = 2e3 * about.memory_clock_rate * about.memory_bus_width / 8
        found.append(Device(f"cuda:{index}", about.name, total, free, speed or None, "bfloat16"))
    total, free = _memory()
    if torch.backends.mps.is_available():
        found.append(Device("mps", "Apple GPU (shared memory)", total, free, None, "float16"))
    found.append(
        Device("cpu", f"CPU with {os.cpu_count() or 1} cores", total, free, _copy_speed(), "float32")
    )
    return tuple(found)


def free_memory(device: str) -> int:
    """Bytes that are free on a torch device now."""
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    return _memory()[1]


def _memory() -> tuple[int, int]:
    """(total, available) bytes of main memory, and no more than the control group of this process allows."""
    import psutil

    memory = psutil.virtual_memory()
    total, free = int(memory.total), int(memory.available)
    group = Path("/sys/fs/cgroup")
    try:
        limit = int((group / "memory.max").read_text())
        used = int((group / "memory.current").read_text())
    except (OSError, ValueError):
        return total, free
    return min(total, limit), min(free, max(0, limit - used))


@cache
def _copy_speed() -> float:
    """Bytes a second that this CPU reads while it multiplies a matrix by a vector: the work of decoding."""
    import time

    import torch

    matrix, vector = torch.ones(4096, 4096), torch.ones(4096)
    best = math.inf
    for _ in range(4):
        began = time.perf_counter()
        matrix @ vector
        best = min(best, time.perf_counter() - began)
    return matrix.numel() * 4 / best
