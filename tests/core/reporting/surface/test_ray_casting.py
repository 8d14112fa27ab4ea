# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from occupy_core.reporting.surface.ray_casting import cast_rays, lighting, sample, seen_along

ZOOM = 5.0


def ball(centre, radius, shape=(24, 26, 28)):
    """A volume that is 1 on the surface of a ball and falls by 0.2 a voxel outwards."""
    distance = np.sqrt(sum((axis - middle) ** 2 for axis, middle in zip(np.ogrid[tuple(map(slice, shape))], centre)))
    return np.clip(1 + 0.2 * (radius - distance), 0, 2).astype("f4")


def test_rays_meet_a_ball_where_its_surface_is():
    radius = 8
    hits = cast_rays(ball((12, 13, 14), radius), ZOOM)
    beside = (hits.rows - 13) ** 2 + (hits.columns - 14) ** 2
    assert beside.max() == pytest.approx(radius**2, abs=2.5)
    # Linear interpolation leaves an error of less than a tenth of a voxel, except where rays graze the ball.
    inner = beside < 6**2
    expected = 12 - np.sqrt(radius**2 - beside[inner])
    np.testing.assert_allclose(hits.depth[inner], expected, atol=0.1)
    assert hits.pixels.size == pytest.approx(np.pi * (radius * ZOOM) ** 2, rel=0.02)


def test_rays_end_at_the_first_surface_and_pass_beside_what_they_miss():
    volume = np.maximum(ball((6, 13, 10), 3), ball((17, 13, 12), 4))
    hits = cast_rays(volume, ZOOM)
    at_front = (hits.rows - 13) ** 2 + (hits.columns - 10) ** 2 < 2.5**2
    assert hits.depth[at_front].max() < 6
    only_behind = (hits.columns > 14) & (abs(hits.rows - 13) < 1)
    assert only_behind.any() and hits.depth[only_behind].min() > 12


def test_nothing_above_the_level_gives_no_hits():
    hits = cast_rays(np.zeros((5, 6, 7), "f4"), ZOOM)
    assert hits.pixels.size == 0 and hits.image(np.zeros(0)).max() == 0
    assert sample(np.zeros((5, 6, 7), "f4"), hits).size == 0


@pytest.mark.parametrize(("axis", "viewer", "upwards", "right"), [(0, 23, 1, 2), (1, 0, 0, 2), (2, 27, 0, 1)])
def test_views_are_not_mirrored(axis, viewer, upwards, right):
    """Right, upwards and towards the viewer are a right-handed system of x, y and z."""
    shape = (24, 26, 28)
    towards = 1 if viewer else -1
    volume = np.arange(24 * 26 * 28).reshape(shape)
    place = [10, 10, 10]
    place[axis] = viewer
    seen = seen_along(volume, axis)
    assert seen[0, 10, 10] == volume[tuple(place)]
    for direction, step in ((upwards, seen[0, 11, 10]), (right, seen[0, 10, 11])):
        moved = list(place)
        moved[direction] += 1
        assert step == volume[tuple(moved)]
    unit = np.eye(3)[:, ::-1]  # of the axes z, y, x, as vectors x, y, z
    np.testing.assert_array_equal(np.cross(unit[right], unit[upwards]), towards * unit[axis])


def test_values_are_interpolated_at_the_surface():
    volume = ball((12, 13, 14), 8)
    hits = cast_rays(volume, ZOOM)
    np.testing.assert_allclose(sample(volume, hits), 1, atol=1e-4)
    columns = np.broadcast_to(np.arange(28, dtype="f4"), volume.shape)
    np.testing.assert_allclose(sample(columns, hits), hits.columns, atol=1e-4)
    sections = np.broadcast_to(np.arange(24, dtype="f4")[:, None, None], volume.shape)
    np.testing.assert_allclose(sample(sections, hits, deeper=1.5), hits.depth + 1.5, atol=1e-4)


def test_light_comes_from_the_upper_left():
    volume = ball((12, 13, 14), 8)
    hits = cast_rays(volume, ZOOM)
    light = sample(lighting(volume), hits)
    brightest = light.argmax()
    assert hits.rows[brightest] > 15 and hits.columns[brightest] < 13 and light[brightest] > 0.98
    assert light[(hits.rows < 8) & (hits.columns > 16)].max() < 0.3
