# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts where maps differ, on blocks of density: one part for each pattern, and none where the maps do not differ."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from occupy_core.arrays.disk_array import DiskArray
from occupy_core.comparing import regions
from occupy_core.comparing.patterns import find_patterns
from occupy_core.comparing.regions import _largest_difference, differing_parts
from occupy_core.comparing.smoothed_maps import ClassMaps, region_without_density

SPACING = 2.5
SIDE = 64
WHOLE, ONE, TWO = np.zeros((3, SIDE, SIDE, SIDE), dtype=bool)
# A block: one half is fully occupied in all maps; two quarters differ between the maps.
WHOLE[16:48, 16:48, 16:32] = True
ONE[16:48, 16:32, 32:48] = True
TWO[16:48, 32:48, 32:48] = True


def maps_of(first, second, noise=0.02, seed=0):
    """Return maps of the blocks; `first` and `second` hold the occupancy of each quarter in every map."""
    rng = np.random.default_rng(seed)
    densities = []
    for one, two in zip(first, second):
        contents = WHOLE + one * ONE + two * TWO + noise * rng.standard_normal(WHOLE.shape)
        densities.append(ndimage.gaussian_filter(contents.astype(np.float32), 1.0))
    molecule = ndimage.binary_dilation(WHOLE | ONE | TWO, iterations=2)
    everywhere = np.ones(WHOLE.shape, dtype=bool)
    core = ndimage.binary_erosion(WHOLE, iterations=4)
    return ClassMaps(
        [DiskArray(item) for item in densities],
        [DiskArray(everywhere) for _ in densities],
        molecule,
        core,
        core,
        SPACING,
    )


def test_two_patterns_beside_one_another_are_two_parts():
    parts, _ = differing_parts(maps_of((0, 1, 0, 1), (0, 1, 1, 0)), reference=1)
    assert len(parts) == 2
    for part, block in zip(sorted(parts, key=lambda part: np.argwhere(part.mask).mean(axis=0)[1]), (ONE, TWO)):
        assert (part.mask & block).sum() > 0.9 * block.sum()


@pytest.mark.parametrize(
    "values, patterns", [((0.5, 1, 0.75, 0.75), 3), ((0.5, 0.3, 0.75, 0.75), 4)], ids=["mixture", "no mixture"]
)
def test_thin_part_is_no_pattern_if_it_is_a_mixture_of_three_patterns(values, patterns):
    contents = np.ones((4, 40, 40, 40), dtype=np.float32)
    contents[:, 20:, :20] = np.reshape((0, 1, 0, 1), (4, 1, 1, 1))
    contents[:, 20:, 20:] = np.reshape((0, 1, 1, 0), (4, 1, 1, 1))
    contents[:, 17:24, 17:24] = np.reshape(values, (4, 1, 1, 1))
    relative = contents.reshape(4, -1)
    seeds = relative.min(axis=0) < 0.8
    molecule = np.ones(contents.shape[1:], dtype=bool)
    found = find_patterns(relative, np.ones(seeds.shape, dtype=np.float32), seeds, molecule, SPACING)
    assert len(found) == patterns


@pytest.mark.parametrize("values", [(1, 0), (0, 1)])
def test_parts_grow_into_the_solvent_but_not_onto_voxels_that_do_not_differ(values):
    (part,), _ = differing_parts(maps_of(values, values), reference=0)
    added = part.grown_mask & ~part.mask
    # 3 Å are one voxel.
    assert (added & WHOLE).sum() < 0.1 * 32 * 32
    assert (added & ~WHOLE)[:, :, 40:].sum() > 0.9 * 4 * 32 * 8


def test_noise_of_a_mean_falls_with_the_volume_and_follows_the_noise_of_the_maps():
    _, quiet = differing_parts(maps_of((1, 0), (1, 1), noise=0.1), reference=0)
    _, noisy = differing_parts(maps_of((1, 0), (1, 1), noise=0.2), reference=0)
    small, large = (quiet.at_volume(volume).of_pairs[0, 1] for volume in (5e3, 5e4))
    assert 1.3 < small / large < 10**0.5 * 1.3
    assert noisy.at_volume(5e3).of_pairs[0, 1] == pytest.approx(2 * small, rel=0.3)


@pytest.mark.parametrize("width, parts", [(4, 1), (8, 2)])
def test_near_pieces_of_one_pattern_are_one_part(width, parts):
    maps = maps_of((1, 0), (1, 0), noise=0.01)
    slit = np.zeros(WHOLE.shape, dtype=bool)
    slit[16:48, 32 - width // 2 : 32 + width // 2, 32:48] = True
    complete = maps.densities[0].load()
    densities = [maps.densities[0], DiskArray(np.where(slit, complete, maps.densities[1].load()))]
    assert len(differing_parts(replace(maps, densities=densities, spacing=2.0), reference=0)[0]) == parts


def test_difference_counts_in_standard_deviations_of_its_pair():
    smooth = np.array([[1.0, 1.0, 1.0], [0.6, 0.5, 1.0], [1.0, 1.0, 0.2]], dtype=np.float32)
    noise = np.array([[0.0, 0.1, 0.1], [0.1, 0.0, 0.2], [0.1, 0.2, 0.0]])
    assert _largest_difference(smooth, noise) == pytest.approx([4.0, 5.0, 8.0], rel=1e-6)


def test_noise_that_only_a_narrow_smoothing_shows_does_not_coarsen_the_patterns(monkeypatch):
    maps = maps_of((0, 1, 0, 1), (0, 1, 1, 0))
    narrowest = regions._smooth_and_detect(maps, region_without_density(maps, 12.0), 1).for_patterns
    measure, widths = regions.noise_inside, []

    def taken_for_noise(densities, solvent_noises):
        """Return the noise of the maps, and a hundred times as much under the two narrow smoothings."""
        widths.append(len(widths))
        noise = measure(densities, solvent_noises)
        return noise if len(widths) <= 2 else replace(noise, of_classes=100 * noise.of_classes)

    monkeypatch.setattr(regions, "noise_inside", taken_for_noise)
    found = regions._smooth_and_detect(maps, region_without_density(maps, 12.0), 1).for_patterns
    assert len(widths) == 4 and np.array_equal(found, narrowest)
