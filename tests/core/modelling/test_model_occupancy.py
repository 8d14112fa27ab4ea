# SPDX-License-Identifier: GPL-3.0-or-later
"""Occupancies of the chains of a fitted model."""

import re
from dataclasses import replace

import gemmi
import numpy as np
import pytest
from scipy import ndimage

from benchmarks.occupancy.bundles import write_bundles
from benchmarks.occupancy.fitted_model import write_fitted_model
from benchmarks.occupancy.simulate import simulate
from occupy_core.arrays.rigid_motion import RigidMotion
from occupy_core.errors import MapError, ModelError
from occupy_core.maps.density_map import map_from_array
from occupy_core.modelling.atoms.atomic_model import read_model
from occupy_core.modelling.atoms.groups import Group, groups_of, windows_of
from occupy_core.modelling.model_occupancy import measure_model
from occupy_core.modelling.whole_parts import refuse_missing
from tests.core.modelling.conftest import CONDITIONS, OCCUPANCIES


def measure(maps, path, model=None, **how):
    model = model or read_model(path)
    readers = [lambda source=source: source for source in maps]
    return measure_model(readers, model, groups_of(model, "chain"), windows_of(model, 15), **how)


def test_chains_read_their_occupancies(fitted):
    result = measure([fitted.map], fitted.model)
    values = {group.name: item for group, item in zip(result.groups, result.occupancies[0])}
    assert {name: item.value for name, item in values.items()} == pytest.approx(OCCUPANCIES, abs=0.05)
    assert all(item.low <= OCCUPANCIES[name] <= item.high for name, item in values.items())
    assert set(result.whole) == {"A", "B", "D", "F"} and not result.is_whole_given
    assert result.correlations[0] > 0.7


@pytest.mark.slow
def test_regularisation_that_changes_from_shell_to_shell_does_not_count(simulate_bundles):
    """RELION weighs each Fourier shell of a noisy class map by its own signal-to-noise ratio."""
    changes = {"has_coloured_noise": True, "rotation_error": 1.0, "shift_error": 0.5}
    errors = []
    for seed in (11, 12, 13):
        found = simulate_bundles(OCCUPANCIES, seed=seed, resolution=6.0, noise=0.3, regularised=True, **changes)
        values = [item.value for item in measure([found.map], found.model).occupancies[0]]
        errors.append(np.abs(np.array(values) - list(OCCUPANCIES.values())))
    assert np.mean(errors) < 0.05 and np.max(errors) < 0.2


@pytest.mark.slow
def test_windows_follow_their_chains(fitted):
    result = measure([fitted.map], fitted.model)
    for chain, truth in OCCUPANCIES.items():
        values = [item.value for window, item in zip(result.windows, result.traces[0]) if window.chain == chain]
        assert len(values) > 10 and np.median(values) == pytest.approx(truth, abs=0.1)


@pytest.mark.slow
def test_grey_scale_of_the_map_does_not_count(fitted):
    expected = measure([fitted.map], fitted.model).occupancies[0]
    scaled = map_from_array(1000 * fitted.map.data + 7, voxel_size=fitted.map.grid.voxel_size)
    found = measure([scaled], fitted.model).occupancies[0]
    assert [item.value for item in found] == pytest.approx([item.value for item in expected], abs=0.005)


def test_named_parts_count_as_whole(fitted):
    result = measure([fitted.map], fitted.model, whole=["E"])
    values = {group.name: item.value for group, item in zip(result.groups, result.occupancies[0])}
    assert values["E"] == pytest.approx(1.0) and values["C"] == pytest.approx(0.5, abs=0.08)
    assert result.whole == ("E",) and result.is_whole_given
    with pytest.raises(ModelError, match="model_whole: found 'X', expected names of parts: A, B"):
        measure([fitted.map], fitted.model, whole=["X"])


@pytest.mark.slow
def test_maps_share_one_scale_and_differences_are_found(simulate_bundles):
    first = simulate_bundles({**OCCUPANCIES, "C": 1.0}, seed=5)
    second = simulate_bundles({**OCCUPANCIES, "C": 0.2}, seed=6)
    brighter = map_from_array(3 * second.map.data, voxel_size=second.map.grid.voxel_size)
    result = measure([first.map, brighter], first.model)
    (difference,) = result.differences
    assert result.groups[difference.group].name == "C"
    assert (difference.lowest, difference.highest) == (1, 0)
    assert difference.low <= 0.8 <= difference.high
    for truth, found in zip(({**OCCUPANCIES, "C": 1.0}, {**OCCUPANCIES, "C": 0.2}), result.occupancies):
        assert [item.value for item in found] == pytest.approx(list(truth.values()), abs=0.06)


