# SPDX-License-Identifier: GPL-3.0-or-later
"""Voxels that the fit counts."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from occupy_core.maps.density_map import map_from_array
from occupy_core.modelling.atoms.atomic_model import read_model
from occupy_core.modelling.atoms.groups import groups_of
from occupy_core.modelling.fit.near_model import soft_border, unmodelled_density
from occupy_core.modelling.model_occupancy import measure_model

STEPS = (2.0, 2.0, 2.0)


@pytest.fixture
def ball():
    """A ball of density, the distance to it in Å, and noise."""
    axis = np.arange(48) - 24.0
    radius = 2 * np.sqrt(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2)
    explained = (radius < 20).astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 0.3, radius.shape).astype(np.float32)
    return explained, np.maximum(radius - 20, 0).astype(np.float32), noise


def test_noise_is_no_unmodelled_density(ball):
    explained, distance, noise = ball
    assert unmodelled_density(noise, explained, distance, STEPS).mean() < 1e-3


def test_noise_as_strong_as_the_model_is_no_unmodelled_density(ball):
    explained, distance, noise = ball
    assert unmodelled_density(40 * noise, explained, distance, STEPS).mean() < 5e-3


def test_dense_things_beside_the_model_are_found_and_left_out(ball):
    explained, distance, noise = ball
    other = np.zeros(explained.shape, np.float32)
    other[20:28, 20:28, 36:46] = 1.0
    found = unmodelled_density(noise + other, explained, distance, STEPS)
    assert (found & (other > 0)).sum() > 0.7 * other.sum() and found[:, :, :30].sum() == 0
    share = soft_border(found, STEPS)
    assert share[24, 24, 41] > 0.95 and share[24, 24, 10] == 0 and share.max() <= 1
    assert not soft_border(np.zeros(found.shape, bool), STEPS).any()


def test_a_level_does_not_hide_unmodelled_density(ball):
    explained, distance, noise = ball
    other = np.zeros(explained.shape, np.float32)
    other[20:28, 20:28, 36:46] = 1.0
    found = unmodelled_density(noise + other, explained, distance, STEPS)
    assert np.array_equal(unmodelled_density(noise + other - np.float32(0.3), explained, distance, STEPS), found)


def test_a_micelle_beside_a_chain_does_not_count_for_it(fitted):
    """A belt of density around the complex changes the occupancies by little, and is told."""
    model = read_model(fitted.model)
    index = np.round(model.positions[:, ::-1] / fitted.map.grid.voxel_size).astype(int)
    atoms = np.zeros(fitted.map.data.shape, bool)
    atoms[tuple(index.T)] = True
    molecule = ndimage.binary_closing(ndimage.binary_dilation(atoms), iterations=2)
    belt = ndimage.binary_dilation(molecule, iterations=8) & ~ndimage.binary_dilation(molecule)
    height = np.abs(np.arange(len(belt)) - index[:, 0].mean()) < 6
    dense = float(np.percentile(fitted.map.data[molecule], 90))
    soft = ndimage.gaussian_filter((belt & height[:, None, None]).astype(np.float32), 1.0)
    with_belt = map_from_array(fitted.map.data + dense * soft, voxel_size=fitted.map.grid.voxel_size)
    results = [measure_model([lambda m=m: m], model, groups_of(model, "chain"), ()) for m in (fitted.map, with_belt)]
    plain, beside = ([item.value for item in result.occupancies[0]] for result in results)
    assert beside == pytest.approx(plain, abs=0.03)
    assert not any("does not explain" in text for text in results[0].warnings)
    assert any("density beside the model" in text for text in results[1].warnings)


@pytest.mark.slow
def test_nucleic_acid_beside_protein_has_wider_intervals(fitted):
    model = read_model(fitted.model)
    residues = tuple(replace(item, is_nucleic=item.chain == "F") for item in model.residues)
    pretended = replace(model, residues=residues)
    wide, narrow = (
        {group.name: item for group, item in zip(result.groups, result.occupancies[0])}
        for result in (
            measure_model([lambda: fitted.map], item, groups_of(item, "chain"), ()) for item in (pretended, model)
        )
    )
    assert wide["F"].value == pytest.approx(narrow["F"].value) and wide["F"].low < narrow["F"].low - 0.02
    assert wide["C"].low == pytest.approx(narrow["C"].low, abs=0.005)
