"""Published thinking models whose sizes Sightline knows, so that it can say what fits before any download.

The sizes are those of the published configurations as far as known when this was written; nothing is asked of
the hub. Once a model is on this machine, its own files are read instead (``models/hardware.py``). Other
models of the same families work too: give their id.
"""

from __future__ import annotations

from dataclasses import dataclass

from models.hardware import Shape

BILLION = 10**9


@dataclass(frozen=True, slots=True)
class Published:
    """A model that can be fetched.

    Attributes:
        id: on Hugging Face.
        family: entry of ``models.families``.
        shape: its sizes.
    """

    id: str
    family: str
    shape: Shape


def _shape(
    billions: float,
    layers: int,
    hidden: int,
    intermediate: int,
    heads: int,
    key_heads: int,
    vision: tuple[float, int, int],
    vocabulary: int,
    pixels: int,
    tied: bool = False,
    active: float | None = None,
    head_size: int = 128,
) -> Shape:
    """``vision``: (billions, hidden, intermediate) of its tower. ``active``: billions, with experts."""
    rows = vocabulary * hidden
    tower = round(vision[0] * BILLION)
    total = round(billions * BILLION)
    return Shape(
        parameters=total,
        active=round(active * BILLION) if active else total - tower - (0 if tied else rows),
        unquantized=tower + rows * (1 if tied else 2) + layers * hidden * heads * head_size,
        layers=layers,
        heads=heads,
        key_heads=key_heads,
        head_size=head_size,
        hidden=hidden,
        intermediate=intermediate,
        vision_hidden=vision[1],
        vision_intermediate=vision[2],
        pixels=pixels,
    )


_QWEN, _QWEN_SMALL = (0.58, 1152, 4304), (0.41, 1024, 4096)
_QWEN2_5, _GLM, _INTERN = (0.68, 1280, 3420), (0.8, 1536, 13696), (0.30, 1024, 4096)
_PIXTRAL = (0.4, 1024, 4096)
_VOCABULARY = 151_936

# fmt: off
CATALOGUE: tuple[Published, ...] = (
    Published("Qwen/Qwen3-VL-2B-Thinking", "Qwen3-VL-Thinking",
              _shape(2.13, 28, 2048, 6144, 16, 8, _QWEN_SMALL, _VOCABULARY, 32, tied=True)),
    Published("Qwen/Qwen3-VL-4B-Thinking", "Qwen3-VL-Thinking",
              _shape(4.44, 36, 2560, 9728, 32, 8, _QWEN_SMALL, _VOCABULARY, 32, tied=True)),
    Published("mistralai/Ministral-3-3B-Reasoning-2512", "Ministral 3 Reasoning",
              _shape(3.85, 26, 3072, 9216, 32, 8, _PIXTRAL, 131_072, 28, tied=True)),
    Published("Qwen/Qwen3-VL-8B-Thinking", "Qwen3-VL-Thinking",
              _shape(8.77, 36, 4096, 12288, 32, 8, _QWEN, _VOCABULARY, 32)),
    Published("zai-org/GLM-4.1V-9B-Thinking", "GLM-4.1V-Thinking",
              _shape(10.3, 40, 4096, 13696, 32, 2, _GLM, 151_552, 28)),
    Published("XiaomiMiMo/MiMo-VL-7B-RL", "MiMo-VL",
              _shape(8.31, 36, 4096, 11008, 32, 8, _QWEN2_5, 151_680, 28)),
    Published("nvidia/Cosmos-Reason1-7B", "Cosmos-Reason1",
              _shape(8.29, 28, 3584, 18944, 28, 4, _QWEN2_5, 152_064, 28)),
    Published("mistralai/Ministral-3-8B-Reasoning-2512", "Ministral 3 Reasoning",
              _shape(8.9, 34, 4096, 14336, 32, 8, _PIXTRAL, 131_072, 28)),
    Published("Qwen/Qwen3.5-9B", "Qwen3.5",
              _shape(9.5, 32, 4096, 12288, 16, 4, _QWEN, 248_320, 32, head_size=256)),
    Published("OpenGVLab/InternVL3_5-8B-HF", "InternVL3.5",
              _shape(8.53, 36, 4096, 12288, 32, 8, _INTERN, _VOCABULARY, 28)),
    Published("Qwen/Qwen3-VL-30B-A3B-Thinking", "Qwen3-VL-Thinking",
              _shape(31.1, 48, 2048, 6144, 32, 4, _QWEN, _VOCABULARY, 32, active=3.3)),
    Published("Qwen/Qwen3-VL-32B-Thinking", "Qwen3-VL-Thinking",
              _shape(33.4, 64, 5120, 25600, 64, 8, _QWEN, _VOCABULARY, 32)),
)
# fmt: on


def published(name: str) -> Published | None:
    """The entry with this id."""
    return next((entry for entry in CATALOGUE if entry.id == name), None)
