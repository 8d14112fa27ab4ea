# SPDX-License-Identifier: GPL-3.0-or-later
"""The maps on which the benchmark measures how often the interval of an occupancy holds, by kind of map and of part."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Dict, List, Mapping, Optional, Sequence

import numpy as np

from benchmarks.occupancy import assemblies
from benchmarks.occupancy.atomic_model import load_model
from benchmarks.occupancy.simulate import Conditions
from benchmarks.occupancy.suite import Case, Complex

# A map such as refinement gives: displaced water, noise with the spectrum of a reconstruction, errors of alignment.
REALISTIC: Dict[str, object] = {
    "resolution": 4.0,
    "voxel_size": 1.8,
    "solvent": 0.5,
    "has_coloured_noise": True,
    "rotation_error": 1.5,
    "shift_error": 1.0,
}
_PLAIN = Conditions(resolution=5.0, voxel_size=2.0, noise=0.1)
# Seeds, of the assemblies too. The constants of the interval were chosen on the first; the second was drawn afterwards.
LOOKED_AT, UNSEEN = (1, 2), (11, 12)


@dataclass(frozen=True)
class Kind:
    """A kind of map or of part.

    Attributes
    ----------
    changes : mapping of str to object
        Conditions that differ from 5 Å, voxels of 2 Å, noise 0.1.
    nucleic : bool, optional
        Whether the complexes have nucleic acid, which is fully occupied then; None for either.
    extension : float
        Width by which the masks of the chains are extended, Å.
    """

    changes: Mapping[str, object]
    nucleic: Optional[bool] = False
    extension: float = 0.0


KINDS: Dict[str, Kind] = {
    "protein": Kind({}),
    "protein, noise 0.4": Kind({"noise": 0.4}),
    "protein, water, coloured noise, alignment errors": Kind(REALISTIC),
    "the same, soft mask around the molecule": Kind({**REALISTIC, "soft_mask": 8.0}),
    "nucleic acid is the densest part": Kind({}, nucleic=True),
    "the same, water, coloured noise, alignment errors": Kind(REALISTIC, nucleic=True),
    "nothing is whole": Kind({"has_full_chain": False}),
    "regularised at 4 Å, noise 0.4": Kind({"regularised": True, "noise": 0.4}, nucleic=None),
    "regularised at 9 Å": Kind({"regularised": True, "resolution": 9.0}, nucleic=None),
    "filtered at 9 Å": Kind({"resolution": 9.0}, nucleic=None),
    "regularised at 12 Å": Kind({"regularised": True, "resolution": 12.0}, nucleic=None),
    "masks extended by 2.5 Å": Kind({}, extension=2.5),
    "masks extended by 5 Å": Kind({}, extension=5.0),
    "masks extended by 8 Å": Kind({}, extension=8.0),
}
# Limits of mass, kDa, between which the table lists the chains of all kinds of protein with masks that follow them.
MASSES = ((0.0, 15.0), (15.0, 30.0), (30.0, float("inf")))
# Kinds of `KINDS` that a job cannot tell from maps with a whole part.
UNKNOWABLE = ("nothing is whole",)


def artificial_complexes(folder: Path, models: Path, seed: int) -> List[Complex]:
    """Write the packed assemblies of one seed to a folder; empty when the folder of real models is missing."""
    if not models.is_dir():
        return []
    small = assemblies.small_chains(folder / f"small{seed}.cif", models, seed=seed)
    around = assemblies.around_nucleic_acid(folder / f"around{seed}.cif", models, seed=seed)
    return [Complex("small chains (packed), 15 chains", small), Complex("around DNA (packed)", around, nucleic=("A",))]


def interval_cases(models: Sequence[Complex], seeds: Sequence[int]) -> Dict[str, List[Case]]:
    """Return the cases by the titles of `KINDS`: one for each seed and each model of the kind."""
    return {
        title: [
            _case(model, kind, 1000 * seed + zlib.crc32(f"{title}{model.title}".encode()) % 1000)
            for seed in seeds
            for model in models
            if kind.nucleic is None or bool(model.nucleic) is kind.nucleic
        ]
        for title, kind in KINDS.items()
    }


def _case(model: Complex, kind: Kind, seed: int) -> Case:
    conditions = replace(_PLAIN, seed=seed, **kind.changes)
    occupancies = _around_full_nucleic(model, conditions) if model.nucleic else None
    return Case(model, conditions, occupancies=occupancies, extension=kind.extension)


def _around_full_nucleic(model: Complex, conditions: Conditions) -> Mapping[str, float]:
    """Draw occupancies around fully occupied nucleic acid: 1 for two proteins of five, 0.1 to 0.95 for the others."""
    names = load_model(model.path, conditions.voxel_size, conditions.padding, model.only).names
    rng = np.random.default_rng(conditions.seed)
    drawn: Dict[str, float] = {}
    for name in names:
        is_full, value = rng.random() < 0.4, round(float(rng.uniform(0.1, 0.95)), 3)
        drawn[name] = 1.0 if is_full or name in model.nucleic else value
    return drawn
