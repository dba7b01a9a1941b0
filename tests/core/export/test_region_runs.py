import numpy as np
import pytest

from core import rle
from core.export.region_runs import region_runs


@pytest.mark.parametrize("seed", range(8))
def test_runs_of_all_regions_equal_those_of_each_mask_alone(seed):
    rng = np.random.default_rng(seed)
    height, width = rng.integers(1, 12, 2)
    labels = rng.integers(0, 4, (height, width)).astype(np.uint8)
    runs = region_runs(labels, 5)  # region 4 has no pixels
    for region in range(5):
        assert runs[region] == rle.encode(labels == region)
        assert (rle.decode(runs[region], height, width) == (labels == region)).all()
