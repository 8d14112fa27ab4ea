# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever disturbs a job: one marker file, one line, and nothing lost."""

import os
import resource
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.relion.endless import ENDLESS_COMMAND
from tests.relion.test_ending import (
    ABORTED,
    COMMAND,
    FAILURE,
    SUCCESS,
    assert_failed,
    children_of,
    ending,
    project,
    run,
    slow_job,
    wait_for,
)

__all__ = ["project", "slow_job"]  # fixtures
QUICK = ("--figures", "no")


def contents(folder="job"):
    paths = [path for path in Path(folder).rglob("*") if path.is_file() and not path.name.startswith("RELION_JOB_")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_planted_links_are_never_written_through(project, phantom_file, link):
    Path("job").mkdir()
    Path("precious").write_text("kept")
    names = [SUCCESS, FAILURE, ABORTED, "RELION_OUTPUT_NODES.star", "RELION_OUTPUT_NODES.star.partial"]
    names += ["scale.mrc", "scale.mrc.partial", "occupancy_maps.star", "occupy.cxc"]
    for name in names:
        link("precious" if link is os.link else "../precious", f"job/{name}")
    os.symlink("../elsewhere", "job/confidence.mrc")
    done = run("--in_3dref", phantom_file, *QUICK)
    assert (done.returncode, done.stderr, ending()) == (0, "", SUCCESS)
    assert Path("precious").read_text() == "kept" and not Path("elsewhere").exists()
    assert not any(path.is_symlink() for path in Path("job").iterdir() if not path.name.endswith(".partial"))
    before = Path("precious").stat().st_nlink
    assert before == (1 if link is os.symlink else 3)  # the old names of partial files are not ours any more


def test_marker_of_a_failure_is_not_made_through_a_link(slow_job):
    os.symlink("../elsewhere", f"job/{FAILURE}")
    slow_job.terminate()
    assert slow_job.wait(timeout=10) == 1
    assert ending() == FAILURE and not Path("job", FAILURE).is_symlink() and not Path("elsewhere").exists()


def test_a_second_job_touches_nothing_of_the_running_one(slow_job, phantom_file):
    wait_for(lambda: list(Path("job").glob(".occupy_staging_*/new/logfile.pdf")))  # begun by a process of its own
    before = contents()
    for words in (("--in_3dref", phantom_file), ("--amplfy",), ("--help",)):
        done = run(*words)
        assert done.returncode == 1 and done.stderr.count("\n") == 1
        assert "job/: another job is running in this output folder; wait, or choose another" in done.stderr
        assert contents() == before and not list(Path("job").glob("RELION_JOB_*"))
    assert list(Path("job").glob(".occupy_staging_*")) and slow_job.poll() is None
    Path("job/RELION_JOB_ABORT_NOW").touch()
    assert slow_job.wait(timeout=10) == 1 and ending() == ABORTED


def test_node_file_is_put_in_place_with_the_outputs(slow_job):
    """A job that does not end well leaves the nodes of the last one."""
    nodes = Path("job/RELION_OUTPUT_NODES.star").read_bytes()
    slow_job.terminate()
    slow_job.wait(timeout=10)
    assert Path("job/RELION_OUTPUT_NODES.star").read_bytes() == nodes


# Put into a job as sitecustomize.py: disturbs it before the third move of a file to the output folder.
DISTURBED = """
import os, sys, time
moves = 0
def hook(event, paths):
    global moves
    if event != "os.rename" or ".occupy_staging_" in str(paths[1]) or os.path.exists("disturbed"):
        return
    moves += 1
    if moves == 3:
        open("disturbed", "w").close()
        {act}
sys.addaudithook(hook)
"""
ACTS = {
    "killed": ("os.kill(os.getpid(), 9)", FAILURE),
    "supervisor killed": ("os.kill(os.getppid(), 9); time.sleep(0.5)", SUCCESS),
    "terminated": ("os.kill(os.getppid(), 15); time.sleep(0.5)", SUCCESS),
    "terminated while the disk is slow": ("os.kill(os.getppid(), 15); time.sleep(9)", FAILURE),
    "aborted": ("open('job/RELION_JOB_ABORT_NOW', 'w').close(); time.sleep(0.7)", SUCCESS),
    "full disk": ("raise OSError(28, 'No space left on device')", FAILURE),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", ACTS)
def test_a_job_that_is_disturbed_while_outputs_are_put_in_place_is_whole(project, phantom_file, monkeypatch, name):
    act, marker = ACTS[name]
    run("--in_3dref", phantom_file, "--amplify", *QUICK)
    second = contents()
    shutil.rmtree("job")
    run("--in_3dref", phantom_file, "--lowpass", "12", *QUICK)
    first = contents()
    Path("hook").mkdir()
    Path("hook/sitecustomize.py").write_text(DISTURBED.format(act=act))
    monkeypatch.setenv("PYTHONPATH", f"{project / 'hook'}:{os.environ['PYTHONPATH']}")
    done = run("--in_3dref", phantom_file, "--amplify", *QUICK)
    wait_for(lambda: list(Path("job").glob("RELION_JOB_EXIT_*")))
    assert ending() == marker and done.stderr.count("\n") == (marker == FAILURE)
    assert contents() == (second if marker == SUCCESS else first)


def test_signal_that_arrives_before_the_child_process_is_ready_is_not_lost(project, monkeypatch):
    Path("hook").mkdir()
    Path("hook/sitecustomize.py").write_text(
        "import os, signal\nfork = os.fork\n"
        "def early():\n    os.kill(os.getpid(), signal.SIGTERM)\n    return fork()\nos.fork = early\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{project / 'hook'}:{os.environ['PYTHONPATH']}")
    os.mkfifo("endless.mrc")
    done = run("--in_3dref", "endless.mrc")
    assert_failed(done, "ended by signal 15")
    assert done.stdout == ""  # the child process has not begun to work


@pytest.mark.parametrize("files", [5, 7, 9, 11])
def test_a_limit_of_open_files_ends_as_failure(project, phantom_file, files):
    def limit():
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))

    Path("job").mkdir()
    Path("job", SUCCESS).touch()
    assert_failed(run("--in_3dref", phantom_file, preexec_fn=limit), "ulimit -n")


