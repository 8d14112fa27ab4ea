# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs with a fitted atomic model."""

import json
import re
import shutil
from pathlib import Path

import gemmi
import numpy as np
import pytest

from occupy_core.errors import JobError, MapError, ModelError
from occupy_core.job import one_map, run
from occupy_core.job.repeat import read_job_record
from occupy_core.job.run import run_job
from occupy_core.maps.reading import read_map
from occupy_core.modelling.describe import region_lines
from occupy_core.settings.job_spec import ClassInfo, Job, MapInput
from occupy_core.settings.settings import Settings
from tests.fitted_maps import WHOLE, write_fitted_maps

TRUTH = ({"C": 0.3}, {"C": 1.0, "E": 0.2})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Paths of two maps and of their model."""
    return write_fitted_maps(tmp_path_factory.mktemp("fitted"), TRUTH)


@pytest.fixture
def inputs(made, tmp_path):
    """Copies of two maps and of their model."""
    maps, model = made
    copies = [shutil.copy(path, tmp_path / Path(path).name) for path in (*maps, model)]
    return [str(path) for path in copies[:-1]], str(copies[-1])


def job(folder, maps, compare=False, **settings):
    return Job(tuple(maps), str(folder), Settings(figures=False, **settings), compare=compare)


def one(path):
    return [MapInput(path)]


def classes(paths, particles=(300, 700)):
    return [
        MapInput(path, f"class{n:03d}_", class_info=ClassInfo(n, count / 1000, count))
        for n, (path, count) in enumerate(zip(paths, particles), start=1)
    ]


def names(folder):
    return {path.name for path in Path(folder).iterdir()}


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def report_of(folder):
    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    return json.loads((Path(folder) / "report.json").read_text(), parse_constant=refuse)


def values_of(report, number=0):
    return {part["name"]: part["occupancies"][number]["occupancy"] for part in report["parts"]}


@pytest.mark.slow
def test_a_job_with_a_model_reports_its_parts_and_writes_its_files(inputs, tmp_path):
    (path, _), model = inputs
    lines = []
    outputs = run_job(job(tmp_path / "out", one(path), model=model, model_masks="C,E"), progress=lines.append)
    report = report_of(tmp_path / "out")["model"]
    assert report == outputs.model and report["model"] == model and report["parts_are"] == "chain"
    assert values_of(report) == pytest.approx({**WHOLE, **TRUTH[0]}, abs=0.06)
    part = report["parts"][2]
    assert part["mask"] == "group_C_mask.mrc" and part["occupancies"][0]["low"] < 0.3 < part["occupancies"][0]["high"]
    assert len(report["windows"]) > 50 and report["differences"] == []
    written = {"model_occupancy.cif", "model_occupancy.defattr", "group_C_mask.mrc", "group_E_mask.mrc"}
    assert written <= set(report["outputs"]) <= names(tmp_path / "out")
    (line,) = [line for line in lines if line.startswith("  occupancies in ")]
    assert re.fullmatch(r"  occupancies in map1.mrc, the least first: C 0\.\d\d(, [A-G] [01]\.\d\d){6}", line)
    assert not any("kDa" in line for line in lines)  # the hosts write the long list, at the end
    stretches = report["least_occupied_stretches"]
    assert stretches[0]["chain"] == "C" and stretches[0]["occupancy"] == pytest.approx(0.3, abs=0.06)
    assert stretches[0]["residues"] >= 40 and stretches[0]["high"] < 1
    atoms = gemmi.read_structure(str(tmp_path / "out" / "model_occupancy.cif"))[0]
    assert atoms["C"][0][0].occ == pytest.approx(part["occupancies"][0]["occupancy"], abs=1e-3)
    mask = read_map(tmp_path / "out" / "group_C_mask.mrc")
    assert mask.data.shape == read_map(path).data.shape and mask.grid.voxel_size == pytest.approx(3.4)


def test_the_rest_of_the_job_does_not_depend_on_the_model(inputs, tmp_path):
    (path, _), model = inputs
    run_job(job(tmp_path / "with", one(path), model=model, attenuate=3.0))
    run_job(job(tmp_path / "without", one(path), attenuate=3.0))
    for name in ("scale.mrc", "confidence.mrc", "attenuated.mrc"):
        assert (tmp_path / "with" / name).read_bytes() == (tmp_path / "without" / name).read_bytes()
    assert report_of(tmp_path / "without")["model"] is None


def test_a_second_job_without_a_model_removes_the_files_of_the_first(inputs, tmp_path):
    paths, model = inputs
    out = tmp_path / "out"
    run_job(job(out, classes(paths), model=model, model_masks="yes"))
    (out / "group_Z_mask.mrc").write_text("mine")
    assert {"class002_model_occupancy.cif", "group_G_mask.mrc"} <= names(out)
    run_job(job(out, one(paths[0])))
    assert names(out) == {"scale.mrc", "confidence.mrc", "report.json", "occupy.cxc", "group_Z_mask.mrc"}


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["missing", "no model", "groups", "whole", "masks", "elsewhere"])
def test_a_job_that_fails_on_the_model_leaves_the_folder_as_it_was(inputs, tmp_path, fault):
    (path, _), model = inputs
    out = tmp_path / "out"
    run_job(job(out, one(path)))
    before = contents(out)
    (tmp_path / "text.pdb").write_text("no atoms\n")
    elsewhere = gemmi.read_structure(model)
    elsewhere[0].transform_pos_and_adp(gemmi.Transform(gemmi.Mat33(), gemmi.Vec3(40, 0, 0)))
    elsewhere.make_mmcif_document().write_file(str(tmp_path / "elsewhere.cif"))
    settings, message = {
        "missing": ({"model": "gone.pdb"}, "gone.pdb: no such file"),
        "no model": ({"model": str(tmp_path / "text.pdb")}, "found no atoms"),
        "groups": ({"model": model, "model_groups": "gone.txt"}, "model_groups: gone.txt: no such file"),
        "whole": ({"model": model, "model_whole": "X"}, "model_whole: found 'X'"),
        "masks": ({"model": model, "model_masks": "X"}, "model_masks: found 'X'"),
        "elsewhere": ({"model": str(tmp_path / "elsewhere.cif")}, "it fits best 4. Å away from its place"),
    }[fault]
    with pytest.raises(ModelError, match=message):
        run_job(job(out, one(path), **settings))
    assert contents(out) == before
    with pytest.raises(ModelError):
        run_job(job(tmp_path / "new", one(path), **settings))
    assert names(tmp_path / "new") == set()


def test_names_of_masks_are_checked_before_the_fit(inputs, tmp_path, monkeypatch):
    (path, _), model = inputs
    monkeypatch.setattr("occupy_core.modelling.model_occupancy.measure_model", lambda *_, **__: pytest.fail("fitted"))
    with pytest.raises(ModelError, match="model_masks: found 'X'"):
        run_job(job(tmp_path / "out", one(path), model=model, model_masks="X"))


@pytest.mark.slow
@pytest.mark.parametrize("grouped", [False, True])
def test_a_job_with_a_model_is_repeated_from_its_report(inputs, tmp_path, monkeypatch, grouped):
    paths, _ = inputs
    monkeypatch.chdir(tmp_path)
    Path("parts.txt").write_text("first: //A,B\nthird: //C\n")
    maps = classes([Path(path).name for path in paths])
    groups = {"model_groups": "parts.txt", "model_whole": "first"} if grouped else {"model_window": 40}
    run_job(job("out", maps, compare=True, model="fitted.cif", model_masks="yes", **groups))
    monkeypatch.chdir("out")  # paths of the record are relative to the folder of the first job
    recorded = read_job_record("report.json")
    assert recorded.warnings == () and recorded.settings.model == str(tmp_path / "fitted.cif")
    assert recorded.settings.model_groups == (str(tmp_path / "parts.txt") if grouped else "chain")
    run_job(Job(recorded.maps, "again", recorded.settings, compare=recorded.compare))
    first, again = report_of(".")["model"], report_of("again")["model"]
    assert [part["occupancies"] for part in first["parts"]] == [part["occupancies"] for part in again["parts"]]
    assert first["outputs"] == again["outputs"]
    for name in first["outputs"]:
        assert Path(name).read_bytes() == Path("again", name).read_bytes(), name
    Path("../fitted.cif").write_text(Path("../fitted.cif").read_text() + "\n")
    (warning,) = read_job_record("report.json").warnings
    assert warning.startswith(f"{tmp_path / 'fitted.cif'}: has changed since")


@pytest.mark.slow
def test_model_and_file_of_parts_are_never_replaced(inputs, tmp_path):
    (path, _), model = inputs
    out = tmp_path / "out"
    run_job(job(out, one(path), model=model, model_masks="C"))
    parts = out / "group_C_mask.mrc"
    before = contents(out)
    written = str(out / "model_occupancy.cif")
    with pytest.raises(JobError, match="model_occupancy.cif: is an input and the name of an output too"):
        run_job(job(out, one(path), model=written))
    with pytest.raises(JobError, match="is an input and the name of an output too"):
        run_job(job(out, one(path), model=model, model_groups=str(parts)))
    assert contents(out) == before
    # In another folder the written model is a model like any other.
    run_job(job(tmp_path / "other", one(path), model=written))
    with_warnings = report_of(tmp_path / "other")
    assert any("the occupancies in" in text for text in with_warnings["model"]["warnings"])


@pytest.mark.slow
def test_classes_have_one_scale_differences_and_a_mean_over_all_particles(inputs, tmp_path):
    paths, model = inputs
    run_job(job(tmp_path / "out", classes(paths), compare=True, model=model))
    whole = report_of(tmp_path / "out")
    report = whole["model"]
    for number in (0, 1):
        assert values_of(report, number) == pytest.approx({**WHOLE, **TRUTH[number]}, abs=0.07)
    assert {item["part"] for item in report["differences"]} == {"C", "E"}
    mean = {part["name"]: part["occupancy_of_all_particles"] for part in report["parts"]}
    assert mean["C"] == pytest.approx(0.3 * 0.3 + 0.7, abs=0.05) and mean["E"] == pytest.approx(0.44, abs=0.05)
    assert [item["number"] for item in report["maps"]] == [1, 2]
    # The regions of the comparison lie on the chains that differ.
    regions = whole["comparison"]["regions"]
    assert regions and {name for region in regions for name in region["parts"]} >= {"C", "E"}
    for region in regions[:2]:
        assert region["parts"][0] in "CE"


def scale_at(path, model, chain):
    """Median scale of the voxels that hold the atoms of a chain; the models of these tests lie with a corner at 0."""
    scale = read_map(path)
    atoms = [atom.pos for residue in gemmi.read_structure(model)[0][chain] for atom in residue]
    voxels = {tuple(round(value / scale.grid.voxel_size) for value in (p.z, p.y, p.x)) for p in atoms}
    return np.median([scale.data[voxel] for voxel in voxels])


@pytest.mark.slow
def test_each_part_has_the_local_scale_at_its_atoms(inputs, tmp_path):
    paths, model = inputs
    out, how = tmp_path / "out", {"mode": "occupancy", "normalisation": "calibrated"}
    run_job(job(out, classes(paths), compare=True, model=model, **how))
    report = report_of(out)["model"]
    for part in report["parts"]:
        for number, item in enumerate(part["occupancies"], start=1):
            expected = scale_at(out / f"class{number:03d}_scale.mrc", model, part["name"])
            assert item["local_scale"] == pytest.approx(expected, abs=0.01)
    in_first = {part["name"]: part["occupancies"][0]["local_scale"] for part in report["parts"]}
    assert in_first["C"] < 0.6 < 0.8 < in_first["A"]


@pytest.mark.slow
def test_a_region_that_the_model_lacks_is_put_on_no_chain(inputs, tmp_path):
    """Before, it was put on the chains that touch it."""
    paths, model = inputs
    structure = gemmi.read_structure(model)
    structure[0].remove_chain("C")
    structure.make_mmcif_document().write_file(str(tmp_path / "without.cif"))
    outputs = run_job(job(tmp_path / "out", classes(paths), compare=True, model=str(tmp_path / "without.cif")))
    by_parts = {",".join(region["parts"]): region for region in outputs.comparison["regions"] if region["sure"]}
    assert set(by_parts) == {"", "E"}
    assert by_parts[""]["share_on_model"] < 0.4 and by_parts["E"]["share_on_model"] > 0.9
    (line,) = region_lines(outputs.comparison)
    assert f"no chain of the model explains region {by_parts['']['number']}: " in line


def test_a_map_without_a_scale_has_no_local_scale(inputs, tmp_path):
    """The second map fails after the fit of the model."""
    paths, model = inputs
    maps = classes(paths)

    def process(item, *words, **how):
        if item.path == paths[1]:
            raise MapError("no")
        return one_map.process_map_file(item, *words, **how)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "process_map_file", process)
        run_job(job(tmp_path / "out", maps, model=model))
    scales = [
        [item["local_scale"] for item in part["occupancies"]] for part in report_of(tmp_path / "out")["model"]["parts"]
    ]
    assert all(0 < first <= 1 and second is None for first, second in scales)


def test_empty_classes_are_left_out(inputs, tmp_path):
    paths, model = inputs
    empty = tmp_path / "map3.mrc"
    shutil.copy(paths[1], empty)
    maps = classes([paths[0], str(empty), paths[1]], (300, 0, 700))
    run_job(job(tmp_path / "out", maps, compare=True, model=model))
    report = report_of(tmp_path / "out")["model"]
    assert [item["number"] for item in report["maps"]] == [1, 3]
    assert all(len(part["occupancies"]) == 2 for part in report["parts"])
    assert "class002_model_occupancy.cif" not in names(tmp_path / "out")
    assert report["parts"][2]["occupancy_of_all_particles"] == pytest.approx(0.79, abs=0.05)
    for part in report["parts"]:  # of class 3, not of the empty one
        expected = scale_at(tmp_path / "out" / "class003_scale.mrc", model, part["name"])
        assert part["occupancies"][1]["local_scale"] == pytest.approx(
            expected, abs=0.01
        )  # the pose of the map is no exact 0
    with pytest.raises(ModelError, match="all classes are empty"):
        run_job(job(tmp_path / "out", classes(paths, (0, 0)), model=model))


@pytest.mark.slow
def test_threads_do_not_change_the_report(inputs, tmp_path):
    (path, _), model = inputs
    for threads in (1, 2):
        run_job(Job((MapInput(path),), str(tmp_path / str(threads)), Settings(figures=False, model=model), threads))
    assert report_of(tmp_path / "1")["model"] == report_of(tmp_path / "2")["model"]


def test_nan_is_null_where_a_map_does_not_show_a_part(inputs, tmp_path):
    (path, _), model = inputs
    moved = gemmi.read_structure(model)
    for residue in moved[0]["G"]:
        for atom in residue:
            atom.pos += gemmi.Position(500, 0, 0)
    moved.make_mmcif_document().write_file(str(tmp_path / "moved.cif"))
    outputs = run_job(job(tmp_path / "out", one(path), model=str(tmp_path / "moved.cif")))
    part = report_of(tmp_path / "out")["model"]["parts"][-1]
    assert part["name"] == "G" and part["occupancies"][0]["occupancy"] is None
    assert part["occupancies"][0]["local_scale"] is None
    assert any("G lie outside the box" in text for text in outputs.model["warnings"])
    assert np.isfinite([value for name, value in values_of(outputs.model).items() if name != "G"]).all()
