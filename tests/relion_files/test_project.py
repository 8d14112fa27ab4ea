# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the names in a STAR file lead to."""

import os
from pathlib import Path

import pytest

from relion_files.project import NamedFiles, named_files, without_format
from relion_files.star import StarError

NAME = "Class3D/job016/run_it025_class001.mrc"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def touch(*paths):
    for path in map(Path, paths):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


@pytest.mark.parametrize(
    ("star", "name", "project"),
    [
        ("Class3D/job016/run_it025_model.star", NAME, ""),
        ("./Class3D//job016/run_it025_model.star", NAME, ""),
        ("Other/Class3D/job016/run_it025_model.star", NAME, "Other"),
        ("../there/Class3D/job016/run_it025_model.star", NAME, "../there"),
        ("Class3D/job016/run_it025_model.star", "run_it025_class001.mrc", "Class3D/job016"),
        ("run_it025_model.star", "run_it025_class001.mrc", ""),
        ("Class3D/job017/run_it025_model.star", NAME, None),
        ("Other/job016/run_it025_model.star", NAME, None),
        ("run_it025_model.star", NAME, None),
        ("Class3D/job016/run_it025_model.star", f"/elsewhere/{NAME}", None),
    ],
)
def test_project_is_what_stands_before_the_folder_in_a_name(star, name, project):
    assert named_files(star, [name]).project == project


def test_project_is_the_nearest_folder_with_a_pipeline():
    star = "Lists/old/refs.star"
    touch(star)
    assert named_files(star, [NAME]).project is None
    touch("../default_pipeline.star")
    assert os.path.samefile(named_files(star, [NAME]).project, "..")
    touch("default_pipeline.star")
    assert named_files(star, [NAME]).project == ""
    touch("Lists/default_pipeline.star")
    assert os.path.samefile(named_files(star, [NAME]).project, "Lists")
    assert named_files("Class3D/job016/run_it025_model.star", [NAME]).project == ""


def test_project_of_a_star_file_in_its_own_folder():
    touch("../there/Class3D/job016/run_it025_model.star", f"../there/{NAME}")
    os.chdir("../there/Class3D/job016")
    found = named_files("run_it025_model.star", [NAME])
    assert os.path.samefile(found.find(NAME), "run_it025_class001.mrc")


def test_links_of_jobs_and_projects_are_followed():
    touch(NAME, "Class3D/job016/run_it025_model.star", "Mask/mask.mrc")
    os.symlink("job016", "Class3D/my_alias")  # as RELION makes it
    os.symlink(os.getcwd(), "../linked")
    for star in ("Class3D/my_alias/run_it025_model.star", "../linked/Class3D/job016/run_it025_model.star"):
        found = named_files(star, [NAME])
        assert found.project == "" and found.find("Mask/mask.mrc") == "Mask/mask.mrc"
    os.makedirs("../disk")
    os.rename("Class3D/job016", "../disk/job016")
    os.symlink("../../disk/job016", "Class3D/job016")
    assert named_files("Class3D/job016/run_it025_model.star", [NAME]).find(NAME) == NAME


def test_linked_job_of_another_project_belongs_to_that_project():
    touch(
        "../there/Class3D/job016/run_it025_model.star", f"../there/{NAME}", "Class3D/job001/note.txt", "Mask/mask.mrc"
    )
    os.symlink(os.path.abspath("../there/Class3D/job016"), "Class3D/job016")
    star = "Class3D/job016/run_it025_model.star"
    touch("default_pipeline.star")
    assert named_files(star, [NAME]).project == ""  # a folder on another disk
    touch("../there/default_pipeline.star")
    found = named_files(star, [NAME])
    assert os.path.samefile(found.project, "../there") and found.find("Mask/mask.mrc") is None
    assert os.path.samefile(found.find(NAME), NAME)


