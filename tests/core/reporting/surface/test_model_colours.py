# SPDX-License-Identifier: GPL-3.0-or-later
from types import SimpleNamespace

import numpy as np
import pytest

from occupy_core.reporting.surface.map_surface import map_surface
from occupy_core.reporting.surface.model_colours import coloured_by_model

SIZE = 2.0  # Å


@pytest.mark.parametrize("step", [1, 2])
def test_each_place_has_the_occupancy_of_the_nearest_part_and_far_ones_none(monkeypatch, step):
    """Two atoms at voxels (z, y, x) = (10, 20, 30) and (30, 22, 34); density between them, around them, and far off."""
    monkeypatch.setattr("occupy_core.reporting.surface.map_surface._MAX_SIDE", 48 // step)
    volume = np.zeros((48, 48, 48), "f4")
    volume[4:36, 16:28, 26:40] = 1
    volume[20:24, 2:30, 26:40] = 1
    atoms = np.array([(10, 20, 30), (30, 22, 34)]) * SIZE
    result = SimpleNamespace(
        grid=SimpleNamespace(voxel_size=SIZE),
        positions_in=lambda index: atoms if index == 1 else None,
        groups=[SimpleNamespace(atoms=np.array([0])), SimpleNamespace(atoms=np.array([1]))],
        occupancies=[None, [SimpleNamespace(value=0.2), SimpleNamespace(value=0.9)]],
    )
    surface = map_surface(volume, volume, 0.5, voxel_size=SIZE)
    assert surface.spacing == SIZE * step
    coloured = coloured_by_model(surface, result, 1)

    def value_at(z, y, x):
        return coloured.values[tuple(np.array((z, y, x)) // step - np.array(surface.corner))]

    assert value_at(10, 20, 30) == value_at(12, 22, 32) == np.float32(0.2)
    assert value_at(30, 22, 34) == value_at(28, 20, 32) == np.float32(0.9)
    assert np.isnan(value_at(22, 4, 32))  # 30 Å from both
    assert coloured.density is surface.density
