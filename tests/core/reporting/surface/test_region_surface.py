# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from occupy_core.reporting.surface import map_surface
from occupy_core.reporting.surface.region_surface import region_pictures, region_surface
from tests.core.reporting.balls import ball

RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


@pytest.fixture(scope="module")
def surface():
    """Two classes of a ball with a small ball at its upper face along z in the second, and one behind it in both."""
    middle, above, below = ball(16, radius=6), ball(25, radius=3), ball(7, radius=3)
    return region_surface([middle + below, middle + above + below], {1: above, 2: below}, spacing=2.0)


def test_the_surface_is_that_of_the_mean_of_all_classes(surface):
    assert surface.spacing == 2 and set(surface.regions) == {1, 2}
    inside = (surface.density >= 1).sum()
    assert inside == pytest.approx(ball(16, radius=6).sum() + 2 * ball(16, radius=3).sum(), rel=0.2)
    assert (surface.density[surface.regions[1] > 1.5] >= 1).mean() > 0.9  # also where one class has density
    assert all(side.start >= 0 and side.stop <= 32 for side in surface.window)
    assert surface.window[0].start < 4 and surface.window[0].stop > 28
    assert {side.stop - side.start for side in surface.window} < set(range(26, 31))


def test_specks_are_not_shown_and_regions_outside_of_the_surface_are():
    molecule, region = ball(12, radius=6), ball(26, radius=3)
    whole = region_surface([molecule], {}, spacing=2.0)
    speck = np.zeros_like(molecule)
    speck[20, 16, 15:17] = 1
    np.testing.assert_array_equal(region_surface([molecule + speck], {}, spacing=2.0).density >= 1, whole.density >= 1)
    found = region_surface([molecule + 0.1 * region], {1: region}, spacing=2.0)
    assert found.density.shape[0] > whole.density.shape[0] and found.regions[1].max() > 1.5


def test_large_maps_are_averaged(monkeypatch):
    monkeypatch.setattr(map_surface, "_MAX_SIDE", 16)
    found = region_surface([ball(16, radius=8)], {1: ball(24, radius=4)}, spacing=2.0)
    assert found.spacing == 4 and max(found.density.shape) < 16
    assert found.window[0].stop > 26  # in voxels of the map


def test_the_nearer_of_two_regions_lies_above_the_other():
    near, far, molecule = ball(24, radius=3), ball(20, radius=3), np.roll(ball(10, radius=5), 9, axis=2)
    surface = region_surface([molecule], {1: near, 2: far}, spacing=2.0)
    (along_z, _, _), _ = region_pictures(surface, {1: RED, 2: BLUE}, pixels=120)
    red, _, blue = along_z.reshape(-1, 3).astype(int).T
    assert (red > blue + 60).sum() > 10 * (blue > red + 60).sum()


def test_regions_have_their_colours_and_hide_behind_the_molecule(surface):
    pictures, pixel = region_pictures(surface, {1: RED, 2: BLUE}, pixels=120)
    along_z, along_y, _ = (image.astype(int) for image in pictures)
    red, blue = (lambda image: image[..., 0] - image[..., 2] > 60, lambda image: image[..., 2] - image[..., 0] > 60)
    assert red(along_z).any() and not blue(along_z).any()  # the viewer stands at the far end of z
    assert red(along_y).any() and blue(along_y).any()
    assert np.nonzero(red(along_y))[0].min() > np.nonzero(blue(along_y))[0].max()  # the first row is the lowest
    grey = (np.ptp(along_y, axis=2) < 8) & (along_y[..., 0] < 250)
    assert grey.sum() > 0.2 * grey.size
    assert pixel == pytest.approx(2.0 * max(surface.density.shape) / 120)


def test_regions_are_transparent(surface):
    (along_z, _, _), _ = region_pictures(surface, {1: RED, 2: BLUE}, pixels=120)
    reddest = along_z[(along_z[..., 0].astype(int) - along_z[..., 2]) > 60]
    assert reddest[:, 1].min() > 30  # what lies behind shines through


@pytest.mark.parametrize("volumes", [[], [np.zeros((8, 8, 8), "f4")]])
def test_nothing_to_show_gives_no_surface(volumes):
    assert region_surface(volumes, {}, spacing=1.0) is None


def test_classes_without_regions_are_shown():
    found = region_surface([ball(16)], {}, spacing=1.0)
    assert not found.regions and region_pictures(found, {}, pixels=50)[0][0].min() < 250
