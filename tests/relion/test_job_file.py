# SPDX-License-Identifier: GPL-3.0-or-later
"""--make_job writes a job.star that RELION loads and runs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import mrcfile
import pytest
import starfile

from demo.classification import classes, write_classification
from demo.relion_project import RelionProject
from occupy_core.settings.presets import PRESETS
from relion_external.options import parse
from relion_files.star import read_star

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "relion_external"]


def make(*words, folder):
    return subprocess.run([*COMMAND, *map(str, words)], cwd=folder, capture_output=True, text=True, timeout=60)


def options_of(path):
    rows = read_star(str(path))["joboptions_values"].columns
    return dict(zip(rows["rlnJobOptionVariable"], rows["rlnJobOptionValue"]))


@pytest.mark.parametrize("preset", PRESETS)
def test_relion_loads_the_job_of_each_preset(preset, relion_path, tmp_path):
    project = RelionProject(tmp_path)
    done = make("--make_job", preset, "-o", "job.star", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "relion_pipeliner --addJobFromStar job.star" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir() if "RELION" in path.name) == []
    words = ["relion_pipeliner", "--addJobFromStar", "job.star"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, timeout=30)
    assert project.status("External/job001/") == "Scheduled"
    kept = options_of(tmp_path / "External/job001/job.star")
    assert options_of(tmp_path / "job.star").items() <= kept.items()
    assert kept["param1_value"] == (preset if preset != "custom" else "")


def test_relion_runs_the_job_with_its_options(relion_path, phantom_file, tmp_path):
    project = RelionProject(tmp_path)
    shutil.copy(phantom_file, tmp_path / "my_map.mrc")
    words = ["--make_job", "subtract", "-o", "job.star", "--in_3dref", "my_map.mrc", "--j", "2", "--lowpass", "14 Å"]
    # More settings than RELION's form has parameters.
    words += "--kernel_size 5 --tau 0.9 --tile_size 10 --nlrc --scale_limit 0 --max_box 0 --hedge_confidence 2".split()
    words += "--amplify --seed 4 --figures no".split()
    assert make(*words, folder=tmp_path).returncode == 0
    words = ["relion_pipeliner", "--addJobFromStar", "job.star"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, timeout=30)
    assert project.run("External/job001/") == "Succeeded"
    folder = tmp_path / "External/job001"
    assert (folder / "subtraction_mask_attenuated.mrc").exists() and (folder / "amplified.mrc").exists()
    assert not (folder / "logfile.pdf").exists()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bücher.mrc", "my map.mrc"])
def test_relion_runs_the_job_of_a_file_with_blanks_or_letters_of_any_language(
    name, relion_path, phantom_file, tmp_path
):
    project = RelionProject(tmp_path)
    shutil.copy(phantom_file, tmp_path / name)
    with mrcfile.open(phantom_file) as given, mrcfile.new(tmp_path / f"mask {name}") as mask:
        mask.set_data((given.data > given.data.max() / 4).astype("f4"))
        mask.voxel_size = given.voxel_size
    words = ["--make_job", "weak", "-o", "job.star", "--in_3dref", name, "--in_mask", f"mask {name}"]
    assert make(*words, folder=tmp_path).returncode == 0
    words = ["relion_pipeliner", "--addJobFromStar", "job.star"]
    subprocess.run(words, cwd=tmp_path, check=True, capture_output=True, timeout=30)
    assert project.run("External/job001/", seconds=60) == "Succeeded"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["it's.mrc", 'a"b.mrc', "$HOME.mrc", "a;b.mrc", "a(1).mrc", "~.mrc", "a  b.mrc"])
@pytest.mark.parametrize("option", ["in_3dref", "in_parts", "in_mask"])
def test_file_that_relion_would_not_give_to_the_job_is_refused(option, name, tmp_path):
    done = make("--make_job", "weak", "-o", "job.star", f"--{option}", name, folder=tmp_path)
    assert done.returncode == 1 and not any(tmp_path.iterdir())
    name = " ".join(name.split())  # as messages show it
    assert f"--{option}: got {name}, which RELION does not give" in done.stderr and "rename the file" in done.stderr


@pytest.mark.parametrize("version", ["4.0.2", "5.0.1"])
def test_job_says_its_type_as_relion_4_and_5_do(version, shared_data, tmp_path):
    make("--make_job", "weak", "-o", "job.star", folder=tmp_path)
    ours = starfile.read(tmp_path / "job.star", always_dict=True)["job"]
    path = shared_data / "relion_projects" / version / "Class3D" / "job003" / "job.star"
    theirs = starfile.read(path, always_dict=True)["job"]
    assert set(theirs) <= set(ours)
    assert (theirs["rlnJobTypeLabel"], ours["rlnJobTypeLabel"]) == ("relion.class3d", "relion.external")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--make_job", "ocupancy", "-o", "new.star"], "expected one of weak, occupancy"),
        (["--make_job", "-o", "new.star"], "expected one of weak, occupancy"),
        (["--make_job", "weak"], "-o: got no file, expected the name of a new file"),
        (["--make_job", "weak", "-o", "there.star"], "there.star, which exists"),
        (["--make_job", "-o", "new.star"], "for example --make_job classes -o job.star"),
        (["--make_job", "weak", "-o", "folder/"], "expected the name of a new file"),
        (["--make_job", "weak", "-o", "missing/new.star"], "cannot write the job file"),
        (["--make_job", "weak", "-o", "new.star", "--amplify", "0.5"], "--amplify: got 0.5, expected > 1"),
        (["--make_job", "weak", "-o", "new.star", "--amplfy"], "did you mean --amplify"),
        (["--make_job", "weak", "-o", "new.star", "--settings", "report.json"], "cannot repeat a report"),
    ],
)
def test_wrong_command_line_writes_nothing(words, message, tmp_path):
    (tmp_path / "there.star").write_text("data_\n")
    done = make(*words, folder=tmp_path)
    assert done.returncode == 1 and message in done.stderr and done.stderr.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["there.star"]
    assert (tmp_path / "there.star").read_text() == "data_\n"


def test_files_that_do_not_exist_yet_are_named(tmp_path):
    (tmp_path / "map.mrc").touch()
    words = ["--make_job", "custom", "-o", "job.star", "--in_3dref", "map.mrc", "--model", "fitted.cif"]
    done = make(*words, folder=tmp_path)
    assert done.returncode == 0
    assert "fitted.cif: no such file yet, seen from this folder; it must be there when the job starts" in done.stdout
    assert "map.mrc: no such file" not in done.stdout


def test_job_of_a_list_of_maps_has_no_warning_of_its_own_making(tmp_path):
    words = ["--make_job", "classes", "-o", "job.star", "--maps", "one.mrc", "two.mrc"]
    assert make(*words, folder=tmp_path).returncode == 0
    written = options_of(tmp_path / "job.star")
    labels = [name for name in written if name.endswith("_label")]
    words = [word for label in labels for word in (f"--{written[label]}", *written[label[:-5] + "value"].split())]
    assert words == ["--preset", "classes", "--maps", "one.mrc", "two.mrc"]
    assert parse(["--o", "job/", *words]).warnings == ()
    assert "--classes" in " ".join(parse(["--o", "job/", *words, "--classes", "1,2"]).warnings)


INPUTS = (["--in_3dref", "map.mrc"], ["--in_parts", "run_it025_data.star"], ["--maps", "one.mrc", "two.mrc"])


@pytest.mark.parametrize("words", INPUTS, ids=" ".join)
def test_a_job_with_its_input_is_told_to_run_with_or_without_the_window(words, tmp_path):
    said = make("--make_job", "classes", "-o", "job.star", *words, folder=tmp_path).stdout
    assert "choose the input" not in said and "list of job types, and click Run!" in said
    assert "relion_pipeliner --RunJobs External/jobNNN/ --schedule occupy --sec_wait_after 1" in said


def test_a_job_without_input_needs_it_before_it_runs(tmp_path):
    said = make("--make_job", "classes", "-o", "job.star", folder=tmp_path).stdout
    assert "choose the input, and click Run!" in said and "without the window, give the input here" in said
    assert "--RunJobs" not in said


def test_the_commands_of_the_documentation_make_and_run_a_project_without_a_window(
    relion_path, phantom_file, tmp_path, monkeypatch
):
    commands, of_classes = commands_without_a_window()
    shutil.copy(phantom_file, tmp_path / "map.mrc")
    bin_folder = str(Path(sys.executable).parent)
    monkeypatch.setenv("PATH", f"{bin_folder}{os.pathsep}{os.environ['PATH']}")
    subprocess.run(["sh", "-e", "-c", commands], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert (tmp_path / "External/job001/RELION_JOB_EXIT_SUCCESS").exists()
    assert (tmp_path / "External/job001/scale.mrc").exists()
    rows = read_star(str(tmp_path / "default_pipeline.star"))["pipeline_processes"].columns
    status = rows[
        "rlnPipeLineProcessStatusLabel" if "rlnPipeLineProcessStatusLabel" in rows else "rlnPipeLineProcessStatus"
    ]
    assert (rows["rlnPipeLineProcessName"], status) in (
        (["External/job001/"], ["2"]),
        (["External/job001/"], ["Succeeded"]),
    )
    assert (tmp_path / "pipeline_occupy.log").exists() and not (tmp_path / ".relion_lock").exists()
    write_classification(tmp_path / "Class3D/job003", classes())
    of_classes = of_classes.replace("job004", "job002")  # the project has no other jobs
    subprocess.run(["sh", "-e", "-c", of_classes], cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert (tmp_path / "External/job002/region001_mask.mrc").exists()
    assert "Result: the maps differ in" in (tmp_path / "External/job002/run.out").read_text()


def commands_without_a_window():
    """Return the two blocks of commands, for a map and for classes."""
    page = (REPOSITORY / "docs/relion.md").read_text(encoding="utf-8")
    section = re.search(r"## Without RELION's window\n(.*?)\n## ", page, re.DOTALL)[1]
    return re.findall(r"```\n(.*?)```", section, re.DOTALL)


def test_without_a_pipeline_relion_leaves_the_lock_that_the_documentation_names(relion_path, tmp_path):
    assert make("--make_job", "weak", "-o", "job.star", folder=tmp_path).returncode == 0
    words = ["relion_pipeliner", "--addJobFromStar", "job.star"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode != 0 and "default_pipeline.star cannot be read" in done.stderr
    assert (tmp_path / ".relion_lock").is_dir()
