# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from occupy_core.reporting import sections
from occupy_core.reporting.sections import (
    SectionsOfSlabs,
    assemble_sections,
    keep_on_disk,
    reference_tile_box,
    sections_at,
    tile_section_index,
)
from occupy_core.reporting.surface.map_surface import MapSurface
from occupy_core.reporting.where_to_cut import Cut, middle_cut

CUTS = {
    "middle": middle_cut((13, 41, 36)),
    "window": Cut((3, 20, 7), (slice(2, 11), slice(5, 34), slice(1, 30))),
    "thin": Cut((12, 0, 35), (slice(12, 13), slice(0, 41), slice(30, 36))),
}


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS)
@pytest.mark.parametrize("max_pixels", [256, 30, 10])
@pytest.mark.parametrize("slabs", [(13,), (1,) * 13, (5, 1, 7)])
def test_sections_of_a_map_do_not_depend_on_its_slabs(monkeypatch, slabs, max_pixels, cut):
    monkeypatch.setattr(sections, "_MAX_PIXELS", max_pixels)
    volume = np.random.default_rng(3).standard_normal((13, 41, 36)).astype(np.float32)
    by_slabs, start = SectionsOfSlabs(cut), 0
    for length in slabs:
        by_slabs.add_slab(slice(start, start + length), volume[start : start + length])
        start += length
    for image, expected in zip(by_slabs.images, sections_at(volume, cut)):
        assert image.size
        np.testing.assert_array_equal(image, expected)


def test_sections_of_large_maps_leave_out_voxels():
    volume = np.arange(300, dtype="f4")[:, None, None] * np.ones((1, 300, 4), dtype="f4")
    cut = middle_cut(volume.shape)
    images = sections_at(volume, cut)
    assert images[1].shape == (150, 2)
    np.testing.assert_array_equal(images[1][:, 0], np.arange(0, 300, 2))
    thinned = assemble_sections({"input": images}, cut, volume, 7, {}, None)
    assert thinned.tile_step == 2 and thinned.tile.shape == (150, 2) and thinned.tile[0, 0] == 7


def test_a_tile_of_a_cropped_working_box_is_placed_on_the_input_grid():
    reference = {"highest_tile_first_voxel_xyz": [4, 0, 10], "tile_size_voxels": 3}
    report = {"reference": reference, "box_voxels": [64, 64, 64], "derived": {"box_voxels": [32, 32, 32]}}
    # Voxels 4, 5, 6 of the working box are at voxels 8, 10, 12 of the input; the tile reaches from 7 to 13.
    assert reference_tile_box(report) == ((19, -1, 7), (6, 6, 6)) and tile_section_index(report) == 22


@pytest.mark.parametrize("is_writable", [True, False])
def test_sections_are_the_same_after_a_temporary_file_or_without_one(tmp_path, monkeypatch, is_writable):
    volume = np.random.default_rng(1).random((9, 8, 7), "f4")
    cut = Cut((4, 3, 2), (slice(1, 8), slice(0, 8), slice(2, 7)))
    images = sections_at(volume, cut)
    surface = MapSurface(volume, 1 - volume, 2.5, (3, -1, 2))
    sections = assemble_sections({"input": images}, cut, volume, 4, {"mask.mrc": images[::-1]}, surface)
    if not is_writable:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "gone"))
    load = keep_on_disk(sections)
    assert (load() is sections) == (not is_writable)
    assert (load().shape, load().tile_step, load().cut) == ((9, 8, 7), 1, cut)
    np.testing.assert_array_equal(load().tile, sections.tile)
    np.testing.assert_array_equal(load().surface.density, volume)
    np.testing.assert_array_equal(load().surface.values, 1 - volume)
    assert (load().surface.spacing, load().surface.corner) == (2.5, (3, -1, 2))
    for image, outline, expected in zip(load().panels["input"], load().outlines["mask.mrc"][::-1], images):
        np.testing.assert_array_equal(image, expected)
        np.testing.assert_array_equal(outline, expected)
