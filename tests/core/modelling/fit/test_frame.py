# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame of a model: where voxel 0 of the map lies in its coordinates."""

import re
from dataclasses import replace

import mrcfile
import numpy as np
import pytest

from occupy_core.errors import ModelError
from occupy_core.maps.density_map import map_from_array
from occupy_core.maps.reading import read_map
from occupy_core.modelling.atoms.atomic_model import read_model
from occupy_core.modelling.atoms.groups import groups_of
from occupy_core.modelling.fit.find_frame import find_frame, into_box, lies_in
from occupy_core.modelling.fit.frame import positions_in_map, possible_frames
from occupy_core.modelling.fit.map_to_fit import on_grid
from occupy_core.modelling.fit.model_shape import ModelShape
from occupy_core.modelling.fit.placed_model import place_model
from occupy_core.modelling.model_occupancy import measure_model
from tests.core.modelling.conftest import CONDITIONS

STEP = CONDITIONS.voxel_size
HEADERS_ORIGIN = "the header's origin or start indices, as viewers take it"


def place(path_or_map, model):
    source = path_or_map if not isinstance(path_or_map, str) else read_map(path_or_map)
    return place_model(lambda: source, model, groups_of(model, "chain"), None, [], 1)


def moved(model, xyz):
    """The model, moved by x, y, z in Å."""
    return replace(model, positions=model.positions + np.array(xyz))


@pytest.fixture
def write(write_mrc, fitted):
    """A function that writes the map with an origin (Å) and start indices (voxels)."""

    def write_map(data=None, origin=(0, 0, 0), start=(0, 0, 0), axes=(1, 2, 3)):
        path = write_mrc(fitted.map.data if data is None else data, voxel_size=STEP)
        with mrcfile.open(path, "r+") as mrc:
            mrc.header.nxstart, mrc.header.nystart, mrc.header.nzstart = start
            mrc.header.mapc, mrc.header.mapr, mrc.header.maps = axes
            mrc.header.origin.x, mrc.header.origin.y, mrc.header.origin.z = origin
        return path

    return write_map


