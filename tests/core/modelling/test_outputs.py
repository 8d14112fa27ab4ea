# SPDX-License-Identifier: GPL-3.0-or-later
"""The model with its occupancies, attributes for ChimeraX, and masks of parts."""

import json
import re
from dataclasses import replace

import gemmi
import numpy as np
import pytest
from scipy.spatial import cKDTree

from occupy_core.arrays.rigid_motion import RigidMotion
from occupy_core.errors import ModelError
from occupy_core.maps.reading import read_map
from occupy_core.modelling.atoms.atomic_model import read_model
from occupy_core.modelling.atoms.groups import groups_of, windows_of
from occupy_core.modelling.fit.frame import possible_frames
from occupy_core.modelling.model_occupancy import ModelOccupancy, PartOccupancy
from occupy_core.modelling.outputs import write_model_outputs
from occupy_core.modelling.scale_of_parts import scale_of_parts
from occupy_core.settings.job_spec import MapInput
from tests.core.modelling.pdb_text import atom, chain, ligand, residue

VOXEL_SIZE, SIDE = 3.0, 40


def text_of_model():
    """A model with altlocs, insertion codes, waters, hydrogens and alternatives at one place, about (60, 60, 60)."""
    place = (50.0, 45.0, 55.0)
    text = chain("A", range(1, 13), at=place)
    text += residue("ALA", "B", 52, at=(50, 50, 75)) + residue("ALA", "B", 52, at=(50, 54, 75), insertion="A")
    text += residue("ALA", "B", 53, at=(50, 58, 75), altloc="A", occupancy=0.6, b_factor=31)
    text += residue("SER", "B", 53, at=(50, 58, 76), altloc="B", occupancy=0.2, b_factor=32)
    text += atom("GLY", "B", 54, name="CA", xyz=(50, 62, 75))
    for name, x, occupancy in (("A", 52, 0.3), ("B", 53, 0.1)):
        text += atom("GLY", "B", 54, name="C", xyz=(x, 62, 75), altloc=name, occupancy=occupancy)
    text += "TER\n" + ligand("HEM", "A", 501, 8, at=(65, 70, 60), b_factor=77)
    return text + atom("HOH", "A", 601, name="O", element="O", xyz=(70, 70, 70), ligand=True, occupancy=0.25)


@pytest.fixture
def measured(tmp_path, write_mrc):
    """A function that returns a result for the model, with occupancies by name of the group."""

    def make(values, kind="chain", text=None, maps=1):
        path = tmp_path / "model.pdb"
        path.write_text(text or text_of_model())
        model = read_model(str(path))
        groups, windows = groups_of(model, kind), windows_of(model, 6)
        grid = read_map(write_mrc(np.indices((SIDE,) * 3)[0].astype("f4"), "in/map.mrc", VOXEL_SIZE)).grid
        parts = tuple(part(values.get(group.name, 1.0)) for group in groups)
        trace = tuple(part(0.01 * (index + 1)) for index in range(len(windows)))
        frame = possible_frames(grid)[0]
        return ModelOccupancy(
            model, groups, windows, (parts,) * maps, (trace,) * maps, (), (0.9,) * maps,
            (RigidMotion.none(np.zeros(3), (1.0, 1.0, 1.0)),) * maps, ("A",), False, frame, grid, 6.0, (),
        )  # fmt: skip

    return make


def part(value):
    return PartOccupancy(value - 0.05, value, value + 0.05, 0.01)


def write(result, folder, masks="no", kind="chain"):
    maps = [MapInput("map.mrc", "" if len(result.occupancies) == 1 else f"map{n:03d}_") for n in range(1, 9)]
    return write_model_outputs(result, maps[: len(result.occupancies)], folder, kind=kind, masks=masks)


def atoms_of(path):
    """Occupancy and B-factor of each atom, by chain, residue, atom and alternative location."""
    return {
        (part.name, str(item.seqid), item.name, one.name, one.altloc.strip("\0")): (one.occ, one.b_iso)
        for part in gemmi.read_structure(str(path))[0]
        for item in part
        for one in item
    }


