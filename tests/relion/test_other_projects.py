# SPDX-License-Identifier: GPL-3.0-or-later
"""STAR files of another project, and projects with the same names of files side by side."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from occupy_core.errors import OccupyError
from relion_external.classification import read_classification
from relion_external.supervisor import main
from tests.star_text import write_iteration

STEM = "Class3D/job016/run_it025"
MASK = "Mask/mask.mrc"
OTHER = "PrecalculatedResults"


@pytest.fixture(autouse=True)
def projects(tmp_path, monkeypatch):
    """A project as the working folder and another one in it, whose files have the same names; both use a mask."""
    for folder in (tmp_path, tmp_path / OTHER):
        folder.mkdir(exist_ok=True)
        monkeypatch.chdir(folder)
        write_iteration(STEM, np.random.default_rng(1), mask=MASK)
        Path("Mask").mkdir()
        shutil.copy(f"{STEM}_class001.mrc", MASK)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("kind", ["data.star", "model.star", "optimiser.star", "sampling.star", "class002.mrc"])
@pytest.mark.parametrize("place", ["", f"{OTHER}/"])
def test_files_are_those_of_the_project_of_the_star_file(kind, place):
    if kind == "sampling.star":
        Path(f"{place}{STEM}_sampling.star").write_text("data_sampling_general\n\n_rlnIs3DSampling 1\n")
    found = read_classification(f"{place}{STEM}_{kind}")
    assert [item.path for item in found.classes] == [f"{place}{STEM}_class00{number}.mrc" for number in (1, 2)]
    assert (found.solvent_mask, found.warnings) == (f"{place}{MASK}", ())


def test_map_that_the_other_project_lacks_is_not_taken_from_here():
    os.remove(f"{OTHER}/{STEM}_class002.mrc")
    with pytest.raises(OccupyError) as caught:
        read_classification(f"{OTHER}/{STEM}_data.star")
    assert f"class map {STEM}_class002.mrc does not exist in its project {os.path.abspath(OTHER)}" in str(caught.value)


def test_mask_that_the_other_project_lacks_is_not_taken_from_here():
    os.remove(f"{OTHER}/{MASK}")
    found = read_classification(f"{OTHER}/{STEM}_data.star")
    assert found.solvent_mask is None and f"{MASK} of the classification" in found.warnings[0]


def copied_from(project):
    """The STAR file of a job whose folder was copied from a project into this one, which has a mask of that name."""
    Path("default_pipeline.star").touch()
    shutil.copytree(f"{project}/Class3D/job016", "Class3D/copied")
    return "Class3D/copied/run_it025_data.star"


def test_mask_of_this_project_does_not_stand_for_that_of_a_copied_job():
    os.chdir(OTHER)
    write_iteration(STEM, np.random.default_rng(2), mask=MASK)
    os.chdir("..")
    found = read_classification(copied_from(OTHER))
    assert [item.path for item in found.classes] == [f"Class3D/copied/run_it025_class00{n}.mrc" for n in (1, 2)]
    (warning,) = found.warnings
    assert found.solvent_mask is None
    for text in (f"names '{MASK}', found {MASK}", "which may be another file", "the mask of the classification"):
        assert text in warning


def test_mask_of_a_job_that_was_copied_within_its_project_is_taken():
    assert read_classification(copied_from(".")).solvent_mask == MASK


def test_mask_beside_a_copied_job_is_taken():
    os.chdir(OTHER)
    write_iteration(STEM, np.random.default_rng(2), mask=MASK)
    os.chdir("..")
    star = copied_from(OTHER)
    os.remove(MASK)
    shutil.copy(f"{OTHER}/{MASK}", "Class3D/copied")
    assert read_classification(star).solvent_mask == "Class3D/copied/mask.mrc"


def test_mask_of_another_project_is_not_taken_for_maps_with_whole_paths():
    maps = [os.path.abspath(f"{OTHER}/{STEM}_class00{number}.mrc") for number in (1, 2)]
    text = Path(f"{STEM}_model.star").read_text()
    for number, path in enumerate(maps, start=1):
        text = text.replace(f"{STEM}_class00{number}.mrc", path)
    star = copied_from(".")
    Path("Class3D/copied/run_it025_model.star").write_text(text)
    Path(OTHER, "default_pipeline.star").touch()
    found = read_classification(star)
    assert [item.path for item in found.classes] == maps
    assert found.solvent_mask is None and "which may be another file" in found.warnings[0]


def other_run():
    """Another run in the other project, with the same names of files; both projects have a pipeline."""
    os.chdir(OTHER)
    write_iteration(STEM, np.random.default_rng(2), mask=MASK)
    for kind in ("data", "model"):
        star = Path(f"{STEM}_{kind}.star")
        star.write_text(star.read_text().replace(" 0.25 ", " 0.75 ", 1).replace(" 0.75 40", " 0.25 40") + "# run 2\n")
    os.chdir("..")
    for folder in (".", OTHER):
        Path(folder, "default_pipeline.star").touch()


@pytest.mark.parametrize("folder", [".", "fromOther", "Import/job002"])
@pytest.mark.parametrize("kinds", [("data", "model", "optimiser"), ("data", "model"), ("model",)])
def test_maps_of_this_project_do_not_stand_for_those_of_a_copied_star_file(folder, kinds):
    other_run()
    os.makedirs(folder, exist_ok=True)
    for kind in kinds:
        shutil.copy(f"{OTHER}/{STEM}_{kind}.star", folder)
    chosen = os.path.normpath(f"{folder}/run_it025_{kinds[0]}.star")
    for found in ("one of other content", "no such file"):
        with pytest.raises(OccupyError) as caught:
            read_classification(chosen)
        for text in (os.path.normpath(f"{folder}/run_it025_model.star: "), f"found {found} there", "of another run"):
            assert text in str(caught.value)
        for kind in kinds:
            Path(f"{STEM}_{kind}.star").unlink(missing_ok=True)


def test_data_of_another_run_are_not_counted_for_the_maps_of_this_project():
    other_run()
    os.makedirs("mixed")
    shutil.copy(f"{OTHER}/{STEM}_data.star", "mixed")
    shutil.copy(f"{STEM}_model.star", "mixed")
    with pytest.raises(OccupyError, match="^mixed/run_it025_data.star: .* found one of other content there"):
        read_classification("mixed/run_it025_data.star")
    shutil.copy(f"{STEM}_data.star", "mixed")
    found = read_classification("mixed/run_it025_data.star")
    assert [item.path for item in found.classes] == [f"{STEM}_class00{number}.mrc" for number in (1, 2)]


@pytest.mark.parametrize("folder", [".", "fromOther"])
def test_links_to_star_files_of_another_project_lead_to_its_files(folder):
    other_run()
    os.makedirs(folder, exist_ok=True)
    for kind in ("data", "model", "optimiser"):
        os.symlink(os.path.abspath(f"{OTHER}/{STEM}_{kind}.star"), f"{folder}/run_it025_{kind}.star")
    found = read_classification(os.path.normpath(f"{folder}/run_it025_data.star"))
    for number, item in enumerate(found.classes, start=1):
        assert os.path.samefile(item.path, f"{OTHER}/{STEM}_class00{number}.mrc")
    assert os.path.samefile(found.solvent_mask, f"{OTHER}/{MASK}")


def test_job_on_another_project_records_its_files():
    words = ["--in_parts", f"{OTHER}/{STEM}_data.star", "--figures", "no"]
    assert main(["--o", "out/", *words]) == 0
    record = json.loads(Path("out/report.json").read_text())["job"]
    assert [item["path"] for item in record["maps"]] == [f"{OTHER}/{STEM}_class00{number}.mrc" for number in (1, 2)]
    assert record["focus_mask"] == f"{OTHER}/{MASK}"


def test_job_of_another_project_is_repeated_on_its_files():
    os.chdir(OTHER)
    assert main(["--o", "out/", "--in_parts", f"{STEM}_data.star", "--figures", "no"]) == 0
    os.chdir("..")
    assert main(["--o", "again/", "--settings", f"{OTHER}/out/report.json"]) == 0
    record = json.loads(Path("again/report.json").read_text())["job"]
    paths = [item["path"] for item in record["maps"]] + [record["focus_mask"]]
    assert all(Path(OTHER).resolve() in Path(path).resolve().parents for path in paths)


def test_map_that_a_repeated_job_lacks_is_not_taken_from_here(capfd):
    os.chdir(OTHER)
    assert main(["--o", "out/", "--in_parts", f"{STEM}_data.star", "--figures", "no"]) == 0
    os.chdir("..")
    os.remove(f"{OTHER}/{STEM}_class002.mrc")
    assert main(["--o", "again/", "--settings", f"{OTHER}/out/report.json"]) == 1
    assert f"{STEM}_class002.mrc: no such file, but {OTHER}/out/report.json names it" in capfd.readouterr().err


def test_map_of_another_content_does_not_stand_for_one_that_is_gone(capfd):
    os.chdir(OTHER)
    assert main(["--o", "out/", "--in_3dref", MASK, "--figures", "no"]) == 0
    os.chdir("..")
    os.remove(f"{OTHER}/{MASK}")
    words = ["--o", "again/", "--settings", f"{OTHER}/out/report.json"]
    shutil.copy(f"{STEM}_class002.mrc", MASK)
    assert main(words) == 1
    assert f"{MASK}: no such file, but {OTHER}/out/report.json names it" in capfd.readouterr().err
    shutil.copy(f"{OTHER}/{STEM}_class001.mrc", MASK)
    assert main(words) == 0


def test_masks_that_a_repeated_job_lacks_are_not_taken_from_here(capfd):
    os.chdir(OTHER)
    assert main(["--o", "out/", "--in_parts", f"{STEM}_data.star", "--figures", "no"]) == 0
    os.chdir("..")
    os.remove(f"{OTHER}/{MASK}")
    assert main(["--o", "again/", "--settings", f"{OTHER}/out/report.json"]) == 0
    assert json.loads(Path("again/report.json").read_text())["job"]["focus_mask"] is None


def test_list_with_maps_in_different_places_is_refused():
    Path("Lists").mkdir()
    shutil.move(f"{STEM}_class002.mrc", "Lists/run_it025_class002.mrc")
    rows = "".join(f"{STEM}_class00{number}.mrc 0.5\n" for number in (1, 2))
    head = "data_\n\nloop_\n_rlnReferenceImage #1\n_rlnClassDistribution #2\n"
    Path("Lists/refs.star").write_text(head + rows)
    with pytest.raises(OccupyError, match="names files in different places"):
        read_classification("Lists/refs.star")