LIMITED = {
    "process": "import os\ndef fork():\n    raise BlockingIOError(11, 'Try again')\nos.fork = fork\n",
    "thread": 'import threading\ndef start(_):\n    raise RuntimeError("can\'t start new thread")\n'
    "threading.Thread.start = start\n",
}


@pytest.mark.parametrize("what", LIMITED)
def test_a_limit_of_processes_ends_as_failure(project, phantom_file, monkeypatch, what):
    """As `ulimit -u 2` does for a user; root, who runs the tests in a container, has no such limit."""
    Path("hook").mkdir()
    Path("hook/sitecustomize.py").write_text(LIMITED[what])
    monkeypatch.setenv("PYTHONPATH", f"{project / 'hook'}:{os.environ['PYTHONPATH']}")
    assert_failed(run("--in_3dref", phantom_file), "ulimit -u")


def test_markers_that_are_folders_are_cleared(project, phantom_file):
    for name in (SUCCESS, FAILURE):
        Path("job", name).mkdir(parents=True)
    Path("job", FAILURE, "notes.txt").write_text("kept")
    assert run("--in_3dref", phantom_file, *QUICK).returncode == 0
    assert ending() == SUCCESS and Path("job", SUCCESS).is_file()
    assert Path("job/marker_folder_1/notes.txt").read_text() == "kept"
    Path("job/RELION_JOB_ABORT_NOW/full").mkdir(parents=True)
    done = run("--in_3dref", phantom_file, *QUICK)
    assert (done.returncode, done.stderr, ending()) == (1, "", ABORTED)
    assert Path("job/marker_folder_2/full").is_dir()


def test_a_node_file_that_is_a_folder_is_refused_before_the_work(project, phantom_file):
    Path("job/RELION_OUTPUT_NODES.star").mkdir(parents=True)
    done = run("--in_3dref", phantom_file)
    assert_failed(done, "job/RELION_OUTPUT_NODES.star: is a folder and the name of an output too")
    assert "Map 1" not in done.stdout


def test_a_request_to_abort_that_is_there_at_the_start_aborts(project, phantom_file):
    Path("job").mkdir()
    Path("job/RELION_JOB_ABORT_NOW").touch()
    assert run("--in_3dref", phantom_file, *QUICK).returncode == 1
    assert ending() == ABORTED and not Path("job/scale.mrc").exists()


@pytest.mark.slow
@pytest.mark.parametrize("act", ["remove", "rename"])
def test_an_output_folder_that_is_gone_is_made_again_for_the_marker(slow_job, act):
    shutil.rmtree("job") if act == "remove" else Path("job").rename("away")
    _, errors = slow_job.communicate(timeout=10)
    assert (slow_job.returncode, ending(), errors.count("\n")) == (1, FAILURE, 1)
    assert "job/: this output folder was removed or renamed; run the job again" in errors


