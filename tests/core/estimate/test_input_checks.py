# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses

import numpy as np
import pytest

from demo.simulate import phantom
from occupy_core.errors import MapError
from occupy_core.estimate.input_checks import skewness
from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.settings.settings import Settings
from occupy_core.solvent.region import inscribed_sphere

# Real maps of inverted contrast, and real maps without a negative value.
INVERTED = {"cryocat_ribosome48_neg.mrc", "human_ribo_21A.mrc"}
POSITIVE = {"localResolution.mrc.gz", "emd_21457_seg.mrc", "emd_21457_seg_nstart.mrc", "emd_21457_seg_orig0.mrc"}

INVERTED_TEXT = "more extreme than those above"


def warned(source, **settings):
    """Return which of the two warnings a map gives, by words of their texts."""
    text = " ".join(process_map(source, Settings(**settings)).warnings)
    return {word for word in (INVERTED_TEXT, "no negative value") if word in text}


def test_skewness_is_the_third_standardised_moment():
    values = np.random.default_rng(0).gamma(4.0, size=(20, 20, 20)).astype(np.float32)
    where = np.ones(values.shape, dtype=bool)
    where[:3] = False
    assert skewness(values, where) == pytest.approx(1.0, abs=0.1)  # 2 / sqrt(4)
    assert skewness(-values, where) == -skewness(values, where)
    assert skewness(values * np.float32(1024), where) == skewness(values, where)
    assert skewness(np.ones_like(values), where) == 0 == skewness(values, ~where & where)


@pytest.mark.parametrize("noise", [0.05, 0.2, 0.4])
@pytest.mark.parametrize("mode", ["resolution", "occupancy"])
def test_inverted_map_gives_a_warning_and_upright_map_does_not(write_mrc, noise, mode):
    simulated = phantom(noise=noise)
    source = read_map(write_mrc(simulated.volume, voxel_size=simulated.voxel_size))
    assert warned(source, mode=mode) == set()
    assert warned(dataclasses.replace(source, data=-source.data), mode=mode) == {INVERTED_TEXT}


def test_inverted_masked_map_gives_a_warning(write_mrc, three_parts):
    ball = inscribed_sphere(three_parts.volume.shape)
    for sign, expected in ((1, set()), (-1, {INVERTED_TEXT})):
        source = read_map(write_mrc(np.where(ball, sign * three_parts.volume, 0).astype("f4")))
        assert warned(source) == expected


def test_map_without_negative_values_gives_a_warning(write_mrc, three_parts):
    source = read_map(write_mrc(three_parts.volume, voxel_size=3.0))
    assert warned(dataclasses.replace(source, data=np.abs(source.data))) == {"no negative value"}


def test_real_maps_give_the_right_warnings(shared_data):
    paths = [*(shared_data / "maps").iterdir(), *(shared_data / "edge").iterdir()]
    paths += [
        *shared_data.glob("relion_projects/*/Class3D/*/*class*.mrc"),
        *shared_data.glob("relion/*/*class*.mrc.gz"),
    ]
    found = {}
    for path in paths:
        try:
            found[path.name] = warned(read_map(path))
        except MapError:
            assert path.name == "EMD-3001.map"  # a map of a crystal's unit cell
    assert len(found) >= 15
    for name, words in found.items():
        expected = {INVERTED_TEXT} if name in INVERTED else {"no negative value"} if name in POSITIVE else set()
        assert words == expected, name
