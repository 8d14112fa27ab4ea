# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts where maps differ, on blocks of density: as many as there are patterns, and not onto what does not differ."""

import numpy as np
import pytest
from scipy import ndimage

from occupy_core.comparing.patterns import patterns_of
from occupy_core.comparing.regions import Maps, differing_parts
from occupy_core.comparing.stored import Stored

SPACING = 2.5
SIDE = 64
WHOLE, ONE, TWO = np.zeros((3, SIDE, SIDE, SIDE), dtype=bool)
# A block of which one half is whole in all maps; two quarters differ, and meet it along an edge.
WHOLE[16:48, 16:48, 16:32] = True
ONE[16:48, 16:32, 32:48] = True
TWO[16:48, 32:48, 32:48] = True


def maps_of(first, second, noise=0.02, seed=0):
    """Maps of these blocks, each quarter at its occupancy in every map."""
    rng = np.random.default_rng(seed)
    densities = []
    for one, two in zip(first, second):
        contents = WHOLE + one * ONE + two * TWO + noise * rng.standard_normal(WHOLE.shape)
        densities.append(ndimage.gaussian_filter(contents.astype(np.float32), 1.0))
    molecule = ndimage.binary_dilation(WHOLE | ONE | TWO, iterations=2)
    everywhere = np.ones(WHOLE.shape, dtype=bool)
    core = ndimage.binary_erosion(WHOLE, iterations=4)
    return Maps(
        [Stored(item) for item in densities], [Stored(everywhere) for _ in densities], molecule, core, core, SPACING
    )


def test_two_patterns_beside_one_another_are_two_parts():
    parts = differing_parts(maps_of((0, 1, 0, 1), (0, 1, 1, 0)), reference=1)
    assert len(parts) == 2
    for part, block in zip(sorted(parts, key=lambda part: np.argwhere(part.mask).mean(axis=0)[1]), (ONE, TWO)):
        assert (part.mask & block).sum() > 0.9 * block.sum()


@pytest.mark.parametrize(
    "values, patterns", [((0.5, 1, 0.75, 0.75), 3), ((0.5, 0.3, 0.75, 0.75), 4)], ids=["mixture", "of its own"]
)
def test_what_is_thin_and_a_mixture_of_three_patterns_is_none(values, patterns):
    contents = np.ones((4, 40, 40, 40), dtype=np.float32)
    contents[:, 20:, :20] = np.reshape((0, 1, 0, 1), (4, 1, 1, 1))
    contents[:, 20:, 20:] = np.reshape((0, 1, 1, 0), (4, 1, 1, 1))
    contents[:, 17:24, 17:24] = np.reshape(values, (4, 1, 1, 1))
    relative = contents.reshape(4, -1)
    seeds = relative.min(axis=0) < 0.8
    molecule = np.ones(contents.shape[1:], dtype=bool)
    found = patterns_of(relative, np.ones(seeds.shape, dtype=np.float32), seeds, molecule, SPACING)
    assert len(found) == patterns


@pytest.mark.parametrize("values", [(1, 0), (0, 1)])
def test_parts_grow_into_the_solvent_and_not_onto_what_does_not_differ(values):
    (part,) = differing_parts(maps_of(values, values), reference=0)
    assert part.sure > 0.9
    added = part.grown & ~part.mask
    # 3 Å are one voxel.
    assert (added & WHOLE).sum() < 0.1 * 32 * 32
    assert (added & ~WHOLE)[:, :, 40:].sum() > 0.9 * 4 * 32 * 8
