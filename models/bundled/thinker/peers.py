"""Several single-threaded training processes as one: now and then they meet and average their weights.

On few, shared cores this beats one process with several threads, whose every product waits for the slowest
thread (local SGD: Stich 2019; Lin et al. 2020).
"""

from __future__ import annotations

import time
from pathlib import Path

import torch


class Peers:
    """A meeting place in a folder that all processes see.

    Args:
        folder: empty when training starts.
        me, count: this process's number, from 0, and how many there are.
    """

    def __init__(self, folder: Path, me: int, count: int) -> None:
        self.folder, self.me, self.count = folder, me, count
        self.meetings = 0
        if count > 1:
            folder.mkdir(parents=True, exist_ok=True)

    @torch.no_grad()
    def average(self, modules: list[torch.nn.Module]) -> None:
        """Wait for the others, then replace every trained parameter by the mean over all processes."""
        if self.count == 1:
            return
        parameters = [p for m in modules for p in m.parameters() if p.requires_grad]
        mine = self._file(self.meetings, self.me)
        torch.save([p.detach() for p in parameters], mine.with_suffix(".tmp"))
        mine.with_suffix(".tmp").replace(mine)
        for other in range(self.count):
            if other != self.me:
                path = self._file(self.meetings, other)
                while not path.exists():
                    time.sleep(0.02)
                for parameter, theirs in zip(parameters, torch.load(path, weights_only=True), strict=True):
                    parameter.add_(theirs)
        for parameter in parameters:
            parameter.div_(self.count)
        # Everyone has read the meeting before this one by now: nobody arrives here without it.
        self._file(self.meetings - 1, self.me).unlink(missing_ok=True)
        self.meetings += 1

    def _file(self, meeting: int, who: int) -> Path:
        return self.folder / f"{meeting}-{who}.pt"
