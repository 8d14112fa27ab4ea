# SPDX-License-Identifier: GPL-3.0-or-later
"""The maps that the benchmark simulates, and the methods that read them."""

from __future__ import annotations

import itertools
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

import mrcfile

from benchmarks import published
from benchmarks.occupancy.bundles import write_bundles
from benchmarks.occupancy.measure import Reading, readings
from benchmarks.occupancy.prototype import prototype_scale
from benchmarks.occupancy.simulate import Conditions, Simulated, simulate
from occupy_core.map_estimate import estimate_scale
from occupy_core.maps.reading import read_map
from occupy_core.settings.settings import Settings

NOISES = (0.05, 0.1, 0.2, 0.4)
# Pairs of resolution and voxel size, Å.
RESOLUTIONS = ((3.5, 1.2), (7.0, 2.4))

# Names of the methods, as the tables and figures show them.
CALIBRATED = "calibrated"
CALIBRATED_RESOLUTION = "calibrated, resolution mode"
TILED = "tiled (ours)"
PROTOTYPE = "prototype"
PUBLISHED = {"resolution": "published, default mode", "occupancy": "published, occupancy mode"}
SETTINGS = {
    CALIBRATED: Settings(mode="occupancy", normalisation="calibrated"),
    CALIBRATED_RESOLUTION: Settings(mode="resolution", normalisation="calibrated"),
    TILED: Settings(mode="occupancy"),
}


@dataclass(frozen=True)
class Complex:
    """An atomic model of a complex.

    Attributes
    ----------
    title : str
        Name in the tables.
    path : Path
        Atomic model in a file that gemmi reads.
    only : tuple of str
        Names of the chains to use; all chains when empty.
    nucleic : tuple of str
        Names of the chains of nucleic acid.
    """

    title: str
    path: Path
    only: Tuple[str, ...] = ()
    nucleic: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    """A map to simulate, and the methods to read it with.

    Attributes
    ----------
    model : Complex
        The complex to simulate.
    conditions : Conditions
        Conditions of the simulation.
    methods : tuple of str
        Names of the methods.
    occupancies : mapping of str to float, optional
        Occupancy by chain name; drawn with the seed of the conditions when None.
    extension : float
        Width by which the mask of each chain is extended for the calibrated scale, Å.
    """

    model: Complex
    conditions: Conditions
    methods: Tuple[str, ...] = (CALIBRATED,)
    occupancies: Optional[Mapping[str, float]] = field(default=None)
    extension: float = 0.0


@dataclass(frozen=True)
class Outcome:
    """The readings of one simulated map.

    Attributes
    ----------
    case : Case
        The map and the methods.
    chains : dict of str to list of Reading
        For each method, the readings of all chains.
    """

    case: Case
    chains: Dict[str, List[Reading]]


@dataclass(frozen=True)
class UniformOccupancy(Mapping[str, float]):
    """An occupancy for all chains, except for the chains named in `others`."""

    value: float
    others: Mapping[str, float] = field(default_factory=dict)

    def __getitem__(self, name: str) -> float:
        return self.others.get(name, self.value)

    def __iter__(self) -> Iterator[str]:
        return iter(self.others)

    def __len__(self) -> int:
        return len(self.others)


def known_complexes(folder: Path) -> List[Complex]:
    """Return the real complexes of the default suite whose files exist in a folder."""
    listed = (
        Complex("RNA polymerase II, 12 chains", folder / "1WCM_polII_12chain.pdb.gz"),
        Complex("Env trimer with 2 Fabs, 10 chains", folder / "5fuu_env_trimer_2fab.pdb.gz"),
        Complex("nucleosome with DNA, 10 chains", folder / "5B40_nucleosome.pdb.gz", nucleic=("I", "J")),
        Complex("histone octamer, 8 chains", folder / "5B40_nucleosome.pdb.gz", only=tuple("ABCDEFGH")),
        Complex("GroEL ring, 7 chains", folder / "1oel_groel_7chain.pdb.gz"),
        Complex("beta-galactosidase, 4 chains", folder / "8bk7_docked_in_betaGal.pdb.gz"),
    )
    return [model for model in listed if model.path.exists()]


def bundles(folder: Path) -> Complex:
    """Write the artificial complex of helix bundles to a folder and return it."""
    return Complex("helix bundles (artificial), 7 chains", write_bundles(folder / "bundles.cif"))


def default_suite(models: Sequence[Complex], seed: int, *, with_published: bool) -> List[Case]:
    """Return a case for every model, resolution and noise, each with its own random occupancies.

    Parameters
    ----------
    models : sequence of Complex
        The complexes to simulate.
    seed : int
        Seed of the occupancies and the noise.
    with_published : bool
        Whether the published program reads the maps too.
    """
    numbers = itertools.count()
    methods = (CALIBRATED, PROTOTYPE, TILED, *(PUBLISHED.values() if with_published else ()))
    return [
        Case(
            model,
            Conditions(resolution=resolution, voxel_size=voxel_size, noise=noise, seed=1000 * seed + next(numbers)),
            methods,
        )
        for model in models
        for resolution, voxel_size in RESOLUTIONS
        for noise in NOISES
    ]


