# SPDX-License-Identifier: GPL-3.0-or-later
"""The occupancy of a fitted atomic model: an External job on the classes of a Class3D job, in a real project."""

import json
import os
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import mrcfile
import numpy as np
import pytest
import starfile

from demo.relion_project import RelionProject
from occupy_core.job.run import run_job
from occupy_core.maps.reading import read_map
from occupy_core.settings.job_spec import ClassInfo, Job, MapInput
from occupy_core.settings.settings import Settings
from relion_external.job import _print_end
from relion_external.star_tables import write_tables
from relion_external.supervisor import main
from tests.fitted_maps import WHOLE, write_fitted_maps
from tests.star_text import write_iteration

STEM = "Class3D/job001/run_it001"
TRUTH = {1: {**WHOLE, "C": 0.3}, 2: {**WHOLE, "E": 0.2}}
# interface.md: what scripts of users rely on.
PARTS_COLUMNS = [
    *("occupyGroup", "rlnClassNumber", "occupyAtoms", "occupyMass"),
    *("occupyOccupancy", "occupyOccupancyLow", "occupyOccupancyHigh", "occupyScaleMedian", "occupyResidues"),
]
WINDOW_COLUMNS = [
    *("occupyChain", "rlnClassNumber", "occupyResidueFirst", "occupyResidueLast"),
    *("occupyOccupancy", "occupyOccupancyLow", "occupyOccupancyHigh"),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Paths of two maps and of their model."""
    return write_fitted_maps(tmp_path_factory.mktemp("fitted"), [TRUTH[1], TRUTH[2]])


def fill(folder, made):
    """Write an iteration of a Class3D job with these maps, and the model, to the current folder."""
    maps, model = made
    write_iteration(STEM, np.random.default_rng(0))
    for number, path in enumerate(maps, start=1):
        shutil.copy(path, f"{STEM}_class{number:03d}.mrc")
    text = Path(f"{STEM}_model.star").read_text()
    Path(f"{STEM}_model.star").write_text(text.replace("_rlnPixelSize 4.0", "_rlnPixelSize 3.4"))
    shutil.copy(model, folder / "fitted.cif")


def tables_of(job):
    return starfile.read(f"{job}model_occupancy.star", always_dict=True)


@pytest.fixture(scope="module")
def finished(relion_path, made, tmp_path_factory):
    """Run an External job with a model and masks of all its parts on two classes; return the project and the job."""
    project = RelionProject(tmp_path_factory.mktemp("model") / "project")
    here = os.getcwd()
    os.chdir(project.folder)
    try:
        fill(project.folder, made)
        words = {"model": "fitted.cif", "model_masks": "yes", "model_window": "20"}
        parameters = {}
        for number, (name, value) in enumerate(words.items(), start=1):
            parameters.update({f"param{number}_label": name, f"param{number}_value": value})
        data = {"in_part": f"{STEM}_data.star", "nr_threads": "2"}
        job = project.add("External", fn_exe="relion_external_occupy", **data, **parameters)
        status = project.run(job)
        assert status == "Succeeded", Path(job, "run.err").read_text()
        mask = project.add("MaskCreate", fn_in=f"{job}group_C_mask.mrc", inimask_threshold="0.5", lowpass_filter="-1")
        assert project.run(mask) == "Succeeded", Path(mask, "run.err").read_text()
    finally:
        os.chdir(here)
    return project, job, mask


@pytest.mark.slow
def test_masks_and_tables_are_nodes_that_further_jobs_accept(finished):
    project, job, mask = finished
    nodes = project.nodes()
    for chain in WHOLE:
        assert nodes[f"{job}group_{chain}_mask.mrc"] == 7
    assert nodes[f"{job}model_occupancy.star"] == 90 and nodes[f"{job}logfile.pdf"] == 13
    assert [f"{job}group_C_mask.mrc", mask] in project.input_edges()
    rows = starfile.read(project.folder / job / "RELION_OUTPUT_NODES.star", always_dict=True)["output_nodes"]
    labels = dict(zip(rows["rlnPipeLineNodeName"], rows["rlnPipeLineNodeTypeLabel"]))
    assert labels[f"{job}group_C_mask.mrc"] == "Mask3D.mrc"
    assert labels[f"{job}model_occupancy.star"] == "ProcessData.star.occupy"
    values = read_map(project.folder / job / "group_C_mask.mrc").data
    assert values.min() >= 0 and values.max() <= 1
    with mrcfile.open(project.folder / f"{mask}mask.mrc", permissive=True) as made_of_it:
        assert made_of_it.data[values > 0.5].min() > 0.9 and made_of_it.data[values == 0].mean() < 0.1
    assert Path(project.folder, job, "run.err").read_text() == ""


def test_the_table_of_parts_has_the_columns_that_scripts_rely_on(finished):
    project, job, _ = finished
    tables = tables_of(f"{project.folder}/{job}")
    assert list(tables) == ["occupancy_groups", "occupancy_windows"]
    parts, windows = tables.values()
    assert [name for name in parts.columns if name in PARTS_COLUMNS] == PARTS_COLUMNS
    assert [name for name in windows.columns if name in WINDOW_COLUMNS] == WINDOW_COLUMNS
    assert len(parts) == 7 * 2 and set(parts["rlnClassNumber"]) == set(windows["rlnClassNumber"]) == {1, 2}
    for number, truth in TRUTH.items():
        own = parts[parts["rlnClassNumber"] == number].set_index("occupyGroup")
        assert own["occupyOccupancy"].to_dict() == pytest.approx(truth, abs=0.07)
        assert (own["occupyOccupancyLow"] <= own["occupyOccupancy"]).all()
        assert (own["occupyOccupancy"] <= own["occupyOccupancyHigh"]).all()
    assert parts["occupyMass"].between(10, 40).all() and (parts["occupyAtoms"] > 500).all()
    assert (windows["occupyResidueLast"] - windows["occupyResidueFirst"]).between(10, 30).all()
    report = json.loads((project.folder / job / "report.json").read_text())["model"]
    reported = [item["occupancy"] for part in report["parts"] for item in part["occupancies"]]
    assert parts["occupyOccupancy"].tolist() == pytest.approx(reported, abs=1e-12)
    scales = [item["local_scale"] for part in report["parts"] for item in part["occupancies"]]
    assert parts["occupyScaleMedian"].tolist() == pytest.approx(scales, abs=1e-12)


def test_the_log_of_the_job_tells_what_differs(finished):
    project, job, _ = finished
    log = Path(project.folder, job, "run.out").read_text()
    assert "C differs by 0." in log and "E differs by 0." in log
    assert "A map cannot show whether anything is there in every particle" in log
    assert log.count("C (C 1-290; 19.2 kDa): occupancy 0.") == 1  # with intervals, once, at the end
    assert log.count("occupancies in class 2, the least first: E 0.") == 1
    assert re.search(r"\nC \d+-\d+ \(\d+ residues\) in class 1: occupancy 0\.\d\d \(0\.\d\d-0\.\d\d\)\n", log)
    assert log.count("model fitted to 8.5 Å") == 2


def test_the_log_says_on_which_parts_the_regions_lie(made, tmp_path, capsys):
    paths, model = made
    maps = [MapInput(path, f"c{n}_", class_info=ClassInfo(n, 0.5, 500)) for n, path in enumerate(paths, start=1)]
    outputs = run_job(Job(tuple(maps), str(tmp_path / "out"), Settings(figures=False, model=model), compare=True))
    _print_end(outputs, SimpleNamespace(output_dir="External/job001/", warnings=()))
    lines = capsys.readouterr().out.splitlines()
    (relation,) = [line for line in lines if line.startswith("regions are where the maps differ")]
    assert re.search(": region 1 lies on [CE]; region 2 lies on [CE]", relation)
    assert "  wrote External/job001/region001_mask.mrc" in lines


def test_the_log_names_every_file_that_the_job_wrote(finished):
    project, job, _ = finished
    lines = Path(project.folder, job, "run.out").read_text().splitlines()
    named = [line.split("wrote ")[1] for line in lines if line.startswith("  wrote ")]
    assert len(named) == len(set(named))
    folder = project.folder / job
    written = {path.name for path in folder.iterdir() if path.suffix not in (".out", ".err") and path.name[0] != "."}
    of_relion = {name for name in written if name.startswith(("RELION_", "job", "note", "default_pipeline"))}
    assert {Path(name).name for name in named} == written - of_relion
    assert all(Path(project.folder, name).exists() for name in named)


def test_each_class_has_its_model(finished):
    project, job, _ = finished
    for number in (1, 2):
        for ending in ("model_occupancy.cif", "model_occupancy.defattr"):
            assert (project.folder / job / f"class{number:03d}_{ending}").stat().st_size > 1000


def test_failures_of_the_model_are_one_line(made, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    fill(tmp_path, made)
    words = ["--o", "External/job002/", "--in_parts", f"{STEM}_data.star", "--figures", "no"]
    for model, reason in (
        ("gone.cif", "gone.cif: no such file"),
        (f"{STEM}_class001.mrc", "found a map, which belongs to the input maps"),
    ):
        assert main([*words, "--model", model]) == 1
        error = capfd.readouterr().err
        assert reason in error and error.count("\n") == 1
        assert Path("External/job002/RELION_JOB_EXIT_FAILURE").exists()
        assert not Path("External/job002/model_occupancy.star").exists()


def test_a_job_on_one_map_has_no_column_of_classes(made, tmp_path):
    (path, _), model = made
    folder = tmp_path / "out"
    job = Job((MapInput(path),), str(folder), Settings(figures=False, model=model))
    run_job(job, tables=lambda done, staging: write_tables(done, staging, "External/job001/"))
    parts, windows = tables_of(f"{folder}/").values()
    assert "rlnClassNumber" not in parts.columns and "rlnClassNumber" not in windows.columns
    assert parts.set_index("occupyGroup")["occupyOccupancy"]["C"] == pytest.approx(0.3, abs=0.06)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a part with blanks", "data_x", "None", "α", "12", "_x", "$a", "loop_"])
def test_names_of_parts_survive_the_table(made, tmp_path, name):
    (path, _), model = made
    folder, groups = tmp_path / "out", tmp_path / "parts.txt"
    groups.write_text(f"first: //A,B,D,E,F,G\n {name} : //C\n", encoding="utf-8")
    job = Job((MapInput(path),), str(folder), Settings(figures=False, model=model, model_groups=str(groups)))
    run_job(job, tables=lambda done, staging: write_tables(done, staging, "External/job001/"))
    parts = starfile.read(f"{folder}/model_occupancy.star", always_dict=True)
    assert [str(item) for item in parts["occupancy_groups"]["occupyGroup"]] == ["first", name]
