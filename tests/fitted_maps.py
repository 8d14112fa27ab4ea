# SPDX-License-Identifier: GPL-3.0-or-later
"""Small simulated maps of an artificial complex of seven chains, A to G, and its model in their frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import List, Mapping, Sequence, Tuple

import mrcfile

from benchmarks.occupancy.bundles import write_bundles
from benchmarks.occupancy.fitted_model import write_fitted_model
from benchmarks.occupancy.simulate import Conditions, simulate

WHOLE = dict.fromkeys("ABCDEFG", 1.0)
_CONDITIONS = Conditions(resolution=7.5, voxel_size=3.4, noise=0.1, seed=3, padding=20.0, in_ice=True)


def write_fitted_maps(folder: Path, occupancies: Sequence[Mapping[str, float]]) -> Tuple[List[str], str]:
    """Write a map for each set of occupancies by chain, and the model; return the paths of the maps, and of the model.

    Chains that are not named are whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    bundles = write_bundles(folder / "bundles.cif")
    model = write_fitted_model(bundles, _CONDITIONS, folder / "fitted.cif")
    paths = []
    for number, values in enumerate(occupancies, start=1):
        path = folder / f"map{number}.mrc"
        with mrcfile.new(str(path)) as mrc:
            conditions = replace(_CONDITIONS, seed=number)
            mrc.set_data(simulate(bundles, conditions, {**WHOLE, **values}).volume)
            mrc.set_volume()
            mrc.voxel_size = _CONDITIONS.voxel_size
        paths.append(str(path))
    return paths, str(model)
