# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from occupy_core.estimate.parameters import resolve_parameters
from occupy_core.maps.grid import MapGrid
from occupy_core.settings.settings import Settings


@pytest.mark.parametrize(("voxel_size", "lowpass"), [(3.54, "10.62"), (4.1, "12.3"), (2.8, "8.4"), (1.0, "8.0")])
def test_derived_lengths_have_no_digits_of_rounding(voxel_size, lowpass):
    found = resolve_parameters(MapGrid((64, 64, 64), voxel_size, None), Settings())
    assert str(found.lowpass) == lowpass
    assert str(found.kernel_radius) == ("4.0" if voxel_size == 1.0 else "1.5")
