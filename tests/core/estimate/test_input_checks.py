# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from demo.simulate import phantom
from occupy_core.errors import MapError
from occupy_core.estimate.input_checks import contrast
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


def helix(radius, hollow, noise):
    """Simulate a helix along z, of a radius and an inner radius in voxels, that fills a box of 64 voxels along z."""
    rng = np.random.default_rng(0)
    z, y, x = np.indices((64, 64, 64)) - 32
    distance, angle = np.hypot(y, x), np.arctan2(y, x) + 6 * np.pi * z / 64
    wall = (distance < radius + 2 * np.cos(2 * angle)) & (distance >= hollow)
    density = gaussian_filter(wall * (rng.random(wall.shape) < 0.42) / 0.42, 2.5 / 3, mode="wrap")
    grain = gaussian_filter(rng.standard_normal(wall.shape), 0.5)
    return (density + grain * (noise / grain.std())).astype(np.float32)


def test_contrast_of_a_map_times_minus_one_is_exchanged():
    volume, inside = phantom().volume, inscribed_sphere((64, 64, 64))
    above, below, noise = contrast(volume, inside, voxel_size=3.0, lowpass=9.0)
    assert above > 10 * below and above > 50 * noise > 0
    assert contrast(-volume, inside, voxel_size=3.0, lowpass=9.0) == pytest.approx((below, above, noise))
    assert contrast(volume, ~inside & inside, voxel_size=3.0, lowpass=9.0) == (0, 0, 0)


@pytest.mark.parametrize(("radius", "hollow", "noise"), [(24, 0, 0.05), (26, 0, 0.3), (28, 0, 0.05), (28, 10, 0.05)])
def test_helix_that_fills_the_box_is_not_inverted_and_its_negative_is(write_mrc, radius, hollow, noise):
    source = read_map(write_mrc(helix(radius, hollow, noise)))
    assert warned(source) == set()
    # Without density above 0 around the middle, tiled normalisation refuses the map, with a question about contrast.
    try:
        assert warned(dataclasses.replace(source, data=-source.data)) == {INVERTED_TEXT}
    except MapError as error:
        assert "is the contrast inverted" in str(error)


@pytest.mark.parametrize("value", [0.0, -0.3, 0.3, 2.0])
@pytest.mark.parametrize("density", ["three parts", "full box"])
def test_padded_map_is_not_inverted_and_its_negative_is(write_mrc, three_parts, value, density):
    volume = three_parts.volume if density == "three parts" else helix(26, 0, 0.05)
    source = read_map(write_mrc(np.pad(volume, 16, constant_values=value)))
    assert warned(source) == set()
    assert warned(dataclasses.replace(source, data=-source.data)) == {INVERTED_TEXT}


@pytest.mark.parametrize(("side", "width"), [(32, 3), (32, 30), (40, 20), (64, 12)])
def test_noise_alone_is_not_inverted(write_mrc, side, width):
    for seed in range(6):
        noise = np.random.default_rng(seed).standard_normal((side,) * 3)
        source = read_map(write_mrc(gaussian_filter(noise, width / 9.4).astype(np.float32), voxel_size=4.0))
        assert warned(source) == set()


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
    positive = dataclasses.replace(source, data=np.abs(source.data))
    assert warned(positive) == {"no negative value"}
    text, away = process_map(positive, Settings()).warnings
    assert "lie away from the molecule" in away  # the noise of a map cut at zero is no Gaussian
    assert "local-resolution map" in text and "by a mask, as a focused classification does" in text


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
