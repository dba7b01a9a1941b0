"""A patch embedding that multiplies gives what its convolution gives."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from models.patch_projection import PatchProjection, project_patches

KERNEL = (2, 4, 4)


def tower(**options) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(3, 8, KERNEL, KERNEL, **options)).eval().requires_grad_(False)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("shape", [KERNEL, (4, 8, 12)], ids=["patches", "an uncut image"])
def test_products_equal_the_convolution(bias, shape):
    plain, ours = tower(bias=bias), tower(bias=bias)
    project_patches(ours)
    patches = torch.randn(5, 3, *shape)
    torch.testing.assert_close(ours(patches), plain(patches), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("options", [{"padding": 1}, {"padding": "same", "stride": 1}, {"dilation": 2}])
def test_what_is_no_product_stays_a_convolution(options):
    model = nn.Sequential(nn.Conv3d(3, 8, KERNEL, **options))
    project_patches(model)
    assert type(model[0]) is nn.Conv3d


def test_a_loaded_model_multiplies_with_the_weights_it_came_with(tiny_thinker):
    projections = [m for m in tiny_thinker.model.modules() if isinstance(m, nn.Conv3d)]
    assert [type(projection) for projection in projections] == [PatchProjection]
    assert "model.visual.patch_embed.proj.weight" in tiny_thinker.model.state_dict()
