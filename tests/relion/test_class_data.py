# SPDX-License-Identifier: GPL-3.0-or-later
"""Resolution, signal-to-noise ratios and solvent mask of real and written classifications."""

import gzip
import json
import linecache
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from occupy_core.maps.reading import read_map
from occupy_core.maps.writing import write_map
from occupy_core.settings.output_names import SPREAD_MAP
from relion_external.classification import read_classification
from relion_external.supervisor import main
from tests.star_text import write_iteration

MASK = "External/job002/region001_mask.mrc"


@pytest.fixture
def project(tmp_path, monkeypatch):
    """An empty folder as the current one."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def column(star, block, label):
    """Return the numbers below a label of a block, read without a STAR reader."""
    lines = iter(Path(star).read_text().splitlines())
    next(line for line in lines if line.strip() == f"data_{block}")
    place, numbers = None, []
    for line in lines:
        words = line.split()
        if words and words[0].startswith("_rln"):
            place = int(words[1][1:]) - 1 if words[0] == f"_{label}" else place
        elif words and words[0].startswith("data_"):
            break
        elif words and not words[0].startswith(("loop_", "#")):
            numbers.append(float(words[place]))
    return numbers


def unpacked(source, folder):
    """Copy a run and unpack its maps and particles; return the stem of its iteration."""
    folder.mkdir(parents=True)
    for path in source.iterdir():
        if path.suffix == ".gz":
            (folder / path.stem).write_bytes(gzip.decompress(path.read_bytes()))
        elif path.suffix == ".star":
            shutil.copyfile(path, folder / path.name)
    (model,) = folder.glob("*_model.star")
    return f"{folder.name}/{model.name[: -len('_model.star')]}"


@pytest.mark.parametrize(
    "star",
    [
        *(f"relion_projects/3.1.3/Class3D/job003/run_it010{ending}" for ending in ("_model.star", "_class002.mrc")),
        "relion_projects/4.0.2/Class3D/job003/run_it008_data.star",
        "relion_projects/5.0.1/Class3D/job003/run_it008_optimiser.star",
        "relion_runs/r5_box64_B7/run_it010_model.star",
        "relion_runs/r5_empty_two_of_three/run_it010_model.star",
    ],
)
def test_resolution_and_signal_to_noise_of_real_runs(shared_data, star):
    found = read_classification(str(shared_data / star))
    model = found.model_star
    resolutions = column(model, "model_classes", "rlnEstimatedResolution")
    box = len(column(model, "model_class_1", "rlnSsnrMap")) - 1
    for item, resolution in zip(found.classes, resolutions):
        assert item.resolution == pytest.approx(resolution)
        written = column(model, f"model_class_{item.number}", "rlnSsnrMap")
        # All these runs have a rlnTau2FudgeFactor of 4.
        assert item.ssnr == pytest.approx([value / 4 for value in written])
        assert len(item.ssnr) == box + 1 and isinstance(item.ssnr, tuple)
        # Shell i has the frequency i / (side of the box): the resolution is that of the last shell with a ratio of 1
        # or more, where RELION multiplied by the factor.
        last = max(shell for shell in range(1, box + 1) if all(value > 1 for value in written[: shell + 1]))
        assert resolution == pytest.approx(2 * box * found.voxel_size / last, rel=1e-4)
    assert found.solvent_mask is None and found.warnings == ()


def test_old_model_files_have_no_resolution_but_ratios(shared_data):
    """RELION 1.3 wrote no rlnEstimatedResolution."""
    found = read_classification(str(shared_data / "relion/relion13_refine_K1/out_it005_model.star"))
    (item,) = found.classes
    assert item.resolution is None and len(item.ssnr) == 51
    written = column(found.model_star, "model_class_1", "rlnSsnrMap")
    assert item.ssnr == pytest.approx([value / 2 for value in written])


@pytest.mark.parametrize("place", [MASK, f"{MASK}.gz", "run/region001_mask.mrc", "run/region001_mask.mrc.gz"])
def test_mask_of_a_real_focused_run_is_found(shared_data, project, place):
    source = shared_data / "relion_runs/r5_focused_box40"
    stem = unpacked(source, project / "run")
    os.remove("run/region001_mask.mrc")
    Path(place).parent.mkdir(parents=True, exist_ok=True)
    packed = (source / "region001_mask.mrc.gz").read_bytes()
    Path(place).write_bytes(packed if place.endswith(".gz") else gzip.decompress(packed))
    found = read_classification(f"{stem}_data.star")
    assert (found.solvent_mask, found.warnings) == (place, ())


def test_job_on_a_real_focused_run_records_the_mask(shared_data, project, capfd):
    stem = unpacked(shared_data / "relion_runs/r5_focused_box40", project / "run")
    assert main(["--o", "out/", "--in_parts", f"{stem}_data.star", "--figures", "no"]) == 0
    mask = "run/region001_mask.mrc"
    report = json.loads(Path("out/report.json").read_text())
    assert report["job"]["focus_mask"] == mask and report["job"]["sha256"][mask]
    infos = [item["class_info"] for item in report["job"]["maps"]]
    assert [len(info["ssnr"]) for info in infos] == [21, 21] and all(info["resolution"] > 8 for info in infos)
    assert [set(item["class"]) for item in report["maps"]] == [{"number", "share", "particles", "resolution"}] * 2
    assert "of the classification, named in" not in capfd.readouterr().out


def test_warning_for_the_missing_mask_of_a_real_run(shared_data, project, capfd):
    folder = shared_data / "relion_null/mask/Class3D/job003"
    shutil.copytree(folder, "job003")
    for path in [Path("job003"), *Path("job003").iterdir()]:
        path.chmod(0o755)
    found = read_classification("job003/run_it008_data.star")
    assert found.solvent_mask is None
    (warning,) = found.warnings
    assert "problems/N/mask.mrc" in warning and "job003/run_it008_optimiser.star" in warning
    assert main(["--o", "out/", "--in_parts", "job003/run_it008_data.star", "--figures", "no"]) == 0
    report = json.loads(Path("out/report.json").read_text())
    assert report["warnings"][0] == warning and report["job"]["focus_mask"] is None
    lines = capfd.readouterr().out.splitlines()
    # At the start, and again at the end: RELION's window shows the last lines only.
    assert lines.count(f"WARNING: {warning}") == 2
    assert main(["--o", "again/", "--settings", "out/report.json", "--figures", "no"]) == 0
    assert json.loads(Path("again/report.json").read_text())["warnings"] == report["warnings"]


@pytest.fixture
def written(project):
    """Write an iteration with two small classes in a mask; return the path of its data STAR file."""
    random = np.random.default_rng(1)
    Path("Mask").mkdir()
    write_iteration("Class3D/run_it001", random, mask="Mask/mask.mrc")
    shutil.copy("Class3D/run_it001_class001.mrc", "Mask/mask.mrc")
    linecache.clearcache()
    return "Class3D/run_it001_data.star"


def change(ending, old, new):
    path = Path(f"Class3D/run_it001_{ending}.star")
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_numbers_of_a_written_iteration(written):
    found = read_classification(written)
    assert [item.resolution for item in found.classes] == [20.0, 40.0]
    assert [item.ssnr for item in found.classes] == [(200.0, 2.5, 0.25), (400.0, 5.0, 0.5)]
    assert (found.solvent_mask, found.warnings) == ("Mask/mask.mrc", ())


@pytest.mark.parametrize(
    ("old", "new", "resolutions", "known"),
    [
        ("10.000000 1.0", "inf 1.0", [20.0, 40.0], [False, True]),
        ("10.000000 1.0", "nan 1.0", [20.0, 40.0], [False, True]),
        ("_rlnSsnrMap #2", "_rlnOther #2", [20.0, 40.0], [False, False]),
        ("data_model_class_2", "data_model_other_2", [20.0, 40.0], [True, False]),
        ("_rlnTau2FudgeFactor 4.0\n", "", [20.0, 40.0], [False, False]),
        ("_rlnTau2FudgeFactor 4.0", "_rlnTau2FudgeFactor 0", [20.0, 40.0], [False, False]),
        ("_rlnEstimatedResolution #3", "_rlnOther #3", [None, None], [True, True]),
        ("0.25 20.000000", "0.25 inf", [None, 40.0], [True, True]),
        ("0.25 20.000000", "0.25 nan", [None, 40.0], [True, True]),
        ("0.25 20.000000", "0.25 0.0", [None, 40.0], [True, True]),
        ("1 10.000000", "5 10.000000", [20.0, 40.0], [False, True]),
    ],
)
def test_what_is_missing_in_the_model_file_is_unknown_and_no_error(written, old, new, resolutions, known):
    change("model", old, new)
    found = read_classification(written)
    assert [item.resolution for item in found.classes] == resolutions
    assert [item.ssnr is not None for item in found.classes] == known


@pytest.mark.parametrize("name", ["None", '""', "''"])
def test_no_mask_is_named(written, name):
    change("optimiser", "Mask/mask.mrc", name)
    found = read_classification(written)
    assert (found.solvent_mask, found.warnings) == (None, ())


def test_optimiser_file_may_be_missing_or_broken(written):
    change("optimiser", "_rlnSolventMaskName Mask/mask.mrc", "")
    assert read_classification(written).solvent_mask is None
    Path("Class3D/run_it001_optimiser.star").write_text("data_optimiser_general\n\n_rlnA 1 2 3\n")
    found = read_classification(written)
    assert found.solvent_mask is None
    assert "run_it001_optimiser.star: cannot be read as a STAR file" in found.warnings[0]
    os.remove("Class3D/run_it001_optimiser.star")
    found = read_classification(written)
    assert found.solvent_mask is None
    (warning,) = found.warnings
    assert warning.startswith("Class3D/run_it001_optimiser.star does not exist, so the mask of the classification")
    assert warning.endswith("put Class3D/run_it001_optimiser.star beside the model STAR file and run the job again")


def test_focused_classification_without_its_optimiser_file_says_what_that_costs(shared_data, project, capfd):
    stem = unpacked(shared_data / "relion_runs/r5_focused_box40", project / "run")
    os.remove(f"{stem}_optimiser.star")
    assert main(["--o", "out/", "--in_parts", f"{stem}_data.star", "--figures", "no"]) == 0
    text = capfd.readouterr().out
    assert "Result: no region where class 1, class 2 differ by more than noise explains; this may be wrong" in text
    after = text[text.index("\nno region where class 1, class 2 differ") :]
    assert f"WARNING: {stem}_optimiser.star does not exist" in after
    assert "classes differ only inside that mask and its maps hold no solvent outside" in after


def test_repeated_job_has_the_mask(written, tmp_path, monkeypatch, capfd):
    options = ["--figures", "no", "--max_box", "32"]
    assert main(["--o", "External/job004/", "--in_parts", written, *options]) == 0
    assert main(["--o", "again/", "--settings", "External/job004/report.json"]) == 0
    first, second = (
        json.loads(Path(folder, "report.json").read_text())["job"] for folder in ("External/job004", "again")
    )
    for record in (first, second):
        del record["folder_of_paths"]
    assert first == second and first["focus_mask"] == "Mask/mask.mrc"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert main(["--o", "out/", "--settings", "../External/job004/report.json"]) == 0
    recorded = json.loads(Path("out/report.json").read_text())["job"]["focus_mask"]
    assert os.path.samefile(recorded, "../Mask/mask.mrc")
    monkeypatch.chdir(tmp_path)
    capfd.readouterr()
    mask = read_map("Mask/mask.mrc")
    write_map("Mask/mask.mrc", mask.data + 1, mask.grid, label="mask")
    assert main(["--o", "out2/", "--settings", "External/job004/report.json"]) == 0
    assert "Mask/mask.mrc: has changed since External/job004/report.json was written" in capfd.readouterr().out
    os.remove("Mask/mask.mrc")
    assert main(["--o", "out3/", "--settings", "External/job004/report.json"]) == 0
    assert "the mask Mask/mask.mrc of the classification, named in External/job004" in capfd.readouterr().out
    assert json.loads(Path("out3/report.json").read_text())["job"]["focus_mask"] is None


def test_report_of_an_older_version_is_repeated(written):
    assert main(["--o", "first/", "--in_parts", written, "--figures", "no"]) == 0
    report = json.loads(Path("first/report.json").read_text())
    del report["job"]["focus_mask"], report["job"]["input_warnings"]
    for item in report["job"]["maps"]:
        del item["class_info"]["ssnr"], item["class_info"]["resolution"]
    Path("first/report.json").write_text(json.dumps(report))
    assert main(["--o", "again/", "--settings", "first/report.json"]) == 0
    assert json.loads(Path("again/report.json").read_text())["job"]["focus_mask"] is None


@pytest.mark.parametrize("wrong", [{"focus_mask": 3}, {"input_warnings": "text"}, {"input_warnings": [1]}])
def test_wrong_mask_in_a_report_is_an_error(written, wrong, capfd):
    assert main(["--o", "first/", "--in_parts", written, "--figures", "no"]) == 0
    report = json.loads(Path("first/report.json").read_text())
    report["job"].update(wrong)
    Path("first/report.json").write_text(json.dumps(report))
    assert main(["--o", "again/", "--settings", "first/report.json"]) == 1
    assert "is not a report from which a job can be repeated" in capfd.readouterr().err


def test_mask_is_never_overwritten(written, capfd):
    """An earlier job's region was the mask: a job in the same folder would replace it."""
    Path("out").mkdir()
    mask = f"out/{SPREAD_MAP}"
    shutil.copy("Mask/mask.mrc", mask)
    change("optimiser", "Mask/mask.mrc", mask)
    assert main(["--o", "out/", "--in_parts", written, "--figures", "no"]) == 1
    assert f"{mask}: is an input and the name of an output too" in capfd.readouterr().err
