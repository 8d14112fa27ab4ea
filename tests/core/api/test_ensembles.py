# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare many maps from Python."""

import numpy as np
import pytest

from occupy_core import ClassDifferences, DifferingPart, EnsembleDifferences, Occupancy, SettingsError, compare
from tests.core.ensembles.made_volumes import VOXEL_SIZE, bodies, made_volumes, present_or_absent, write_volumes

COUNT = 12


@pytest.fixture(scope="module")
def truth():
    values = present_or_absent(COUNT, 3)
    values[:, 2] = 1.0
    values[:, 1] = values[:, 0]  # two bodies that come and go together are one part
    return values


@pytest.fixture(scope="module")
def volumes(truth):
    return made_volumes(truth)


def test_arrays_and_files_give_the_same_parts(volumes, truth, tmp_path):
    of_arrays = compare(volumes, voxel_size=VOXEL_SIZE)
    of_files = compare([item.path for item in write_volumes(tmp_path, volumes)])
    assert isinstance(of_arrays, EnsembleDifferences)
    assert [part.occupancies for part in of_arrays.parts] == [part.occupancies for part in of_files.parts]
    assert of_arrays.names[0] == "array 1"
    assert of_files.names[0] == "vol_001.mrc"
    (part,) = of_arrays.parts
    assert isinstance(part, DifferingPart)
    assert isinstance(part.occupancies[0], Occupancy)
    assert not part.moves
    assert np.corrcoef([item.value for item in part.occupancies], truth[:, 0])[0, 1] > 0.98
    covered = [float(part.mask[body].mean()) for body in bodies()[1]]
    assert min(covered[1:3]) > 0.8
    assert max(covered[0], covered[3]) < 0.1
    assert set(of_arrays.clusters) == {1, 2}
    np.testing.assert_allclose(of_arrays.grey_factors, 1.0, atol=0.03)


@pytest.mark.slow
def test_ten_maps_are_compared_as_classes(volumes):
    assert isinstance(compare(volumes[:10], voxel_size=VOXEL_SIZE), ClassDifferences)


def test_arrays_are_not_changed(volumes):
    before = [volume.copy() for volume in volumes]
    compare(volumes, voxel_size=VOXEL_SIZE)
    for one, other in zip(before, volumes):
        np.testing.assert_array_equal(one, other)


def test_shares_and_reference_without_effect_are_named(volumes):
    found = compare(volumes, voxel_size=VOXEL_SIZE, shares=[1 / COUNT] * COUNT, reference=2)
    assert [text.split()[0] for text in found.warnings[:2]] == ["shares", "reference"]


def test_wrong_reference_is_refused(volumes):
    with pytest.raises(SettingsError, match="expected the number of a map, 1 to 12"):
        compare(volumes, voxel_size=VOXEL_SIZE, reference=13)
