# SPDX-License-Identifier: GPL-3.0-or-later
"""Classifications with numbers that cannot be right, and odd ones that are right."""

import os
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from occupy_core.errors import OccupyError
from relion_external.classification import read_classification
from relion_external.supervisor import main
from tests.star_text import write_iteration

STEM = "Class3D/run_it001"
FIRST = f"{STEM}_class001.mrc 0.25 20.000000"
SECOND = f"{STEM}_class002.mrc 0.75 40.000000"


@pytest.fixture(autouse=True)
def written(tmp_path, monkeypatch):
    """Write an iteration with two small classes: one particle in class 1, three in class 2."""
    monkeypatch.chdir(tmp_path)
    write_iteration(STEM, np.random.default_rng(1))


def change(kind, *changes):
    path = Path(f"{STEM}_{kind}.star")
    text = path.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_bytes(text.encode("latin-1"))


def message(path=f"{STEM}_data.star"):
    with pytest.raises(OccupyError) as caught:
        read_classification(path)
    text = str(caught.value)
    assert "\n" not in text and len(text) < 1000
    return text


def counts():
    return [item.particles for item in read_classification(f"{STEM}_data.star").classes]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([(f"{STEM}_class002.mrc", f"{STEM}_class001.mrc")], ["rows 1 and 2", "one class number, 1"]),
        ([(SECOND, FIRST)], ["rows 1 and 2"]),
        ([(" 0.75 ", " 2.5 ")], ["rlnClassDistribution", "'2.5'", "class 2", "0..1"]),
        ([(" 0.75 ", " -0.5 ")], ["rlnClassDistribution", "'-0.5'", "class 2", "0..1"]),
        ([(" 0.75 ", " inf ")], ["rlnClassDistribution", "'inf'"]),
        ([(" 0.75 ", " nan ")], ["rlnClassDistribution", "'nan'"]),
        ([(" 0.75 ", " 0,75 ")], ["rlnClassDistribution", "'0,75'", "such as 0.5"]),
        ([(" 0.75 ", " 0_75 ")], ["rlnClassDistribution", "'0_75'"]),
        ([(" 0.75 ", ' "" ')], ["rlnClassDistribution", "''"]),
        ([(" 0.75 ", " None ")], ["rlnClassDistribution", "'None'"]),
        ([(" 0.75 ", f" {'7' * 5000} ")], ["rlnClassDistribution", "(5000 characters)"]),
        ([(" 0.25 ", " 0.9 "), (" 0.75 ", " 0.9 ")], ["rlnClassDistribution", "add up to 1.8", "expected 1"]),
        ([("_rlnNrClasses 2", "_rlnNrClasses 3")], ["has 2 classes", "rlnNrClasses is 3"]),
        ([(f"{SECOND}\n", "")], ["has 1 class,", "rlnNrClasses is 2"]),
        ([("_rlnNrClasses 2", "_rlnNrClasses two")], ["rlnNrClasses is 'two'"]),
        ([("_rlnNrClasses 2", "_rlnNrClasses 1\n_rlnNrBodies 2")], ["multi-body refinement", "--in_3dref"]),
        ([("model_classes", "model_bodies")], ["multi-body refinement"]),
        ([("_rlnReferenceDimensionality 3", "_rlnReferenceDimensionality _")], ["rlnReferenceDimensionality is '_'"]),
        (
            [("_rlnReferenceDimensionality 3", "_rlnReferenceDimensionality 2")],
            ["2D classification, expected a 3D one"],
        ),
        ([("_rlnPixelSize 4.0", "_rlnPixelSize 4,0")], ["rlnPixelSize is '4,0'"]),
        ([("_rlnPixelSize 4.0", "_rlnPixelSize 0")], ["rlnPixelSize is '0'", "above 0"]),
        ([("_rlnPixelSize 4.0", "_rlnPixelSize 500")], ["is '500'", "Å above 0, from 0.1 to 100; correct"]),
        ([("_rlnPixelSize 4.0", f"_rlnPixelSize {'9' * 5000}")], ["rlnPixelSize", "(5000 characters)"]),
        ([("loop_\n_rlnReferenceImage", "_rlnReferenceImage")], ["cannot be read as a STAR file (line "]),
        ([("_rlnEstimatedResolution", "_rlnClassDistribution")], ["rlnClassDistribution", "twice"]),
        ([("data_model_class_2", "data_model_class_1")], ["two blocks 'data_model_class_1'"]),
        ([(" 20.000000", "")], ["line 19", "2 values below 3 labels"]),
        ([(" 20.000000", " 20.0 1")], ["line 19", "4 values below 3 labels"]),
        ([(FIRST, f"Class3D/run it001_class001.mrc{FIRST[27:]}")], ["line 19", "a blank without quotes"]),
        ([(FIRST, ". 0.25 20.0")], ["rlnReferenceImage is '.', which is no name"]),
        ([(FIRST, "? 0.25 20.0")], ["rlnReferenceImage is '?', which is no name"]),
        ([("_rlnPixelSize 4.0", "_rlnPixelSize ?")], ["rlnPixelSize is '?', expected a number"]),
        ([("_rlnNrClasses 2", "_rlnNrClasses .")], ["rlnNrClasses is '.', expected a number"]),
        ([(" 0.75 ", " . ")], ["rlnClassDistribution is '.' in row 2, expected a number"]),
        ([("_rlnPixelSize 4.0", "_rlnPixelSize 4.0\n_RlnPixelsize 5.0")], ["'RlnPixelsize' is there twice"]),
        ([(FIRST, FIRST.replace("001.mrc", "001\x07.mrc"))], ["rlnReferenceImage", "control characters"]),
        ([(FIRST, FIRST.replace("001.mrc", "001ü.mrc"))], ["rlnReferenceImage", "UTF-8"]),
        ([(FIRST, FIRST.replace("001.mrc", "001\0.mrc"))], ["NUL byte"]),
    ],
)
def test_model_file_that_cannot_be_right_is_one_line(changes, expected):
    change("model", *changes)
    text = message()
    assert text.startswith(f"{STEM}_model.star: ")
    for part in expected:
        assert part in text, text


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([(" 2 1 10 ", " 3 1 10 ")], ["rlnClassNumber is '3' for 3 particles", "(1, 2)"]),
        ([(" 2 1 10 ", " -1 1 10 ")], ["rlnClassNumber is '-1' for 3 particles"]),
        ([(" 2 1 10 ", " 1.5 1 10 ")], ["rlnClassNumber is '1.5' for 3 particles"]),
        ([(" 1 1 10 ", " <NA> 1 10 ")], ["rlnClassNumber is '<NA>' for 1 particle,"]),
        ([(" 1 1 10 ", " . 1 10 ")], ["rlnClassNumber is '.' for 1 particle,"]),
        ([(" 1 1 10 ", " ? 1 10 ")], ["rlnClassNumber is '?' for 1 particle,"]),
        ([(" 1 1 10 ", f" {'1' * 5000} 1 10 ")], ["rlnClassNumber", "(5000 characters)"]),
        ([("_rlnAngleRot", "_rlnClassNumber")], ["rlnClassNumber", "twice"]),
        ([(" 1 1 10 20", " 1 1 20")], ["line 33", "10 values below 11 labels"]),
        ([("data_optics", "data_particles")], ["two blocks 'data_particles'"]),
    ],
)
def test_data_file_that_cannot_be_right_is_one_line(changes, expected):
    change("data", *changes)
    text = message()
    assert text.startswith(f"{STEM}_data.star: ")
    for part in expected:
        assert part in text, text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("_particles.mrcs ", "_3'UTR.mrcs "),
        ("_particles.mrcs ", '_6"x.mrcs '),
        ("000001@", "'000001@"),
        ("_rlnOpticsGroup #3", "_ucsfUid #3"),
        ("_rlnOpticsGroup #3", "_rlnOpticsGroup"),
        (" 10000 10000 0\n", " 10000 10000 0 # picked by hand\n"),
        ("\n", "\r\n"),
        ("\n", "\r"),
        ("data_optics", "ï»¿data_optics"),  # a byte order mark
        ("_particles.mrcs ", "_ü.mrcs "),  # Latin-1
        ("_particles.mrcs ", "_a\xa0b.mrcs "),  # a blank in Latin-1 that is none to RELION
        ("000001@", "data_000001@"),
        (" 2 1 10 ", " 2.000000 1 10 "),
        (" 1 1 10 ", "\t'1'\t1 10 "),
    ],
)
def test_odd_data_file_is_counted_right(old, new):
    change("data", (old, new))
    assert counts() == [1, 3]


