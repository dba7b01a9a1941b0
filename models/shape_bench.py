"""Speed and memory at a real model's size, with random weights: no download, and the same arithmetic.

The sizes are those of ``models/catalogue.py``; the tokenizer, template and vocabulary of the bundled model
feed a text decoder and vision tower of the published width and depth. Imports torch and transformers.
"""

from __future__ import annotations

import copy
import gc
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch

from core.errors import InputError
from core.estimator import SIZES, EffectNetwork, Estimator, EstimatorConfig
from core.events import EffectsEstimated, Finished, TokenDecoded
from core.memory import out_of_memory
from core.run import EffectEstimator, found, run
from core.screenshot import from_array
from core.trace import Identity, Sampling
from models import image_budget
from models.checkpoint import BUNDLED, Checkpoint, Loading, load_checkpoint
from models.hardware import GIB
from models.placement import SPREAD, machine_device, number_format
from models.speed_bench import eagerly
from models.thinker import Thinker

Say = Callable[[str, float | None], None]

SHAPES: dict[str, dict[str, Any]] = {
    "qwen3-vl-8b": {
        "text": (36, 4096, 12288, 32, 8, 151_936),
        "vision": (27, 1152, 4304, 16),
        "visual_tokens": (1024, 4096, 8192),
    },
    "qwen3-vl-2b": {
        "text": (28, 2048, 6144, 16, 8, 151_936),
        "vision": (24, 1024, 4096, 16),
        "visual_tokens": (1024, 4096, 8192),
    },
    "reduced": {
        "text": (8, 512, 1536, 8, 4, 8_192),
        "vision": (4, 256, 1024, 4),
        "visual_tokens": (256, 1024),
    },
    "small": {
        "text": (2, 64, 192, 4, 2, 720),
        "vision": (3, 64, 192, 2),
        "visual_tokens": (16, 256),
    },
}
"""By name: text decoder (layers, hidden, intermediate, heads, key heads, vocabulary), vision tower (layers,
hidden, intermediate, heads), and the visual tokens to measure at. "reduced" is for a CPU, "small" for a
reasoning of tens of thousands of tokens on one."""


def bench_shape(
    name: str,
    loading: Loading,
    rounds: int = 5,
    tokens: int = 200,
    regions: int = 48,
    say: Say | None = None,
) -> dict[str, object]:
    """Tokens a second off, on and eager, their peak memory, and the time from a token to its overlay.

    Args:
        name: a key of ``SHAPES``.
        loading: device and number format.
        rounds: measurements of each way, alternating; one more warms up.
        tokens: of each run.
        regions: of the screenshot.

    Returns:
        plain JSON: {"shape", "device", "dtype", "parameters", "rounds", "tokens", "regions", "sizes": [{
        "visual_tokens", "off", "on", "eager": {"rate": {"median", "low", "high"}, "peak_gib"} or {"failed"},
        "ratio", "ratio_of_eager", "overlay_ms": {"median", "p95"}}]}. Peak memory is that of the device on
        CUDA and absent elsewhere.

    Raises:
        InputError: there is no such shape, or the model does not fit.
    """
    if name not in SHAPES:
        raise InputError(f'There is no shape "{name}". Choose one of: {", ".join(SHAPES)}.')
    if loading.device == SPREAD or loading.quantized:
        raise InputError("--shape measures one device and whole weights; leave out spread and --quantized.")
    tell = say or (lambda text, fraction: None)
    tell("Making random weights", None)
    thinker = random_thinker(name, loading)
    estimator = _estimator(thinker)
    sizes = []
    for count in SHAPES[name]["visual_tokens"]:
        tell(f"{count} visual tokens", None)
        sizes.append(_measure(thinker, estimator, count, rounds, tokens, regions))
    return {
        "shape": name,
        "device": thinker.device_name,
        "threads": torch.get_num_threads(),
        "dtype": str(thinker.model.dtype).removeprefix("torch."),
        "parameters": sum(parameter.numel() for parameter in thinker.model.parameters()),
        "rounds": rounds,
        "tokens": tokens,
        "regions": regions,
        "sizes": sizes,
    }


