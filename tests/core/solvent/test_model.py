# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy.ndimage import maximum_filter, minimum_filter

from occupy_core.arrays.histograms import Bins, histograms
from occupy_core.errors import MapError
from occupy_core.solvent.model import fit_solvent
from occupy_core.solvent.region import flat_areas, inscribed_sphere, solvent_region


@pytest.fixture
def noisy():
    """Solvent of mean 0.1 and sigma 0.2 around a block of density 3."""
    volume = np.random.default_rng(3).normal(0.1, 0.2, (48, 48, 48)).astype(np.float32)
    volume[18:30, 18:30, 18:30] += 3
    return volume


def test_solvent_model_recovers_mean_and_sigma_of_simulated_solvent(noisy):
    model = fit_solvent(noisy, solvent_region(noisy, flat_areas(noisy))[0])
    assert model.warnings == ()
    assert model.mean == pytest.approx(0.1, abs=0.01)
    assert model.sigma == pytest.approx(0.2, rel=0.03)
    assert 0.1 + 2 * 0.2 < model.limit < 2.4
    confidence = model.confidence_map(noisy)
    assert confidence[18:30, 18:30, 18:30].mean() > 0.99
    assert confidence[:15].mean() < 0.01


def test_confidence_never_falls_as_the_value_rises(noisy):
    model = fit_solvent(noisy, solvent_region(noisy, flat_areas(noisy))[0])
    assert np.all(np.diff(model.confidence) >= 0)
    assert (model.confidence.min(), model.confidence.max()) == (0, 1)
    steps = np.diff(model.confidence)
    rising = steps[(model.confidence[:-1] > 0)]
    assert np.all(np.diff(rising) <= 1e-12)  # the curve gets steeper towards the solvent


def test_hedge_raises_confidence_to_a_power(noisy):
    model = fit_solvent(noisy, solvent_region(noisy, flat_areas(noisy))[0])
    np.testing.assert_allclose(model.confidence_map(noisy, hedge=3), model.confidence_map(noisy) ** 3, atol=0.02)


def test_confidence_does_not_depend_on_a_grey_scale_times_a_power_of_2(noisy):
    region = solvent_region(noisy, flat_areas(noisy))[0]
    model, larger = fit_solvent(noisy, region), fit_solvent(noisy * 1024, region)
    np.testing.assert_array_equal(model.confidence, larger.confidence)
    assert larger.limit == model.limit * 1024
    assert larger.sigma == model.sigma * 1024


def test_solvent_region_leaves_out_flat_areas(noisy):
    masked = np.where(inscribed_sphere(noisy.shape), noisy, np.float32(0))
    masked[:, :, :20] = 0
    region, warnings = solvent_region(masked, flat_areas(masked))
    assert warnings == ()
    assert not region[:, :, :19].any()
    model = fit_solvent(masked, region)
    assert model.mean == pytest.approx(0.1, abs=0.02)
    assert model.sigma == pytest.approx(0.2, rel=0.05)


def test_quantised_noise_is_not_flat(noisy):
    assert not flat_areas(np.round(noisy * 20)).any()


@pytest.mark.parametrize("polarity", [1, -1])
def test_solvent_definition_may_mark_molecule_or_solvent(noisy, polarity):
    protein = np.zeros(noisy.shape, dtype=np.float32)
    protein[14:34, 14:34, 14:34] = 1
    definition = protein if polarity > 0 else 1 - protein
    region, _ = solvent_region(noisy, flat_areas(noisy), definition)
    np.testing.assert_array_equal(region, inscribed_sphere(noisy.shape) & (protein == 0))


def test_solvent_definition_is_divided_at_0_9(noisy):
    definition = np.full(noisy.shape, 0.8, dtype=np.float32)
    definition[14:34, 14:34, 14:34] = 1
    region, _ = solvent_region(noisy, flat_areas(noisy), definition)
    np.testing.assert_array_equal(region, inscribed_sphere(noisy.shape) & (definition < 1))


@pytest.mark.parametrize("value", [0.5, 1.0])
def test_solvent_definition_with_one_side_only_is_refused(noisy, value):
    with pytest.raises(MapError, match="every voxel of the inscribed sphere"):
        solvent_region(noisy, flat_areas(noisy), np.full(noisy.shape, value, dtype=np.float32))


