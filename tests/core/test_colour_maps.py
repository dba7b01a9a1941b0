import numpy as np
import pytest

from core.colour_maps import COLOUR_MAPS, composite, contrast, ink_on, luminance, map_effects, scale_of
from core.export.look import COLOUR_MAP_NAMES

NAMES = list(COLOUR_MAPS)
# How dichromats see sRGB colours (Machado, Oliveira and Fernandes 2009, severity 1, in linear RGB).
PROTANOPIA = np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                       [-0.003882, -0.048116, 1.051998]])  # fmt: skip
DEUTERANOPIA = np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                         [-0.011820, 0.042940, 0.968881]])  # fmt: skip


USUAL = np.eye(3)


def lab(table: np.ndarray, sight: np.ndarray = USUAL) -> np.ndarray:
    """CIELAB [256, 3] of sRGB colours as seen with a kind of colour vision (CIE 1976, D65)."""
    rgb = table / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(linear @ sight.T, 0, 1)
    xyz = linear @ np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]).T
    f = xyz / [0.9505, 1.0, 1.089]
    f = np.where(f > (6 / 29) ** 3, np.cbrt(f), f / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], 1)


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_256_rgb_colours(name):
    for table in (COLOUR_MAPS[name].sequential, COLOUR_MAPS[name].diverging):
        assert table.dtype == np.uint8
        assert table.shape == (256, 3)


@pytest.mark.parametrize("sight", [np.eye(3), PROTANOPIA, DEUTERANOPIA], ids=["usual", "protan", "deutan"])
@pytest.mark.parametrize("name", NAMES)
def test_sequential_maps_grow_lighter_with_any_colour_vision(name, sight):
    lightness = lab(COLOUR_MAPS[name].sequential, sight)[:, 0]
    assert (np.diff(lightness) > -0.6).all()  # 8-bit rounding makes tiny steps back
    assert lightness[-1] - lightness[0] > 60


@pytest.mark.parametrize("sight", [np.eye(3), PROTANOPIA, DEUTERANOPIA], ids=["usual", "protan", "deutan"])
@pytest.mark.parametrize("name", NAMES)
def test_support_and_opposition_look_different_with_any_colour_vision(name, sight):
    seen = lab(COLOUR_MAPS[name].diverging, sight)
    against, support = seen[:64], seen[-64:][::-1]
    assert np.linalg.norm(against - support, axis=1).min() > 20  # about 2 is just noticeable


@pytest.mark.parametrize("name", NAMES)
def test_diverging_maps_darken_away_from_white(name):
    lightness = lab(COLOUR_MAPS[name].diverging)[:, 0]
    assert lightness[127:129].min() > 98
    assert (np.diff(lightness[:128]) > -0.6).all()
    assert (np.diff(lightness[128:]) < 0.6).all()


def test_no_effect_is_transparent_and_more_effect_is_never_fainter():
    effects = np.linspace(0, 2, 101)
    for signed in (False, True):
        alpha = map_effects(effects, 1.5, signed)[:, 3].astype(int)
        assert alpha[0] == 0
        assert (np.diff(alpha) >= 0).all()
        assert (alpha[effects >= 1.5] == 255).all()


def test_signs_are_told_apart_only_when_asked():
    signed = map_effects(np.array([-1.0, 1.0]), 1.0, signed=True)
    assert (signed[0, :3] == COLOUR_MAPS["default"].diverging[0]).all()
    assert (signed[1, :3] == COLOUR_MAPS["default"].diverging[255]).all()
    positive = map_effects(np.array([-1.0, 1.0]), 1.0, signed=False)
    assert positive[0, 3] == 0
    assert (positive[1, :3] == COLOUR_MAPS["default"].sequential[255]).all()


def test_effects_that_are_no_numbers_are_transparent():
    assert (map_effects(np.array([np.nan, np.inf, -np.inf]), 1.0, True)[:, 3] == 0).all()
    assert scale_of(np.array([np.nan, np.inf, 0.5])) == 0.5


def test_scale_is_the_largest_effect_of_a_span_whatever_its_sign():
    assert scale_of(np.array([0.1, -3.0, 2.0])) == 3.0


def test_scale_has_a_floor_so_that_noise_stays_faint():
    assert scale_of(np.array([0.01, -0.02])) == 0.25
    assert scale_of(np.zeros((0, 4))) == 0.25
    assert map_effects(np.array([0.01]), scale_of(np.array([0.01])), True)[0, 3] < 50


def test_scale_over_a_run_ignores_a_single_outlier_but_not_a_single_strong_region():
    run = np.zeros((200, 64), np.float32)
    run[:, 5] = 1.0  # one region of many carries everything
    run[7, 9] = 50.0
    assert scale_of(run) == 1.0


@pytest.mark.parametrize("name", NAMES)
def test_text_on_every_colour_has_a_contrast_of_at_least_4_5(name):
    for table in (COLOUR_MAPS[name].sequential, COLOUR_MAPS[name].diverging):
        assert contrast(ink_on(table), table).min() >= 4.5


@pytest.mark.parametrize("background", [(255, 255, 255), (24, 26, 30)], ids=["light", "dark"])
def test_text_on_a_tinted_token_has_a_contrast_of_at_least_4_5(background):
    for signed in (False, True):
        tint = composite(map_effects(np.linspace(-1, 1, 401), 1.0, signed), background)
        assert contrast(ink_on(tint), tint).min() >= 4.5


def test_contrast_matches_the_published_examples():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21.0)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.01)
    assert luminance((255, 0, 0)) == pytest.approx(0.2126)


def test_compositing_matches_a_pixel_at_a_time():
    rng = np.random.default_rng(0)
    over, under = rng.integers(0, 256, (20, 4), np.uint8), rng.integers(0, 256, (20, 3), np.uint8)
    for rgba, rgb, got in zip(over, under, composite(over, under), strict=True):
        a = int(rgba[3]) / 255
        expected = [int(rgba[i]) * a + int(rgb[i]) * (1 - a) for i in range(3)]
        assert np.abs(got.astype(float) - expected).max() <= 0.51


def test_the_options_of_exports_offer_every_colour_map():
    assert tuple(COLOUR_MAPS) == COLOUR_MAP_NAMES
