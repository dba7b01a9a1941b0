"""The estimator: small networks from attention features to effects in nats.

Each sees one region of one token at a time, together with the mean and the maximum over all regions and with
what is known of the token; it therefore does not care how many regions there are or in which order. Networks
that began with other random weights err in other places, so what several agree on is told. One estimator
belongs to one thinking model. Imports torch.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from core.errors import InputError
from core.estimator_inputs import Inputs, general_width, inputs_of, regional_width
from core.features import Features
from core.intervals import FACTOR_KEY
from core.threads import at_most
from core.trace import Identity

FORMAT = 7
_CERTAIN = 1e-15
SIZES: Final = (0.01, 0.1, 1.0, 3.0)
"""Nats. Intervals hold nine of ten small effects and nine of ten large ones, each size for itself."""
_SMALLEST, _LARGEST = -34.0, 4.0
_CONTENT, _STATE = 16, 32
"""How many main directions of contents and of hidden states are looked at."""
_ROWS = 50_000
"""Rows that they are found from, at most."""
_WEIGHED = 0.1
"""Keeps a step of the fit from moving all weights of a token far at once; 0.3 was worse."""
_WEIGHTS = "model.safetensors"
_CONFIG = "config.json"


@dataclass(frozen=True, slots=True)
class EstimatorConfig:
    """What the network is shaped after.

    Attributes:
        layers, heads: readable attention layers of the thinking model, and heads in each.
        content: length of what is known of a region's content; 0 for nothing.
        state: length of the thinking model's hidden state; 0 for nothing.
        hidden: width of each network.
        members: how many networks say what they make of it.
        thinker: name of the thinking model.
        thinker_sha256: its content hash.
        interval: half the width of a nine-in-ten interval, in predicted errors, for effects of each size that
            ``SIZES`` parts; empty when it is not known.
        span_factor: what the half-width of a sum over tokens is multiplied by.
    """

    layers: int
    heads: int
    content: int = 0
    state: int = 0
    hidden: int = 64
    members: int = 1
    thinker: str = ""
    thinker_sha256: str = ""
    interval: tuple[float, ...] = ()
    span_factor: float = 1.0


def size_of(effects: Tensor) -> Tensor:
    """Into which of the sizes that ``SIZES`` parts each effect falls: integers from 0, of the same shape."""
    return torch.bucketize(effects.abs(), torch.tensor(SIZES, device=effects.device), right=True)


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What K networks make of n tokens and R regions, or, without the first axis, what they agree on.

    Attributes:
        effects: [K, n, R], nats.
        reliance: [K, n], nats.
        known: [K, n, R, 2]: the logarithms of the effect and of the token's scale. Without the first axis,
            [n, R, …], those of all networks and the logarithm of how far they are apart: what the error of
            each effect is told from.
    """

    effects: Tensor
    reliance: Tensor
    known: Tensor


class Linears(nn.Module):
    """K linear layers side by side, one for each network, in one product: [K or 1, …, in] → [K, …, out]."""

    def __init__(self, members: int, inputs: int, outputs: int, bias: bool = True) -> None:
        super().__init__()
        each = [nn.Linear(inputs, outputs, bias) for _ in range(members)]
        self.weight = nn.Parameter(torch.stack([one.weight.detach().T for one in each]))
        self.bias = nn.Parameter(torch.stack([one.bias.detach() for one in each])) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        product = x.flatten(1, -2) @ self.weight
        if self.bias is not None:
            product = product + self.bias.unsqueeze(1)
        return product.unflatten(1, x.shape[1:-1])


