"""What changes while a network is fitted, in one file, so that a killed fit goes on where it was.

The file holds weights, moments of the optimizer, the running average of the weights, torch's random state
and how far the fit is. It is written under another name first: a kill leaves the state before or the state
after, never half of one. Imports torch.
"""

from __future__ import annotations

import copy
import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

_ABOUT: Final = "fit"
_MOMENTS: Final = "optimizer"
_RANDOM: Final = "random"


def fit_key(parts: Iterable[object]) -> str:
    """A name for a fit, made of all that decides how it comes out: hex, 64 letters."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()


class FitState:
    """The state of one fit on disk; without a path it keeps nothing and recalls nothing.

    Args:
        path: the file, or None.
        key: see ``fit_key``; the state of another fit is not taken up.
    """

    def __init__(self, path: Path | None, key: str) -> None:
        self._path = path
        self._key = key

    def recall(self, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer) -> tuple[int, float]:
        """Put modules and optimizer as they were kept, where something was.

        Returns:
            passes done and the seconds they took; (0, 0.0) with everything untouched when there is no state
            of this fit, or a damaged one.
        """
        if self._path is None or not self._path.exists():
            return 0, 0.0
        before = {name: copy.deepcopy(module.state_dict()) for name, module in modules.items()}
        fresh = copy.deepcopy(optimizer.state_dict())
        try:
            with safe_open(self._path, "pt") as file:
                about = json.loads(file.metadata()[_ABOUT])
                if about["key"] != self._key:
                    return 0, 0.0
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            moments: dict[int, dict[str, Tensor]] = {}
            for name, value in _under(_MOMENTS, tensors).items():
                place, _, kind = name.partition(".")
                moments.setdefault(int(place), {})[kind] = value
            for name, module in modules.items():
                module.load_state_dict(_under(name, tensors))
            optimizer.load_state_dict(fresh | {"state": moments})
            torch.set_rng_state(tensors[_RANDOM])
            return int(about["done"]), float(about["seconds"])
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError):
            for name, module in modules.items():
                module.load_state_dict(before[name])
            optimizer.load_state_dict(fresh)
            return 0, 0.0

    def keep(
        self,
        modules: Mapping[str, nn.Module],
        optimizer: torch.optim.Optimizer,
        done: int,
        seconds: float,
    ) -> None:
        """Write modules and optimizer as they are after ``done`` passes that took ``seconds``."""
        if self._path is None:
            return
        tensors = {
            f"{name}.{key}": value
            for name, module in modules.items()
            for key, value in module.state_dict().items()
        }
        for place, moments in optimizer.state_dict()["state"].items():
            tensors |= {f"{_MOMENTS}.{place}.{kind}": value for kind, value in moments.items()}
        tensors[_RANDOM] = torch.get_rng_state()
        own = {name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()}
        unfinished = self._path.with_suffix(".unfinished")
        save_file(own, unfinished, {_ABOUT: json.dumps({"key": self._key, "done": done, "seconds": seconds})})
        os.replace(unfinished, self._path)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Entries whose name begins with ``prefix`` and a dot, without these."""
    return {
        name.removeprefix(f"{prefix}."): value
        for name, value in tensors.items()
        if name.startswith(f"{prefix}.")
    }
