# SPDX-License-Identifier: GPL-3.0-or-later
"""A part that moved is in two places in turn; a flexible part is blurred, and loses no density."""

import numpy as np
import pytest
from scipy import ndimage

from occupy_core.comparing.changes import distances_between, is_flexible, moved_pairs

SPACING = 3.0
BALL = np.linalg.norm(np.indices((40, 40, 40)) - 20, axis=0) < 6


@pytest.mark.parametrize(
    "values, volumes, distance, moved",
    [
        ([(0.99, 0.97, 0.02), (0.01, 0.0, 1.0)], (2e4, 3e4), 6.0, True),
        ([(0.99, 0.97, 0.02), (0.9, 0.95, 0.0)], (2e4, 3e4), 6.0, False),  # one pattern
        ([(0.99, 0.97, 0.02), (0.01, 0.0, 1.0)], (2e4, 9e4), 6.0, False),  # unlike in size
        ([(0.99, 0.97, 0.02), (0.01, 0.0, 1.0)], (2e4, 3e4), 60.0, False),  # far apart
        ([(0.6, 0.5, 0.4), (0.4, 0.5, 0.6)], (2e4, 3e4), 6.0, False),  # differ too little
    ],
)
def test_two_regions_are_one_part_that_moved(values, volumes, distance, moved):
    pairs = moved_pairs(np.array(values), volumes, np.array([[0.0, distance], [distance, 0.0]]))
    assert pairs == (((0, 1),) if moved else ())


def test_distance_is_between_the_nearest_voxels():
    masks = [np.roll(BALL, step, axis=0) for step in (-8, 8)]
    assert distances_between(masks, SPACING)[0, 1] == pytest.approx(6 * SPACING, abs=SPACING)


def test_blurred_part_is_flexible_and_missing_part_is_not():
    whole = ndimage.gaussian_filter(BALL.astype(np.float32), 1.0)
    blurred, missing = ndimage.gaussian_filter(BALL.astype(np.float32), 3.0), 0.4 * whole
    inner = ndimage.binary_erosion(BALL)
    for other, flexible in ((blurred, True), (missing, False)):
        low = float(other[inner].mean() / whole[inner].mean())
        assert low < 0.85
        assert is_flexible(inner, whole, other, SPACING) == flexible
