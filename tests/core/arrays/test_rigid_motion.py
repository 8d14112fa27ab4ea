# SPDX-License-Identifier: GPL-3.0-or-later
"""Rigid motions of maps, and the changes of a map under small ones."""

import numpy as np
import pytest
from scipy import ndimage

from occupy_core.arrays.rigid_motion import MOTIONS, RigidMotion, small_motions

STEPS, SHAPE = (2.0, 2.5, 2.0), (30, 26, 32)
CENTRE = np.array([28.0, 31.0, 33.0])


@pytest.fixture(scope="module")
def volume():
    """A smooth map without symmetry, empty at its borders."""
    inner = np.random.default_rng(0).normal(0, 1, (14, 10, 16))
    return ndimage.gaussian_filter(np.pad(inner, 8), 2.0).astype(np.float32)


def test_no_motion_changes_nothing(volume):
    still = RigidMotion.none(CENTRE, STEPS)
    assert still.shift == still.angle == 0
    assert still.displacement(np.random.default_rng(0).uniform(0, 60, (9, 3))) == pytest.approx(0)
    np.testing.assert_allclose(still.moved(volume), volume, atol=1e-6)


def test_a_shift_is_in_angstrom(volume):
    motion = RigidMotion.none(CENTRE, STEPS).after(np.array([-4.0, 5.0, 0, 0, 0, 0]))
    np.testing.assert_allclose(motion.moved(volume), np.roll(volume, (-2, 2), (0, 1)), atol=1e-3)
    assert motion.shift == pytest.approx(np.hypot(4, 5)) and motion.angle == 0
    assert motion.displacement(np.array([[1.0, 2, 3], [50, 9, 4]])) == pytest.approx(np.hypot(4, 5))


def test_a_quarter_turn_about_x():
    volume = ndimage.gaussian_filter(np.random.default_rng(0).normal(0, 1, (17, 17, 17)), 2.0).astype(np.float32)
    motion = RigidMotion.none(np.full(3, 16.0), (2.0, 2.0, 2.0)).after(np.array([0, 0, 0, 0, 0, np.pi / 2]))
    assert motion.angle == pytest.approx(90)
    turns = [np.rot90(volume, turn, axes=(0, 1)) for turn in (1, -1)]
    assert min(float(np.abs(motion.moved(volume) - turn).max()) for turn in turns) < 1e-3


def test_splines_computed_before_give_the_same_map(volume):
    motion = RigidMotion.none(CENTRE, STEPS).after(np.array([1, 2, -3, 0.1, 0.2, -0.1]))
    splines = ndimage.spline_filter(volume, output=np.float32)
    np.testing.assert_allclose(motion.moved(splines, is_prefiltered=True), motion.moved(volume), atol=1e-4)


@pytest.mark.parametrize("number", range(MOTIONS))
def test_small_motions_are_the_change_that_a_motion_takes_back(volume, number):
    """`after` the factors of a change, a changed map is as it was: to first order."""
    factors = np.zeros(MOTIONS)
    factors[number] = 0.2 if number < 3 else 0.01
    whole = tuple(slice(0, side) for side in SHAPE)
    change = small_motions(volume, whole, CENTRE, STEPS)[number] * factors[number]
    changed = (volume + change).astype(np.float32)
    left = RigidMotion.none(CENTRE, STEPS).after(factors).moved(changed) - volume
    assert np.abs(left).max() < 0.1 * np.abs(change).max()


def test_small_motions_of_a_part_are_those_of_the_whole(volume):
    part = (slice(3, 9), slice(0, 5), slice(20, SHAPE[2]))
    whole = small_motions(volume, tuple(slice(0, side) for side in SHAPE), CENTRE, STEPS)
    inner = (slice(None), slice(0, 6), slice(1, 5), slice(0, 11))
    found = small_motions(volume, part, CENTRE, STEPS)
    np.testing.assert_allclose(found[inner], whole[(slice(None), *part)][inner], atol=1e-5)
