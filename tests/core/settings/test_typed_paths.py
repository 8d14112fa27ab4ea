# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of files as people type them, and what is wrong with a file."""

import os

import pytest

from occupy_core.settings.typed_paths import (
    file_problem,
    matching_files,
    name_problem,
    printable,
    typed_path,
    typed_paths,
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The current folder, which is the home folder too, with a few files."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("map.mrc", "two words.mrc", "a,b.mrc", "mask1.mrc", "mask2.mrc", "Class3D/run_it025_data.star"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "Class3D/run_it024_data.star").touch()
    return tmp_path


@pytest.mark.parametrize(
    "text",
    ["map.mrc", " map.mrc ", '"map.mrc"', "'map.mrc'", "“map.mrc”", "map.mrc:mrc", "map.mrc:MRC", '"map.mrc:mrc"'],
)
def test_map_is_found_however_its_name_is_written(folder, text):
    assert typed_path(text) == "map.mrc"


def test_home_folder_and_addresses_of_a_file_manager_are_understood(folder):
    assert typed_path("~/map.mrc") == f"{folder}/map.mrc"
    assert typed_path(f"file://{folder}/two%20words.mrc") == f"{folder}/two words.mrc"


def test_a_file_with_exactly_the_name_is_taken(folder):
    (folder / "map.mrc:mrc").touch()
    assert typed_path("map.mrc:mrc") == "map.mrc:mrc"
    assert typed_path(' "gone.mrc" ') == "gone.mrc"


def test_several_files_are_separated_by_commas_or_fit_a_pattern(folder):
    assert typed_paths("mask1.mrc, map.mrc") == ["mask1.mrc", "map.mrc"]
    assert typed_paths("a,b.mrc") == ["a,b.mrc"]
    assert typed_paths("mask*.mrc") == matching_files("mask?.mrc") == ["mask1.mrc", "mask2.mrc"]
    assert typed_paths("none*.mrc") == ["none*.mrc"] and typed_paths(" ") == []


def test_good_file_has_no_problem(folder):
    assert file_problem("map.mrc", "a map") == file_problem("two words.mrc", "a map") == ""


@pytest.mark.parametrize(
    ("path", "texts"),
    [
        ("mpa.mrc", ["mpa.mrc: no such file", "expected a map", "in this folder there is map.mrc"]),
        (
            "Class3D/run_it099_data.star",
            ["no such file", "in Class3D there is run_it025_data.star, run_it024_data.star"],
        ),
        ("Class3D", ["Class3D: found a folder", "in Class3D there is run_it025_data.star"]),
        ("empty", ["empty: found a folder, expected a map; give a file in the folder"]),
        ("Clas3D/run_it025_data.star", ["there is no folder Clas3D", "in the project's folder"]),
        ("map.mrc/x.mrc", ["no such file", "there is no folder map.mrc"]),
        ("mask*.mrc", ["2 files fit this pattern, expected one file; give one of mask1.mrc, mask2.mrc"]),
        ("pipe.mrc", ["pipe.mrc: found a named pipe, expected a map; give the path of a file"]),
        ("/dev/null", ["/dev/null: found a device"]),
        ("loop.mrc", ["loop.mrc: cannot be read"]),
        ("x" * 300, ["cannot be read (File name too long)"]),
        ("new\nline.mrc", ["new\\nline.mrc: the name has a control character", "rename the file"]),
        ("nul\0.mrc", ["nul\\x00.mrc: the name has a control character"]),
        ("\udcfcml.mrc", ["\\udcfcml.mrc: the name is not in UTF-8", "rename the file or its folder"]),
    ],
)
def test_problem_names_the_file_and_the_way_out(folder, path, texts):
    os.mkfifo("pipe.mrc")
    os.mkdir("empty")
    os.symlink("loop.mrc", "loop.mrc")
    problem = file_problem(path, "a map")
    assert all(text in problem for text in texts), problem
    assert problem.isprintable()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_that_may_not_be_read_is_reported(folder):
    os.chmod("map.mrc", 0)
    assert "Permission denied" in file_problem("map.mrc", "a map")


def test_usual_names_are_allowed():
    for name in ("map.mrc", "wörter und 'quotes' \"too\".mrc", "日本.mrc", "a;b$c>d#e.mrc", ""):
        assert name_problem(name) == ""
    assert printable("a\x1b[1mb\u202e") == "a\\x1b[1mb\\u202e"