@pytest.mark.parametrize("spelled", [str.lower, str.upper, str.title])
def test_capitals_of_labels_and_blocks_make_no_difference(spelled):
    """The format makes none, and a label that is not recognised would lose counts, shares or masks silently."""
    for kind in ("optimiser", "data", "model"):
        path = Path(f"{STEM}_{kind}.star")
        before = read_classification(f"{STEM}_data.star")
        text = path.read_text()
        path.write_text(re.sub(r"(?m)^(_|data_)(\w+)", lambda found: found[1] + spelled(found[2]), text))
        assert path.read_text() != text
        assert read_classification(f"{STEM}_data.star") == before
        path.write_text(text)


@pytest.mark.parametrize("word", [".", "?"])
def test_a_mask_of_unknown_name_is_a_warning(word):
    change("optimiser", ("_rlnSolventMaskName None", f"_rlnSolventMaskName {word}"))
    (text,) = read_classification(f"{STEM}_data.star").warnings
    assert f"rlnSolventMaskName is '{word}', which is no name" in text and "is not known" in text


@pytest.mark.parametrize("word", [".", "?"])
def test_an_unknown_resolution_is_none(word):
    change("model", ("20.000000", word))
    assert [item.resolution for item in read_classification(f"{STEM}_data.star").classes] == [None, 40.0]


