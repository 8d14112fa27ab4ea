# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the occupancies of the parts in class maps by a fitted model, as a job with the setting `model` does."""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Sequence, Tuple

import numpy as np

from benchmarks.occupancy.fitted_model import ModelErrors, write_fitted_model
from benchmarks.occupancy.simulate import Conditions
from benchmarks.runs.particles import PADDING, VOXEL_SIZE, ParticleSet
from benchmarks.runs.truth import Truth
from occupy_core.comparing.occupancies import Interval
from occupy_core.errors import ModelError
from occupy_core.maps.reading import read_map
from occupy_core.modelling.atoms.atomic_model import read_model
from occupy_core.modelling.atoms.groups import groups_of
from occupy_core.modelling.model_occupancy import measure_model

_ATOM_ERROR = 0.5  # Å


@dataclass(frozen=True)
class ModelReading:
    """The occupancies of one part by a fitted model, and the true fractions of particles.

    Attributes
    ----------
    occupancies : tuple of Interval
        In each class that shows the model, the mean over the chains of the part by their mass.
    fractions : tuple of float
        Fraction of the particles of each of these classes that have the part.
    unseen : int
        Number of the other classes, which have no occupancies.
    """

    occupancies: Tuple[Interval, ...]
    fractions: Tuple[float, ...]
    unseen: int = 0

    @property
    def spread(self) -> float:
        """Largest difference of the fractions between two classes."""
        return max(self.fractions) - min(self.fractions)


def read_by_model(
    particles: ParticleSet, paths: Sequence[str], numbers: Sequence[int], truth: Truth
) -> Tuple[Optional[ModelReading], ...]:
    """Fit the model to class maps, with the chains as its parts.

    Parameters
    ----------
    particles : ParticleSet
    paths : sequence of str
        Class maps of enough particles.
    numbers : sequence of int
        Numbers of these classes.
    truth : Truth

    Returns
    -------
    tuple of ModelReading
        One for each part; None where the job refuses the model, because these maps show too little detail.
    """
    if not particles.parts or not paths:
        return ()
    conditions = Conditions(2 * VOXEL_SIZE, VOXEL_SIZE, padding=PADDING, seed=particles.seed)
    with tempfile.TemporaryDirectory() as folder:
        source = particles.model
        errors = ModelErrors(_ATOM_ERROR)
        path = write_fitted_model(source.path, conditions, Path(folder) / "model.cif", only=source.only, errors=errors)
        model = read_model(str(path))
        groups = groups_of(model, "chain")
        try:
            result = measure_model([lambda name=name: read_map(name) for name in paths], model, groups, ())
        except ModelError:
            return (None,) * len(particles.parts)
    masses = {group.name: group.mass for group in groups}
    by_class = [dict(zip(masses, of_map)) for of_map in result.occupancies]
    readings = []
    for index, part in enumerate(particles.parts):
        weights = [masses[name] for name in part.chains]
        occupancies = tuple(
            Interval(
                *(
                    float(np.average([getattr(chains[name], end) for name in part.chains], weights=weights))
                    for end in ("low", "value", "high")
                )
            )
            for chains in by_class
        )
        seen = [place for place, item in enumerate(occupancies) if not math.isnan(item.value)]
        fractions = tuple(truth.fraction(index, numbers[place]) for place in seen)
        readings.append(ModelReading(tuple(occupancies[place] for place in seen), fractions, len(numbers) - len(seen)))
    return tuple(readings)