def test_equal_maps_do_not_differ(simulate_bundles):
    maps = [simulate_bundles(OCCUPANCIES, seed=seed) for seed in (7, 8)]
    assert measure([item.map for item in maps], maps[0].model).differences == ()


def test_parts_outside_the_map_have_no_occupancy(fitted):
    model = read_model(fitted.model)
    positions = model.positions.copy()
    moved = np.isin([model.residues[index].chain for index in model.residue_of_atom], ["G"])
    positions[moved] += 300
    result = measure([fitted.map], fitted.model, replace(model, positions=positions))
    values = {group.name: item.value for group, item in zip(result.groups, result.occupancies[0])}
    assert np.isnan(values["G"]) and values["C"] == pytest.approx(0.3, abs=0.05)
    assert any("G lie outside the box" in text for text in result.warnings)


def test_alike_parts_are_reported_together(fitted):
    model = read_model(fitted.model)
    groups = list(groups_of(model, "chain"))
    half = groups[2]
    groups[2:3] = [replace(half, name="C1", atoms=half.atoms[::2]), replace(half, name="C2", atoms=half.atoms[1::2])]
    result = measure_model([lambda: fitted.map], model, groups, ())
    values = {group.name: item.value for group, item in zip(result.groups, result.occupancies[0])}
    assert values["C1"] == values["C2"] == pytest.approx(0.3, abs=0.05)
    assert any("C1 and C2 lie in one place" in text for text in result.warnings)


def test_a_copy_of_a_part_does_not_count(fitted):
    model = read_model(fitted.model)
    groups = list(groups_of(model, "chain"))
    copy = np.arange(len(model.elements), len(model.elements) + len(groups[2].atoms))
    twice = np.append(np.arange(len(model.elements)), groups[2].atoms)
    model = replace(
        model,
        positions=model.positions[twice],
        elements=tuple(model.elements[index] for index in twice),
        masses=model.masses[twice],
        b_factors=model.b_factors[twice],
        residue_of_atom=model.residue_of_atom[twice],
    )
    groups.append(replace(groups[2], name="copy", atoms=copy))
    result = measure_model([lambda: fitted.map], model, groups, ())
    values = {group.name: item.value for group, item in zip(result.groups, result.occupancies[0])}
    assert values["C"] == values["copy"] == pytest.approx(0.3, abs=0.05)
    assert any("C and copy lie in one place" in text for text in result.warnings)


def moved_map(source, rotation, shift):
    """A map turned about its centre (a rotation vector, radians) and shifted (Å)."""
    steps = (source.grid.voxel_size,) * 3
    centre = np.array(source.data.shape) / 2 * source.grid.voxel_size
    factors = np.array([*shift, *rotation], float)
    motion = RigidMotion.none(centre, steps).after(factors)
    return map_from_array(motion.moved(source.data), voxel_size=source.grid.voxel_size)


@pytest.mark.slow
def test_classes_in_other_poses_are_read_where_they_lie(fitted):
    other = moved_map(fitted.map, (0.06, -0.05, 0.08), (5.0, -4.0, 3.0))
    result = measure([fitted.map, other], fitted.model, names=["class 1", "class 2"])
    for found in result.occupancies:
        assert [item.value for item in found] == pytest.approx(list(OCCUPANCIES.values()), abs=0.06)
    assert result.differences == () and result.motions[0].shift < 0.5
    assert result.motions[1].angle == pytest.approx(np.degrees(np.linalg.norm([0.06, 0.05, 0.08])), abs=1)
    (text,) = [text for text in result.warnings if text.startswith("turned and shifted against the model")]
    assert "class 2 by 6." in text and "class 1" not in text


