"""Ridge regression on random ablations of the very text: slow, and near the best that adding can do."""

from __future__ import annotations

import numpy as np

from core.attribution.method import Case, Method, ablation_passes

STRENGTH = 1.0


def ridge_effects(masks: np.ndarray, log_probs: np.ndarray, strength: float = STRENGTH) -> np.ndarray:
    """Weights [T, regions], nats, of a ridge regression of ``log_probs`` [M, T] on ``masks`` [M, regions].

    Both are centred, so that the constant is not penalized; ``strength`` is added to the diagonal of the
    masks' scatter matrix.
    """
    x = masks.astype(np.float64) - masks.mean(0)
    y = log_probs.astype(np.float64) - log_probs.mean(0)
    scatter = x.T @ x + strength * np.eye(x.shape[1])
    return np.linalg.solve(scatter, x.T @ y).T.astype(np.float32)


def ridge(count: int) -> Method:
    """The method with ``count`` ablations."""

    def effects(case: Case) -> np.ndarray:
        return ridge_effects(*case.ablations(count))

    return Method(
        f"ridge {count}", f"ridge regression on {count} ablations", effects, ablation_passes(count),
        in_nats=True, ablations=count, measured=True, costly=True,
    )  # fmt: skip
