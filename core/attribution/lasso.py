"""Lasso regression on random ablations of the very text, as ContextCite (Cohen-Wang et al. 2024) fits it."""

from __future__ import annotations

import numpy as np

from core.attribution.method import Case, Method, ablation_passes

STRENGTH = 0.01
SWEEPS = 500


def lasso_effects(masks: np.ndarray, log_probs: np.ndarray, strength: float = STRENGTH) -> np.ndarray:
    """Weights [T, regions], nats, that minimize ‖y − Xw‖² / 2M + ``strength`` · ‖w‖₁ for each target.

    X are the ``masks`` [M, regions] and y a column of ``log_probs`` [M, T], both centred, so that the
    constant is not penalized. Coordinate descent, for all targets at once.
    """
    x = masks.astype(np.float64) - masks.mean(0)
    y = log_probs.astype(np.float64) - log_probs.mean(0)
    scatter, shared = x.T @ x / len(x), x.T @ y / len(x)
    weights = np.zeros_like(shared)
    for _ in range(SWEEPS):
        before = weights.copy()
        for place in np.flatnonzero(scatter.diagonal() > 0):
            curvature = scatter[place, place]
            pull = shared[place] - scatter[place] @ weights + curvature * weights[place]
            weights[place] = np.sign(pull) * np.maximum(np.abs(pull) - strength, 0) / curvature
        if np.abs(weights - before).max(initial=0) < 1e-7:
            break
    return weights.T.astype(np.float32)


def lasso(count: int) -> Method:
    """The method with ``count`` ablations."""

    def effects(case: Case) -> np.ndarray:
        return lasso_effects(*case.ablations(count))

    return Method(
        f"lasso {count}", f"Lasso regression on {count} ablations", effects, ablation_passes(count),
        in_nats=True, ablations=count, measured=True, costly=True,
    )  # fmt: skip
