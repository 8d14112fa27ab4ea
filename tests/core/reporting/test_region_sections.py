# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np

from occupy_core.reporting.region_sections import region_sections
from tests.core.reporting.balls import ball


def test_each_region_has_a_section_and_near_regions_share_one():
    volumes = [np.full((32, 32, 32), number, dtype="f4") for number in (1, 2)]
    first, second = region_sections([ball(8), ball(24), ball(9)], volumes)
    assert (first.title, second.title) == ("regions 1, 3", "region 2")
    assert list(first.outlines) == [1, 3] and list(second.outlines) == [2]
    np.testing.assert_array_equal(first.outlines[1], ball(8)[8])
    assert [image[0, 0] for image in first.images] == [1, 2]
    (middle,) = region_sections([], volumes)
    assert middle.outlines == {} and middle.title == "middle"