def test_a_job_whose_folder_now_is_another_jobs_marks_nothing_there(slow_job, project, phantom_file):
    Path("job").rename("away")
    Path("job").mkdir()
    words = [*ENDLESS_COMMAND, "--o", "job/", "--in_3dref", phantom_file]
    second = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: list(Path("job").glob(".occupy_staging_*")))
    slow_job.terminate()
    _, errors = slow_job.communicate(timeout=10)
    assert slow_job.returncode == 1 and errors.count("\n") == 1 and "another job is running" in errors
    assert not list(Path("job").glob("RELION_JOB_*")) and second.poll() is None
    second.terminate()
    second.communicate(timeout=10)
    assert ending() == FAILURE


@pytest.mark.slow
@pytest.mark.parametrize(("stream", "act"), [("stdout", "abort"), ("stderr", "signal")])
def test_a_pipe_that_nobody_reads_delays_no_ending(project, phantom_file, stream, act):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    try:
        while True:
            os.write(writer, bytes(1024))
    except BlockingIOError:
        os.set_blocking(writer, True)
    other = "stderr" if stream == "stdout" else "stdout"
    words = [*ENDLESS_COMMAND, "--o", "job/", "--in_3dref", phantom_file]
    job = subprocess.Popen(words, **{stream: writer, other: subprocess.DEVNULL})
    wait_for(lambda: Path("job").is_dir() and children_of(job))
    time.sleep(0.3)
    start = time.monotonic()
    Path("job/RELION_JOB_ABORT_NOW").touch() if act == "abort" else job.terminate()
    wait_for(lambda: list(Path("job").glob("RELION_JOB_EXIT_*")))
    assert ending() == (ABORTED if act == "abort" else FAILURE)
    assert time.monotonic() - start < 10
    assert "gone.mrc: no such file" in run("--in_3dref", "gone.mrc", folder="job/").stderr  # the next run can start
    assert job.wait(timeout=10) == 1
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("words", ["> /dev/full", "2> /dev/full", "> /dev/full 2>&1", "2>&-"])
def test_streams_that_cannot_be_written_do_not_change_the_exit_status(project, words):
    Path("job").mkdir()
    for made in ("job/RELION_JOB_ABORT_NOW", None):
        if made:
            Path(made).touch()
        command = " ".join([*COMMAND, "--o", "job/", "--in_3dref", "gone.mrc", words])
        assert subprocess.run(command, shell=True, stderr=subprocess.DEVNULL).returncode == 1
        assert ending() == (ABORTED if made else FAILURE)


def test_an_ignored_sigchld_changes_nothing(project, phantom_file):
    done = run("--in_3dref", phantom_file, *QUICK, preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert (done.returncode, done.stderr, ending()) == (0, "", SUCCESS)


@pytest.mark.parametrize("is_absolute", [False, True])
def test_a_working_folder_that_is_gone_is_named(project, phantom_file, is_absolute):
    Path("gone").mkdir()
    folder = f"{project}/job/" if is_absolute else "job/"
    words = " ".join([*COMMAND, "--o", folder, "--in_3dref", phantom_file])
    command = ["sh", "-c", f"cd gone && rmdir ../gone && exec {words}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "the working folder was removed or renamed" in done.stderr and "Map 1" not in done.stdout
    if is_absolute:
        assert ending() == FAILURE


def test_a_clock_that_runs_backwards_changes_nothing(project, phantom_file, monkeypatch):
    Path("hook").mkdir()
    Path("hook/sitecustomize.py").write_text(
        "import itertools, time\n"
        "for name in ('time', 'monotonic', 'perf_counter'):\n"
        "    setattr(time, name, (lambda count: lambda: 1e9 - next(count))(itertools.count()))\n"
    )
    monkeypatch.setenv("PYTHONPATH", f"{project / 'hook'}:{os.environ['PYTHONPATH']}")
    done = run("--in_3dref", phantom_file, "--amplify")
    assert (done.returncode, done.stderr, ending()) == (0, "", SUCCESS)


@pytest.fixture
def small_disk(project):
    """A disk of 3 MB with an output folder; as root only."""
    Path("disk").mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "occupy", "disk"], capture_output=True)
    if done.returncode != 0:
        pytest.skip("cannot mount a small disk here")
    yield Path("disk/job")
    subprocess.run(["umount", "disk"], check=True)


def test_a_full_disk_ends_as_failure_and_leaves_the_outputs_of_the_last_run(small_disk, phantom_file):
    assert run("--in_3dref", phantom_file, *QUICK, folder="disk/job/").returncode == 0
    before = contents(small_disk)
    done = run("--in_3dref", phantom_file, "--amplify", *QUICK, folder="disk/job/")
    assert_failed(done, "cannot write to this output folder (No space left on device)", small_disk)
    assert contents(small_disk) == before
