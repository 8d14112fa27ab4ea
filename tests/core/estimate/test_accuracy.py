# SPDX-License-Identifier: GPL-3.0-or-later
"""A small version of `make accuracy`: calibrated occupancies of simulated complexes against the true ones."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial import cKDTree

from benchmarks.occupancy import assemblies, measure, suite
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


@pytest.mark.slow
def test_occupancies_of_complexes_from_real_models_are_accurate(shared_data):
    chosen = [model for model in suite.known_complexes(shared_data / "models") if "polymerase" not in model.title]
    found = [outcome for model in chosen for outcome in outcomes_of(model)]
    assert len(found) == 5 * len(CONDITIONS) and error(found) < 1.5 * REAL
    chains = [item for outcome in found for item in outcome.chains[CALIBRATED]]
    with_interval = [item for item in chains if item.interval is not None]
    widths = [item.interval[1] - item.interval[0] for item in with_interval if 0.2 < item.median < 0.8]
    assert len(with_interval) > 0.4 * len(chains)
    assert 0.85 <= np.mean([item.covered for item in with_interval]) and 0.1 < np.mean(widths) < 0.4


@pytest.mark.slow
def test_no_interval_is_given_where_nucleic_acid_sets_full_scale(shared_data):
    models = {model.title.split()[0]: model for model in suite.known_complexes(shared_data / "models")}
    for name, expected in (("nucleosome", False), ("GroEL", True)):
        conditions = Conditions(resolution=5.0, voxel_size=2.0, noise=0.1, seed=3)
        full = suite.UniformOccupancy(0.5, {"A": 1.0, "B": 1.0, "C": 1.0, "I": 1.0, "J": 1.0})
        outcome = suite.run_case(Case(models[name], conditions, occupancies=full))
        assert any(item.interval for item in outcome.chains[CALIBRATED]) is expected


def test_most_extended_masks_get_no_interval_or_one_that_holds(bundles):
    conditions = Conditions(resolution=5.0, voxel_size=2.0, noise=0.1, seed=2)
    for extension in (5.0, 8.0):
        chains = suite.run_case(Case(bundles, conditions, extension=extension)).chains[CALIBRATED]
        wrong = [item.chain for item in chains if item.interval is not None and not item.covered]
        assert len(wrong) <= 2


class TestImperfections:
    CONDITIONS = Conditions(resolution=5.0, voxel_size=2.4, noise=0.0)

    def map_with(self, bundles, **changes):
        return simulate(bundles.path, replace(self.CONDITIONS, **changes), dict.fromkeys("ABCDEFG", 1.0)).volume

    def test_alignment_errors_blur_more_the_farther_from_the_centre(self, bundles):
        sharp, turned, moved = (
            self.map_with(bundles, **change) for change in ({}, {"rotation_error": 4}, {"shift_error": 2})
        )
        axis = np.arange(len(sharp)) - len(sharp) // 2
        radius = np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2) * 2.4
        middle, rim = radius < 12, (radius > 35) & (radius < 45)
        loss = {
            name: [1 - volume[part].std() / sharp[part].std() for part in (middle, rim)]
            for name, volume in (("turned", turned), ("moved", moved))
        }
        assert loss["turned"][0] < 0.3 * loss["turned"][1]
        assert loss["moved"][0] > 0.1 and loss["moved"][1] > 0.1
        assert turned.sum() == pytest.approx(sharp.sum(), rel=0.02)

    def test_coloured_noise_falls_with_resolution_and_has_the_strength_asked_for(self, bundles):
        quiet = self.map_with(bundles)
        plain, coloured = (
            self.map_with(bundles, noise=0.2, has_coloured_noise=is_on) - quiet for is_on in (False, True)
        )
        assert coloured.std() == pytest.approx(plain.std(), rel=0.01)
        power = [np.abs(np.fft.rfftn(noise)) ** 2 for noise in (plain, coloured)]
        side = len(quiet) * 2.4
        fine, coarse = int(side / 6), int(side / 20)
        assert (
            power[1][0, 0, fine] < power[1][0, 0, coarse]
            and power[1][:4, :4, fine].mean() < 0.2 * power[0][:4, :4, fine].mean()
        )

    def test_soft_mask_follows_the_model(self, bundles):
        free, masked = (self.map_with(bundles, noise=0.2, soft_mask=distance) for distance in (None, 5.0))
        kept = masked != 0
        assert 0.1 < kept.mean() < 0.6 and (masked[:3] == 0).all()
        np.testing.assert_array_equal(masked[masked == free], free[masked == free])


def test_assembly_has_all_pieces_and_no_clashes(shared_data, tmp_path):
    gemmi = pytest.importorskip("gemmi", reason="install gemmi")
    path = assemblies.around_nucleic_acid(tmp_path / "made.cif", shared_data / "models", seed=4)
    chains = [
        np.array([[*atom.pos] for residue in chain for atom in residue]) for chain in gemmi.read_structure(str(path))[0]
    ]
    assert len(chains) == 15
    gaps = [cKDTree(one).query(other)[0].min() for one, other in itertools.combinations(chains, 2)]
    assert min(gaps) > 1.0 and sum(gap < 6 for gap in gaps) >= 14


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