def test_apostrophes_that_relion_writes_are_counted(shared_data):
    source = shared_data / "cases/03-apostrophe-in-a-name/relion_3.1.3_wrote_this_data.star"
    shutil.copyfile(source, f"{STEM}_data.star")
    rows = [line.split() for line in source.read_text().splitlines() if "3'UTR" in line]
    assert counts() == [sum(words[12] == number for words in rows) for number in "12"] and len(rows) > 20


def test_file_in_utf_16_is_read():
    for kind in ("model", "data"):
        path = Path(f"{STEM}_{kind}.star")
        path.write_text(path.read_text(), encoding="utf-16")
    found = read_classification(f"{STEM}_data.star")
    assert [item.particles for item in found.classes] == [1, 3] and found.voxel_size == 4.0
    assert [item.resolution for item in found.classes] == [20.0, 40.0]


def test_odd_model_file_is_read_right():
    change("model", ("_rlnPixelSize 4.0", "_rlnPixelSize 4.0  # calibrated, 'by hand"), ("\n", "\r\n"))
    found = read_classification(f"{STEM}_data.star")
    assert found.voxel_size == 4.0 and [item.share for item in found.classes] == [0.25, 0.75]


def test_particles_without_a_class_are_not_counted():
    change("data", (" 1 1 10 ", " 0 1 10 "))
    assert counts() == [0, 3]
    change("data", (" 2 1 10 ", " 0 1 10 "))
    assert counts() == [None, None]


