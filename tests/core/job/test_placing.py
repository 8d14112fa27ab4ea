# SPDX-License-Identifier: GPL-3.0-or-later
"""Outputs are put in place in one step, whatever ends the process, and nothing else is removed or written through."""

import errno
import json
import os
import resource
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.kills.steps import FIRST, OTHERS, SECOND, contents, write_job
from occupy_core.errors import JobError
from occupy_core.job.output_folder import OutputFolder
from occupy_core.job.placing import settle
from occupy_core.job.run import run_job
from occupy_core.job.staging import staged_outputs
from occupy_core.settings.job_spec import Job, MapInput
from occupy_core.settings.output_names import MAP_OUTPUTS, PROGRAM, is_output_name
from occupy_core.settings.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture
def folder(tmp_path):
    """An output folder with the files of a job and of others."""
    write_job(tmp_path / "job", FIRST)
    for name, content in OTHERS.items():
        (tmp_path / "job" / name).write_bytes(content)
    return tmp_path / "job"


@pytest.mark.slow
def test_a_kill_or_an_error_at_any_step_leaves_the_files_of_one_job():
    """In a process of its own, which forks: about a thousand cases in a few seconds."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.kills.steps"], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[0]) > 500


@pytest.mark.slow
def test_killed_jobs_on_classes_leave_the_files_of_an_undisturbed_job():
    from benchmarks.kills.jobs import run

    assert sum(run(3, 1, classes=2).values()) == 3


def test_files_are_on_the_disk_before_the_first_is_moved(folder, monkeypatch):
    """A disk in a network says only then that it is full."""
    synced = []

    def full(handle):
        synced.append(os.readlink(f"/proc/self/fd/{handle}"))
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    reason = r"job: cannot write to this output folder \(No space left on device\); make room, or choose another"
    with pytest.raises(JobError, match=reason):
        write_job(folder, SECOND)
    assert len(synced) == 1 and "/new/" in synced[0]
    assert contents(folder) == {**FIRST, **OTHERS}


@pytest.mark.parametrize("number", [22, 38])
def test_a_file_system_that_cannot_sync_is_no_error(folder, monkeypatch, number):
    def unable(_handle):
        raise OSError(number, "cannot")

    monkeypatch.setattr(os, "fsync", unable)
    write_job(folder, SECOND)
    assert contents(folder) == {**SECOND, **OTHERS}


@pytest.mark.parametrize("name", ["scale.mrc", "report.json", "RELION_OUTPUT_NODES.star", "attenuated.mrc"])
@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_links_at_outputs_are_replaced_and_their_targets_stay(folder, tmp_path, name, link):
    target = tmp_path / "target"
    target.write_bytes(FIRST["report.json"])
    (folder / name).unlink(missing_ok=True)
    link(target, folder / name)
    write_job(folder, SECOND)
    is_unknown = (name, link) == ("report.json", os.symlink)  # then no file is known to be of the last job
    assert contents(folder) == {**(FIRST if is_unknown else {}), **SECOND, **OTHERS}
    assert target.read_bytes() == FIRST["report.json"]
    assert not (folder / name).is_symlink() and not (folder / name).samefile(target)


@pytest.mark.parametrize("link", [os.symlink, os.link])
@pytest.mark.parametrize("name", ["confidence.mrc", "RELION_OUTPUT_NODES.star", "logfile.pdf"])
def test_an_output_that_is_a_link_to_an_input_is_refused_before_the_work(phantom_file, tmp_path, name, link):
    before = Path(phantom_file).read_bytes()
    (tmp_path / "job").mkdir()
    link(phantom_file, tmp_path / "job" / name)
    lines = []
    with pytest.raises(JobError, match="phantom.mrc: is an input and the name of an output too"):
        run_job(Job((MapInput(phantom_file),), str(tmp_path / "job"), Settings()), progress=lines.append)
    assert Path(phantom_file).read_bytes() == before and lines == []
    assert [path.name for path in (tmp_path / "job").iterdir()] == [name]


def test_an_output_folder_may_be_a_link(folder, tmp_path):
    (tmp_path / "alias").symlink_to(folder, target_is_directory=True)
    write_job(tmp_path / "alias", SECOND)
    assert contents(folder) == {**SECOND, **OTHERS} and (tmp_path / "alias").is_symlink()


def test_a_report_removes_only_files_that_a_job_can_write(folder, tmp_path):
    names = [
        "job.star",
        "run.out",
        "default_pipeline.star",
        "in.mrc",
        "../in.mrc",
        "region001_mask.star",
        "x_scale.mrc",
    ]
    for name in names:
        (folder / name).write_text("kept")
    ours = ["class007_sigmoid.mrc", "region012_mask.mrc", "group_A-1_mask.mrc"]
    for name in ours:
        (folder / name).write_bytes(FIRST["scale.mrc"])  # with the label of this program
    report = {
        "program": PROGRAM,
        "maps": [
            {"outputs": {str(number): name for number, name in enumerate([*names, *ours, "scale.mrc", 3, None, ["a"]])}}
        ],
        "comparison": {"outputs": names},
        "model": {"outputs": names},
    }
    (folder / "report.json").write_text(json.dumps(report))
    write_job(folder, SECOND)
    assert [(folder / name).read_text() for name in names] == ["kept"] * len(names)
    assert not any((folder / name).exists() for name in ours)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "[" * 100_000, '{"program": "another"}', '{"program": "scipion-em-occupy", "maps": 3}']
)
def test_a_report_of_others_is_refused_and_stays(folder, content):
    (folder / "report.json").write_text(content)
    with pytest.raises(JobError, match=r"report.json: is not a report of this program.*, or move this file away"):
        write_job(folder, SECOND)
    assert (folder / "report.json").read_text() == content


def test_files_of_others_are_not_replaced(phantom_file, tmp_path):
    target = tmp_path / "job"
    target.mkdir()
    job = Job((MapInput(phantom_file),), str(target), Settings())
    for name in ("logfile.pdf", "scale.mrc"):  # as another program, and a user, may name a file
        (target / name).write_bytes(b"of others")
        with pytest.raises(JobError, match=f"{name}: has the name of an output, but was not written by this program"):
            run_job(job)
        assert [path.read_bytes() for path in target.iterdir()] == [b"of others"]
        (target / name).unlink()
    run_job(job)
    (target / "amplified.mrc").write_bytes(b"of others")
    with pytest.raises(JobError, match=r"amplified\.mrc: has the name of an output"):
        run_job(replace(job, settings=Settings(amplify=3.0)))
    (target / "amplified.mrc").unlink()
    (target / "report.json").unlink()  # as an earlier version left a job in Scipion
    run_job(job)


def test_a_report_of_another_folder_removes_no_file(phantom_file, tmp_path):
    job = Job((MapInput(phantom_file),), str(tmp_path / "other"), Settings(amplify=3.0))
    run_job(job)
    target = tmp_path / "job"
    target.mkdir()
    (target / "amplified.mrc").write_bytes(b"mine")
    again = replace(job, output_dir=str(target), settings=Settings(figures=False))
    (target / "report.json").symlink_to("../other/report.json")
    run_job(again)
    assert (target / "amplified.mrc").read_bytes() == b"mine" and not (target / "report.json").is_symlink()
    run_job(again)  # now with a report of its own
    assert (target / "amplified.mrc").read_bytes() == b"mine"


@pytest.mark.parametrize("name", ["logfile.pdf", "amplified.mrc", "occupancy_maps.star"])
def test_a_copied_report_removes_no_file(name, phantom_file, tmp_path):
    job = Job((MapInput(phantom_file),), str(tmp_path / "other"), Settings(amplify=3.0, figures=False))
    run_job(job)
    target = tmp_path / "job"
    target.mkdir()
    shutil.copy(tmp_path / "other" / "report.json", target)
    (target / name).write_bytes(b"mine")
    again = replace(job, output_dir=str(target), settings=Settings(figures=False))
    with pytest.raises(JobError, match=rf"report\.json: none of its maps .* may be a copy.*\({name}\)"):
        run_job(again)
    assert (target / name).read_bytes() == b"mine"
    (target / name).unlink()
    run_job(again)
    for path in target.glob("*.mrc"):  # to make room
        path.unlink()
    run_job(again)
    assert (target / "scale.mrc").exists()


def test_a_pipe_in_place_of_a_report_is_refused_at_once(folder):
    (folder / "report.json").unlink()
    os.mkfifo(folder / "report.json")
    with pytest.raises(JobError, match=r"report.json: cannot be read as a report of this program \(is not a regular"):
        write_job(folder, SECOND)


def plant_staging(folder, **files):
    staging = folder / ".occupy_staging_1"
    for part in ("new", "old"):
        (staging / part).mkdir(parents=True)
    (staging / "new" / "report.json").write_text("{}")
    for name, text in files.items():
        (staging / name).write_text(text)
    return staging


def test_a_staging_folder_that_this_program_did_not_write_moves_no_file_of_others(folder):
    staging = plant_staging(folder, moves="job.star\nreport.json")
    (staging / "old" / "notes_scale.mrc").write_text("planted")
    assert not settle(staging)
    assert contents(folder) == {**FIRST, **OTHERS} and not staging.exists()


def test_nothing_is_moved_through_links_in_a_staging_folder(folder, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "scale.mrc").write_text("of the user")
    for part in ("new", "old"):
        staging = plant_staging(folder, moves="scale.mrc\nreport.json")
        (staging / part).rename(staging / "away")
        (staging / part).symlink_to(tmp_path / "elsewhere")
        settle(staging)
        assert contents(folder) == {**FIRST, **OTHERS} and not staging.exists()
    (folder / ".occupy_staging_2").symlink_to(tmp_path / "elsewhere")
    write_job(folder, SECOND)
    assert (tmp_path / "elsewhere" / "scale.mrc").read_text() == "of the user"
    assert (folder / ".occupy_staging_2").is_symlink()


def test_a_staging_folder_is_closed_to_others(tmp_path):
    with OutputFolder(str(tmp_path)) as locked, staged_outputs(locked, ["report.json"], ()) as new:
        assert new.parent.stat().st_mode & 0o777 == 0o700
        (new / "report.json").write_text("{}")


def test_files_keep_the_usual_permissions(tmp_path):
    before = os.umask(0o022)
    try:
        write_job(tmp_path, FIRST)
    finally:
        os.umask(before)
    assert (tmp_path / "scale.mrc").stat().st_mode & 0o777 == 0o644


def test_names_of_outputs_are_known():
    for kind in MAP_OUTPUTS.values():
        for prefix in ("", "class001_", "map1234_", "c3_"):
            assert is_output_name(prefix + kind.file_name)
    for name in ("job.star", "run.out", "scale.mrcs", "../scale.mrc", "a/scale.mrc", "scale.mrc\n", "", "Xscale.mrc"):
        assert not is_output_name(name)


def test_an_output_of_another_name_is_refused_before_the_work(phantom_file, tmp_path):
    job = Job((MapInput(phantom_file, "my_"),), str(tmp_path), Settings())
    with pytest.raises(JobError, match="my_confidence.mrc: is no name of an output; expected a prefix"):
        run_job(job)
    assert [path.name for path in tmp_path.iterdir()] == ["phantom.mrc"]


def test_an_error_of_an_input_does_not_blame_the_output_folder(tmp_path):
    refused = pytest.raises(JobError, match=r"^/proc/self/mem: Input/output error$")
    with refused, OutputFolder(str(tmp_path)) as locked, staged_outputs(locked, ["report.json"], ()):
        raise OSError(5, "Input/output error", "/proc/self/mem")


@pytest.mark.parametrize("limit", [resource.RLIM_INFINITY, 10**9])
def test_a_file_that_is_too_large_may_be_so_for_the_file_system(tmp_path, monkeypatch, limit):
    """FAT, for instance, holds no file of 4 GB or more."""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (limit, limit))
    with pytest.raises(JobError) as error, OutputFolder(str(tmp_path)) as locked, staged_outputs(locked, [], ()):
        raise OSError(errno.EFBIG, "File too large", str(tmp_path / "scale.mrc"))
    assert "(File too large)" in str(error.value) and "the file system takes no file of this size" in str(error.value)
    assert "choose a folder on another" in str(error.value)
    assert ("ulimit -f unlimited" in str(error.value)) == (limit != resource.RLIM_INFINITY)


def test_a_folder_that_is_removed_meanwhile_is_named(tmp_path):
    (tmp_path / "job").mkdir()
    refused = pytest.raises(JobError, match="this output folder was removed or renamed while the job ran")
    with refused, OutputFolder(str(tmp_path / "job")) as locked, staged_outputs(locked, ["report.json"], ()):
        (tmp_path / "job").rename(tmp_path / "away")
    assert not (tmp_path / "job").exists()


def test_a_working_folder_that_was_removed_is_told_before_the_work(phantom_file, tmp_path):
    code = (
        "import os, sys\nfrom occupy_core import Job, MapInput, OccupyError, Settings, run_job\n"
        "os.mkdir('gone')\nos.chdir('gone')\nos.rmdir('../gone')\n"
        "try:\n    run_job(Job((MapInput(sys.argv[1]),), sys.argv[2], Settings()))\n"
        "except OccupyError as error:\n    print(error)\n"
    )
    words = [sys.executable, "-c", code, phantom_file, str(tmp_path / "job")]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("the working folder was removed or renamed") and done.stdout.count("\n") == 1
    assert not (tmp_path / "job").exists()