def test_a_badly_placed_model_is_told(fitted):
    model = read_model(fitted.model)
    result = measure([fitted.map], fitted.model, replace(model, positions=model.positions + [2.0, -1.5, 1.0]))
    values = {group.name: item.value for group, item in zip(result.groups, result.occupancies[0])}
    assert values == pytest.approx(OCCUPANCIES, abs=0.05)
    expected = r"the model fits better 2\.[5-9] Å away from its place, turned by 0\."
    assert any(re.match(expected, text) for text in result.warnings), result.warnings


def test_maps_must_lie_on_one_grid(fitted):
    other = map_from_array(fitted.map.data[:-2], voxel_size=fitted.map.grid.voxel_size)
    with pytest.raises(MapError, match="expected the grid of the first map"):
        measure([fitted.map, other], fitted.model)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p, c: p + [20, 0, 0], "fits best .* Å away from its place"),
        (lambda p, c: (p - c)[:, [2, 1, 0]] * [1, 1, -1] + c, "turned model fits by chance"),
    ],
    ids=["shifted", "turned"],
)
def test_models_that_do_not_lie_in_the_map_are_refused(fitted, change, message):
    model = read_model(fitted.model)
    centre = (model.positions.min(axis=0) + model.positions.max(axis=0)) / 2
    with pytest.raises(ModelError, match=message):
        measure([fitted.map], fitted.model, replace(model, positions=change(model.positions, centre)))


@pytest.mark.slow
def test_the_model_may_lie_in_any_of_the_maps(fitted):
    """The first class may be junk."""
    junk = np.random.default_rng(0).normal(0, fitted.map.data.std(), fitted.map.data.shape).astype(np.float32)
    junk_map = map_from_array(junk, voxel_size=fitted.map.grid.voxel_size)
    result = measure([junk_map, fitted.map], fitted.model, names=["class 1", "class 2"])
    values = {group.name: item.value for group, item in zip(result.groups, result.occupancies[1])}
    assert values == pytest.approx(OCCUPANCIES, abs=0.05)
    assert all(np.isnan(item.value) for item in result.occupancies[0])
    assert any(text.startswith("the model is not seen in class 1") for text in result.warnings)
    with pytest.raises(ModelError, match="does not lie in the map"):
        measure([junk_map, junk_map], fitted.model)


def test_maps_of_inverted_contrast_have_no_occupancies(fitted):
    inverted = map_from_array(-fitted.map.data, voxel_size=fitted.map.grid.voxel_size)
    result = measure([inverted, fitted.map], fitted.model, names=["class 1", "class 2"])
    assert all(np.isnan(item.value) for item in result.occupancies[0])
    values = {group.name: item.value for group, item in zip(result.groups, result.occupancies[1])}
    assert values == pytest.approx(OCCUPANCIES, abs=0.05) and result.differences == ()
    assert any(text.startswith("the model is not seen in class 1") for text in result.warnings)
    with pytest.raises(ModelError, match="does not lie in the map"):
        measure([inverted], fitted.model)


def test_a_mask_given_as_the_map_is_named_as_a_cause(fitted):
    inside = ndimage.binary_closing(fitted.map.data > 3 * fitted.map.data.std(), iterations=3).astype(np.float32)
    with pytest.raises(ModelError, match=r"expected a density map.* Is the map a mask, a local scale or a confidence"):
        measure([map_from_array(inside, voxel_size=fitted.map.grid.voxel_size)], fitted.model)


@pytest.mark.slow
def test_parts_that_should_be_whole_must_be_in_every_map(fitted, simulate_bundles):
    whole = simulate_bundles({**OCCUPANCIES, "G": 1.0}, seed=5)
    values = [item.value for item in measure([whole.map], whole.model, whole=["G"]).occupancies[0]]
    assert values[-1] == pytest.approx(1.0)
    model = read_model(fitted.model)
    positions = model.positions.copy()
    positions[[model.residues[index].chain == "G" for index in model.residue_of_atom]] += 300
    with pytest.raises(ModelError, match="model_whole: found G, which map 1 does not show"):
        measure([fitted.map], fitted.model, replace(model, positions=positions), whole=["G"])


