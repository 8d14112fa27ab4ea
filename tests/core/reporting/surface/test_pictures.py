# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from occupy_core.reporting.surface.map_surface import MapSurface
from occupy_core.reporting.surface.pictures import surface_pictures

RED_TO_BLUE = np.array([[1.0, 0, 0], [0, 0, 1.0]])


@pytest.fixture(scope="module")
def pictures():
    """Pictures of a lying bar: 24 voxels along x, 8 along y and z; red where x is small, blue where it is large."""
    z, y, x = np.ogrid[:12, :12, :28]
    inside = np.minimum(np.minimum(4.3 - abs(z - 5.5), 4.3 - abs(y - 5.5)), 12.3 - abs(x - 13.5))
    density = np.clip(1 + inside - 0.3, 0, 2).astype("f4")
    values = np.broadcast_to((x > 13).astype("f4"), density.shape)
    return surface_pictures(MapSurface(density, values, 2.0), RED_TO_BLUE, pixels=140)


def test_the_three_sides_are_drawn_in_one_scale(pictures):
    images, pixel = pictures
    assert pixel == pytest.approx(2.0 / 5)
    sides = []
    for image in images:
        drawn = (image < 250).any(axis=2)
        sides.append((drawn.any(axis=1).sum(), drawn.any(axis=0).sum()))
    (z_rows, z_columns), (y_rows, y_columns), (x_rows, x_columns) = sides
    for short in (z_rows, y_rows, x_rows, x_columns):
        assert short == pytest.approx(8 * 5, abs=4)
    for long in (z_columns, y_columns):
        assert long == pytest.approx(24 * 5, abs=4)


def test_colours_follow_the_values_and_the_background_is_white(pictures):
    images, _ = pictures
    for image in images[:2]:
        rows, columns = image.shape[:2]
        left, right = image[rows // 2, columns // 4].astype(int), image[rows // 2, 3 * columns // 4].astype(int)
        assert left[0] > left[2] + 100 and right[2] > right[0] + 100
        assert image[0, 0].tolist() == [255, 255, 255]
    blue = images[2][30, 30].astype(int)  # the viewer stands at the far end of x
    assert blue[2] > blue[0] + 100


def test_outlines_are_smooth(pictures):
    image = pictures[0][0].astype(int)
    row = image[image.shape[0] // 2, :, 1]  # green: 255 on the background, low on the bar
    steps = np.abs(np.diff(row))
    assert steps.max() < 200 and (row < 100).any()


def test_places_without_a_value_are_grey():
    density = np.pad(np.full((8, 8, 8), 2, "f4"), 2)
    values = np.full_like(density, np.nan)
    (image, _, _), _ = surface_pictures(MapSurface(density, values, 1.0), RED_TO_BLUE, pixels=48)
    middle = image[24, 24].astype(int)
    assert np.ptp(middle) == 0 and 60 < middle[0] < 250
