# SPDX-License-Identifier: GPL-3.0-or-later
"""Occupancies of parts in noisy volumes: not too low where a part is there, with intervals of the right width."""

import numpy as np
import pytest

from occupy_core.ensembles.compare_volumes import compare_volumes
from occupy_core.settings.settings import Settings
from tests.core.ensembles.made_volumes import made_volumes, write_volumes

COUNT = 36


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    """The true occupancies of a part in noisy volumes, and those that are read: (lower limit, value, upper limit)."""
    folder = tmp_path_factory.mktemp("noisy")
    truth = np.repeat([0.0, 1.0, 0.5, 1.0], COUNT // 4)
    occupancies = np.stack([truth, np.zeros(COUNT), np.ones(COUNT)], axis=1)
    result = compare_volumes(write_volumes(folder, made_volumes(occupancies, noise=0.5)), Settings())
    (part,) = result.parts
    return truth, np.array(part.occupancies)


@pytest.mark.slow
def test_noise_does_not_make_a_whole_part_read_too_low(read):
    truth, found = read
    assert found[truth == 1, 1].mean() > 0.95


def test_intervals_hold_the_truth_and_are_no_wider_than_the_errors_ask_for(read):
    truth, (low, values, high) = read[0], read[1].T
    assert np.mean((low <= truth) & (truth <= high)) > 0.85
    half = truth == 0.5  # not cut off at 0 or 1
    width, error = (high - low)[half].mean() / 2, np.sqrt(np.mean((values - truth)[half] ** 2))
    assert width < 1.3 * 1.645 * error