@pytest.mark.slow
def test_b_factors_of_a_file_without_any_and_of_a_prediction(fitted):
    model = read_model(fitted.model)
    none = measure([fitted.map], fitted.model, replace(model, b_factors=np.zeros(len(model.elements))))
    assert any("has no B-factors: all atoms count as equally flexible" in text for text in none.warnings)
    varied = replace(model, b_factors=np.random.default_rng(0).uniform(20, 95, len(model.elements)))
    assert not any("no B-factors" in text for text in measure([fitted.map], fitted.model, varied).warnings)
    varied.structure.info["_struct.title"] = "AlphaFold monomer v2.0 prediction for any protein"
    predicted = measure([fitted.map], fitted.model, varied)
    assert any("it is a predicted structure, with its confidence" in text for text in predicted.warnings)


@pytest.mark.slow
def test_the_progress_names_each_map(fitted):
    steps = []
    measure([fitted.map] * 2, fitted.model, names=["one", "two"], step=lambda done, text: steps.append((done, text)))
    assert steps == [(0.0, "model in one"), (0.5, "model in two")]


def test_a_coarser_detail_can_be_asked_for(fitted):
    result = measure([fitted.map], fitted.model, lowpass=12.0)
    values = {group.name: item.value for group, item in zip(result.groups, result.occupancies[0])}
    assert result.finest == 12.0 and values == pytest.approx(OCCUPANCIES, abs=0.08)


@pytest.mark.slow
@pytest.mark.parametrize("side", [(0, 1), (1, 0)], ids=["even and odd", "odd and even"])
def test_boxes_may_be_odd_and_not_cubic(fitted, side):
    volume = fitted.map.data[: -1 if side[0] else None, : -3 if side[1] else None, :-1]
    cut = map_from_array(np.ascontiguousarray(volume), voxel_size=fitted.map.grid.voxel_size)
    result = measure([cut], fitted.model)
    values = {group.name: item.value for group, item in zip(result.groups, result.occupancies[0])}
    assert values == pytest.approx(OCCUPANCIES, abs=0.05)


def test_parts_in_a_flat_area_have_no_occupancy(fitted):
    """The flat area does not reach the first voxel of the box."""
    model = read_model(fitted.model)
    data = fitted.map.data.copy()
    chain = np.array([model.residues[index].chain == "B" for index in model.residue_of_atom])
    index = np.round(model.positions[chain][:, ::-1] / fitted.map.grid.voxel_size).astype(int)
    low, high = index.min(axis=0) - 3, index.max(axis=0) + 4
    data[tuple(slice(first, last) for first, last in zip(low, high))] = 0
    data[0, 0, 0] = 1e-3
    result = measure([map_from_array(data, voxel_size=fitted.map.grid.voxel_size)], fitted.model)
    values = {group.name: item.value for group, item in zip(result.groups, result.occupancies[0])}
    assert np.isnan(values["B"]) and not np.isnan(values["F"])
    assert any("B" in text and "lie outside the box" in text for text in result.warnings)


def test_a_lowpass_finer_than_the_map_is_the_finest_that_it_holds(fitted):
    result = measure([fitted.map], fitted.model, lowpass=0.5)
    assert result.finest == pytest.approx(2 * fitted.map.grid.voxel_size)
    values = {group.name: item.value for group, item in zip(result.groups, result.occupancies[0])}
    assert values == pytest.approx(OCCUPANCIES, abs=0.07)


@pytest.mark.slow
def test_flexible_chains_read_their_occupancies(tmp_path):
    """B and E have B-factors 100 Å^2 higher than the other chains, which their model does not know."""
    conditions = replace(CONDITIONS, flexible_b=100.0, noise=0.02)
    path = write_bundles(tmp_path / "bundles.cif")
    occupancies = {**OCCUPANCIES, "C": 0.5, "G": 0.3}
    volume = simulate(path, conditions, occupancies).volume
    model = str(write_fitted_model(path, conditions, tmp_path / "fitted.cif"))
    result = measure([map_from_array(volume, voxel_size=conditions.voxel_size)], model)
    values = {group.name: item.value for group, item in zip(result.groups, result.occupancies[0])}
    assert values == pytest.approx(occupancies, abs=0.05)


def test_intervals_of_values_beyond_1_have_a_width(fitted):
    """With C as the whole part, the other chains read far above 1."""
    result = measure([fitted.map], fitted.model, whole=["C"])
    values = {group.name: item for group, item in zip(result.groups, result.occupancies[0])}
    assert values["A"].value == values["A"].high == 1 and values["A"].low < 0.97
    assert all(0 <= item.low <= item.value <= item.high <= 1 for item in (*values.values(), *result.traces[0]))