class EffectNetwork(nn.Module):
    """Inputs → effects and reliance: what K networks agree on.

    Which heads matter, and which way, differs from token to token. So beside reading each region as the token
    tells it to, a network weighs a region's inputs with weights that it makes from the token's.
    """

    def __init__(self, config: EstimatorConfig, dropout: float = 0.0) -> None:
        """
        Args:
            dropout: share of inputs that are left out while fitting, for each network others.
        """
        super().__init__()
        pairs, hidden, members = config.layers * config.heads, config.hidden, config.members
        regional, general = regional_width(config.layers, pairs), general_width(pairs)
        self.members = members
        self.dropout = dropout
        self.region_mean = nn.Buffer(torch.zeros(regional))
        self.region_scale = nn.Buffer(torch.ones(regional))
        self.token_mean = nn.Buffer(torch.zeros(general))
        self.token_scale = nn.Buffer(torch.ones(general))
        self.content_mean = nn.Buffer(torch.zeros(config.content))
        self.content_basis = nn.Buffer(torch.zeros(config.content, _CONTENT))
        self.state_mean = nn.Buffer(torch.zeros(config.state))
        self.state_basis = nn.Buffer(torch.zeros(config.state, _STATE))
        self.region_in = Linears(members, regional, hidden)
        self.token_in = Linears(members, general + _STATE, hidden)
        self.token_mix = Linears(members, hidden, hidden)
        self.content_in = Linears(members, _CONTENT, hidden, bias=False)
        self.context = Linears(members, 2 * hidden, hidden, bias=False)
        self.mix = Linears(members, hidden, hidden)
        self.out = Linears(members, 2 * hidden, 2)
        self.direct = Linears(members, regional, 1, bias=False)
        self.weights = Linears(members, hidden, regional)
        self.scale = Linears(members, 2 * hidden, 1)
        self.reliance = Linears(members, 2 * hidden, 1)
        self.error = nn.Linear(2 * members + (members > 1), 1)
        for start_at_nothing in (self.direct, self.scale, self.weights):
            nn.init.zeros_(start_at_nothing.weight)

    @torch.no_grad()
    def standardize(self, examples: Sequence[Inputs]) -> None:
        """Take mean and spread of the inputs, and main directions of contents and states, from examples."""
        for rows, mean, scale in (
            (
                torch.cat([each.regional.float().flatten(0, 1) for each in examples]),
                self.region_mean,
                self.region_scale,
            ),
            (torch.cat([each.general for each in examples]), self.token_mean, self.token_scale),
        ):
            mean.copy_(rows.mean(0))
            scale.copy_(1 / rows.std(0).clamp_min(1e-3))
        for parts, mean, basis in (
            ([each.content for each in examples], self.content_mean, self.content_basis),
            ([each.state for each in examples], self.state_mean, self.state_basis),
        ):
            _main_directions(torch.cat(parts).float(), mean, basis)

    def forward(self, inputs: Inputs) -> tuple[Tensor, Tensor]:
        """Effects [n, R] and reliance [n], nats."""
        read = self.read(inputs)
        return read.effects, read.reliance

    def error_of(self, known: Tensor) -> Tensor:
        """The mean error to expect of each effect, above 0, nats: [n, R]."""
        return self.error(known).squeeze(-1).clamp(_SMALLEST, _LARGEST).exp()

    def read(self, inputs: Inputs) -> Reading:
        """As ``forward``, with what the errors are told from: also how far the networks are apart."""
        each = self.read_each(inputs)
        known = list(each.known.unbind(0))
        if self.members > 1:
            known.append((each.effects.detach().std(0) + _CERTAIN).log().unsqueeze(-1))
        return Reading(agreed(each.effects), each.reliance.mean(0), torch.cat(known, -1))

    def read_each(self, inputs: Inputs) -> Reading:
        """What each network makes of the inputs."""
        regional = ((inputs.regional.float() - self.region_mean) * self.region_scale).clamp(-8, 8)
        known = ((inputs.general - self.token_mean) * self.token_scale).clamp(-8, 8)
        content = ((inputs.content - self.content_mean) @ self.content_basis).clamp(-8, 8).unsqueeze(0)
        state = ((inputs.state.float() - self.state_mean) @ self.state_basis).clamp(-8, 8)
        regional, general = regional.unsqueeze(0), torch.cat((known, state), -1).unsqueeze(0)
        if self.training and self.dropout:
            regional = F.dropout(regional.expand(self.members, -1, -1, -1), self.dropout)
            general = F.dropout(general.expand(self.members, -1, -1), self.dropout)
        token = self.token_in(general)
        token = token + self.token_mix(F.gelu(token))
        told = token.unsqueeze(2) + self.content_in(content).unsqueeze(1)
        first = F.gelu(self.region_in(regional) + told)
        around = torch.cat((first.mean(2), first.amax(2)), -1)
        second = F.gelu(self.mix(first) + self.context(around).unsqueeze(2))
        value, gate = self.out(torch.cat((first, second), -1)).unbind(-1)
        overall = torch.cat((second.mean(2), second.amax(2)), -1)
        weights = self.direct.weight.transpose(1, 2) + _WEIGHED * self.weights(F.gelu(token))
        weighed = _weighed(regional, weights)
        # The gate can close: most regions do nothing for most tokens, and a sum over many should stay there.
        # The scale is the token's: effects on a token that is all but certain are in order, but tiny.
        scale = self.scale(overall).clamp(_SMALLEST, _LARGEST)
        effects = (value * torch.sigmoid(gate) + weighed) * scale.exp()
        size = (effects.abs() + _CERTAIN).log()
        known = torch.stack((size, scale.expand_as(size)), -1)
        return Reading(effects, self.reliance(overall).squeeze(-1), known.detach())


