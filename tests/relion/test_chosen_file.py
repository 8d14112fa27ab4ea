# SPDX-License-Identifier: GPL-3.0-or-later
"""What users choose where a classification is expected: taken where the meaning is clear, else a hint to a file."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from occupy_core.errors import OccupyError
from relion_external.classification import read_classification
from relion_external.supervisor import main
from tests.star_text import write_iteration

JOB = "Class3D/job003"
STEM = f"{JOB}/run_it025"
MAPS = [f"{STEM}_class00{number}.mrc" for number in (1, 2)]


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """A RELION project with one classification."""
    monkeypatch.chdir(tmp_path)
    write_iteration(STEM, np.random.default_rng(1))
    Path("default_pipeline.star").write_text("data_pipeline_general\n\n_rlnPipeLineJobCounter 4\n")


def write(path, text):
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    return str(path)


def references(path="Select/job018/class_averages.star", names=MAPS, columns="", values="", block="data_"):
    rows = "".join(f"{name} {values}\n" for name in names)
    return write(path, f"# version 30001\n\n{block}\n\nloop_\n_rlnReferenceImage #1\n{columns}{rows}\n")


def message(path):
    with pytest.raises(OccupyError) as caught:
        read_classification(path)
    text = str(caught.value)
    assert "\n" not in text
    return text


def named_files_exist(text, folder=""):
    """Whether all files that the hint at the end of a message names exist."""
    names = re.findall(r"[\w/]+\.(?:star|mrc)", text[text.rindex("there is ") :])
    return bool(names) and all(Path(folder, name).is_file() for name in names)


def test_class_averages_of_a_selection_are_classes():
    columns = "_rlnClassDistribution #2\n_rlnEstimatedResolution #3\n"
    found = read_classification(references(columns=columns, values="0.25 20.0", names=MAPS[1:]))
    (item,) = found.classes
    assert (item.number, item.path, item.share, item.particles, item.resolution) == (2, MAPS[1], 0.25, None, 20.0)
    assert found.solvent_mask is None and found.voxel_size is None and found.warnings == ()


@pytest.mark.parametrize("block", ["data_", "data_references", "data_model_classes"])
def test_list_of_references_without_shares_is_a_set_of_maps(block, capfd):
    for name, path in zip(("a", "b"), MAPS):
        shutil.copy(path, f"Class3D/{name}.mrc")
    star = references("Lists/mine.star", ["Class3D/a.mrc", "Class3D/b.mrc"], block=block)
    if block == "data_model_classes":
        assert "has no rlnClassDistribution" in message(star)
        return
    assert main(["--o", "out/", "--in_parts", star, "--figures", "no"]) == 0
    report = json.loads(Path("out/report.json").read_text())
    assert [item["prefix"] for item in report["job"]["maps"]] == ["map001_", "map002_"]
    assert report["comparison"]["maps"][1]["number"] == 2 and report["comparison"]["maps"][1]["share"] is None
    for table in ("out/occupancy_maps.star", "out/occupancy_regions.star"):
        assert "rlnClassDistribution" not in Path(table).read_text()  # RELION would read a missing value as 0


def test_references_of_several_jobs_are_numbered_by_rows():
    write_iteration("Class3D/job004/run_it025", np.random.default_rng(2))
    found = read_classification(references(names=[MAPS[0], "Class3D/job004/run_it025_class001.mrc"]))
    assert [item.number for item in found.classes] == [1, 2]


def test_one_map_twice_in_a_list_is_an_error():
    assert "rows 1 and 2" in message(references(names=[MAPS[0], MAPS[0]]))


def test_optimisation_set_leads_to_its_particles():
    text = f"data_\n\n_rlnTomoParticlesFile {STEM}_data.star\n_rlnTomoTrajectoriesFile " + '""\n'
    found = read_classification(write(f"{STEM}_optimisation_set.star", text))
    assert [item.path for item in found.classes] == MAPS and [item.particles for item in found.classes] == [1, 3]
    text = "data_\n\n_rlnTomoParticlesFile Extract/job002/particles.star\n"
    other = write("Extract/job002/optimisation_set.star", text)
    assert "names the particles 'Extract/job002/particles.star', which do not exist" in message(other)
    write("Extract/job002/particles.star", "data_particles\n")
    text = message(other)
    assert "not those of a classification" in text and named_files_exist(text)
    itself = write(f"{JOB}/x_data.star", f"data_\n\n_rlnTomoParticlesFile {JOB}/x_data.star\n")
    assert "not those of a classification" in message(itself)
    empty = write(f"{JOB}/y_set.star", "data_\n\nloop_\n_rlnTomoParticlesFile\n")
    assert "names the particles '', which do not exist" in message(empty)


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("job.star", "data_job\n\n_rlnJobTypeLabel relion.class3d\n", "holds the settings of a job"),
        ("job.star", "data_job\n\n_rlnJobType 9\n", "holds the settings of a job"),
        ("job_pipeline.star", "data_pipeline_general\n\n_rlnPipeLineJobCounter 4\n", "holds the jobs of a project"),
        ("particles.star", "data_particles\n\nloop_\n_rlnImageName #1\n1@a.mrcs\n", "lists particles without"),
        ("micrographs.star", "data_micrographs\n\nloop_\n_rlnMicrographName #1\na.mrc\n", "lists micrographs"),
        ("postprocess.star", "data_general\n\n_rlnFinalResolution 3.2\n", "result of a PostProcess job"),
        ("other.star", "data_other\n\n_rlnOther 3.2\n", "is not named run_itNNN_data.star"),
        ("run_it009_data.star", "data_particles\n", "has no run_it009_model.star in its folder"),
        ("run_it009_optimiser.star", "data_optimiser_general\n", "has no run_it009_model.star in its folder"),
        ("occupancy_maps.star", "data_a\n\nloop_\n_rlnReferenceImage\n_occupyInputMap\na b\n", "table of this program"),
    ],
)
def test_hint_names_the_classification_in_the_folder(path, content, expected):
    text = message(write(f"{JOB}/{path}", content))
    assert expected in text and f"in {JOB} there is run_it025_data.star" in text


@pytest.mark.parametrize("path", ["Select/job018/particles.star", "Select/job018", "Select/job018/gone.star"])
def test_hint_names_the_classifications_of_the_project(path):
    write("Select/job018/particles.star", "data_particles\n\nloop_\n_rlnImageName #1\n1@a.mrcs\n")
    text = message(path)
    assert f"there is {STEM}_data.star" in text and named_files_exist(text)


@pytest.fixture
def refinement():
    """An iteration of Refine3D: a model STAR file and a map for each half, one data STAR file for both."""
    folder = "Refine3D/job030"
    write(f"{folder}/run_it020_data.star", "data_particles\n")
    for half in ("half1", "half2"):
        shutil.copy(f"{STEM}_model.star", f"{folder}/run_it020_{half}_model.star")
        for iteration in ("run_it019", "run_it020"):
            shutil.copy(MAPS[0], f"{folder}/{iteration}_{half}_class001.mrc")
    return folder


@pytest.mark.parametrize("name", ["run_it020_data.star", "run_it020_half1_model.star", "run_it020_optimiser.star"])
def test_iteration_of_a_refinement_is_refused_with_its_map(refinement, name):
    if not Path(refinement, name).exists():
        write(f"{refinement}/{name}", "data_optimiser_general\n")
    half_maps = [f"{refinement}/run_it020_{half}_class001.mrc" for half in ("half1", "half2")]
    text = message(f"{refinement}/{name}")
    assert "3D auto-refinement" in text and text.endswith(f"give {' or '.join(half_maps)} with --in_3dref")
    shutil.copy(MAPS[0], f"{refinement}/run_class001.mrc")
    assert message(f"{refinement}/{name}").endswith(f"give {refinement}/run_class001.mrc with --in_3dref")


@pytest.mark.parametrize("name", ["run_it020_half1_data.star", "run_it02_data.star", ""])
def test_name_that_is_not_there_is_answered_with_the_maps_of_a_refinement(refinement, name, capfd):
    assert message(f"{refinement}/{name}").count("run_it020_half1_class001.mrc, run_it020_half2_class001.mrc") == 1
    assert main(["--o", "out/", "--in_parts", f"{refinement}/{name}"]) == 1
    text = capfd.readouterr().err.strip()
    assert "run_it020_half1_class001.mrc" in text and ".star" not in text[text.index("there is ") :]


def test_last_files_of_a_refinement_are_taken(refinement):
    write_iteration(f"{refinement}/run", np.random.default_rng(3))
    assert len(read_classification(f"{refinement}/run_data.star").classes) == 2


def test_iteration_that_lacks_a_map_is_no_hint():
    Path(MAPS[1]).unlink()
    assert message(f"{STEM}_data.star").endswith("choose another iteration, or put the class maps back")
    write_iteration(f"{JOB}/run_it024", np.random.default_rng(2))
    text = message(f"{STEM}_data.star")
    assert f"the class map {MAPS[1]} does not exist" in text and "clean-up" in text
    assert text.endswith(f"in {JOB} there is run_it024_data.star")


def test_an_iteration_that_was_cleaned_up_is_answered_with_the_last(capfd):
    assert main(["--o", "out/", "--in_parts", f"{JOB}/run_it010_data.star"]) == 1
    text = capfd.readouterr().err
    assert f"in {JOB} there is run_it025_data.star; RELION's clean-up removes the files of all iterations" in text
    assert main(["--o", "out/", "--in_parts", f"{JOB}/run_it030_data.star"]) == 1
    assert "clean-up" not in capfd.readouterr().err


def test_folder_of_a_job_is_hinted_at_without_other_advice(capfd):
    assert main(["--o", "out/", "--in_parts", f"{JOB}/"]) == 1
    captured = capfd.readouterr()
    assert "found a folder" in captured.err and "there is run_it025_data.star" in captured.err
    assert "names one map" not in captured.out


def test_classes_of_a_2d_classification_are_refused(shared_data):
    assert "2D classification" in message(references(names=["000001@Class2D/job009/run_it025_classes.mrcs"]))
    text = message(str(shared_data / "relion/relion13_class2d_K10/manual_it025_model.star"))
    assert "2D classification, expected a 3D one" in text


def test_public_optimisation_set_and_job_are_one_line(shared_data):
    for name in ("cylindra_relion5_Class3D_job.star", "cylindra_relion5_Class3D_run_it025_optimisation_set.star"):
        assert "expected a file of a Class3D job" in message(str(shared_data / "relion" / name))


def test_map_with_its_format_is_taken():
    shutil.copy(MAPS[0], "emd_1234.map")
    shutil.copy(MAPS[1], "mask_1234.map")
    words = ["--solvent_def", "mask_1234.map:mrc", "--target_mask", "mask_1234.map:mrc", "--figures", "no"]
    assert main(["--o", "out/", "--in_3dref", "emd_1234.map:mrc", *words]) == 0
    report = json.loads(Path("out/report.json").read_text())
    assert report["maps"][0]["input"] == "emd_1234.map"
    assert report["maps"][0]["targets"][0]["mask"] == "mask_1234.map"
