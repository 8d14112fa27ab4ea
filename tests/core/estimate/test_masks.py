# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks that are odd or wrong: taken with a warning, or refused in one line."""

import numpy as np
import pytest

from occupy_core import local_scale
from occupy_core.errors import MapError
from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.settings.settings import Settings

USES = pytest.mark.parametrize("use", ["solvent_def", "target_mask"])


@pytest.fixture
def warned(phantom_file):
    """A function that processes the phantom with a mask and returns the warnings."""

    def run(use, mask, **reading):
        settings = Settings(**{use: mask if use == "solvent_def" else (mask,)})
        return process_map(read_map(phantom_file, **reading), settings).warnings

    return run


@pytest.fixture
def part(three_parts):
    return three_parts.parts[0].astype("f4")


@USES
@pytest.mark.parametrize(("size", "found"), [(None, "no voxel size"), (1.0, "a voxel size of 1 Å")])
def test_a_mask_without_voxel_size_has_that_of_its_map(write_mrc, warned, part, use, size, found):
    mask = write_mrc(part, "m.mrc", size)
    assert f"m.mrc: found {found} in the header; that of the map, 3 Å, is used" in warned(use, mask)
    assert f"m.mrc: found {found} in the header; that of the map, 2.5 Å, is used" in warned(use, mask, voxel_size=2.5)
    other = write_mrc(part[:48, :48, :48], "small.mrc", size)
    with pytest.raises(MapError, match="small.mrc: the .* has box 48 x 48 x 48 instead of 64 x 64 x 64"):
        warned(use, other)


@USES
def test_a_mask_of_another_voxel_size_is_refused(write_mrc, warned, part, use):
    with pytest.raises(MapError, match="voxel size 2 instead of 3 Å"):
        warned(use, write_mrc(part, "m.mrc", 2.0))


@USES
def test_a_mask_outside_0_to_1_gives_a_warning(write_mrc, warned, part, use):
    (text,) = [text for text in warned(use, write_mrc(part * 5 - 2, "m.mrc")) if "expected 0 to 1" in text]
    assert "m.mrc: found values from -2 to 3, expected 0 to 1; it is cut at 0." in text
    assert not any("expected 0 to 1" in text for text in warned(use, write_mrc(part * 1.05 - 0.02, "m.mrc")))


def test_a_mask_of_one_voxel_gives_a_warning(write_mrc, warned, part):
    one = np.zeros_like(part)
    one[32, 32, 32] = 1
    assert any(
        "m.mrc: found 1 voxel above 0.5, expected a part" in text
        for text in warned("target_mask", write_mrc(one, "m.mrc"))
    )
    assert any("1 voxel above 0.9" in text for text in warned("solvent_def", write_mrc(one, "m.mrc")))


@USES
def test_an_empty_mask_is_refused(write_mrc, warned, part, use):
    with pytest.raises(MapError, match="m.mrc: every voxel is 0, expected"):
        warned(use, write_mrc(part * 0, "m.mrc"))


@USES
def test_the_map_is_no_mask(write_mrc, warned, three_parts, phantom_file, use):
    for path in (phantom_file, write_mrc(three_parts.volume, "copy.mrc")):
        with pytest.raises(
            MapError, match=f"^{path}: the .* is the map itself, expected a mask with values from 0 to 1"
        ):
            warned(use, path)
    masks = three_parts.volume if use == "solvent_def" else [three_parts.volume]
    with pytest.raises(MapError, match="is the map itself"):
        local_scale(three_parts.volume, voxel_size=3.0, **{use: masks})


@pytest.mark.parametrize("mode", ["resolution", "occupancy"])
@pytest.mark.parametrize("normalisation", ["tiled", "kernel", "calibrated"])
def test_a_map_without_anything_coarse_is_refused(write_mrc, mode, normalisation):
    z, y, x = np.indices((32, 32, 32))
    path = write_mrc(np.where((z + y + x) % 2, 1, -1).astype("f4"))
    with pytest.raises(MapError, match=f"^{path}: found nothing coarser than the low-pass, such as in a checkerboard"):
        process_map(read_map(path), Settings(mode=mode, normalisation=normalisation))