def test_file_is_sought_beside_the_star_file_and_then_in_the_working_folder():
    star = "Copies/run_optimiser.star"
    files = NamedFiles(star, None)
    assert files.find("Masks/mask.mrc") is None
    for path in ("Masks/mask.mrc", "Copies/mask.mrc.gz", "Copies/mask.mrc", "Copies/Masks/mask.mrc"):
        touch(path)
        assert files.find("Masks/mask.mrc") == path
    os.makedirs("Folder")
    assert files.find("Folder") is None


def test_working_folder_does_not_stand_for_another_project():
    touch("Masks/mask.mrc")
    files = NamedFiles("Other/Class3D/job016/run_it025_optimiser.star", "Other")
    assert files.find("Masks/mask.mrc") is None
    assert files.find(os.path.abspath("Masks/mask.mrc")) == os.path.abspath("Masks/mask.mrc")
    touch("Other/Masks/mask.mrc")
    assert files.find("Masks/mask.mrc") == "Other/Masks/mask.mrc"


def test_files_of_one_list_are_in_one_place():
    names = ["maps/a.mrc", "maps/b.mrc"]
    files = NamedFiles("Lists/refs.star", None)
    touch("maps/a.mrc", "Lists/b.mrc")
    with pytest.raises(StarError, match="names files in different places, found maps/a.mrc and Lists/b.mrc"):
        files.find_all(names)
    touch("Lists/a.mrc")
    assert files.find_all(names) == ["Lists/a.mrc", "Lists/b.mrc"]
    os.remove("Lists/b.mrc")
    assert files.find_all(names) == ["Lists/a.mrc", None]
    touch("maps/b.mrc")
    assert files.find_all(names) == names


def write(text, *paths):
    touch(*paths)
    for path in paths:
        Path(path).write_text(text)


@pytest.mark.parametrize("folder", ["Copied", "Class3D/job016_backup"])
def test_maps_that_were_copied_with_their_star_file_belong_to_it(folder):
    """A job's folder of another project, or a backup of a job that ran again."""
    touch("default_pipeline.star")
    names = [NAME, NAME.replace("001", "002")]
    star = f"{folder}/run_it025_model.star"
    copies = [f"{folder}/{os.path.basename(name)}" for name in names]
    write("of the project", *names)
    write("of one run", star, "Class3D/job016/run_it025_model.star")
    assert named_files(star, names).find_all(names) == names  # the STAR file alone was copied
    write("copied", copies[0])
    with pytest.raises(StarError) as info:
        named_files(star, names).find_all(names)
    assert NAME in str(info.value) and copies[0] in str(info.value)
    write("of the project", copies[0])
    assert named_files(star, names).find_all(names) == names
    write("copied", *copies)
    assert named_files(star, names).find_all(names) == copies
    whole = [os.path.abspath(name) for name in names]
    assert named_files(star, whole).find_all(whole) == whole
    assert named_files("Class3D/job016/run_it025_model.star", names).find_all(names) == names


def test_two_different_files_of_one_name_are_refused():
    touch("default_pipeline.star")
    write("of the project", NAME, "MaskCreate/job002/mask.mrc")
    write("copied", "Copied/run_it025_class001.mrc", "Copied/mask.mrc")
    for star in ("Copied/refs.star", "Copied/run_it024_model.star"):
        with pytest.raises(StarError, match=f"found {NAME} and Copied/run_it025_class001.mrc, expected one file"):
            named_files(star, [NAME]).find_all([NAME])
    with pytest.raises(StarError, match="found MaskCreate/job002/mask.mrc and Copied/mask.mrc, expected one file"):
        named_files("Copied/run_it025_model.star", [NAME]).find("MaskCreate/job002/mask.mrc")


def test_name_of_a_map_may_say_its_format():
    touch("emd_1234.map", "odd.map:mrc")
    assert without_format("emd_1234.map:mrc") == "emd_1234.map" and without_format("odd.map:mrc") == "odd.map:mrc"
    assert NamedFiles("refs.star", "").find("emd_1234.map:mrc") == "emd_1234.map"


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "", ".", "/", "../..", "\udcff.mrc"])
def test_impossible_names_are_not_found(name):
    assert NamedFiles("refs.star", None).find(name) is None
    assert named_files("refs.star", [name]).find_all([name]) == [None]
