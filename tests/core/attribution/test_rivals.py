"""Each rival is what its name says, by a slow reference that shares no code with it."""

from __future__ import annotations

import numpy as np
import torch
from captum.attr import FeatureAblation

from core.ablation import ablate_pixels, fill_colours
from core.attribution.registry import METHODS


def effects(name: str, case) -> np.ndarray:
    return METHODS[name].effects(case)


def test_region_area_is_the_share_of_pixels_whatever_the_token(tiny_case):
    shares = np.bincount(tiny_case.region_map.labels.ravel()) / tiny_case.region_map.labels.size
    for row in effects("region area", tiny_case):
        np.testing.assert_allclose(row, shares, atol=1e-6)


def test_attention_means_are_taken_over_layers_and_heads(tiny_case):
    attention = tiny_case.features.attention.numpy()
    everywhere, last = effects("mean attention", tiny_case), effects("last-layer attention", tiny_case)
    for token in range(len(attention)):
        for region in range(attention.shape[3]):
            heads = [attention[token, layer, head, region] for layer in range(3) for head in range(4)]
            assert abs(everywhere[token, region] - sum(heads) / 12) < 1e-6
            assert abs(last[token, region] - sum(heads[8:]) / 4) < 1e-6


def test_direct_effects_are_summed_over_layers_and_heads_and_told_of_the_log_probability(tiny_case):
    direct, found = tiny_case.features.direct.numpy(), effects("direct effect", tiny_case)
    doubt = 1 - np.exp(tiny_case.features.log_prob.numpy())
    for token, region in np.ndindex(found.shape):
        heads = [direct[token, layer, head, region] for layer in range(3) for head in range(4)]
        assert abs(found[token, region] - sum(heads) * doubt[token]) < 1e-5


def test_random_scores_are_the_same_again_for_the_same_seed(tiny_case):
    np.testing.assert_array_equal(effects("random", tiny_case), effects("random", tiny_case))


def test_what_is_read_off_visual_tokens_is_dealt_out_to_regions_in_full(tiny_case):
    cells = tiny_case.thinker.rollout(tiny_case.prepared, tiny_case.token_ids)
    np.testing.assert_allclose(effects("attention rollout", tiny_case).sum(1), cells.sum(1), rtol=1e-4)
    cells = tiny_case.thinker.input_gradients(tiny_case.prepared, tiny_case.token_ids)
    np.testing.assert_allclose(effects("gradient × input", tiny_case).sum(1), cells.sum(1), atol=1e-4)


def test_integrated_gradients_add_up_to_the_reliance(tiny_case):
    blank = ablate_pixels(tiny_case.pixels, tiny_case.region_map, np.zeros(4, bool))
    without = tiny_case.thinker.score(tiny_case.prepared, blank[None], tiny_case.token_ids)[0]
    found = effects("integrated gradients", tiny_case).sum(1)
    np.testing.assert_allclose(found, tiny_case.whole - without, atol=0.1)
    assert np.abs(found).max() > 0.1


def test_leave_one_out_is_captums_feature_ablation(tiny_case):
    """The outside check: another library, told only how to score pixels and what fills a region."""
    case = tiny_case
    labels = torch.from_numpy(case.region_map.labels.astype(np.int64))[None, :, :, None]
    fill = fill_colours(case.pixels, case.region_map)[case.region_map.labels]

    def score(images: torch.Tensor) -> torch.Tensor:
        log_probs = case.thinker.score(case.prepared, images.numpy().astype(np.uint8), case.token_ids)
        return torch.from_numpy(log_probs)

    ours = effects("leave-one-out", case)
    inputs, baselines = (torch.from_numpy(x.astype(np.float32))[None] for x in (case.pixels, fill))
    for token in range(2):
        theirs = FeatureAblation(score).attribute(inputs, baselines, target=token, feature_mask=labels)[0]
        for region in range(4):
            inside = theirs[labels[0].expand_as(theirs) == region]
            np.testing.assert_allclose(inside.numpy(), ours[token, region], atol=1e-4)


def test_passes_are_counted(tiny_case):
    tokens, regions = len(tiny_case.token_ids), len(tiny_case.region_map)
    counted = {name: METHODS[name].passes(tiny_case) for name in METHODS}
    assert counted["mean attention"] == counted["estimator"] == counted["linear attention"] == 0
    assert counted["leave-one-out"] == regions + 1
    assert counted["gradient × input"] == tokens + 1
    assert counted["integrated gradients"] == 8 * (tokens + 1)
    assert counted["ridge 256"] == counted["lasso 8"] == 5  # as many as the case holds
    assert {name for name in METHODS if METHODS[name].encodes} == {"estimator", "direct effect"}