def test_flat_side_of_a_solvent_definition_is_solvent_and_gives_a_warning(noisy):
    outside = ~inscribed_sphere(noisy.shape)
    masked = noisy.copy()
    masked[:12], masked[36:] = 0, 0
    definition = np.zeros_like(noisy)
    definition[11:37] = 1
    region, warnings = solvent_region(masked, flat_areas(masked), definition)
    assert not region.any() and not (region & outside).any()
    assert "no solvent" in warnings[0]


def test_confidence_changes_little_with_any_grey_scale(noisy):
    region = solvent_region(noisy, flat_areas(noisy))[0]
    model = fit_solvent(noisy, region)
    for factor in (7.0, 37.5, 1e-6):
        other = fit_solvent(noisy * np.float32(factor), region)
        # Rounding may move a voxel on the border of two bins to the other bin.
        difference = other.confidence_map(noisy * np.float32(factor)) - model.confidence_map(noisy)
        assert np.abs(difference).max() < 0.03
        assert np.abs(difference).mean() < 1e-4
        assert other.limit == pytest.approx(model.limit * factor, rel=0.01)


@pytest.mark.parametrize("shape", [(48, 48, 48), (50, 20, 21), (3, 16, 16)])
def test_flat_areas_surround_constant_boxes_for_any_number_of_threads(shape):
    rng = np.random.default_rng(0)
    volume = rng.standard_normal(shape).astype(np.float32)
    for corner in rng.integers(0, shape, (12, 3)):
        volume[tuple(slice(first, first + size) for first, size in zip(corner, rng.integers(1, 8, 3)))] = 0.5
    for first in (14, 31):  # constant boxes across the borders of slabs
        volume[first : first + 3, 1:6, 1:6] = 0.25
    for first in (15, 31):  # two sections are too thin for a constant box
        volume[first : first + 2, 9:14, 9:14] = 0.25
    same = maximum_filter(volume, 3) == minimum_filter(volume, 3)
    for threads in (1, 3):
        np.testing.assert_array_equal(flat_areas(volume, threads=threads), maximum_filter(same, 3))


@pytest.mark.parametrize("factor", [1.0, 37.5, 1e-6])
def test_histogram_and_confidence_equal_those_by_numpy_for_any_number_of_threads(noisy, factor):
    values = noisy * np.float32(factor)
    region = solvent_region(values, flat_areas(values))[0]
    limits = (float(values.min()), float(values.max()))
    edges = np.histogram_bin_edges(values, 1000, limits)
    values[2, :, :21].flat = edges  # values on the borders of bins, where rounding decides
    model = fit_solvent(values, region)
    expected = [np.histogram(chosen, 1000, limits)[0] for chosen in (values, values[region])]
    for threads in (1, 3):
        np.testing.assert_array_equal(histograms(values, region, Bins(1000, limits), threads=threads), expected)
        confidence = model.confidence_map(values, hedge=2.0, threads=threads)
        by_numpy = np.interp(values, model.values, model.confidence**2).astype(np.float32)
        np.testing.assert_allclose(confidence, by_numpy, rtol=1e-6, atol=0)


def test_map_without_solvent_gives_a_warning(noisy):
    empty = np.zeros_like(noisy)
    empty[24, 24, 24] = 1
    region, warnings = solvent_region(empty, flat_areas(empty))
    assert "no solvent" in warnings[0]
    assert fit_solvent(empty, region & False).warnings


def test_map_of_solvent_alone_gives_a_warning():
    volume = np.random.default_rng(0).normal(0, 1, (40, 40, 40)).astype(np.float32)
    assert any("solvent" in text for text in fit_solvent(volume, inscribed_sphere(volume.shape)).warnings)


@pytest.mark.parametrize("shape", [(10, 10, 10), (11, 11, 11), (9, 14, 21)])
def test_inscribed_sphere_has_the_volume_of_a_sphere(shape):
    region = inscribed_sphere(shape)
    assert region[tuple(side // 2 for side in shape)]
    assert not region[0, 0, 0]
    assert region.mean() == pytest.approx(np.pi / 6, abs=0.06)


@pytest.mark.parametrize("shape", [(10, 10, 10), (11, 11, 11), (9, 14, 21), (100, 4, 3)])
def test_inscribed_sphere_is_centred_on_the_middle_voxel(shape):
    squares = [((np.arange(side) - side // 2) / (side / 2)) ** 2 for side in shape]
    expected = squares[0][:, None, None] + squares[1][:, None] + squares[2] < 1
    for threads in (1, 3):
        np.testing.assert_array_equal(inscribed_sphere(shape, threads=threads), expected)
