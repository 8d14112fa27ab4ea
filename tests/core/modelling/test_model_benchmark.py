# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark of fitted models, and its simulated ice and model errors."""

from dataclasses import replace

import gemmi
import mrcfile
import numpy as np
import pytest

from benchmarks.model import document, suite
from benchmarks.model.suite import MODEL, Case, ChainReading
from benchmarks.occupancy.bundles import write_bundles
from benchmarks.occupancy.displaced_water import displaced_ice, hydrogens_per_atom
from benchmarks.occupancy.fitted_model import ModelErrors, write_fitted_model
from benchmarks.occupancy.suite import CALIBRATED, Complex
from benchmarks.runs.by_model import read_by_model
from benchmarks.runs.particles import Part, ParticleSet, simulate_volume
from benchmarks.runs.truth import Truth
from tests.core.modelling.conftest import CONDITIONS


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    path = write_bundles(tmp_path_factory.mktemp("models") / "bundles.cif")
    return Complex("helix bundles (artificial), 7 chains", path)


def read(bundles, title):
    return suite.run_case(Case(bundles, title, 5, None, with_published=False))


def test_ice_fills_the_molecule_and_nothing_else():
    points = np.array([[10.0, 12.0, 14.0], [11.5, 12.0, 14.0]])
    ice = displaced_ice(points, ["C", "N"], 30, 1.0, is_nucleic=False)
    z, y, x = np.argwhere(ice > 0).mean(axis=0)
    assert (x, y, z) == pytest.approx((10.75, 12, 14), abs=0.6)
    assert np.unique(ice) == pytest.approx([0, 0.1016 * 0.885])
    assert (
        40 < (ice > 0).sum() < 90
    )  # Å^3; the union of the two spheres has 42, before its surface is rounded to voxels
    nucleic = displaced_ice(points, ["C", "N"], 30, 1.0, is_nucleic=True)
    assert nucleic.max() / ice.max() == pytest.approx(0.83 / 0.885)


@pytest.mark.parametrize(("name", "low", "high"), [("LEU", 1.0, 1.5), ("A", 0.4, 0.7), ("XYZ", 0, 0)])
def test_residues_have_their_hydrogens(name, low, high):
    residue = gemmi.Residue()
    residue.name = name
    assert low <= hydrogens_per_atom(residue) <= high


def test_fitted_models_have_the_errors_that_are_asked_for(bundles, tmp_path):
    def write(**errors):
        written = write_fitted_model(bundles.path, CONDITIONS, tmp_path / "m.cif", errors=ModelErrors(**errors))
        return [atom for chain in gemmi.read_structure(str(written))[0] for res in chain for atom in res]

    exact, moved, fewer = write(atoms=0.0), write(atoms=0.9), write(atoms=0.0, missing=0.2)
    apart = [one.pos.dist(other.pos) for one, other in zip(exact, moved)]
    assert np.sqrt(np.mean(np.square(apart))) == pytest.approx(0.9, abs=0.05)
    assert 0.7 < len(fewer) / len(exact) < 0.85
    assert {atom.b_iso for atom in exact} == {0.0}


@pytest.mark.slow
def test_the_model_reads_what_was_simulated(bundles):
    chains = read(bundles, "as refinement gives it, 4.5 Å")
    assert len(chains) == 7 and max(item.truth for item in chains) == 1
    assert 0 < document.mean_error(chains, MODEL) < 0.04
    assert document.mean_error(chains, CALIBRATED) > 0
    assert document.held(chains) > 0.5


@pytest.mark.slow
def test_chains_that_moved_count_where_they_stayed(bundles):
    stayed, moved = (read(bundles, title) for title in (next(iter(suite.KINDS)), _MOVES))
    case = Case(bundles, _MOVES, 5, None, with_published=False)
    assert suite.KINDS[case.title].moves
    ratios = [after.truth / before.truth for before, after in zip(stayed, moved)]
    assert ratios[0] == ratios[2] == 1 and {round(ratio, 3) for ratio in ratios[1::3]} <= {0.7, 1.0}
    assert min(ratios) == pytest.approx(0.7)
    assert max(item.truth for item in moved) == 1  # something is whole
    assert document.mean_error(moved, MODEL) < 0.08


_MOVES = "every third chain moved in 30 % of the particles"


def reading(value, truth=0.5, mass=20.0, half=0.05, calibrated=0.7):
    return ChainReading(truth, mass, False, {MODEL: value, CALIBRATED: calibrated}, (value - half, value + half))


def test_bounds_are_reported_when_missed():
    case = Case(Complex("c", None), next(iter(suite.KINDS)), 1, None, with_published=False)
    masses = (5.0, 10.0, 20.0, 50.0)

    def broken(*, error=0.02, held=0.9, calibrated=0.7):
        chains = [
            reading(0.5 + error, mass=mass, half=0.1 if number < 20 * held else error / 2, calibrated=calibrated)
            for mass in masses
            for number in range(20)
        ]
        return document.broken_bounds([(case, chains)])

    assert broken() == []
    assert any("mean error is 0.035" in text for text in broken(error=0.035, calibrated=0.9))
    assert any("8 to 15 kDa is 0.045" in text for text in broken(error=0.045, calibrated=0.9))
    assert any("is 0.035 in *" in text for text in broken(error=0.035, calibrated=0.9))
    assert any("relative to the calibrated" in text for text in broken(calibrated=0.53))
    assert sum("hold in" in text for text in broken(held=0.5)) == len(masses)
    assert sum("hold in 100%" in text for text in broken(held=1.0)) == len(masses)
    unknowable = replace(case, title=suite.UNKNOWABLE[0])
    assert document.knowable([(unknowable, [reading(0.9)])]) == []
    assert "| as refinement gives it, 4.5 Å | 1 | - | 0.200 | 0.100 | 0% |" in document.table([(case, [reading(0.6)])])


@pytest.mark.slow
def test_class_maps_are_read_by_a_fitted_model(bundles, tmp_path):
    part = Part(("C",), 0.5)
    particles = ParticleSet(bundles, (part,), 200, 2.0, (0.0, 0.0), 3)
    absent, present = (simulate_volume(particles, {part: is_there}) for is_there in (False, True))
    noise = np.random.default_rng(0).normal(0, 0.02 * present.max(), (2, *present.shape))
    paths = []
    for number, share in enumerate((0.2, 1.0)):
        paths.append(str(tmp_path / f"class{number}.mrc"))
        with mrcfile.new(paths[-1]) as file:
            file.set_data((share * present + (1 - share) * absent + noise[number]).astype(np.float32))
            file.voxel_size = 5.0
    has = np.array([[True]] * 20 + [[False]] * 80 + [[True]] * 100)
    truth = Truth(np.zeros((1, 2, 2, 2), bool), np.zeros((2, 2, 2), bool), (11.0,), has, np.repeat([1, 2], 100))
    (found,) = read_by_model(particles, paths, (1, 2), truth)
    assert found.fractions == (0.2, 1.0) and found.spread == pytest.approx(0.8)
    assert [item.value for item in found.occupancies] == pytest.approx([0.2, 1.0], abs=0.08)
    with mrcfile.open(paths[0], "r+") as file:
        file.set_data(noise[0].astype(np.float32))
    assert read_by_model(particles, paths[:1], (1,), truth) == (None,)