def _weighed(inputs: Tensor, weights: Tensor) -> Tensor:
    """Inputs of regions [K or 1, n, R, F], times weights of each network and token [K, n, F]: [K, n, R]."""
    if len(inputs) == 1:  # all networks are told the same: one product for each token serves all
        return (inputs[0] @ weights.permute(1, 2, 0)).permute(2, 0, 1)
    return (inputs @ weights.unsqueeze(-1)).squeeze(-1)


def _main_directions(rows: Tensor, mean: Tensor, basis: Tensor) -> None:
    """Fill ``mean`` [D] and ``basis`` [D, k]: k main directions of rows [n, D], scaled to a spread of 1."""
    mean.copy_(rows.mean(0))
    basis.zero_()
    wanted = min(basis.shape[1], *rows.shape)
    if not wanted:
        return
    some = rows[:: max(1, len(rows) // _ROWS)]
    with torch.random.fork_rng(devices=[]):  # the same directions, with the same signs, whatever the seed
        torch.manual_seed(0)
        _, spread, directions = torch.pca_lowrank(some, q=min(wanted + 8, *some.shape), niter=4)
    count = int((spread[:wanted] > 1e-4 * spread[:1].clamp_min(1e-6)).sum())
    basis[:, :count] = directions[:, :count] * (len(some) ** 0.5 / spread[:count])


def agreed(effects: Tensor) -> Tensor:
    """What several networks make of effects, [K, n, R] → [n, R], nats.

    The mean of their effects in units of each one's largest for that token, times the geometric mean of
    those: about a token that is all but certain they agree within a factor of ten, and in a plain mean the
    loudest alone would say which region matters.
    """
    if len(effects) == 1:
        return effects[0]
    largest = effects.abs().amax(-1, keepdim=True).clamp_min(_CERTAIN)
    return (effects / largest).mean(0) * largest.log().mean(0).exp()


def joined(
    networks: Sequence[EffectNetwork], config: EstimatorConfig
) -> tuple[EffectNetwork, EstimatorConfig]:
    """Networks that were fitted each by itself, on the same examples, side by side in one.

    Args:
        config: of each of them.

    Raises:
        ValueError: they see their inputs in other units or directions, and so were fitted on other examples.
    """
    for name, mine in networks[0].named_buffers():
        if any(not torch.equal(mine, network.get_buffer(name)) for network in networks[1:]):
            raise ValueError(f"the networks differ in {name}")
    config = replace(config, members=sum(network.members for network in networks))
    whole = EffectNetwork(config)
    tensors = dict(networks[0].named_buffers())
    for name, values in whole.named_parameters():
        own = name.startswith("error.")
        tensors[name] = values if own else torch.cat([network.get_parameter(name) for network in networks])
    whole.load_state_dict(tensors)
    return whole.eval(), config


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
        self._last: tuple[Features, Reading] | None = None

    def check(self, layers: int, heads: int, thinker: str) -> None:
        """Raises InputError if a thinking model of this shape cannot be what the estimator was fitted on."""
        if (layers, heads) != (self.config.layers, self.config.heads):
            raise InputError(
                f"The estimator {self.identity.name} was fitted on {self.config.thinker or 'another model'} "
                f"and does not fit {thinker}. Calibrate one for this model."
            )

    def estimate(self, features: Features) -> tuple[np.ndarray, np.ndarray]:
        """Effects float32 [n, regions] and reliance float32 [n], nats."""
        read = self._read(features)
        return read.effects.cpu().numpy(), read.reliance.cpu().numpy()

    def interval(self, features: Features) -> tuple[np.ndarray, np.ndarray] | None:
        """Bounds of the effects, float32 [n, regions] each, nats; None when their errors are not known.

        Nine of ten times, leaving out one region measures something between them; see ``core/intervals.py``.
        """
        if not self.config.interval:
            return None
        read = self._read(features)
        self._last = None
        with torch.inference_mode():
            wide = torch.tensor(self.config.interval, device=read.effects.device)
            half = wide[size_of(read.effects)] * self.network.error_of(read.known)
        return (read.effects - half).cpu().numpy(), (read.effects + half).cpu().numpy()

    @torch.inference_mode()
    def _read(self, features: Features) -> Reading:
        """Read features once, for effects and then for intervals; kept no longer, for they are large."""
        if self._last is not None and self._last[0] is features:
            return self._last[1]
        if (features.content.shape[1], features.hidden.shape[1]) != (self.config.content, self.config.state):
            raise InputError(
                f"The estimator {self.identity.name} was fitted on {self.config.thinker or 'another model'} "
                "and does not fit this one. Calibrate one for this model."
            )
        device = self.network.error.weight.device
        here = features if features.log_prob.device == device else features.to(device)
        with at_most(1 if device.type == "cpu" else None):
            read = self.network.read(inputs_of(here))
        if self.config.interval:
            self._last = features, read
        return read


def save_estimator(
    folder: Path, network: EffectNetwork, config: EstimatorConfig, notes: dict[str, object]
) -> None:
    """Write ``config.json`` and ``model.safetensors``; ``notes`` (how it was fitted) goes into the former."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, folder / _WEIGHTS)
    content = {"format": FORMAT, **asdict(config), "fitted": notes}
    (folder / _CONFIG).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_config(folder: Path) -> EstimatorConfig:
    """What the estimator in a folder is shaped after, without its weights.

    Raises:
        InputError: the folder holds none, a damaged one, or one of another format.
    """
    with _told(folder):
        content = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        if content["format"] != FORMAT:
            raise InputError(f"The estimator in {folder} has another format. Calibrate it again.")
        values = {key: content[key] for key in EstimatorConfig.__slots__}
        return EstimatorConfig(**{**values, "interval": tuple(map(float, values["interval"]))})


def load_estimator(folder: Path, device: str = "cpu") -> Estimator:
    """Load an estimator from a folder.

    Raises:
        InputError: the folder holds none, or a damaged one.
    """
    config = read_config(folder)
    with _told(folder):
        network = EffectNetwork(config)
        network.load_state_dict(load_file(folder / _WEIGHTS))
    digest = hashlib.sha256((folder / _WEIGHTS).read_bytes()).hexdigest()
    name = folder.name if folder.name != "estimator" else "bundled"
    details: dict[str, Any] = {"thinker": config.thinker}
    if config.interval:
        details[FACTOR_KEY] = config.span_factor
    return Estimator(network.to(device), config, Identity(name, digest, details))


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """Say in a sentence what is wrong with the estimator in a folder."""
    try:
        yield
    except FileNotFoundError as error:
        raise InputError(
            f"There is no estimator in {folder}: {Path(error.filename).name} is missing."
        ) from error
    except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise InputError(f"The estimator in {folder} is damaged. Reinstall or calibrate it again.") from error
