# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated classes of the made-up complex: what differs is found with its occupancies, and nothing else."""

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt

from benchmarks.occupancy import suite
from benchmarks.occupancy.simulate import Conditions, simulate
from occupy_core.comparison import compare, view_of
from occupy_core.fourier import low_pass
from occupy_core.kernel import ball, ball_maximum, default_kernel_size
from occupy_core.solvent import inscribed

WHOLE = dict.fromkeys("ABCDEFG", 1.0)
LOWPASS = 8.0
KERNEL_RADIUS = 4.0  # Å


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    return suite.bundles(tmp_path_factory.mktemp("models")).path


def classes(path, occupancies, noises, seed=0):
    """A simulated map for each class."""
    return [
        simulate(path, Conditions(resolution=7.0, voxel_size=2.4, noise=noise, seed=100 * seed + number), chosen)
        for number, (chosen, noise) in enumerate(zip(occupancies, noises))
    ]


def compared(maps, factors=None):
    views = []
    for made, factor in zip(maps, factors or [1.0] * len(maps)):
        lowpassed = low_pass(made.volume * np.float32(factor), voxel_size=2.4, cutoff_angstrom=LOWPASS)
        maximum = ball_maximum(lowpassed, ball(default_kernel_size(LOWPASS, 2.4), LOWPASS / 4.8))
        inside = inscribed(lowpassed.shape)
        views.append(view_of(maximum, lowpassed, inside, inside, voxel_size=2.4, lowpass=LOWPASS))
    return compare(views, [f"class {number}" for number in range(1, len(views) + 1)], spacing=2.4)


@pytest.mark.parametrize("noise", [0.05, 0.2])
def test_what_differs_is_found_with_its_occupancies(bundles, noise):
    truth = {"B": (1.0, 1.0, 0.3), "E": (1.0, 0.0, 1.0)}
    occupancies = [{**WHOLE, **{chain: values[number] for chain, values in truth.items()}} for number in range(3)]
    maps = classes(bundles, occupancies, [noise, 1.2 * noise, 1.4 * noise])
    found = compared(maps)
    assert len(found.regions) == 2
    for chain, expected in truth.items():
        there = maps[0].chains == maps[0].names.index(chain)
        region = max(found.regions, key=lambda item: (item.mask & there).sum())
        near = distance_transform_edt(~there) * 2.4 <= KERNEL_RADIUS
        assert (region.mask & there).sum() / there.sum() >= 0.7
        assert (region.mask & near).sum() / region.mask.sum() >= 0.6
        medians = [median for _, median, _ in region.occupancies]
        assert np.abs(np.array(medians) - expected).mean() < 0.1
        assert region.volume == pytest.approx(region.mask.sum() * 2.4**3)
    assert found.regions[0].volume * found.regions[0].spread >= found.regions[1].volume * found.regions[1].spread


@pytest.mark.parametrize("seed", range(4))
def test_identical_classes_do_not_differ_whatever_their_noise(bundles, seed):
    chosen = {**WHOLE, "B": 0.6, "E": 0.4}
    noise = (0.05, 0.1, 0.2, 0.4)[seed]
    assert compared(classes(bundles, [chosen] * 3, [noise, 1.3 * noise, 1.6 * noise], seed)).regions == ()


def test_a_part_that_is_half_everywhere_is_no_difference_and_reads_half(bundles):
    chosen = {**WHOLE, "C": 0.5}
    maps = classes(bundles, [chosen, {**chosen, "F": 0.0}], [0.1, 0.1])
    (region,) = compared(maps).regions
    there = maps[0].chains == maps[0].names.index("F")
    assert (region.mask & there).sum() / region.mask.sum() > 0.5


def test_another_grey_scale_is_told_with_its_factor(bundles):
    maps = classes(bundles, [WHOLE, WHOLE], [0.1, 0.1])
    assert compared(maps).warnings == ()
    found = compared(maps, factors=[1.0, 0.5])
    assert found.grey_factors[1] == pytest.approx(0.5, abs=0.05)
    assert "class 2" in found.warnings[0] and "one grey scale" in found.warnings[0]
