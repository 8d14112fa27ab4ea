# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from occupy_core.reporting.region_sections import ball_mask, region_sections
from tests.core.reporting.balls import ball


def test_each_region_has_a_section_and_near_regions_share_one():
    volumes = [np.full((32, 32, 32), number, dtype="f4") for number in (1, 2)]
    first, second = region_sections([ball(8), ball(24), ball(9)], volumes)
    assert (first.title, second.title) == ("regions 1, 3: z = 8", "region 2: z = 24")
    assert list(first.outlines) == [1, 3] and list(second.outlines) == [2]
    np.testing.assert_array_equal(first.outlines[1], ball(8)[8])
    assert [image[0, 0] for image in first.images] == [1, 2]
    (middle,) = region_sections([], volumes)
    assert middle.outlines == {} and middle.title == "middle"


def test_sections_show_a_window_and_say_their_number_in_voxels_of_the_maps():
    volume = np.random.default_rng(1).random((32, 32, 32), "f4")
    window = (slice(0, 12), slice(4, 30), slice(10, 22))
    (section,) = region_sections([ball(8)], [volume], window=window, step=2.5)
    assert section.title == "region 1: z = 20"
    np.testing.assert_array_equal(section.images[0], volume[8, 4:30, 10:22])
    np.testing.assert_array_equal(section.outlines[1], ball(8)[8, 4:30, 10:22])


def test_a_ball_stands_for_a_region_without_a_mask():
    mask = ball_mask((32, 30, 28), (20.0, 15.0, 10.0), 500)
    assert mask.shape == (32, 30, 28) and mask.sum() == pytest.approx(500, rel=0.1)
    assert np.argwhere(mask).mean(axis=0) == pytest.approx([20, 15, 10])
    assert 0 < ball_mask((16, 16, 16), (0.0, 15.0, 8.0), 500).sum() < 250  # cut off by the box
