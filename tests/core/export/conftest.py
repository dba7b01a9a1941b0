"""Some exports are opened by Qt's SVG renderer, which needs no screen."""

import os

import numpy as np
import pytest

from core.reattribution import before_effects
from core.trace import Trace

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture
def partly_estimated(make_trace) -> Trace:
    """Four steps of five tokens whose first seven tokens have effects; the second step relies the most."""
    made = make_trace()
    trace = before_effects(made, made.region_map, made.segmenter)
    trace.set_effects(0, made.effects[:7], np.array([1, 1, 1, 1, 1, 20, 25], np.float32))
    return trace