def shape_table(result: dict[str, Any]) -> str:
    """The result as text for a terminal."""
    lines = [
        f"{result['shape']}, random weights, {result['parameters'] / 1e9:.2f} billion parameters, "
        f"{result['dtype']} on {result['device']}; {result['tokens']} tokens, {result['rounds']} rounds, "
        f"{result['regions']} regions",
        f"{'visual':>7}{'off':>9}{'on':>9}{'eager':>9}{'on/off':>9}{'eager/off':>11}{'overlay ms':>13}"
        "  peak GiB",
    ]
    for size in result["sizes"]:
        rates = [
            f"{size[way]['rate']['median']:>9.3g}" if "rate" in size[way] else f"{'memory':>9}"
            for way in ("off", "on", "eager")
        ]
        ratios = [
            f"{size[key]['median']:.3f}" if size.get(key) else "–" for key in ("ratio", "ratio_of_eager")
        ]
        overlay = size["overlay_ms"]
        shown = f"{overlay['median']:.0f} / {overlay['p95']:.0f}" if overlay else "–"
        peaks = [f"{size[way].get('peak_gib', 0):.1f}" for way in ("off", "on", "eager")]
        lines.append(
            f"{size['visual_tokens']:>7}{''.join(rates)}{ratios[0]:>9}{ratios[1]:>11}{shown:>13}  "
            + (" / ".join(peaks) if any(float(p) for p in peaks) else "not told by this device")
        )
    lines.append("tokens a second; overlay: from a token to its effects, median / 95th percentile")
    return "\n".join(lines)


