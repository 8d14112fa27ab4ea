# SPDX-License-Identifier: GPL-3.0-or-later
"""The low-pass of classes follows the resolutions of the classification, and a coarse one is warned of."""

import numpy as np
import pytest

from occupy_core.comparing.common_lowpass import coarse_lowpass_warnings, common_lowpass
from occupy_core.maps.reading import read_map
from occupy_core.settings.job_spec import ClassInfo, MapInput
from occupy_core.settings.settings import Settings


@pytest.mark.parametrize(
    "resolutions, expected", [((20.0, 22.857), 22.857), ((15.0, 18.0), 18.0), ((20.0, 90.0), 40.0)]
)
def test_lowpass_is_the_coarsest_resolution_up_to_a_quarter_of_the_box(write_mrc, resolutions, expected):
    volume = np.random.default_rng(0).standard_normal((40, 40, 40)).astype(np.float32)
    maps = [
        MapInput(write_mrc(volume, f"{number}.mrc", 4.0), f"{number}_", class_info=ClassInfo(number, 0.5, 500, value))
        for number, value in enumerate(resolutions, start=1)
    ]
    lowpass = common_lowpass(maps, Settings(), 1, [], lambda item: pytest.fail("reads values that it does not need"))
    assert lowpass == pytest.approx(expected)
    texts = coarse_lowpass_warnings(lowpass, read_map(maps[0].path).grid)
    assert len(texts) == (expected > 20)
    assert all("coarser than an eighth of the box (20 Å)" in text and "not by how much" in text for text in texts)


def test_classes_without_a_map_have_no_lowpass():
    empty = MapInput("missing.mrc", "1_", class_info=ClassInfo(1, 0.0, 0, 10.0))
    for maps in ([], [empty]):
        assert common_lowpass(maps, Settings(), 1, [], lambda item: pytest.fail("no map to read")) is None
