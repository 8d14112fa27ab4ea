# SPDX-License-Identifier: GPL-3.0-or-later
"""Shifts of complete classes against the reference class."""

import numpy as np
import pytest

from demo.simulate import phantom
from occupy_core.comparing.class_data import ClassData
from occupy_core.comparing.disk_array import DiskArray
from occupy_core.comparing.shifts import class_shifts
from occupy_core.fourier.low_pass import low_pass


@pytest.mark.parametrize(("voxels", "steps"), [(1, (1, 0, 0)), (3, (0, -3, 0)), (5, (0, 3, 4))])
def test_shift_is_measured_to_the_voxel(voxels, steps):
    simulated = phantom(occupancies=(1.0, 0.6, 0.3), noise_seed=0)
    density = low_pass(simulated.volume, voxel_size=2.5, cutoff_angstrom=8.0)
    classes = [
        ClassData(None, DiskArray(values), None, None, None, None, 2.5)
        for values in (density, np.roll(density, steps, axis=(0, 1, 2)))
    ]
    assert class_shifts(classes, 1, spacing=2.5) == [pytest.approx(2.5 * voxels), 0]