@pytest.mark.parametrize("counted", [True, False])
def test_map_of_a_class_without_particles_may_be_missing(counted, capfd):
    change("model", (" 0.25 ", " 0.0 "), (" 0.75 ", " 1.0 "))
    change("data", (" 1 1 10 ", " 2 1 10 "))
    if not counted:
        Path(f"{STEM}_data.star").unlink()
    for item in read_classification(f"{STEM}_model.star").classes:
        Path(item.path).rename(f"{item.path}.away")
        if item.number == 2:
            assert f"the class map {STEM}_class002.mrc does not exist" in message(f"{STEM}_model.star")
        else:
            found = [(other.number, other.path) for other in read_classification(f"{STEM}_model.star").classes]
            assert found == [(1, f"{STEM}_class001.mrc"), (2, f"{STEM}_class002.mrc")]
            assert main(["--o", "out/", "--in_parts", f"{STEM}_model.star", "--figures", "no"]) == 0
            assert "class 1 is left out of the comparison: it has no particles" in capfd.readouterr().out
            report = str(Path("out/report.json"))
            assert main(["--o", "again/", "--settings", report]) == 0
            assert {path.name for path in Path("out").glob("*.mrc")} == {
                path.name for path in Path("again").glob("*.mrc")
            }
        Path(f"{item.path}.away").rename(item.path)


def test_map_that_is_lost_after_a_job_is_not_missed_where_the_class_has_no_particles(capfd):
    change("model", (" 0.25 ", " 0.0 "), (" 0.75 ", " 1.0 "))
    change("data", (" 1 1 10 ", " 2 1 10 "))
    assert main(["--o", "out/", "--in_parts", f"{STEM}_data.star", "--figures", "no"]) == 0
    Path(f"{STEM}_class001.mrc").unlink()
    assert main(["--o", "again/", "--settings", "out/report.json"]) == 0, capfd.readouterr().err
    Path(f"{STEM}_class002.mrc").unlink()
    assert main(["--o", "again/", "--settings", "out/report.json"]) == 1


def test_maps_of_classes_with_particles_all_come_from_one_place(tmp_path):
    """Without the map that is missing, as with it."""
    change("model", (" 0.25 ", " 0.0 "), (" 0.75 ", " 1.0 "))
    change("data", (" 1 1 10 ", " 2 1 10 "))
    shutil.copytree("Class3D", "copy")
    Path("copy/run_it001_class001.mrc").unlink()
    Path("Class3D/run_it001_class001.mrc").unlink()
    first, second = read_classification("copy/run_it001_data.star").classes
    assert second.path == "copy/run_it001_class002.mrc" and not Path(first.path).exists()


@pytest.mark.parametrize("kept", ["no class", "no rows", "no particles", "all assigned later"])
def test_counts_that_are_lost_are_a_warning(kept):
    path = Path(f"{STEM}_data.star")
    text = path.read_text()
    kept_texts = {
        "no class": text.replace("_rlnClassNumber", "_rlnOther"),
        "no rows": text[: text.index("000001@")],
        "no particles": text[: text.index("data_particles")],
        "all assigned later": text.replace(" 1 1 10", " 0 1 10").replace(" 2 1 10", " 0 1 10"),
    }
    path.write_text(kept_texts[kept])
    found = read_classification(str(path))
    assert [item.particles for item in found.classes] == [None, None]
    (warning,) = found.warnings
    assert f"{path}: no particle in it has a rlnClassNumber above 0" in warning
    path.unlink()
    assert read_classification(f"{STEM}_model.star").warnings == ()


@pytest.mark.parametrize("name", ["Mask/\xfc.mrc", "Mask/\x07.mrc"])
def test_mask_with_a_name_that_reports_cannot_hold_is_a_warning(name):
    Path("Mask").mkdir()
    shutil.copy(f"{STEM}_class001.mrc", name.encode("latin-1"))
    change("optimiser", ("_rlnSolventMaskName None", f"_rlnSolventMaskName {name}"))
    found = read_classification(f"{STEM}_data.star")
    (warning,) = found.warnings
    assert found.solvent_mask is None and "rlnSolventMaskName is 'Mask/" in warning and "rename the file" in warning
    assert warning.isprintable()