@pytest.mark.slow
@pytest.mark.parametrize(
    ("header", "shift", "name"),
    [
        ({"origin": (30, -40, 50)}, (30, -40, 50), HEADERS_ORIGIN),
        ({"start": (-10, 20, 5)}, (-10 * STEP, 20 * STEP, 5 * STEP), HEADERS_ORIGIN),
        ({"origin": (30, -40, 50)}, (0, 0, 0), "a corner of the box at 0"),
        ({"start": (-10, 20, 5)}, (0, 0, 0), "a corner of the box at 0"),
        ({"origin": (30, -40, 50), "start": (-10, 20, 5)}, (30, -40, 50), HEADERS_ORIGIN),
        (
            {"origin": (30, -40, 50), "start": (-10, 20, 5)},
            (-10 * STEP, 20 * STEP, 5 * STEP),
            "the header's start indices",
        ),
        ({}, (0, 0, 0), HEADERS_ORIGIN),
        ({}, None, "the centre of the box at 0"),
    ],
)
def test_the_frame_is_found(write, fitted, header, shift, name):
    path, model = write(**header), read_model(fitted.model)
    if shift is None:
        shift = [-(side // 2) * STEP for side in reversed(fitted.map.data.shape)]
    placed = place(path, moved(model, shift))
    assert placed.frame.name == name
    assert placed.frame.first_voxel == pytest.approx(shift, abs=1e-3)
    np.testing.assert_allclose(placed.positions, model.positions[:, ::-1], atol=0.01)


@pytest.mark.parametrize(
    ("origin", "shift", "name"),
    [
        ((0, 0, 0), (-6 * STEP, 8 * STEP, 4 * STEP), HEADERS_ORIGIN),
        ((0, 0, 0), (0, 0, 0), "a corner of the box at 0"),
        ((30, -40, 50), (-6 * STEP, 8 * STEP, 4 * STEP), "the header's start indices"),
        ((30, -40, 50), (30, -40, 50), HEADERS_ORIGIN),
    ],
)
def test_axes_in_another_order_are_followed(write, fitted, origin, shift, name):
    """Columns along z, rows along x, sections along y: the order 3, 1, 2."""
    data = np.ascontiguousarray(fitted.map.data.transpose(1, 2, 0))
    start = (4, -6, 8)  # of columns, rows, sections
    path, model = write(data, origin, start, axes=(3, 1, 2)), read_model(fitted.model)
    placed = place(path, moved(model, shift))
    assert placed.frame.name == name
    assert placed.frame.first_voxel == pytest.approx(shift, abs=1e-3)
    np.testing.assert_allclose(placed.positions, model.positions[:, [1, 0, 2]], atol=0.01)


def test_occupancies_do_not_depend_on_the_frame(write, fitted):
    model = read_model(fitted.model)
    path = write(np.ascontiguousarray(fitted.map.data.transpose(1, 2, 0)), axes=(3, 1, 2), origin=(10, 20, 30))
    groups = groups_of(model, "chain")
    expected = measure_model([lambda: fitted.map], model, groups, ()).occupancies[0]
    found = measure_model([lambda: read_map(path)], moved(model, (10, 20, 30)), groups, ()).occupancies[0]
    assert [item.value for item in found] == pytest.approx([item.value for item in expected], abs=0.02)


def test_frames_are_not_repeated():
    grid = map_from_array(np.indices((9, 8, 7))[0].astype("f4"), voxel_size=2.0).grid
    assert [frame.first_voxel for frame in possible_frames(grid)] == [(0, 0, 0), (-6, -8, -8)]


def test_positions_are_along_sections_rows_and_columns(fitted):
    model = read_model(fitted.model)
    frame = replace(possible_frames(fitted.map.grid)[0], first_voxel=(1.0, 2.0, 3.0))
    positions = positions_in_map(model, frame, fitted.map.grid)
    np.testing.assert_allclose(positions, (model.positions - [1, 2, 3])[:, ::-1])


def test_maps_of_large_voxels_give_no_numpy_warning(fitted):
    model = read_model(fitted.model)
    rng = np.random.default_rng(0)
    for voxel_size in (12.0, 25.0, 40.0):
        source = map_from_array(rng.standard_normal((16, 16, 16)).astype("f4"), voxel_size=voxel_size)
        with pytest.raises(ModelError, match="does not lie in the map"):
            find_frame(
                model, ModelShape.of(model, source.data.shape, (voxel_size,) * 3, source.grid), source.data, source.grid
            )


@pytest.fixture(scope="module")
def galactosidase(shared_data):
    return (
        read_map(shared_data / "maps/betaGal.mrc"),
        read_model(str(shared_data / "models/8bk7_docked_in_betaGal.pdb.gz")),
    )


@pytest.mark.slow
def test_equal_chains_of_a_real_map_read_equal(galactosidase):
    source, model = galactosidase
    result = measure_model([lambda: source], model, groups_of(model, "chain"), ())
    values = [item.value for item in result.occupancies[0]]
    assert len(values) == 4 and max(values) - min(values) < 0.02 and min(values) > 0.97
    assert result.warnings == () and result.correlations[0] > 0.7


@pytest.mark.slow
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_the_wrong_hand_of_a_real_map_is_refused(galactosidase, axis):
    source, model = galactosidase
    mirrored = replace(source, data=np.ascontiguousarray(np.flip(source.data, axis)))
    with pytest.raises(
        ModelError, match=r"its mirror image fits \d.* times better. The map or the model has the wrong"
    ):
        place(mirrored, model)


def test_another_molecule_is_refused_in_a_real_map(galactosidase, shared_data):
    source, right = galactosidase
    other = read_model(str(shared_data / "models/1oel_groel_7chain.pdb.gz"))
    centre = [(m.positions.min(axis=0) + m.positions.max(axis=0)) / 2 for m in (right, other)]
    with pytest.raises(ModelError, match="turned model fits by chance.* Check that it is the molecule of this map"):
        place(source, moved(other, centre[0] - centre[1]))


def test_a_map_of_inverted_contrast_is_told(fitted):
    inverted = map_from_array(-fitted.map.data, voxel_size=fitted.map.grid.voxel_size)
    model = read_model(fitted.model)
    with pytest.raises(ModelError, match="it lies in the negative of the map"):
        measure_model([lambda: inverted], model, groups_of(model, "chain"), ())


def test_a_model_outside_the_box_is_told(fitted):
    model = read_model(fitted.model)
    with pytest.raises(ModelError, match="most of its atoms lie outside the box"):
        measure_model(
            [lambda: fitted.map],
            replace(model, positions=model.positions + [900, 0, 0]),
            groups_of(model, "chain"),
            (),
        )


def test_a_refused_model_is_told_the_move_to_about_an_angstrom(fitted):
    model = read_model(fitted.model)
    with pytest.raises(ModelError, match=r"moved by about \(-?\d+, -?\d+, -?\d+\) Å along x, y and z") as failure:
        moved = replace(model, positions=model.positions + [-7.4, 11.2, 3.1])
        measure_model([lambda: fitted.map], moved, groups_of(model, "chain"), ())
    told = [float(value) for value in re.search(r"\((.*?)\)", str(failure.value)).group(1).split(",")]
    assert told == pytest.approx([7.4, -11.2, -3.1], abs=1.2)


def test_a_move_is_told_that_brings_a_model_into_the_box():
    """The best place of a model is known but for whole boxes."""
    density = np.random.default_rng(0).normal(size=(20, 30, 40)).astype(np.float32)
    grid = map_from_array(density, voxel_size=2.0).grid
    positions = np.array([[45.0, 10.0, 70.0], [50.0, 15.0, 75.0]])  # z, y, x in a box of 40, 60, 80 Å
    told = into_box(np.array([20.0, 5.0, 10.0]), positions, grid)
    assert told.tolist() == [-60.0, 5.0, -30.0]


def test_a_refused_model_is_told_the_move_into_the_box(fitted):
    """Not the shorter one, to where it fits too when the box is repeated."""
    side = fitted.map.grid.shape[2]
    wide = map_from_array(np.pad(fitted.map.data, ((0, 0), (0, 0), (0, side))), voxel_size=STEP)
    model = read_model(fitted.model)
    away = 1.05 * side * STEP
    with pytest.raises(ModelError, match="moved by about") as failure:
        place(wide, replace(model, positions=model.positions + [away, 0, 0]))
    told = [float(value) for value in re.search(r"\((.*?)\)", str(failure.value)).group(1).split(",")]
    assert told == pytest.approx([-away, 0, 0], abs=1.5)


def test_a_refused_model_is_told_the_voxel_size(fitted):
    model = read_model(fitted.model)
    for voxel_size in (0.3 * STEP, 0.8 * STEP):
        with pytest.raises(ModelError, match=rf"voxel size.*{voxel_size:.4g} Å"):
            place(map_from_array(fitted.map.data, voxel_size=voxel_size), model)


def test_an_outline_like_that_of_the_model_is_not_enough(fitted):
    """Turned about z, these bundles fit their outline at its place, in detail elsewhere."""
    placed = place(fitted.map, read_model(fitted.model))
    shape, where = placed.outline, (placed.frame, placed.grid)
    turned = np.ascontiguousarray(np.rot90(fitted.map.data, axes=(1, 2)))
    right, wrong = (
        on_grid(map_from_array(data, voxel_size=STEP), shape.density.shape, 1) for data in (fitted.map.data, turned)
    )
    assert lies_in(shape, right, *where) and not lies_in(shape, wrong, *where)
