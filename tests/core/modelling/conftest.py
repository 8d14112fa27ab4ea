# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated map of an artificial complex, and its model in the frame of the map."""

from dataclasses import dataclass, replace

import pytest

from benchmarks.occupancy.bundles import write_bundles
from benchmarks.occupancy.fitted_model import write_fitted_model
from benchmarks.occupancy.simulate import Conditions, simulate
from occupy_core.maps.density_map import map_from_array

OCCUPANCIES = {"A": 1.0, "B": 1.0, "C": 0.3, "D": 1.0, "E": 0.6, "F": 1.0, "G": 0.0}
CONDITIONS = Conditions(resolution=5.0, voxel_size=2.4, noise=0.1, seed=3, padding=20.0, in_ice=True)


@dataclass
class Fitted:
    """A map in memory, the path of its model, and the true occupancies by chain."""

    map: object
    model: str
    truth: dict


@pytest.fixture(scope="session")
def simulate_bundles(tmp_path_factory):
    """Return a function that simulates a map with these occupancies, and changes of the conditions, and its model."""
    folder = tmp_path_factory.mktemp("bundles")
    path = write_bundles(folder / "bundles.cif")
    model = str(write_fitted_model(path, CONDITIONS, folder / "fitted.cif"))

    def make(occupancies, seed=3, **changes):
        volume = simulate(path, replace(CONDITIONS, seed=seed, **changes), occupancies).volume
        return Fitted(map_from_array(volume, voxel_size=CONDITIONS.voxel_size), model, occupancies)

    return make


@pytest.fixture(scope="session")
def fitted(simulate_bundles):
    return simulate_bundles(OCCUPANCIES)