def test_the_model_is_written_with_the_occupancies_of_its_parts(measured, tmp_path):
    result = measured({"A": 0.9, "B": 0.4, "A/HEM 501": 0.123456})
    write(result, tmp_path)
    before, after = atoms_of(result.model.path), atoms_of(tmp_path / "model_occupancy.cif")
    assert after.keys() == before.keys()
    assert {key: b for key, (_, b) in after.items()} == {key: b for key, (_, b) in before.items()}
    assert after["A", "7", "ALA", "CA", ""][0] == pytest.approx(0.9)
    assert after["B", "52A", "ALA", "CA", ""][0] == pytest.approx(0.4)
    assert after["A", "501", "HEM", "C1", ""] == pytest.approx((0.123, 77))
    assert after["A", "601", "HOH", "O", ""][0] == pytest.approx(0.25)


def test_alternative_locations_share_the_occupancy_of_their_part(measured, tmp_path):
    write(measured({"B": 0.4}), tmp_path)
    after = {key: value for key, (value, _) in atoms_of(tmp_path / "model_occupancy.cif").items()}
    assert after["B", "54", "GLY", "CA", ""] == pytest.approx(0.4)
    assert [after["B", "54", "GLY", "C", name] for name in "AB"] == pytest.approx([0.3, 0.1])
    # ALA and SER are alternatives at one place.
    assert after["B", "53", "ALA", "CA", "A"] == pytest.approx(0.3)
    assert after["B", "53", "SER", "CA", "B"] == pytest.approx(0.1)


def test_residues_with_insertion_codes_have_their_own_occupancies(measured, tmp_path):
    path = tmp_path / "parts.txt"
    path.write_text("one: //B/52.A\nrest: //A\n")
    write(measured({"one": 0.2, "other": 0.7}, str(path)), tmp_path, kind=str(path))
    after = {key: value for key, (value, _) in atoms_of(tmp_path / "model_occupancy.cif").items()}
    assert after["B", "52A", "ALA", "CA", ""] == pytest.approx(0.2)
    assert after["B", "52", "ALA", "CA", ""] == pytest.approx(0.7)
    lines = (tmp_path / "model_occupancy.defattr").read_text().splitlines()
    assert "\t/B:52A\t0.200" in lines and "\t/B:52\t0.700" in lines


def test_ligands_with_the_number_of_a_residue_have_their_own_occupancy(measured, tmp_path):
    text = chain("A", range(1, 13), at=(50, 45, 55)) + ligand("LIG", "A", 1, 8, at=(65, 70, 60))
    write(measured({"A": 0.8, "A/LIG 1": 0.3}, text=text), tmp_path)
    after = {key: value for key, (value, _) in atoms_of(tmp_path / "model_occupancy.cif").items()}
    assert after["A", "1", "ALA", "CA", ""] == pytest.approx(0.8)
    assert after["A", "1", "LIG", "C1", ""] == pytest.approx(0.3)


def low(value, high):
    return PartOccupancy(value - (high - value), value, high, 0.01)


def stretches_of(result, values, tmp_path):
    """Stretches in the report, where the windows along the chains have these values and ends of intervals."""
    traces = tuple(tuple(low(*pair) for pair in trace) for trace in values)
    report = write(replace(result, traces=traces), tmp_path)
    return report["least_occupied_stretches"]


def test_stretches_join_windows_of_40_residues_and_more_that_are_clearly_below_1(measured, tmp_path):
    # Chain A: windows of 20, 20, 20 and 20 residues; B: 20 and 20.
    text = chain("A", [*range(1, 41), *range(51, 91)], at=(20, 20, 20)) + chain("B", range(1, 41), at=(60, 20, 20))
    result = measured({}, text=text)
    result = replace(result, windows=windows_of(result.model, 20))
    assert [(item.chain, item.first, item.last) for item in result.windows] == [
        *(("A", 1, 20), ("A", 21, 40), ("A", 51, 70), ("A", 71, 90)),
        *(("B", 1, 20), ("B", 21, 40)),
    ]
    (found,) = stretches_of(result, [[(0.95, 1.0), (0.2, 0.4), (0.5, 0.7), (1, 1), (0.3, 0.5), (0.9, 1.0)]], tmp_path)
    expected = {"name": "map.mrc", "chain": "A", "first": 21, "last": 70, "residues": 40}
    assert found == {**expected, **{name: pytest.approx(found[name]) for name in ("low", "occupancy", "high")}}
    assert (found["low"], found["occupancy"], found["high"]) == pytest.approx((0.15, 0.35, 0.55))
    # The end of A and the start of B are no stretch, nor is a window that the map does not show.
    nothing = [(1, 1), (0.2, 0.4), (np.nan, np.nan), (0.2, 0.4), (0.3, 0.5), (1, 1)]
    assert stretches_of(result, [nothing], tmp_path) == []


