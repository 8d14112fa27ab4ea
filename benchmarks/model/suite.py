# SPDX-License-Identifier: GPL-3.0-or-later
"""The maps and models that the benchmark of fitted models simulates, and how it reads them."""

from __future__ import annotations

import os
import tempfile
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence, Tuple

import mrcfile
import numpy as np

from benchmarks import published
from benchmarks.occupancy import interval_suite
from benchmarks.occupancy.fitted_model import ModelErrors, write_fitted_model
from benchmarks.occupancy.measure import readings
from benchmarks.occupancy.simulate import Conditions, Simulated, simulate
from benchmarks.occupancy.suite import CALIBRATED, SETTINGS, Complex
from occupy_core.errors import MapError
from occupy_core.map_estimate import estimate_scale
from occupy_core.maps.reading import read_map
from occupy_core.modelling.atoms.atomic_model import read_model
from occupy_core.modelling.atoms.groups import groups_of
from occupy_core.modelling.model_occupancy import measure_model

MODEL, PUBLISHED = "model", "published, occupancy mode"
# A map such as refinement gives: displaced ice, noise with the spectrum of a reconstruction, errors of alignment.
_REALISTIC = Conditions(
    resolution=4.5,
    voxel_size=2.0,
    noise=0.1,
    in_ice=True,
    has_coloured_noise=True,
    rotation_error=1.0,
    shift_error=0.5,
)
# Seeds of the page, drawn after the constants of the method had been chosen (on the seeds 50 to 52).
UNSEEN = (90, 91)
_MOVED_SHARE, _MOVED_BY = 0.3, 20.0  # of the particles in which chains have moved; Å


@dataclass(frozen=True)
class Kind:
    """A kind of map and model.

    Attributes
    ----------
    changes : mapping of str to object
        Conditions that differ from a map such as refinement gives, at 4.5 Å and noise 0.1.
    errors : ModelErrors
    moves : bool
        Whether every third chain has moved by 20 Å in 30 % of the particles that have it.
    """

    changes: Mapping[str, object] = field(default_factory=dict)
    errors: ModelErrors = ModelErrors(atoms=0.5)
    moves: bool = False


KINDS: Dict[str, Kind] = {
    "as refinement gives it, 4.5 Å": Kind(),
    "atoms off by 0.8 Å": Kind(errors=ModelErrors(atoms=0.8)),
    "15 % of the residues missing": Kind(errors=ModelErrors(missing=0.15)),
    "B-factors of the file, wrong for the map": Kind(errors=ModelErrors(b_factors="file")),
    "6 Å, noise 0.3": Kind({"resolution": 6.0, "noise": 0.3}),
    "9 Å": Kind({"resolution": 9.0}),
    "every third chain flexible, B + 80 Å²": Kind({"flexible_b": 80.0}),
    "a micelle as dense as the protein": Kind({"micelle": True}),
    "soft mask around the molecule": Kind({"soft_mask": 6.0}),
    "regularised by RELION, 6 Å, noise 0.3": Kind({"resolution": 6.0, "noise": 0.3, "regularised": True}),
    "sharpened": Kind({"b_factor": -20.0}),
    "every third chain moved in 30 % of the particles": Kind(moves=True),
    "atoms in vacuum, white noise": Kind(
        {"in_ice": False, "has_coloured_noise": False, "rotation_error": 0.0, "shift_error": 0.0}
    ),
    "nothing is whole": Kind({"has_full_chain": False}),
}
UNKNOWABLE = ("nothing is whole",)


@dataclass(frozen=True)
class Case:
    """A map to simulate.

    Attributes
    ----------
    model : Complex
    title : str
        Key of `KINDS`.
    seed : int
    occupancies : mapping of str to float, optional
        By chain; drawn when None.
    with_published : bool
        Whether the published program reads the map too.
    """

    model: Complex
    title: str
    seed: int
    occupancies: Optional[Mapping[str, float]]
    with_published: bool


@dataclass(frozen=True)
class ChainReading:
    """The occupancy of a chain by each method, and the true one.

    Attributes
    ----------
    truth : float
        0..1.
    mass : float
        kDa.
    is_nucleic : bool
    values : dict of str to float
        Occupancy by method.
    interval : two float
        The 90 % interval of the model's occupancy.
    """

    truth: float
    mass: float
    is_nucleic: bool
    values: Dict[str, float]
    interval: Tuple[float, float]

    @property
    def is_held(self) -> bool:
        """Whether the interval holds the true occupancy."""
        return self.interval[0] <= self.truth <= self.interval[1]