def test_mask_that_is_no_file_is_called_so():
    os.mkfifo("mask.mrc")
    change("optimiser", ("_rlnSolventMaskName None", "_rlnSolventMaskName mask.mrc"))
    (text,) = read_classification(f"{STEM}_data.star").warnings
    assert "the mask mask.mrc of the classification" in text and "is a named pipe, expected a map" in text


def test_mask_that_is_lost_is_a_warning():
    path = Path(f"{STEM}_optimiser.star")
    path.write_text(path.read_text()[: -len("_rlnSolventMaskName None\n_rlnSolventMask2Name None\n\n") + 10])
    (warning,) = read_classification(f"{STEM}_data.star").warnings
    assert f"{path}: has no rlnSolventMaskName" in warning and "focused classification" in warning


def test_shares_that_contradict_the_counts_are_a_warning():
    change("model", (" 0.25 ", " 0.9 "), (" 0.75 ", " 0.1 "))
    found = read_classification(f"{STEM}_data.star")
    assert [item.share for item in found.classes] == [0.9, 0.1]
    first, second = found.warnings
    assert "class 1 has a share of 0.9" in first and f"1 of 4 particles (0.25) in {STEM}_data.star" in first
    assert "class 2 has a share of 0.1" in second and "use the share" in second
    change("model", (" 0.9 ", " 0.30 "), (" 0.1 ", " 0.70 "))
    assert read_classification(f"{STEM}_data.star").warnings == ()


def test_maps_of_another_iteration_are_an_error():
    for number in (1, 2):
        shutil.move(f"{STEM}_class00{number}.mrc", f"Class3D/run_it002_class00{number}.mrc")
    change("model", ("run_it001_class", "run_it002_class"))
    text = message()
    assert "is named as iteration 1, but names maps of iteration 2" in text and "run_it001_data.star" in text
    os.remove(f"{STEM}_data.star")
    assert counts_of_model() == [None, None]


def counts_of_model():
    return [item.particles for item in read_classification(f"{STEM}_model.star").classes]


@pytest.mark.parametrize("kind", ["a named pipe", "a folder", "a device"])
def test_a_class_map_that_is_no_file_is_called_so(kind):
    name = "/dev/zero" if kind == "a device" else f"{STEM}_class001.mrc"
    if kind != "a device":
        os.remove(name)
        (os.mkfifo if kind == "a named pipe" else os.mkdir)(name)
    change("model", (f"{STEM}_class001.mrc", name))
    expected = f"found {kind} under the name {name}, expected a class map; put the map in its place"
    assert message() == f"{STEM}_model.star: {expected}"


def test_two_names_of_one_map_are_an_error():
    os.remove(f"{STEM}_class002.mrc")
    os.symlink("run_it001_class001.mrc", f"{STEM}_class002.mrc")
    assert "rows 1 and 2" in message() and "have one map" in message()


@pytest.mark.parametrize("kind", ["pipe", "folder", "map", "empty"])
def test_what_is_no_star_file_is_one_line(kind, tmp_path):
    path = Path("other_model.star")
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(Path(f"{STEM}_class001.mrc").read_bytes() if kind == "map" else b"")
    assert message(str(path)).startswith("other_model.star: ")


def test_job_says_it_in_one_line(capfd):
    change("data", (" 2 1 10 ", " 9 1 10 "))
    assert main(["--o", "out/", "--in_parts", f"{STEM}_data.star"]) == 1
    captured = capfd.readouterr()
    assert captured.err.count("\n") == 1 and "rlnClassNumber is '9'" in captured.err
    assert "Traceback" not in captured.out and Path("out/RELION_JOB_EXIT_FAILURE").exists()
