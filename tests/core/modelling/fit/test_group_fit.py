# SPDX-License-Identifier: GPL-3.0-or-later
"""The fit of a map as a sum of groups: exact without noise, honest errors with it."""

import weakref
from dataclasses import replace

import numpy as np
import pytest

from occupy_core.arrays.rigid_motion import RigidMotion, small_motions
from occupy_core.modelling.fit.common_changes import CommonChanges
from occupy_core.modelling.fit.frequency_shells import FrequencyShells, interpolated, taper
from occupy_core.modelling.fit.group_density import frequencies_of, group_density
from occupy_core.modelling.fit.group_fit import fit_groups
from occupy_core.modelling.fit.normal_equations import Place, normal_equations

FINEST, STEPS, SHAPE = 6.0, (2.0, 2.0, 2.0), (44, 40, 48)
TRUTH = np.array([1.0, 0.7, 0.3, 0.0])


def blob(centre, seed):
    """Positions of 400 atoms within 9 Å of a centre, about as dense as a protein."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-1, 1, (2000, 3))
    return np.array(centre) + 9 * points[np.linalg.norm(points, axis=1) < 1][:400]


@pytest.fixture(scope="module")
def densities():
    centres = [(44, 30, 30), (44, 30, 46), (44, 46, 38), (44, 50, 60)]
    elements = ("C", "C", "O", "N") * 100
    return [
        group_density(blob(centre, number), elements, np.full(400, 60.0), STEPS, 4.4)
        for number, centre in enumerate(centres)
    ]


def map_of(densities, occupancies, factor=lambda k: np.ones_like(k)):
    """The sum of groups, each times its occupancy, filtered by a factor."""
    volume = np.zeros(SHAPE, np.float32)
    for density, occupancy in zip(densities, occupancies):
        k = density.frequencies()
        box = density.filtered(taper(k, 4.4) * factor(k).astype(np.float32))
        place = Place.of(density, SHAPE)
        volume[place.of_map] += np.float32(occupancy) * box[place.of_box]
    return volume


def ratios(fit):
    return fit.occupancies / fit.occupancies[0]


FILTERS = {
    "plain": np.ones_like,
    "blurred": lambda k: np.exp(-80 * k * k),
    "sharpened": lambda k: np.exp(60 * k * k),
    "weak at low frequencies": lambda k: 1 - 0.6 * np.exp(-((k / 0.03) ** 2)),
}


@pytest.mark.parametrize("factor", FILTERS.values(), ids=FILTERS)
def test_a_sum_without_noise_is_recovered(densities, factor):
    fit = fit_groups(map_of(densities, TRUTH, factor), densities, finest=FINEST)
    np.testing.assert_allclose(ratios(fit), TRUTH, atol=0.01)
    assert fit.correlation > 0.99


def test_a_group_that_is_far_more_flexible_than_the_others_may_be_so(densities):
    """B-factor 200 Å^2 above that of the others; held near them, the group would read 0.71."""
    flexible = map_of(densities[2:3], [0.8], lambda k: np.exp(-200 / 4 * k * k))
    volume = map_of(densities, [1.0, 0.7, 0.0, 0.9]) + flexible
    found = []
    for seed in range(8):
        noise = np.random.default_rng(seed).normal(0, 2 * volume.std(), SHAPE).astype(np.float32)
        found.append(ratios(fit_groups(volume + noise, densities, finest=FINEST))[2])
    assert 0.73 < np.mean(found) < 0.83


def test_grey_scale_and_constant_do_not_count(densities):
    volume = map_of(densities, TRUTH)
    expected = fit_groups(volume, densities, finest=FINEST)
    found = fit_groups(5e-4 * volume - np.float32(0.2), densities, finest=FINEST)
    np.testing.assert_allclose(ratios(found), ratios(expected), atol=0.006)


def test_density_that_the_model_lacks_far_from_it_does_not_count(densities):
    volume = map_of(densities, TRUTH)
    volume[:8, :, :] += 2 * volume.max()
    np.testing.assert_allclose(ratios(fit_groups(volume, densities, finest=FINEST)), TRUTH, atol=0.06)


@pytest.mark.slow
def test_standard_errors_are_the_scatter_over_noise(densities):
    volume = map_of(densities, TRUTH)
    found, stated = [], []
    for seed in range(30):
        noise = np.random.default_rng(seed).normal(0, 5 * volume.std(), SHAPE).astype(np.float32)
        fit = fit_groups(volume + noise, densities, finest=FINEST)
        first = fit.occupancies[0]
        found.append(ratios(fit)[1:])
        # Only ratios to the first have a meaning: how they change with each occupancy.
        change = np.column_stack([-found[-1] / first, np.eye(3) / first])
        stated.append(np.sqrt(np.diag(change @ fit.covariance @ change.T)))
    scatter = np.std(found, axis=0, ddof=1)
    assert 0.01 < scatter.min() and scatter.max() < 0.1
    np.testing.assert_allclose(scatter, np.mean(stated, axis=0), rtol=0.3)  # the scatter of 30 values is known to 13 %
    np.testing.assert_allclose(np.mean(found, axis=0), TRUTH[1:], atol=0.03)


@pytest.mark.slow
def test_threads_do_not_change_the_result(densities):
    noise = np.random.default_rng(0).normal(0, 1, SHAPE).astype(np.float32)
    volume = map_of(densities, TRUTH) + noise
    one, two = (fit_groups(volume, densities, finest=FINEST, threads=threads) for threads in (1, 2))
    np.testing.assert_array_equal(one.occupancies, two.occupancies)
    np.testing.assert_array_equal(one.covariance, two.covariance)
    np.testing.assert_array_equal(one.residual, two.residual)


@pytest.mark.slow
def test_a_map_of_noise_has_no_correlation(densities):
    noise = np.random.default_rng(0).normal(0, 1, SHAPE).astype(np.float32)
    fit = fit_groups(noise, densities, finest=FINEST)
    assert np.isfinite(fit.occupancies).all() and abs(fit.correlation) < 0.4


def test_a_map_of_inverted_contrast_has_no_density_of_the_model(densities):
    fit = fit_groups(-map_of(densities, TRUTH), densities, finest=FINEST)
    assert fit.occupancies.tolist() == [0] * 4 and fit.correlation == 0 and fit.residual.shape == SHAPE


@pytest.mark.parametrize("occupancy", [0.3, 0.6, 0.9])
def test_groups_that_leave_the_box_are_fitted_by_what_is_in_it(densities, occupancy):
    cut = slice(0, 44), slice(0, 25), slice(0, 48)  # through the third group, without the last
    volume = np.ascontiguousarray(map_of(densities, [1, 0.7, occupancy, 0])[cut])
    fit = fit_groups(volume, densities[:3], finest=FINEST)
    np.testing.assert_allclose(ratios(fit), [1, 0.7, occupancy], atol=0.09)


def boxes_in_a_map(rng):
    """Two columns of each of four boxes, their places, and the same columns on the whole grid (column, voxel)."""
    whole, columns, places = [], [], []
    for first, size in (
        ((-3, 2, 5), (10, 12, 9)),
        ((2, 5, 8), (50, 10, 10)),
        ((30, 30, 40), (20, 20, 20)),
        ((60, 0, 0), (5, 5, 5)),
    ):
        boxes = rng.standard_normal((2, *size)).astype(np.float32)
        density = group_density(np.full((1, 3), 50.0), ["C"], np.array([30.0]), STEPS, FINEST)
        place = Place.of(replace(density, first=first, shape=size, border=(0, 0, 0)), SHAPE)
        full = np.zeros((2, *SHAPE))
        full[(slice(None), *place.of_map)] = boxes[(slice(None), *place.of_box)]
        whole, columns, places = [*whole, full], [*columns, list(boxes)], [*places, place]
    return columns, places, np.array(whole).swapaxes(0, 1).reshape(8, -1)


@pytest.mark.parametrize("threads", [1, 3])
def test_normal_equations_are_sums_over_the_box(threads):
    rng = np.random.default_rng(0)
    near, target = rng.random((2, *SHAPE)).astype(np.float32)
    columns, places, flat = boxes_in_a_map(rng)
    found = normal_equations(columns.__getitem__, places, target, near, threads=threads)
    matrix, vector, sums = found.matrix, found.vector, found.sums
    np.testing.assert_allclose(matrix, (flat * near.ravel()) @ flat.T, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(vector, flat @ (near * target).ravel(), rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(sums, flat @ near.ravel(), rtol=1e-4, atol=1e-3)
    assert matrix[3].any() == 0 and matrix[0, 2] == 0 and matrix[0, 1] != 0 and matrix[0, 4] != 0


def test_columns_are_kept_only_while_later_boxes_may_overlap_them():
    """Ten boxes along z, each overlapping the next one only."""
    empty = group_density(np.full((1, 3), 50.0), ["C"], np.array([30.0]), STEPS, FINEST)
    boxes = [replace(empty, first=(4 * number, 0, 0), shape=(6, 10, 10), border=(0, 0, 0)) for number in range(10)]
    alive, most = set(), 0

    def columns_of(number):
        nonlocal most
        column = np.ones((6, 10, 10), np.float32)
        alive.add(number)
        weakref.finalize(column, alive.discard, number)
        most = max(most, len(alive))
        return [column]

    near = np.ones((46, 10, 10), np.float32)
    found = normal_equations(columns_of, [Place.of(box, near.shape) for box in boxes], near, near)
    np.testing.assert_array_equal(found.matrix, 600 * np.eye(10) + 200 * (np.eye(10, k=1) + np.eye(10, k=-1)))
    assert most <= 3


def test_motions_are_six_more_columns_of_the_normal_equations():
    rng = np.random.default_rng(0)
    near, target, expected = rng.random((3, *SHAPE)).astype(np.float32)
    columns, places, flat = boxes_in_a_map(rng)
    motion = RigidMotion.none(np.array([40.0, 42.0, 44.0]), STEPS)
    blur = rng.standard_normal(SHAPE).astype(np.float32)
    common = CommonChanges(expected, blur, motion)
    found = normal_equations(columns.__getitem__, places, target, near, common)
    changes = small_motions(expected, tuple(slice(0, side) for side in SHAPE), motion.centre, STEPS)
    every = np.concatenate([flat, changes.reshape(6, -1).astype(float), blur.reshape(1, -1)])
    np.testing.assert_allclose(found.matrix, (every * near.ravel()) @ every.T, rtol=1e-3, atol=1.0)
    np.testing.assert_allclose(found.vector, every @ (near * target).ravel(), rtol=1e-3, atol=1.0)
    np.testing.assert_allclose(found.sums, every @ near.ravel(), rtol=1e-3, atol=1.0)
    assert np.abs(found.matrix[:3, 8:]).min() > 0


@pytest.mark.parametrize("shape", [(20, 24, 16), (21, 16, 25)])
@pytest.mark.parametrize("threads", [1, 3])
def test_shells_count_each_component_of_the_full_transform(shape, threads):
    steps = (2.0, 3.0, 2.0)
    shells = FrequencyShells(shape, steps, 4.0, threads)
    full = np.sqrt(sum(np.square(f) for f in np.meshgrid(*map(np.fft.fftfreq, shape, steps), indexing="ij")))
    index = np.minimum((full / shells.step + 0.5).astype(int), shells.last)
    assert shells.step == pytest.approx(1 / max(side * step for side, step in zip(shape, steps)))
    np.testing.assert_array_equal(shells.components, np.bincount(index.ravel(), minlength=shells.last + 1))
    one, other = np.random.default_rng(0).standard_normal((2, *shape)).astype(np.float32)
    products = (np.fft.fftn(one) * np.fft.fftn(other).conj()).real
    expected = np.bincount(index.ravel(), products.ravel(), shells.last + 1)
    half = [np.fft.rfftn(values).astype(np.complex64) for values in (one, other)]
    np.testing.assert_allclose(shells.products(*half), expected, rtol=1e-4, atol=1e-2)


def test_smoothed_shells_leave_out_the_mean_and_what_is_finer_than_the_finest_detail():
    shells = FrequencyShells((20, 24, 16), (2.0, 3.0, 2.0), 4.0)
    only = np.zeros(shells.last + 1)
    only[[0, shells.last]] = 1e9
    assert np.all(shells.smoothed(only) == 0)
    middle = np.zeros(shells.last + 1)
    middle[3] = 1
    smooth = shells.smoothed(middle)
    assert smooth.argmax() == 3 and smooth[2] == pytest.approx(smooth[4])


def test_shares_of_shells_add_up_to_the_band():
    shells = FrequencyShells((20, 24, 16), (2.0, 3.0, 2.0), 4.0)
    assert shells.shares(1 / 30, 1 / 10).sum() * shells.step == pytest.approx(1 / 10 - 1 / 30)
    assert shells.shares(0.24, 9.0)[-1] == 0


def test_a_spectrum_is_multiplied_by_values_of_shells_and_by_the_taper():
    shape, steps = (20, 24, 16), (2.0, 3.0, 2.0)
    shells = FrequencyShells(shape, steps, 4.0, 2)
    k = frequencies_of(shape, steps)
    values = np.linspace(1, 2, shells.last + 1)
    found = shells.multiply(np.ones(k.shape, np.complex64), values, fades=True)
    np.testing.assert_allclose(found, interpolated(values, shells.step, k) * taper(k, 4.0), rtol=1e-5)


MOTION = np.array([1.5, -1.0, 2.0, 0.03, -0.04, 0.05])  # Å and radians


@pytest.mark.parametrize("occupancies", [TRUTH, [1, 1, 0, 0]], ids=["half of a part", "parts missing on one side"])
def test_a_moved_map_is_brought_back(densities, occupancies):
    """Missing parts do not feign a motion, nor does a motion change the occupancies."""
    volume = map_of(densities, occupancies)
    centre = np.array([44.0, 40.0, 48.0])
    moved = RigidMotion.none(centre, STEPS).after(MOTION).moved(volume)
    still, found = (fit_groups(item, densities, finest=FINEST) for item in (volume, moved))
    assert still.displacement < 0.1
    assert found.displacement == pytest.approx(np.linalg.norm(MOTION[:3]), abs=0.8)
    assert found.motion.angle == pytest.approx(np.degrees(np.linalg.norm(MOTION[3:])), abs=0.5)
    np.testing.assert_allclose(ratios(found), occupancies, atol=0.03)


@pytest.mark.slow
def test_the_signal_tells_a_map_from_noise(densities):
    volume = map_of(densities, TRUTH)
    noise = np.random.default_rng(0).normal(0, 5 * volume.std(), SHAPE).astype(np.float32)
    seen, none = (fit_groups(item, densities, finest=FINEST).signal for item in (volume + noise, noise))
    assert none < 10 and seen > 20


def test_the_taper_fades_out_at_the_finest_detail():
    k = np.array([0, 0.13, 1 / 6, 0.2], np.float32)
    assert taper(k, FINEST).tolist() == [1, 1, 0, 0] and 0 < taper(np.float32([0.15]), FINEST)[0] < 1


def test_values_of_shells_are_interpolated():
    assert interpolated(np.array([1.0, 3.0, 5.0]), 0.1, np.float32([0.05, 0.2, 0.9])) == pytest.approx([2, 5, 5])


@pytest.mark.slow
def test_errors_of_orientation_blur_the_outer_parts_and_do_not_count():
    """Errors of 3 degrees, in noise in which the B-factors of the parts cannot be told one by one."""
    centres = [(44, 40, 48), (44, 40, 66), (44, 58, 48), (62, 40, 48), (44, 12, 48), (16, 40, 48), (44, 40, 12)]
    elements = ("C", "C", "O", "N") * 100
    parts = [group_density(blob(c, n), elements, np.full(400, 60.0), STEPS, 4.4) for n, c in enumerate(centres)]
    volume = np.zeros(SHAPE, np.float32)
    for part, centre in zip(parts, centres):
        squared = float(np.square(np.array(centre) - np.array(SHAPE)).sum())  # of the centre: half a box of 2 Å voxels
        k, place = part.frequencies(), Place.of(part, SHAPE)
        blur = 8 * np.pi**2 * 2 / 3 * np.radians(3) ** 2 * squared
        volume[place.of_map] += part.filtered(taper(k, FINEST) * np.exp(-blur * k * k / 4))[place.of_box]
    found = []
    for seed in range(12):
        noise = np.random.default_rng(seed).normal(0, 4 * volume.std(), SHAPE).astype(np.float32)
        found.append(ratios(fit_groups(volume + noise, parts, finest=FINEST)))
    assert np.mean([item[4:] for item in found]) == pytest.approx(1, abs=0.03)  # the outer ones; 0.935 without the blur


def test_the_b_factor_of_each_group_is_found(densities):
    volume = map_of(densities[::2], [1.0, 0.6]) + map_of(densities[1::2], [0.7, 0.9], lambda k: np.exp(-70 / 4 * k * k))
    fit = fit_groups(volume, densities, finest=FINEST)
    np.testing.assert_allclose(ratios(fit), [1.0, 0.7, 0.6, 0.9], atol=0.02)
    np.testing.assert_allclose(np.subtract(*fit.b_factors.reshape(2, 2).T), [-70, -70], atol=10)