def test_stretches_of_several_maps_are_sorted_and_weigh_windows_by_their_residues(measured, tmp_path):
    text = chain("A", range(1, 61), at=(20, 20, 20))
    result = measured({}, text=text, maps=2)
    first, second = windows_of(result.model, 30)
    shorter = replace(first, last=15, atoms=first.atoms[: len(first.atoms) // 2])
    result = replace(result, windows=(shorter, second))
    found = stretches_of(result, [[(0.6, 0.8), (0.6, 0.8)], [(0.5, 0.7), (0.2, 0.4)]], tmp_path)
    assert [item["name"] for item in found] == ["map.mrc", "map.mrc"] and found[0]["residues"] == 45
    assert [item["occupancy"] for item in found] == pytest.approx([0.3, 0.6])


def test_parts_that_the_map_does_not_show_keep_their_occupancy(measured, tmp_path):
    result = measured({"A": np.nan, "B": 0.4})
    report = write(result, tmp_path)
    assert atoms_of(tmp_path / "model_occupancy.cif")["A", "1", "ALA", "CA", ""][0] == 1
    (shown,) = report["parts"][0]["occupancies"]
    assert report["parts"][0]["name"] == "A" and shown["occupancy"] is None
    json.dumps(report, allow_nan=False)


def test_residues_are_numbered_for_viewers_that_connect_them(measured, tmp_path):
    write(measured({}), tmp_path)
    block = gemmi.cif.read(str(tmp_path / "model_occupancy.cif")).sole_block()
    rows = block.find("_atom_site.", ["auth_asym_id", "auth_seq_id", "label_seq_id"])
    assert [row[2] for row in rows if row[0] == "A" and int(row[1]) < 13][::5] == [str(n) for n in range(1, 13)]


def test_attributes_have_the_syntax_that_chimerax_documents(measured, tmp_path):
    """https://www.cgl.ucsf.edu/chimerax/docs/user/formats/defattr.html"""
    write(measured({"A": 0.9, "B": 0.4}), tmp_path)
    lines = (tmp_path / "model_occupancy.defattr").read_text().splitlines()
    attributes, values = [], {}
    for line in lines:
        if line.startswith("attribute: "):
            attributes.append(line.split(": ")[1])
            assert re.fullmatch(r"[A-Za-z_]\w*", attributes[-1])
        elif line.startswith("\t"):
            _, place, value = line.split("\t")
            assert re.fullmatch(r"/\w+:-?\d+[A-Z]?", place)
            assert (attributes[-1], place) not in values
            values[attributes[-1], place] = float(value)
        else:
            assert line.startswith("#") or line in ("match mode: any", "recipient: residues"), line
    assert attributes == ["part_occupancy", "window_occupancy"]
    assert values["part_occupancy", "/A:1"] == 0.9 and values["part_occupancy", "/B:52A"] == 0.4
    assert values["window_occupancy", "/A:6"] == 0.01 and values["window_occupancy", "/A:7"] == 0.02
    assert ("window_occupancy", "/A:501") not in values and ("part_occupancy", "/A:501") in values


def test_each_map_has_its_own_model(measured, tmp_path):
    result = measured({"A": 0.9}, maps=2)
    second = tuple(part(0.2) for _ in result.groups)
    report = write(replace(result, occupancies=(result.occupancies[0], second)), tmp_path)
    for prefix, value in (("map001_", 0.9), ("map002_", 0.2)):
        after = atoms_of(tmp_path / f"{prefix}model_occupancy.cif")
        assert after["A", "1", "ALA", "CA", ""][0] == pytest.approx(value)
    written = {f"map00{n}_model_occupancy.{ending}" for n in (1, 2) for ending in ("cif", "defattr")}
    assert written <= set(report["outputs"]) and all((tmp_path / name).exists() for name in report["outputs"])


def test_masks_are_half_at_six_angstrom_from_the_atoms(measured, tmp_path):
    result = measured({})
    report = write(result, tmp_path, "yes")
    for item, group in zip(report["parts"], result.groups):
        mask = read_map(tmp_path / item["mask"]).data
        assert mask.shape == (SIDE,) * 3 and mask.min() >= 0 and 0.99 < mask.max() <= 1
        voxels = VOXEL_SIZE * np.indices(mask.shape).reshape(3, -1).T[:, ::-1]
        distance = cKDTree(result.model.positions[group.atoms]).query(voxels)[0].reshape(mask.shape)
        outside = distance > 6
        edge = (1 - np.sin(np.pi / 2 * np.clip((distance - 6) / 4, -1, 1))) / 2
        np.testing.assert_allclose(mask[outside], edge[outside], atol=1e-5)
        assert (mask >= edge - 1e-5).all()


def test_masks_of_named_parts(measured, tmp_path):
    report = write(measured({}), tmp_path, "B, A/HEM 501,B")
    assert {item["name"]: item["mask"] for item in report["parts"]} == {
        "A": None,
        "B": "group_B_mask.mrc",
        "A/HEM 501": "group_A_HEM_501_mask.mrc",
    }
    assert sorted(path.name for path in tmp_path.glob("*.mrc")) == ["group_A_HEM_501_mask.mrc", "group_B_mask.mrc"]
    with pytest.raises(ModelError, match="model_masks: found 'X', expected yes, no, or names of parts: A, A/HEM 501"):
        write(measured({}), tmp_path, "B,X")


def test_a_chain_may_have_the_name_of_a_word_for_yes_or_no(measured, tmp_path):
    text = chain("0", range(1, 9), at=(50, 45, 55)) + chain("1", range(1, 9), at=(50, 45, 75))
    (tmp_path / "out").mkdir()
    report = write(measured({}, text=text), tmp_path / "out", "1")
    assert [item["mask"] for item in report["parts"]] == [None, "group_1_mask.mrc"]


def test_masks_of_parts_whose_names_differ_in_capitals_or_signs_have_files_of_their_own(measured, tmp_path):
    """On the disks of macOS and Windows, a.mrc and A.mrc are one file."""
    text = "".join(chain(name, range(1, 9), at=(50, 45, 45 + 10 * n)) for n, name in enumerate("Aab"))
    text += ligand("HEM", "A", 501, 8, at=(65, 70, 60))
    path = tmp_path / "parts.txt"
    path.write_text("A: //A/1-8\na: //a\nA/HEM 501: //A/501\na_HEM_501: //b\n")
    report = write(measured({}, str(path), text=text), tmp_path, "yes", kind=str(path))
    masks = [item["mask"] for item in report["parts"]]
    assert masks == [f"group_{name}_mask.mrc" for name in ("A", "a_2", "A_HEM_501", "a_HEM_501_2")]
    assert len({name.lower() for name in masks}) == 4 and all((tmp_path / name).exists() for name in masks)


def test_parts_of_any_name_have_masks_of_their_own(measured, tmp_path):
    path = tmp_path / "parts.txt"
    path.write_text("α: //A/1-4\nβ: //A/5-8\na b: //A/9-10\na/b: //A/11-12\nother than A: //B\n", encoding="utf-8")
    report = write(measured({}, str(path)), tmp_path, "yes", kind=str(path))
    masks = [item["mask"] for item in report["parts"]]
    assert len(set(masks)) == len(masks) == 6 and all(re.fullmatch(r"group_[A-Za-z0-9_-]+_mask.mrc", m) for m in masks)
    assert masks[:4] == ["group_group_mask.mrc", "group_group_2_mask.mrc", "group_a_b_mask.mrc", "group_a_b_2_mask.mrc"]
    assert all((tmp_path / name).exists() and name in report["outputs"] for name in masks)


def test_the_local_scale_is_read_where_the_map_shows_the_part(measured):
    """The second map is shifted by 10 Å along z against the model."""
    result = measured({}, maps=2)
    shifted = RigidMotion.none(np.full(3, 30.0), (1.0, 1.0, 1.0)).after(np.array([-10.0, 0, 0, 0, 0, 0]))
    result = replace(result, motions=(result.motions[0], shifted))
    scale = np.repeat(np.arange(SIDE, dtype=np.float32), SIDE * SIDE).reshape((SIDE,) * 3)
    still, moved = (scale_of_parts(scale, result, index) for index in (0, 1))
    assert [b - a for a, b in zip(still, moved)] == pytest.approx([10 / VOXEL_SIZE] * len(still), abs=1)
