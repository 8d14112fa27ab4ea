# SPDX-License-Identifier: GPL-3.0-or-later
"""Real classifications by RELION 1.3 to 5, read from each file that a user may choose."""

import json
import linecache
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import starfile

from occupy_core.fourier.low_pass import low_pass
from occupy_core.maps.reading import read_map
from relion_external.classification import read_classification
from relion_external.supervisor import main
from relion_files.star import StarError

PROJECTS = {"3.1.3": ("run_it010", (173, 187)), "4.0.2": ("run_it008", (126, 234)), "5.0.1": ("run_it008", (152, 208))}
JOB = "Class3D/job003/"


@pytest.fixture(params=list(PROJECTS))
def project(request, shared_data, tmp_path, monkeypatch):
    """Copy a real project and change into it; return the stem of its last iteration and the sizes of its classes."""
    return copied(shared_data, request.param, tmp_path, monkeypatch)


@pytest.fixture
def project3(shared_data, tmp_path, monkeypatch):
    return copied(shared_data, "3.1.3", tmp_path, monkeypatch)


def copied(shared_data, version, tmp_path, monkeypatch):
    folder = tmp_path / "project"
    shutil.copytree(shared_data / "relion_projects" / version, folder)
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    monkeypatch.chdir(folder)
    stem, sizes = PROJECTS[version]
    return JOB + stem, sizes


@pytest.mark.parametrize("ending", ["_data.star", "_model.star", "_optimiser.star", "_class002.mrc"])
def test_classes_are_found_from_every_file_of_an_iteration(project, ending):
    stem, sizes = project
    found = read_classification(stem + ending)
    assert [item.number for item in found.classes] == [1, 2]
    assert [item.path for item in found.classes] == [f"{stem}_class001.mrc", f"{stem}_class002.mrc"]
    assert tuple(item.particles for item in found.classes) == sizes
    assert sum(item.share for item in found.classes) == pytest.approx(1, abs=1e-5)
    assert found.voxel_size == pytest.approx(4)


@pytest.mark.slow
def test_job_on_all_classes_writes_maps_and_a_table(project):
    stem, sizes = project
    assert main(["--o", "External/job004/", "--in_parts", f"{stem}_data.star"]) == 0
    linecache.clearcache()  # starfile reads through this cache and would return another project's file of the same name
    table = starfile.read("External/job004/occupancy_maps.star", always_dict=True)["occupancy_maps"]
    assert list(table["rlnReferenceImage"]) == [f"External/job004/class{number:03d}_scale.mrc" for number in (1, 2)]
    assert list(table["rlnClassNumber"]) == [1, 2] and tuple(table["occupyParticles"]) == sizes
    for name in table["rlnReferenceImage"]:
        scale = read_map(name)
        assert scale.grid.shape == (40, 40, 40) and np.isfinite(scale.data).all()
    report = json.loads(Path("External/job004/report.json").read_text())
    assert [item["class"]["number"] for item in report["maps"]] == [1, 2]


@pytest.mark.slow
@pytest.mark.parametrize("version", list(PROJECTS))
def test_classes_differ_in_the_domain(version, shared_data, tmp_path, monkeypatch):
    stem, _ = copied(shared_data, version, tmp_path, monkeypatch)
    words = ["--in_parts", f"{stem}_data.star"]
    assert main(["--o", "External/job004/", *words]) == 0
    linecache.clearcache()
    tables = starfile.read("External/job004/occupancy_regions.star", always_dict=True)
    top = tables["occupancy_regions"].iloc[0]
    assert top["rlnReferenceImage"] == "External/job004/region001_mask.mrc"
    # The extent is judged at one detail for all three: the second project is compared at its resolution of 22.9 Å.
    assert main(["--o", "extent/", *words, "--lowpass", "20", "--figures", "no"]) == 0
    mask = read_map("extent/region001_mask.mrc").data > 0.5
    domain = read_map("Synth/domain.mrc").data
    # Low-passed like the class maps, which have no detail finer than about 18 Å.
    seen = low_pass(domain, voxel_size=4.0, cutoff_angstrom=18.0)
    there = seen > 0.25 * seen.max()
    # In the second project, the class with the domain is itself turned by 8 degrees against the simulated map.
    assert (mask & there).sum() / (mask | there).sum() > (0.3 if version == "4.0.2" else 0.4)
    assert len(tables["occupancy_regions"].query("occupySure == 1")) == 1
    occupancies = tables["occupancy_of_classes"]
    of_top = occupancies[occupancies["occupyRegionNumber"] == 1]
    with_domain = np.argmax([read_map(f"{stem}_class{number:03d}.mrc").data[there].mean() for number in (1, 2)])
    assert np.argmax(of_top["occupyOccupancy"]) == with_domain
    assert list(of_top["rlnClassNumber"]) == [1, 2]
    assert top["occupySure"] == 1
    assert (of_top["occupyOccupancyLow"] < of_top["occupyOccupancy"]).all()
    nodes = Path("External/job004/RELION_OUTPUT_NODES.star").read_text()
    assert "External/job004/region001_mask.mrc 7 Mask3D.mrc" in nodes
    assert "External/job004/logfile.pdf 13 LogFile.pdf.relion" in nodes
    assert "External/job004/occupancy_regions.star 90 ProcessData.star.occupy" in nodes


