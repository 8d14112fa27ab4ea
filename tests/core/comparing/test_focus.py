# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes of a classification within a mask around a part: compared there, without a part that is the same in all."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from demo.simulate import phantom
from occupy_core.comparing.compare_maps import compare_maps
from occupy_core.errors import MapError
from occupy_core.settings.job_spec import ClassInfo, MapInput
from occupy_core.settings.settings import Settings


def soft(mask, edge=3):
    distance = ndimage.distance_transform_edt(~mask)
    return ((1 + np.cos(np.pi * np.clip(distance / edge, 0, 1))) / 2).astype(np.float32)


@pytest.fixture
def masked(write_mrc):
    """Return a function that writes two classes, multiplied by a mask around chosen subunits, and the mask."""

    def write(chosen, reach):
        made = [phantom((64,) * 3, voxel_size=3.0, occupancies=(1.0, 1.0, value), noise_seed=5) for value in (1.0, 0.3)]
        within = np.logical_or.reduce([made[0].parts[index] for index in chosen])
        mask = soft(ndimage.binary_dilation(within, iterations=reach))
        paths = [write_mrc(item.volume * mask, f"class{number}.mrc", 3.0) for number, item in enumerate(made, start=1)]
        maps = [MapInput(path, "", None, ClassInfo(number, 0.5, 500)) for number, path in enumerate(paths, start=1)]
        return maps, write_mrc(mask, "mask.mrc", 3.0)

    return write


def test_part_reads_upright_within_its_mask(masked):
    maps, mask = masked([2], reach=1)
    found = compare_maps(maps, Settings(), focus_mask=mask)
    (region,) = found.result.sure_regions
    assert [item.value for item in region.occupancies] == pytest.approx([1.0, 0.3], abs=0.1)
    assert found.focused
    (warning,) = found.warnings
    assert "mask.mrc" in warning and "only within it" in warning


@pytest.mark.parametrize("reach", [2, 6])
def test_mask_around_the_whole_molecule_is_no_focus(masked, reach):
    maps, mask = masked([0, 1, 2], reach)
    found = compare_maps(maps, Settings(), focus_mask=mask)
    assert found.warnings == () and not found.focused
    (region,) = found.result.sure_regions
    assert [item.value for item in region.occupancies] == pytest.approx([1.0, 0.3], abs=0.1)


def test_mask_that_cannot_be_read_is_told(masked):
    maps, _ = masked([0, 1, 2], reach=6)
    assert "could not be used" in compare_maps(maps, Settings(), focus_mask="missing.mrc").warnings[0]


@pytest.mark.parametrize("reach", [2, 6])
def test_mask_around_a_part_that_hardly_touches_the_rest_is_a_focus(masked, reach):
    maps, mask = masked([2], reach)
    (region,) = compare_maps(maps, Settings(), focus_mask=mask).result.sure_regions
    assert [item.value for item in region.occupancies] == pytest.approx([1.0, 0.3], abs=0.1)


def test_class_that_shows_nothing_within_the_mask_is_said_to_be_a_clean_sort(masked, write_mrc):
    maps, mask = masked([2], reach=1)
    rng = np.random.default_rng(0)
    empty = write_mrc((0.01 * rng.standard_normal((64,) * 3)).astype(np.float32), "class2.mrc", 3.0)
    with pytest.raises(MapError, match="class2.mrc.*if the sort is clean, take the particles of each class"):
        compare_maps([maps[0], replace(maps[1], path=empty)], Settings(), focus_mask=mask)
