# SPDX-License-Identifier: GPL-3.0-or-later
"""A small version of `make accuracy`: calibrated occupancies of simulated complexes against the true ones."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.occupancy import measure, suite
from benchmarks.occupancy.simulate import Conditions, simulate
from benchmarks.occupancy.suite import CALIBRATED, TILED, Case

CONDITIONS = [
    Conditions(resolution=7.0, voxel_size=2.4, noise=noise, seed=seed) for noise in (0.1, 0.4) for seed in (1, 2)
]
# Mean absolute errors as measured; errors that grow by half are a regression.
MADE_UP, REAL = 0.0189, 0.0377


def outcomes_of(model):
    return [suite.run_case(Case(model, conditions, (CALIBRATED, TILED))) for conditions in CONDITIONS]


def error(outcomes, method=CALIBRATED):
    return np.mean([measure.absolute_error(item.chains[method]) for item in outcomes])


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    return suite.bundles(tmp_path_factory.mktemp("models"))


def test_occupancies_of_the_made_up_complex_are_accurate(bundles):
    found = outcomes_of(bundles)
    assert error(found) < 1.5 * MADE_UP
    assert error(found) < 0.5 * error(found, TILED)


def test_occupancies_of_complexes_from_real_models_are_accurate(shared_data):
    chosen = [model for model in suite.known_complexes(shared_data / "models") if "polymerase" not in model.title]
    found = [outcome for model in chosen for outcome in outcomes_of(model)]
    assert len(found) == 5 * len(CONDITIONS) and error(found) < 1.5 * REAL
    chains = [item for outcome in found for item in outcome.chains[CALIBRATED]]
    widths = [item.interval[1] - item.interval[0] for item in chains if 0.2 < item.median < 0.8]
    assert 0.8 <= np.mean([item.covered for item in chains]) <= 0.97 and 0.1 < np.mean(widths) < 0.35


def test_flexible_chains_have_full_occupancy_in_occupancy_mode(bundles):
    model = bundles
    cases = suite.flexible_cases([model], seed=0)
    outcome = suite.run_case(cases[(100.0, 0.1)][0])
    flexible = [item.median for item in outcome.chains[CALIBRATED] if item.flexible]
    softened = [item.median for item in outcome.chains[suite.CALIBRATED_RESOLUTION] if item.flexible]
    assert min(flexible) >= 0.85 and max(softened) < 0.85


class TestSimulation:
    def test_equal_seeds_give_equal_maps(self, bundles):
        one, other = (simulate(bundles.path, CONDITIONS[0]) for _ in range(2))
        np.testing.assert_array_equal(one.volume, other.volume)
        assert one.occupancies != simulate(bundles.path, CONDITIONS[1]).occupancies

    def test_density_is_proportional_to_occupancy(self, bundles):
        quiet = Conditions(resolution=7.0, voxel_size=2.4, noise=0.0)
        full_occupancy = simulate(bundles.path, quiet, dict.fromkeys("ABCDEFG", 1.0))
        half = simulate(bundles.path, quiet, dict.fromkeys("ABCDEFG", 0.5))
        np.testing.assert_allclose(half.volume, full_occupancy.volume / 2, atol=1e-5 * full_occupancy.volume.max())
        assert set(np.unique(half.truth())) == {0.0, 0.5}

    def test_noise_is_relative_to_full_density(self, bundles):
        simulated = simulate(
            bundles.path, Conditions(resolution=7.0, voxel_size=2.4, noise=0.2), dict.fromkeys("ABCDEFG", 1.0)
        )
        quiet = simulate(
            bundles.path, Conditions(resolution=7.0, voxel_size=2.4, noise=0.0), dict.fromkeys("ABCDEFG", 1.0)
        )
        full = np.percentile(quiet.volume[quiet.chains >= 0], 99)
        assert (simulated.volume - quiet.volume).std() == pytest.approx(0.2 * full, rel=0.01)

    def test_b_factor_lowers_amplitudes_and_mask_flattens_the_solvent(self, bundles):
        full_occupancy = dict.fromkeys("ABCDEFG", 1.0)
        quiet = Conditions(resolution=7.0, voxel_size=2.4, noise=0.0)
        maps = [simulate(bundles.path, replace(quiet, b_factor=b), full_occupancy).volume for b in (80.0, 180.0)]
        amplitude = [np.abs(np.fft.rfftn(volume))[6, 6, 6] for volume in maps]
        k_squared = 3 * (6 / (maps[0].shape[0] * 2.4)) ** 2
        assert amplitude[1] / amplitude[0] == pytest.approx(np.exp(-100 * k_squared / 4), rel=0.01)
        masked = simulate(bundles.path, replace(quiet, noise=0.2, masked=4.0), full_occupancy).volume
        assert (masked[:3] == 0).all() and (masked != 0).any()

    def test_voxels_may_be_finer_than_the_grid_of_the_atoms(self, bundles):
        simulated = simulate(
            bundles.path, Conditions(resolution=3.0, voxel_size=0.9, padding=5.0), dict.fromkeys("ABCDEFG", 1)
        )
        assert np.isfinite(simulated.volume).all()
