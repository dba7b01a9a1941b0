"""The estimator: a small network from attention features to effects in nats.

It sees one region of one token at a time, together with the mean and the maximum over all regions and with
what is known of the token; it therefore does not care how many regions there are or in which order. One
estimator belongs to one thinking model. Imports torch.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from core.errors import InputError
from core.features import Features
from core.threads import at_most
from core.trace import Identity

FORMAT = 1
_FLOOR = 1e-4
_WEIGHTS = "model.safetensors"
_CONFIG = "config.json"


@dataclass(frozen=True, slots=True)
class EstimatorConfig:
    """What the network is shaped after.

    Attributes:
        layers, heads: readable attention layers of the thinking model, and heads in each.
        hidden: width of the network.
        thinker: name of the thinking model.
        thinker_sha256: its content hash.
    """

    layers: int
    heads: int
    hidden: int = 64
    thinker: str = ""
    thinker_sha256: str = ""


def region_inputs(features: Features) -> Tensor:
    """What the network is told of each region: float32 [n, R, 3·L·H + L + 4].

    Logarithm of attention, each head's share of its own image attention, compressed direct effects and their
    sum, logarithm of carried attention, and the region's area.
    """
    count, regions = len(features), features.regions
    attention = features.attention.float()
    share = attention / features.image_mass.float().clamp_min(_FLOOR).unsqueeze(-1)
    direct = features.direct.float()
    parts = (
        (attention + _FLOOR).log(),
        share,
        torch.asinh(direct * 20.0),
    )
    per_head = torch.stack(parts, 1).permute(0, 4, 1, 2, 3).reshape(count, regions, -1)
    carried = (features.carried.float() + _FLOOR).log().transpose(1, 2)
    total = direct.sum((1, 2)).unsqueeze(-1)
    mean = (attention.mean((1, 2)) + _FLOOR).log().unsqueeze(-1)
    area = features.area.float().view(1, -1, 1).expand(count, -1, -1)
    return torch.cat((per_head, carried, total, mean, (area + _FLOOR).log(), area), -1)


def token_inputs(features: Features) -> Tensor:
    """What the network is told of each token: float32 [n, 2·L·H + 3]."""
    count = len(features)
    mass = (features.image_mass.float() + _FLOOR).log().reshape(count, -1)
    direct = torch.asinh(features.direct.float().sum(-1) * 20.0).reshape(count, -1)
    log_prob = features.log_prob.float().clamp_min(-20.0).view(-1, 1)
    entropy = features.entropy.float().view(-1, 1)
    regions = torch.full_like(entropy, features.regions).log()
    return torch.cat((mass, direct, log_prob, entropy, regions), -1)


class EffectNetwork(nn.Module):
    """Region and token inputs → effects and reliance."""

    def __init__(self, config: EstimatorConfig) -> None:
        super().__init__()
        pairs, hidden = config.layers * config.heads, config.hidden
        regional, general = 3 * pairs + config.layers + 4, 2 * pairs + 3
        self.region_mean = nn.Buffer(torch.zeros(regional))
        self.region_scale = nn.Buffer(torch.ones(regional))
        self.token_mean = nn.Buffer(torch.zeros(general))
        self.token_scale = nn.Buffer(torch.ones(general))
        self.region_in = nn.Linear(regional, hidden)
        self.token_in = nn.Linear(general, hidden)
        self.context = nn.Linear(2 * hidden, hidden, bias=False)
        self.mix = nn.Linear(hidden, hidden)
        self.out = nn.Linear(2 * hidden, 2)
        self.direct = nn.Linear(regional, 1, bias=False)
        self.reliance = nn.Linear(2 * hidden, 1)
        nn.init.zeros_(self.direct.weight)

    def forward(self, regional: Tensor, general: Tensor) -> tuple[Tensor, Tensor]:
        """Effects [n, R] and reliance [n], nats, from inputs [n, R, …] and [n, …]."""
        regional = ((regional - self.region_mean) * self.region_scale).clamp(-8, 8)
        general = ((general - self.token_mean) * self.token_scale).clamp(-8, 8)
        first = F.gelu(self.region_in(regional) + self.token_in(general).unsqueeze(1))
        around = torch.cat((first.mean(1), first.amax(1)), -1)
        second = F.gelu(self.mix(first) + self.context(around).unsqueeze(1))
        value, gate = self.out(torch.cat((first, second), -1)).unbind(-1)
        # The gate can close: most regions do nothing for most tokens, and a sum over many should stay there.
        effects = value * torch.sigmoid(gate) + self.direct(regional).squeeze(-1)
        reliance = self.reliance(torch.cat((second.mean(1), second.amax(1)), -1)).squeeze(-1)
        return effects, reliance


class Estimator:
    """A fitted network, ready to turn features into effects.

    Attributes:
        identity: name and content hash, as a trace keeps it.
        config: shape, and which thinking model it was fitted on.
    """

    def __init__(self, network: EffectNetwork, config: EstimatorConfig, identity: Identity) -> None:
        self.network = network.eval().requires_grad_(False)
        self.config = config
        self.identity = identity

    def check(self, layers: int, heads: int, thinker: str) -> None:
        """Raises InputError if a thinking model of this shape cannot be what the estimator was fitted on."""
        if (layers, heads) != (self.config.layers, self.config.heads):
            raise InputError(
                f"The estimator {self.identity.name} was fitted on {self.config.thinker or 'another model'} "
                f"and does not fit {thinker}. Calibrate one for this model."
            )

    @torch.inference_mode()
    def estimate(self, features: Features) -> tuple[np.ndarray, np.ndarray]:
        """Effects float32 [n, regions] and reliance float32 [n], nats."""
        device = self.network.out.weight.device
        if features.log_prob.device != device:
            features = features.to(device)
        with at_most(1 if device.type == "cpu" else None):
            effects, reliance = self.network(region_inputs(features), token_inputs(features))
        return effects.cpu().numpy(), reliance.cpu().numpy()


def save_estimator(
    folder: Path, network: EffectNetwork, config: EstimatorConfig, notes: dict[str, object]
) -> None:
    """Write ``config.json`` and ``model.safetensors``; ``notes`` (how it was fitted) goes into the former."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, folder / _WEIGHTS)
    content = {"format": FORMAT, **asdict(config), "fitted": notes}
    (folder / _CONFIG).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def load_estimator(folder: Path, device: str = "cpu") -> Estimator:
    """Load an estimator from a folder.

    Raises:
        InputError: the folder holds none, or a damaged one.
    """
    try:
        content = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise InputError(f"The estimator in {folder} has another format. Calibrate it again.")
        config = EstimatorConfig(**{key: content[key] for key in EstimatorConfig.__slots__})
        network = EffectNetwork(config)
        network.load_state_dict(load_file(folder / _WEIGHTS))
    except FileNotFoundError as error:
        raise InputError(
            f"There is no estimator in {folder}: {Path(error.filename).name} is missing."
        ) from error
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise InputError(f"The estimator in {folder} is damaged. Reinstall or calibrate it again.") from error
    digest = hashlib.sha256((folder / _WEIGHTS).read_bytes()).hexdigest()
    name = folder.name if folder.name != "estimator" else "bundled"
    return Estimator(network.to(device), config, Identity(name, digest, {"thinker": config.thinker}))