# Conditions that make maps harder to read, one change at a time; the first entry has no change, for comparison.
HARDER: Dict[str, Dict[str, object]] = {
    "as in the suite, 4 Å, noise 0.1": {},
    "3 Å, voxels of 1 Å": {"resolution": 3.0, "voxel_size": 1.0},
    "5 Å, voxels of 2 Å": {"resolution": 5.0, "voxel_size": 2.0},
    "8 Å, voxels of 4 Å (low-pass 12 Å)": {"resolution": 8.0, "voxel_size": 4.0},
    "12 Å, voxels of 2.4 Å": {"resolution": 12.0, "voxel_size": 2.4},
    "flattened solvent, 4 Å around the molecule": {"masked": 4.0, "padding": 15.0},
    "as regularised by RELION": {"regularised": True},
    "as regularised by RELION, noise 0.4": {"regularised": True, "noise": 0.4},
    "contrast lowered by bulk solvent": {"solvent": 0.3},
    "every third chain flexible, B + 60 Å²": {"flexible_b": 60.0},
    "every third chain flexible, B + 100 Å²": {"flexible_b": 100.0},
    "a micelle as dense as the protein": {"micelle": True},
    "the molecule leaves the box by 10 Å": {"cut": 35.0},
    "no chain above 0.8": {"has_full_chain": False},
}


def harder_cases(models: Sequence[Complex], seed: int) -> Dict[str, List[Case]]:
    """Return the cases, one for each model, by the title of the harder condition."""
    return {
        title: [
            Case(
                model,
                replace(
                    Conditions(resolution=4.0, voxel_size=1.5, noise=0.1, seed=1000 * seed + 500 + number), **change
                ),
            )
            for number, model in enumerate(models)
        ]
        for title, change in HARDER.items()
    }


# Pairs of additional B-factor (Å^2) and noise.
FLEXIBLE = tuple((extra_b, noise) for extra_b in (50.0, 100.0) for noise in (0.05, 0.1, 0.4))


def flexible_cases(models: Sequence[Complex], seed: int) -> Dict[Tuple[float, float], List[Case]]:
    """Return cases with all chains fully occupied and every third chain flexible, by the pairs of `FLEXIBLE`."""
    return {
        (extra_b, noise): [
            Case(
                model,
                Conditions(resolution=3.5, voxel_size=1.2, noise=noise, seed=seed, flexible_b=extra_b),
                (CALIBRATED, CALIBRATED_RESOLUTION),
                UniformOccupancy(1.0),
            )
            for model in models
        ]
        for extra_b, noise in FLEXIBLE
    }


# Title, occupancy of the protein, occupancy of the nucleic acid.
NUCLEIC = (("both fully occupied", 1.0, 1.0), ("protein at 0.5", 0.5, 1.0), ("DNA at 0.5", 1.0, 0.5))


def nucleic_cases(models: Sequence[Complex], seed: int) -> Dict[str, List[Case]]:
    """Return cases of complexes of protein and nucleic acid, by the titles of `NUCLEIC`."""
    return {
        title: [
            Case(
                model,
                Conditions(resolution=resolution, voxel_size=voxel_size, noise=0.1, seed=seed),
                occupancies=UniformOccupancy(protein, dict.fromkeys(model.nucleic, nucleic)),
            )
            for model in models
            if model.nucleic
            for resolution, voxel_size in RESOLUTIONS
        ]
        for title, protein, nucleic in NUCLEIC
    }


def run(cases: Sequence[Case]) -> List[Outcome]:
    """Simulate and read every case, on all processors."""
    # Chunks keep cases with one model and grid in one process, where `atomic_model.load_model` caches the model.
    with ProcessPoolExecutor() as executor:
        return list(executor.map(run_case, cases, chunksize=max(1, min(4, len(cases) // (os.cpu_count() or 1)))))


def run_case(case: Case) -> Outcome:
    """Simulate one map and read it with every method of the case."""
    simulated = simulate(case.model.path, case.conditions, case.occupancies, only=case.model.only)
    with tempfile.TemporaryDirectory() as folder:
        path = _write(simulated, Path(folder) / "map.mrc")
        return Outcome(case, {method: _readings(path, method, simulated, case.extension) for method in case.methods})


def _readings(path: Path, method: str, simulated: Simulated, extension: float) -> List[Reading]:
    for mode, name in PUBLISHED.items():
        if method == name:
            return readings(published.run(path, mode, path.parent / mode)[0], simulated)
    if method == PROTOTYPE:
        return readings(prototype_scale(read_map(str(path))), simulated)
    estimate = estimate_scale(read_map(str(path)), SETTINGS[method])
    return readings(estimate.scale, simulated, estimate.full_spread, extension=extension)


def _write(simulated: Simulated, path: Path) -> Path:
    with mrcfile.new(str(path)) as mrc:
        mrc.set_data(simulated.volume)
        mrc.voxel_size = simulated.voxel_size
    return path
