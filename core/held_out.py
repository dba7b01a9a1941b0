"""Which screenshots judge an estimator, and how it does on them. What judges never teaches. Imports torch."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.calibration import Example, load_example
from core.faithfulness import Interval, bootstrap_groups, lds, over_spans

SHARE = 0.2
"""Of all screenshots, so many judge."""
AT_MOST = 32
"""Screenshots that judge: more make the figure little sharper, and each costs as much as one that teaches."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How estimates agree with what ablation showed, on examples that taught nothing.

    Attributes:
        steps, tokens: LDS, with 95 % intervals that redraw examples.
        examples: how many.
    """

    steps: Interval
    tokens: Interval
    examples: int


def divide(screens: Iterable[str], taught: Collection[str] = ()) -> tuple[list[str], list[str]]:
    """Divide screenshots into those that teach and those that judge.

    The order of the hashes decides, so that the same screenshots are always divided alike, whatever their
    names and wherever they lie.

    Args:
        screens: content hashes.
        taught: hashes of screenshots that the estimator to begin with was fitted on; these never judge.

    Returns:
        those that teach and those that judge, each in the order of the hashes; either may be empty.
    """
    order = sorted(set(screens))
    wanted = min(AT_MOST, max(1, round(SHARE * len(order))))
    judging = [screen for screen in order if screen not in taught][:wanted]
    return [screen for screen in order if screen not in judging], judging


def agreement_of(effects_of: Callable[[Example], np.ndarray], examples: Sequence[Path]) -> Agreement:
    """Judge estimates on collected examples; their masks and measurements are what these are held against.

    Args:
        effects_of: the effects that are estimated for an example, [tokens, regions]; any unit.
        examples: files of ``core.calibration.collect``.

    Raises:
        InputError: an example is damaged.
    """
    steps, tokens = [], []
    for path in examples:
        example = load_example(path)
        effects = effects_of(example)
        masks, measured = example.masks.numpy(), example.log_probs.numpy()
        tokens.append(lds(effects, masks, measured))
        of_steps = over_spans(effects.T, example.spans).T
        steps.append(lds(of_steps, masks, over_spans(measured, example.spans)))
    return Agreement(bootstrap_groups(steps), bootstrap_groups(tokens), len(steps))
