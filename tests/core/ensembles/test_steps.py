# SPDX-License-Identifier: GPL-3.0-or-later
"""Steps of the comparison of many volumes: components, noise, grey scales, what moves."""

import numpy as np
import pytest

from occupy_core.comparing.two_groups import find_peak
from occupy_core.ensembles.components import Components, _above_noise
from occupy_core.ensembles.grey_scales import _factors
from occupy_core.ensembles.motion import _quotient
from occupy_core.ensembles.parts import _labels
from occupy_core.ensembles.stored_volumes import StoredVolumes
from occupy_core.ensembles.variation import VolumeNoise, _degrees_of_freedom, _Null
from occupy_core.maps.grid import MapGrid


def spectrum(signals, *, volumes=60, voxels=200, seed=0):
    """Return the variances of the components of noise with some signals of these strengths, relative to noise."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((volumes, voxels))
    for strength in signals:
        values += strength * np.outer(rng.standard_normal(volumes), np.ones(voxels) * rng.choice([-1, 1], voxels))
    values -= values.mean(axis=0)
    return np.linalg.eigvalsh(values @ values.T / voxels)[::-1][: volumes - 1]


@pytest.mark.parametrize("signals", [(), (1.0,), (1.0, 1.0), (1.0, 1.0, 1.0, 1.0), (3.0, 0.5)])
@pytest.mark.parametrize("seed", range(4))
def test_components_above_noise_are_counted(signals, seed):
    assert _above_noise(spectrum(signals, seed=seed)) == len(signals)


@pytest.mark.parametrize("voxels", [30, 100, 1000])
def test_noise_has_no_components_whatever_the_number_of_voxels(voxels):
    assert [_above_noise(spectrum((), voxels=voxels, seed=seed)) for seed in range(10)] == [0] * 10


def test_threshold_knows_the_number_of_volumes_and_of_places():
    limits = [_Null(1.0, count - 1).largest(100.0) for count in (11, 30, 100, 500)]
    assert limits == sorted(limits, reverse=True)  # a variance over more volumes is surer
    assert _Null(1.0, 29).largest(1000.0) > _Null(1.0, 29).largest(10.0)
    rng = np.random.default_rng(0)
    deviations = rng.standard_normal((30, 20_000)).std(axis=0, ddof=1)
    assert deviations.max() < _Null(1.0, 29).largest(20_000.0)


@pytest.mark.parametrize("patterns, count", [(2, 100), (4, 100), (10, 100), (None, 30), (None, 100)])
def test_threshold_knows_how_many_patterns_the_noise_has(patterns, count):
    rng = np.random.default_rng(0)
    values = rng.standard_normal((count, 20_000))
    if patterns is not None:
        values = rng.standard_normal((count, patterns)) @ rng.standard_normal((patterns, 20_000))
    deviations = values.std(axis=0, ddof=1)
    peak = find_peak(deviations)
    null = _Null.of_peak(peak, _degrees_of_freedom(peak, count))
    assert null.free == pytest.approx(patterns or count - 1, rel=0.5)
    assert null.deviation == pytest.approx(np.sqrt((deviations**2).mean()), rel=0.2)
    assert deviations.max() < null.largest(20_000.0)


def densities(occupancies, share, *, noise=0.05, seed=0, voxels=1000):
    """Return the densities of volumes of which a share of the voxels follows the occupancies; grey scales differ."""
    rng = np.random.default_rng(seed)
    usual = rng.uniform(0.5, 1.0, voxels)
    factors = rng.uniform(0.5, 2.0, len(occupancies))
    values = np.tile(usual, (len(occupancies), 1))
    values[:, : round(share * voxels)] *= np.array(occupancies)[:, None]
    values += noise * rng.standard_normal(values.shape)
    return (values * factors[:, None]).astype(np.float32), factors / np.median(factors)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_grey_factors_come_from_the_part_that_stays(share):
    present = np.random.default_rng(1).integers(0, 2, 30).astype(float)
    values, expected = densities(present, share)
    found, common = _factors(values)
    np.testing.assert_allclose(found / np.median(found), expected, rtol=0.02)
    assert common[round(share * 1000) :].mean() > 0.9
    assert common[: round(share * 1000)].mean() < 0.05


def test_without_a_common_part_there_are_no_grey_factors():
    rng = np.random.default_rng(2)
    values = rng.uniform(0, 1, (30, 1000)).astype(np.float32)
    found, common = _factors(values)
    assert not common.any()
    assert (found == 1).all()


def test_noise_of_a_mean_lies_between_those_of_the_smoothings():
    noise = VolumeNoise({12.0: np.array([4.0]), 20.0: np.array([2.0]), 30.0: np.array([1.0])})
    values = [float(noise.at_volume(volume)[0]) for volume in (10.0, 10_000.0, 30_000.0, 1e7)]
    assert values[0] == pytest.approx(4.0) and values[-1] == pytest.approx(1.0)
    assert values == sorted(values, reverse=True)


def test_density_that_only_moves_has_no_variance_in_total():
    here = np.random.default_rng(0).uniform(0, 1, 50)
    assert _quotient(np.array([here, 1 - here])) < 1e-12
    other = np.random.default_rng(1).uniform(0, 1, 50)
    assert _quotient(np.array([here, other])) == pytest.approx(1.0, abs=0.4)


def test_voxels_that_change_by_a_hundredth_are_no_part():
    """A sharp low-pass rings: what stays beside a part changes a little, in the other direction."""
    shape = (12, 12, 12)
    scores = np.linspace(-1, 1, 12)[:, None] / np.linalg.norm(np.linspace(-1, 1, 12))
    changes = np.full((12**3, 1), -0.01, np.float32)
    changes[: 12**3 // 2] = 0.5
    grid = MapGrid(shape, 3.0, None)
    volumes = StoredVolumes((), np.ones(12), (), np.ones(shape, np.float32), np.ones(shape, bool), grid, 1.0, 3.0)
    profiles = [np.array([1.0]), np.array([-1.0])]
    labels = _labels(changes, profiles, volumes, Components(scores, np.ones(1)), np.ones(12**3, bool))
    assert set(labels[: 12**3 // 2].tolist()) == {1}
    assert set(labels[12**3 // 2 :].tolist()) == {0}
