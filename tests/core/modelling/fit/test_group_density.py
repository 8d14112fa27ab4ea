# SPDX-License-Identifier: GPL-3.0-or-later
"""The density of atoms in ice on a grid."""

from dataclasses import replace

import gemmi
import numpy as np
import pytest

from occupy_core.errors import ModelError
from occupy_core.modelling.fit.frequency_shells import taper
from occupy_core.modelling.fit.group_density import ICE, group_density
from occupy_core.modelling.fit.normal_equations import Place

FINEST = 6.0
STEPS = (2.0, 2.0, 2.0)


def atoms(count=40, seed=0):
    rng = np.random.default_rng(seed)
    elements = tuple(rng.choice(["C", "N", "O", "S", "P"], count))
    return rng.uniform(40, 60, (count, 3)), elements, rng.uniform(20, 120, count)


def on_grid(positions, elements, b_factors, steps=STEPS, shape=(50, 50, 50)):
    """The density in the box of a map, up to the finest detail, also beyond 12 Å from the atoms."""
    density = group_density(positions, elements, b_factors, steps, FINEST)
    first = tuple(index - border for index, border in zip(density.first, density.border))
    sides = tuple(side + 2 * border for side, border in zip(density.shape, density.border))
    density = replace(density, first=first, shape=sides, border=(0, 0, 0))
    box = density.filtered(taper(density.frequencies(), FINEST))
    place = Place.of(density, shape)
    volume = np.zeros(shape, np.float32)
    volume[place.of_map] = box[place.of_box]
    return volume


@pytest.mark.parametrize(("element", "volume"), [("C", 16.44), ("N", 2.49), ("O", 9.13), ("P", 5.73), ("S", 19.86)])
def test_density_of_an_atom_adds_up_to_its_potential_less_that_of_the_ice(element, volume):
    density = group_density(np.full((1, 3), 50.3), [element], np.array([30.0]), STEPS, FINEST)
    expected = sum(gemmi.Element(element).c4322.a) - ICE * volume
    assert density.spectrum[0].real * np.prod(STEPS) == pytest.approx(expected, rel=0.01)


def test_density_of_a_group_is_the_sum_of_its_atoms():
    positions, elements, b_factors = atoms(12)
    single = [on_grid(positions[[n]], elements[n : n + 1], b_factors[[n]]) for n in range(12)]
    whole = on_grid(positions, elements, b_factors)
    np.testing.assert_allclose(whole, np.sum(single, axis=0), atol=0.01 * whole.max())


def test_density_ends_12_angstrom_beyond_the_atoms():
    positions, elements, b_factors = atoms()
    density = group_density(positions, elements, b_factors, STEPS, FINEST)
    beyond = positions.min(axis=0) - np.array(density.first) * STEPS
    assert ((beyond >= 12) & (beyond < 16)).all() and density.filtered(1.0).shape == density.shape


def test_density_lies_at_the_atom_along_each_axis():
    volume = on_grid(np.array([[40.0, 50.0, 60.0]]), ["P"], np.array([50.0]))
    assert np.unravel_index(volume.argmax(), volume.shape) == (20, 25, 30)


def test_atoms_shifted_by_voxels_shift_the_density():
    positions, elements, b_factors = atoms()
    shifted = on_grid(positions + [4.0, -2.0, 6.0], elements, b_factors)
    expected = np.roll(on_grid(positions, elements, b_factors), (2, -1, 3), (0, 1, 2))
    np.testing.assert_allclose(shifted, expected, atol=1e-3 * expected.max())


def test_atoms_shifted_by_parts_of_voxels_shift_the_density_in_fourier_space():
    positions, elements, b_factors = atoms()
    volume, shift = on_grid(positions, elements, b_factors), np.array([0.7, -0.4, 1.1])
    k = [np.fft.fftfreq(side, step) for side, step in zip(volume.shape, STEPS)]
    phase = np.exp(-2j * np.pi * sum(np.meshgrid(*[f * s for f, s in zip(k, shift)], indexing="ij")))
    expected = np.fft.ifftn(np.fft.fftn(volume) * phase).real
    np.testing.assert_allclose(on_grid(positions + shift, elements, b_factors), expected, atol=0.01 * expected.max())


def test_density_does_not_depend_on_the_spacing():
    positions, elements, b_factors = atoms()
    coarse = on_grid(positions, elements, b_factors)
    fine = on_grid(positions, elements, b_factors, (1.0, 1.0, 2.0), (100, 100, 50))
    np.testing.assert_allclose(fine[::2, ::2], coarse, atol=0.01 * coarse.max())


def test_larger_b_factors_blur_and_keep_the_sum():
    positions, elements, b_factors = atoms()
    sharp, blurred = (on_grid(positions, elements, b_factors + more) for more in (0, 100))
    assert blurred.max() < 0.8 * sharp.max() and blurred.sum() == pytest.approx(sharp.sum(), rel=0.01)


def test_unknown_elements_have_a_density_and_no_error():
    volume = on_grid(np.full((3, 3), 50.0), ["X", "Zn", "Og"], np.full(3, 50.0))
    assert np.isfinite(volume).all()


def test_atoms_far_from_each_other_do_not_fill_the_memory():
    with pytest.raises(ModelError, match="found atoms up to 9999 Å apart"):
        group_density(np.array([[0.0, 0, 0], [9999.0] * 3]), ["C", "C"], np.full(2, 30.0), STEPS, FINEST)


def test_places_of_boxes_within_beside_and_outside_a_map():
    density = group_density(np.array([[10.0, 50.0, 96.0]]), ["C"], np.array([30.0]), STEPS, FINEST)
    place = Place.of(density, (50, 50, 50))
    assert place.of_map[0].start == 0 and place.of_box[0].start == -density.first[0] > 0
    assert place.of_map[2].stop == 50 and place.of_box[2].stop == 50 - density.first[2]
    outside = Place.of(group_density(np.array([[500.0, 50, 50]]), ["C"], np.array([30.0]), STEPS, FINEST), (50, 50, 50))
    assert np.zeros((50, 50, 50))[outside.of_map].size == 0
