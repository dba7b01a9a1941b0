"""What the estimator's networks are told of regions and tokens, from the probe's features. Imports torch."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from core.features import CARRIED, Features

_FLOOR = 1e-4
_CERTAIN = 1e-15
_STILL = 1e-5
_SMALL = 1e-3


def regional_width(layers: int, pairs: int) -> int:
    """How many numbers ``region_inputs`` has for each region; ``pairs`` are those of layer and head."""
    return 6 * pairs + (len(CARRIED) + 2) * layers + 10


def general_width(pairs: int) -> int:
    """How many numbers ``token_inputs`` has for each token."""
    return 3 * pairs + 5


def region_inputs(features: Features) -> Tensor:
    """What the network is told of each region: float32 [n, R, 6·L·H + (len(CARRIED) + 2)·L + 10].

    Logarithm of attention, by area and by influence; each head's share of its own image attention; compressed
    direct effects and their sum; what the heads' attention would bring if it went where the rest of theirs
    goes, as it will when there is nothing to attend to, and the difference; what is carried on; what is
    stirred; the region's influence and area.
    """
    count, regions = len(features), features.regions
    attention = features.attention.float()
    sourced = features.sourced.float()
    share = sourced / features.image_mass.float().clamp_min(_FLOOR).unsqueeze(-1)
    direct = features.direct.float()
    elsewhere = sourced * features.direct_total.float().unsqueeze(-1)
    parts = (
        (attention + _FLOOR).log(),
        (sourced + _FLOOR).log(),
        share,
        torch.asinh(direct * 5.0),
        torch.asinh(elsewhere * 5.0),
        torch.asinh((direct - elsewhere) * 5.0),
    )
    per_head = torch.stack(parts, 1).permute(0, 4, 1, 2, 3).reshape(count, regions, -1)
    carried = features.carried.float()
    carried = torch.cat(((carried[:, :, :1] + _FLOOR).log(), torch.asinh(4 * carried[:, :, 1:])), 2)
    carried = carried.flatten(1, 2).transpose(1, 2)
    stirred = (features.stirred.float() + _STILL).log().flatten(1, 2).transpose(1, 2)
    total = torch.asinh(direct.sum((1, 2))).unsqueeze(-1)
    mean = (attention.mean((1, 2)) + _FLOOR).log().unsqueeze(-1)
    area = features.area.float().view(-1, 1)
    influence = features.influence.float()
    of_region = torch.cat(((area + _FLOOR).log(), area, (influence + _SMALL).log(), influence), 1)
    return torch.cat((per_head, carried, stirred, total, mean, of_region.expand(count, -1, -1)), -1)


def token_inputs(features: Features) -> Tensor:
    """What the network is told of each token beside its hidden state: float32 [n, 3·L·H + 5].

    Log-probability and entropy also as logarithms: a token that is all but certain depends on regions too, by
    a thousandth of a nat, and how much so goes with how certain it is.
    """
    count = len(features)
    mass = (features.image_mass.float() + _FLOOR).log().reshape(count, -1)
    direct = torch.asinh(features.direct.float().sum(-1) * 5.0).reshape(count, -1)
    total = torch.asinh(features.direct_total.float() * 5.0).reshape(count, -1)
    log_prob = features.log_prob.float().clamp_min(-20.0).view(-1, 1)
    entropy = features.entropy.float().view(-1, 1)
    regions = torch.full_like(entropy, features.regions).log()
    doubt = (-log_prob).clamp_min(_CERTAIN).log()
    spread = entropy.clamp_min(_CERTAIN).log()
    return torch.cat((mass, direct, total, log_prob, entropy, regions, doubt, spread), -1)


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """All that the networks are told of n tokens and R regions.

    Attributes:
        regional: [n, R, …], see ``region_inputs``.
        general: [n, …], see ``token_inputs``.
        content: [R, content], as in ``Features``.
        state: [n, state], the hidden state, as in ``Features``.
    """

    regional: Tensor
    general: Tensor
    content: Tensor
    state: Tensor


def inputs_of(features: Features) -> Inputs:
    """What the networks are told of these features."""
    return Inputs(
        region_inputs(features), token_inputs(features), features.content.float(), features.hidden.float()
    )