def random_thinker(name: str, loading: Loading, positions: int = 65_536) -> Thinker:
    """A Qwen3-VL of a shape with random weights, behind the bundled model's processor.

    Args:
        name: a key of ``SHAPES``.
        loading: device and number format.
        positions: how long prompt and text may become together.

    Raises:
        InputError: it does not fit into memory.
    """
    from transformers import Qwen3VLForConditionalGeneration

    bundled = load_checkpoint(BUNDLED, Loading("cpu"))
    layers, hidden, intermediate, heads, key_heads, vocabulary = SHAPES[name]["text"]
    depth, tower, tower_intermediate, tower_heads = SHAPES[name]["vision"]
    head_size = 128 if hidden > 1024 else hidden // heads
    third = head_size // 2 // 3
    told: dict[str, Any] = bundled.model.config.to_dict()
    text, vision = told["text_config"], told["vision_config"]
    text.pop("layer_types", None)  # as many as before; made anew for the new number
    text |= {
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "intermediate_size": intermediate,
        "num_attention_heads": heads,
        "num_key_value_heads": key_heads,
        "head_dim": head_size,
        "vocab_size": vocabulary,
        "max_position_embeddings": positions,
    }
    text["rope_parameters"] |= {"mrope_section": [head_size // 2 - 2 * third, third, third]}
    vision |= {
        "depth": depth,
        "hidden_size": tower,
        "intermediate_size": tower_intermediate,
        "num_heads": tower_heads,
        "out_hidden_size": hidden,
        "num_position_embeddings": 48 * 48,
        "deepstack_visual_indexes": [depth // 4, depth // 2, depth - 2],
    }
    config = type(bundled.model.config).from_dict(told)
    device = machine_device(loading.device)
    dtype = number_format(loading.dtype, device.type)
    before = torch.get_default_dtype()
    torch.manual_seed(0)
    try:
        torch.set_default_dtype(getattr(torch, dtype))
        with torch.device(device):
            model = Qwen3VLForConditionalGeneration(config)
    except Exception as error:
        if out_of_memory(error):
            raise InputError(
                f"A model of the shape {name} does not fit into the memory of {device}."
            ) from error
        raise
    finally:
        torch.set_default_dtype(before)
    model.eval().requires_grad_(False)
    identity = Identity(f"{name}, random weights", "", {"source": name})
    return Thinker(Checkpoint(model, bundled.processor, bundled.family, identity, device))


def _estimator(thinker: Thinker) -> Estimator:
    """An estimator of the usual size for this model, with random weights, where the model is."""
    text = thinker.model.config.get_text_config()
    config = EstimatorConfig(
        thinker.layers, thinker.heads, content=text.num_key_value_heads * text.head_dim,
        state=text.hidden_size, thinker="random", interval=(2.0,) * (len(SIZES) + 1),
    )  # fmt: skip
    network = EffectNetwork(config).to(thinker.device)
    return Estimator(network, config, Identity("random"))


def _measure(
    thinker: Thinker, estimator: EffectEstimator, visual: int, rounds: int, tokens: int, regions: int
) -> dict[str, Any]:
    """One row of the table."""
    image_budget.limit(thinker.processor, visual)
    side = round(visual**0.5) * 32
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    task = from_array(pixels, "noise"), _strips(side, regions)
    sampling = Sampling(max_new_tokens=tokens)
    ways: dict[str, Callable[[], tuple[float, list[float]]]] = {
        "off": lambda: _once(thinker, None, task, sampling),
        "on": lambda: _once(thinker, estimator, task, sampling),
        "eager": lambda: eagerly(thinker, lambda eager: _once(eager, None, task, sampling)),
    }
    rates: dict[str, list[float]] = {way: [] for way in ways}
    peaks = dict.fromkeys(ways, 0.0)
    failed: dict[str, str] = {}
    waits: list[float] = []
    for number in range(rounds + 1):
        for way in list(ways) if number % 2 else list(ways)[::-1]:
            if way in failed:
                continue
            _clear(thinker)
            try:
                rate, late = ways[way]()
            except MemoryError:
                failed[way] = "out of memory"
                continue
            peaks[way] = max(peaks[way], _peak(thinker))
            if number:
                rates[way].append(rate)
                waits += late
    row: dict[str, Any] = {"visual_tokens": len(thinker.prepare(pixels, "?").cells)}
    for way in ways:
        if way in failed:
            row[way] = {"failed": failed[way]}
        else:
            row[way] = {"rate": _spread(rates[way])} | ({"peak_gib": peaks[way]} if peaks[way] else {})
    for key, way in (("ratio", "on"), ("ratio_of_eager", "eager")):
        both = not {way, "off"} & set(failed)
        row[key] = _spread([a / b for a, b in zip(rates[way], rates["off"], strict=True)]) if both else None
    late_ms = 1000 * np.array(waits)
    row["overlay_ms"] = (
        {"median": float(np.median(late_ms)), "p95": float(np.percentile(late_ms, 95))} if waits else None
    )
    return row


def _once(
    thinker: Thinker, estimator: EffectEstimator | None, task: tuple[Any, Any], sampling: Sampling
) -> tuple[float, list[float]]:
    """Tokens a second after the first, and the seconds that each token waited for its effects.

    Raises:
        MemoryError: the device ran out of memory.
    """
    born: list[float] = []
    waits: list[float] = []
    # End-of-turn tokens of random weights would cut the run short.
    endless = copy.copy(thinker)
    endless.stops = frozenset()
    events = run(task[0], "?", endless, found(task[1], Identity("")), estimator, sampling)
    for event in events:
        now = time.perf_counter()
        if isinstance(event, TokenDecoded):
            born.append(now)
        elif isinstance(event, EffectsEstimated):
            waits += [now - at for at in born[event.start : event.start + len(event.effects)]]
        elif isinstance(event, Finished):
            return (len(born) - 1) / (now - born[0]), waits
    raise MemoryError


def _strips(side: int, regions: int) -> Any:
    from core.regions import region_map_from_labels

    return region_map_from_labels(np.repeat(np.arange(side) * regions // side, side).reshape(side, side))


def _clear(thinker: Thinker) -> None:
    gc.collect()
    if thinker.device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(thinker.device)


def _peak(thinker: Thinker) -> float:
    if thinker.device.type != "cuda":
        return 0.0
    return torch.cuda.max_memory_allocated(thinker.device) / GIB


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": float(np.median(values)), "low": min(values), "high": max(values)}