def cases(
    models: Sequence[Complex], folder: Path, real_models: Path, seeds: Sequence[int], *, with_published: bool
) -> List[Case]:
    """Return a case for each kind of map, complex and seed; packed assemblies of each seed are added."""
    result = []
    for seed in seeds:
        packed = interval_suite.artificial_complexes(folder, real_models, seed)
        for title in KINDS:
            for model in [*models, *packed]:
                number = 1000 * seed + zlib.crc32(f"{title}{model.title}".encode()) % 1000
                result.append(Case(model, title, number, None, with_published))
    return result


def run(chosen: Sequence[Case]) -> List[List[ChainReading]]:
    """Simulate and read every case, on all processors."""
    # Cases of one complex in one process use its transforms again.
    order = sorted(range(len(chosen)), key=lambda index: (chosen[index].model.title, str(KINDS[chosen[index].title])))
    with ProcessPoolExecutor() as executor:
        chunk = max(1, min(4, len(chosen) // (os.cpu_count() or 1)))
        done = dict(zip(order, executor.map(run_case, [chosen[index] for index in order], chunksize=chunk)))
    return [done[index] for index in range(len(chosen))]


def run_case(case: Case) -> List[ChainReading]:
    """Simulate one map and its fitted model, and read it with every method."""
    kind = KINDS[case.title]
    conditions = replace(_REALISTIC, seed=case.seed, **kind.changes)
    simulated = simulate(case.model.path, conditions, case.occupancies, only=case.model.only)
    if kind.moves:
        simulated = _with_moved_chains(case, conditions, simulated)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "map.mrc"
        with mrcfile.new(str(path)) as mrc:
            mrc.set_data(simulated.volume)
            mrc.voxel_size = simulated.voxel_size
        fitted = write_fitted_model(
            case.model.path, conditions, folder / "model.cif", only=case.model.only, errors=kind.errors
        )
        model = read_model(str(fitted))
        result = measure_model([lambda: read_map(str(path))], model, groups_of(model, "chain"), ())
        by_chain = {group.name: item for group, item in zip(result.groups, result.occupancies[0])}
        scales = _calibrated_scale(str(path))
        if case.with_published:
            scales[PUBLISHED] = published.run(path, "occupancy", folder / "published")[0]
        medians = {method: readings(scale, simulated) for method, scale in scales.items()}
    return [
        ChainReading(
            simulated.occupancies[index],
            simulated.masses[index],
            chain in case.model.nucleic,
            {MODEL: by_chain[chain].value, **{method: medians[method][index].median for method in medians}},
            (by_chain[chain].low, by_chain[chain].high),
        )
        for index, chain in enumerate(simulated.names)
    ]


def _calibrated_scale(path: str) -> Dict[str, np.ndarray]:
    """Return the calibrated scale by its method; nothing for a map that is too noisy for one."""
    try:
        return {CALIBRATED: estimate_scale(read_map(path), SETTINGS[CALIBRATED]).scale}
    except MapError:
        return {}


def _with_moved_chains(case: Case, conditions: Conditions, simulated: Simulated) -> Simulated:
    """Move every third chain outwards by 20 Å in some of the particles that have it; the truth is what has stayed.

    One fully occupied chain stays, so that something is whole.
    """
    occupancies = dict(zip(simulated.names, simulated.occupancies))
    whole = max(simulated.names, key=lambda name: occupancies[name])  # stays, since 1 can be known by it only
    moving = [name for name in simulated.names[1::3] if name != whole]
    staying = {name: value * (1 - _MOVED_SHARE * (name in moving)) for name, value in occupancies.items()}
    volume = simulate(case.model.path, conditions, staying, only=case.model.only).volume.copy()
    centre = np.array(simulated.volume.shape) / 2
    for name in moving:
        only = {other: occupancies[name] * _MOVED_SHARE * (other == name) for other in simulated.names}
        alone = simulate(case.model.path, replace(conditions, noise=0.0), only, only=case.model.only).volume
        own = np.argwhere(simulated.chains == simulated.names.index(name)).mean(axis=0) - centre
        outwards = own / max(np.linalg.norm(own), 1e-6) * _MOVED_BY / conditions.voxel_size
        volume += np.roll(alone, np.round(outwards).astype(int), axis=(0, 1, 2))
    return replace(simulated, volume=volume, occupancies=tuple(staying[name] for name in simulated.names))