@pytest.mark.slow
def test_an_offset_of_the_map_does_not_count(fitted):
    brighter = map_from_array(fitted.map.data + 50 * fitted.map.data.std(), voxel_size=fitted.map.grid.voxel_size)
    plain, found = (measure([item], fitted.model).occupancies[0] for item in (fitted.map, brighter))
    assert [item.value for item in found] == pytest.approx([item.value for item in plain], abs=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        lambda volume: np.rot90(volume[::-1], axes=(0, 1)),
        lambda volume: np.rot90(volume, axes=(1, 2)),
        lambda volume: volume.transpose(2, 1, 0),
    ],
    ids=["mirrored and turned about x", "turned about z", "mirrored and turned about y"],
)
def test_a_class_that_shows_something_else_has_no_occupancies(fitted, change):
    """Much signal, and nowhere the model; the other class is read as if it were alone."""
    other = map_from_array(np.ascontiguousarray(change(fitted.map.data)), voxel_size=fitted.map.grid.voxel_size)
    result = measure([fitted.map, other], fitted.model, names=["class 1", "class 2"])
    assert [item.value for item in result.occupancies[0]] == pytest.approx(list(OCCUPANCIES.values()), abs=0.06)
    assert all(np.isnan(item.value) for item in result.occupancies[1]) and result.differences == ()


@pytest.mark.slow
def test_a_class_far_away_is_found_or_left_out(fitted):
    other = moved_map(fitted.map, (0.1, 0.0, 0.1), (9.0, -8.0, 7.0))
    result = measure([fitted.map, other], fitted.model)
    values = [item.value for item in result.occupancies[1]]
    assert np.isnan(values).all() or values == pytest.approx(list(OCCUPANCIES.values()), abs=0.08)
    assert result.differences == ()


@pytest.mark.slow
def test_density_that_the_model_lacks_is_named(fitted, tmp_path):
    structure = gemmi.read_structure(fitted.model)
    structure[0].remove_chain("D")
    partial = tmp_path / "without_d.cif"
    structure.make_mmcif_document().write_file(str(partial))
    for path, is_named in ((fitted.model, False), (str(partial), True)):
        warnings = measure([fitted.map], path).warnings
        assert is_named == any("density beside the model that the model does not explain" in text for text in warnings)


def test_parts_that_should_be_whole_must_have_density(fitted):
    least = min(OCCUPANCIES, key=OCCUPANCIES.get)
    found = f"model_whole: found {least}, with hardly any density in class 1, expected .*; the map has A, B, .*empty$"
    with pytest.raises(ModelError, match=found):
        measure([fitted.map], fitted.model, whole=[least], names=["class 1"])


def test_the_message_about_parts_that_one_of_several_maps_lacks_names_those_that_all_have():
    groups = [Group(name, np.arange(3), f"{name} 1-3", 1.0) for name in "ABC"]
    occupancies = [np.array([1.0, 0.9, 0.1]), np.array([np.nan, 1.1, 0.3])]
    with pytest.raises(ModelError) as caught:
        refuse_missing([0, 1], occupancies, ["class 1", "class 2"], groups)
    assert str(caught.value) == (
        "model_whole: found A, which class 2 does not show (outside its box or its mask), expected parts that are "
        "fully occupied in every map; every map has B. Or leave model_whole empty, or leave class 2 out of the job"
    )


@pytest.mark.slow
def test_parts_with_more_density_than_whole_ones_are_told(fitted):
    result = measure([fitted.map], fitted.model, whole=["E"])  # 0.6 of the others
    (text,) = [text for text in result.warnings if text.startswith("clearly more density than what counts as 1")]
    assert 1.55 < float(re.search(r"A (1\.\d+)", text)[1]) < 1.75 and "C " not in text
    plain = measure([fitted.map], fitted.model).warnings
    assert not any("clearly more density" in text for text in plain)


def test_a_model_of_one_part_is_1_by_definition(fitted):
    model = read_model(fitted.model)
    whole = replace(groups_of(model, "chain")[0], name="all", atoms=np.arange(len(model.elements)))
    result = measure_model([lambda: fitted.map], model, [whole], ())
    assert result.occupancies[0][0].value == 1
    assert any("whose occupancy is 1 by definition" in text for text in result.warnings)