def test_table_of_regions_is_empty_for_equal_classes(project3, capfd):
    stem, _ = project3
    shutil.copy(f"{stem}_class001.mrc", f"{stem}_class002.mrc")
    assert main(["--o", "out/", "--in_parts", f"{stem}_data.star"]) == 0
    assert "no region where class 1, class 2 differ" in capfd.readouterr().out
    linecache.clearcache()
    tables = starfile.read("out/occupancy_regions.star", always_dict=True)
    assert len(tables["occupancy_regions"]) == 0
    # Some versions of starfile do not return the columns of an empty table.
    assert "_rlnReferenceImage #1" in Path("out/occupancy_regions.star").read_text()


def test_only_the_selected_classes_are_processed(project3):
    stem, _ = project3
    assert main(["--o", "out/", "--in_3dref", f"{stem}_class001.mrc", "--classes", "2"]) == 0
    assert sorted(name for name in os.listdir("out") if name.endswith(".mrc")) == [
        "class002_confidence.mrc",
        "class002_scale.mrc",
    ]


def test_class_map_without_option_classes_is_one_map(project3):
    stem, _ = project3
    assert main(["--o", "out/", "--in_3dref", f"{stem}_class001.mrc"]) == 0
    assert sorted(name for name in os.listdir("out") if name.endswith(".mrc")) == ["confidence.mrc", "scale.mrc"]


def test_classes_of_a_continued_run_are_found(project3):
    stem, sizes = project3
    for path in Path(JOB).glob("run_it010_*"):
        text = (
            path.read_bytes() if path.suffix == ".mrc" else path.read_bytes().replace(b"run_it010_", b"run_ct10_it012_")
        )
        path.with_name(path.name.replace("run_it010_", "run_ct10_it012_")).write_bytes(text)
        path.unlink()
    found = read_classification(JOB + "run_ct10_it012_data.star")
    assert found.classes[0].path == JOB + "run_ct10_it012_class001.mrc"


def test_outputs_of_a_single_class_have_no_prefix(shared_data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    data = str(shared_data / "relion/relion13_refine_K1/out_it005_data.star")
    found = read_classification(data)
    assert len(found.classes) == 1 and found.classes[0].particles == 9
    assert found.classes[0].path.endswith("out_it005_class001.mrc.gz")
    assert main(["--o", "out/", "--in_parts", data]) == 0
    assert Path("out/scale.mrc").exists()


def error_message(path):
    with pytest.raises(StarError) as caught:
        read_classification(path)
    return str(caught.value)


def test_error_for_other_files_says_which_file_to_choose(project3, shared_data):
    stem, _ = project3
    Path("Select/job005").mkdir(parents=True)
    shutil.copy(f"{stem}_data.star", "Select/job005/particles.star")
    message = error_message("Select/job005/particles.star")
    assert "particles.star: lists particles without their class maps" in message and "Select job" in message
    assert "2D classification" in error_message(str(shared_data / "relion/relion13_class2d_K10/manual_it025_data.star"))
    Path("broken_model.star").write_text("data_model_general\n\n_rlnPixelSize 4\n")
    assert "has no table of classes with rlnReferenceImage" in error_message("broken_model.star")


def test_error_for_a_deleted_iteration_names_the_complete_ones(project3):
    stem, _ = project3
    assert f"no such file; in {JOB[:-1]} there is run_it010_data.star" in error_message(JOB + "run_it009_data.star")
    shutil.copy(f"{stem}_model.star", JOB + "run_it008_model.star")
    model = Path(JOB + "run_it008_model.star")
    model.write_text(model.read_text().replace("run_it010", "run_it008"))
    message = error_message(str(model))
    assert "run_it008_class001.mrc does not exist" in message and "there is run_it010_data.star" in message


def test_missing_class_number_is_an_error(project3, capfd):
    stem, _ = project3
    assert main(["--o", "out/", "--in_parts", f"{stem}_data.star", "--classes", "1,3"]) == 1
    assert "has no class 3, expected one of 1, 2" in capfd.readouterr().err
