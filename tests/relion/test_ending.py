# SPDX-License-Identifier: GPL-3.0-or-later
"""However a job ends, RELION learns it: one marker file, the right exit status, one line with the reason."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from demo.simulate import phantom
from occupy_core.maps.reading import read_map
from tests.relion.endless import ENDLESS_COMMAND

SUCCESS, FAILURE, ABORTED = (f"RELION_JOB_EXIT_{end}" for end in ("SUCCESS", "FAILURE", "ABORTED"))
COMMAND = [sys.executable, "-m", "relion_external"]


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return tmp_path


def run(*words, folder="job/", **options):
    return subprocess.run(
        [*COMMAND, "--o", folder, *words], capture_output=True, text=True, timeout=60, check=False, **options
    )


@pytest.fixture
def small_map(write_mrc):
    return write_mrc(phantom((32, 32, 32)).volume)


def ending(folder="job"):
    """Return the name of the only marker file in the folder."""
    (marker,) = [path.name for path in Path(folder).iterdir() if path.name.startswith("RELION_JOB_")]
    return marker


def assert_failed(done, reason, folder="job"):
    assert done.returncode == 1
    assert ending(folder) == FAILURE
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("relion_external_occupy: ERROR: ")
    assert reason in done.stderr


def test_successful_job_writes_outputs_nodes_and_marker(project, phantom_file):
    done = run("--in_3dref", phantom_file, "--amplify", "3", "--j", "2", "--pipeline_control", "job/")
    assert (done.returncode, done.stderr, ending()) == (0, "", SUCCESS)
    nodes = (project / "job" / "RELION_OUTPUT_NODES.star").read_text().splitlines()[8:-1]
    assert nodes == [
        "job/scale.mrc 6 DensityMap.mrc",
        "job/confidence.mrc 6 DensityMap.mrc",
        "job/amplified.mrc 6 DensityMap.mrc",
        "job/logfile.pdf 13 LogFile.pdf.relion",
        "job/occupancy_maps.star 90 ProcessData.star.occupy",
    ]
    for node in nodes:
        assert (project / node.split()[0]).exists()
    lines = done.stdout.splitlines()
    assert lines[-1] == "Done." and lines[-7].startswith("Result: ") and lines[-6] == "Next steps:"
    assert "job/occupy.cxc" in lines[-5] and "job/amplified.mrc" in lines[-4]


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ("job.star", "_rlnJobTypeLabel             relion.postprocess\n"),
        ("job.star", "# version 30001\n\ndata_job\n\n_rlnJobType            15\n"),
        ("run.job", "job_type == 15\nis_continue == false\n"),
    ],
)
def test_folder_that_relion_made_for_another_job_is_left_alone(project, phantom_file, record, kind):
    files = {record: kind, "logfile.pdf": "of others", SUCCESS: ""}
    Path("job").mkdir()
    for name, text in files.items():
        Path("job", name).write_text(text)
    done = run("--in_3dref", phantom_file)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert (
        "RELION made this output folder for a job of type" in done.stderr and "expected an External job" in done.stderr
    )
    assert {path.name: path.read_text() for path in Path("job").iterdir()} == files


@pytest.mark.parametrize("kind", ["_rlnJobTypeLabel relion.external", "_rlnJobType 99"])
def test_folder_that_relion_made_for_the_job_is_used(project, phantom_file, kind):
    Path("job").mkdir()
    Path("job", "job.star").write_text(f"data_job\n\n{kind}\n")
    for name in ("run.out", "run.err", "note.txt", "job_pipeline.star", FAILURE):
        Path("job", name).write_text("")
    assert run("--in_3dref", phantom_file, "--figures", "no").returncode == 0 and ending() == SUCCESS


def test_job_without_figures_has_no_pdf_node(project, phantom_file):
    done = run("--in_3dref", phantom_file, "--figures", "no")
    assert (done.returncode, done.stderr, ending()) == (0, "", SUCCESS)
    nodes = (project / "job" / "RELION_OUTPUT_NODES.star").read_text()
    assert "scale.mrc" in nodes and "pdf" not in nodes and "WARNING" not in done.stdout
    again = run("--settings", "job/report.json", folder="again/")
    assert again.returncode == 0 and (project / "again" / "scale.mrc").exists()
    assert not (project / "again" / "logfile.pdf").exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--in_3dref", "gone.mrc"], "gone.mrc: no such file"),
        ([], "no map given"),
        (["--in_3dref", "gone.mrc", "--amplfy", "3"], "did you mean --amplify"),
        (["--in_3dref", "gone.mrc", "--amplify", "1"], "--amplify: got 1.0, expected > 1"),
        (["--in_3dref", "gone.mrc", "--subtraction_mask"], "--subtraction_mask: needs a modification"),
        (["--in_3dref", "gone.mrc", "--lowpass"], "expected one argument"),
        (["--in_3dref", "gone.mrc", "--help"], "only print text"),
        (["--version"], "only print text"),
    ],
)
def test_wrong_command_line_ends_as_failure(project, words, reason):
    assert_failed(run(*words), reason)


def test_map_with_nan_ends_as_failure(project, three_parts, write_mrc):
    bad = three_parts.volume.copy()
    bad[5, 6, 7] = np.nan
    assert_failed(run("--in_3dref", write_mrc(bad)), "found 1 of 262144 values NaN")


@pytest.mark.parametrize("broken", ["numpy", "scipy", "mrcfile", "relion_files", "occupy_core"])
def test_import_error_ends_as_failure(project, phantom_file, broken, monkeypatch):
    (project / "broken" / broken).mkdir(parents=True)
    (project / "broken" / broken / "__init__.py").write_text("raise ImportError('this installation is broken')\n")
    monkeypatch.setenv("PYTHONPATH", f"{project / 'broken'}:{os.environ['PYTHONPATH']}")
    assert_failed(run("--in_3dref", phantom_file), "this installation is broken")


def test_crash_of_the_computation_ends_as_failure(project, phantom_file, monkeypatch):
    (project / "broken" / "scipy").mkdir(parents=True)
    (project / "broken" / "scipy" / "__init__.py").write_text("import os\nos.kill(os.getpid(), 9)\n")
    monkeypatch.setenv("PYTHONPATH", f"{project / 'broken'}:{os.environ['PYTHONPATH']}")
    assert_failed(run("--in_3dref", phantom_file), "killed by signal 9, often for lack of memory")


@pytest.mark.slow
@pytest.mark.parametrize("limits", [(2, 100), (2, 2)], ids=["signal 24", "signal 9"])
def test_limit_of_processor_time_ends_as_failure(project, small_map, limits):
    command = [*ENDLESS_COMMAND[:-1], ENDLESS_COMMAND[-1].replace("time.sleep(600)", "sum(range(10**12))")]
    words = ["--o", "job/", "--in_3dref", small_map, "--figures", "no"]

    def limit():
        resource.setrlimit(resource.RLIMIT_CPU, limits)

    done = subprocess.run([*command, *words], capture_output=True, text=True, timeout=60, check=False, preexec_fn=limit)
    assert_failed(done, "at the limit of processor time")
    assert done.stderr.endswith("ulimit -t unlimited\n")


@pytest.mark.parametrize(
    ("megabytes", "reason"),
    [
        (180, "but about"),  # refused before the work
        (290, "out of memory"),  # enough to start, not to compute
    ],
)
def test_lack_of_memory_ends_as_failure(project, write_mrc, megabytes, reason):
    import resource

    large = write_mrc(np.random.default_rng(0).random((256, 256, 256), dtype=np.float32))

    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (megabytes * 10**6,) * 2)

    done = run("--in_3dref", large, "--amplify", env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, preexec_fn=limit)
    assert done.returncode == 1 and ending() == FAILURE
    assert reason in done.stderr and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("limit", "megabytes", "reason"),
    [
        (resource.RLIMIT_AS, 60, "the limit of ulimit -v is too low for the program's libraries"),  # no numpy
        (resource.RLIMIT_AS, 240, "can be used (the limit of ulimit -v)"),  # OpenBLAS would wait without end
        (resource.RLIMIT_DATA, 85, "can be used (the limit of ulimit -d)"),
        (resource.RLIMIT_FSIZE, 0, "(File too large); raise the limit of a file's size, for example with: ulimit -f"),
    ],
)
def test_tight_limit_ends_as_failure_that_names_it(project, small_map, limit, megabytes, reason):
    def tighten():
        resource.setrlimit(limit, (megabytes << 20,) * 2)

    assert_failed(run("--in_3dref", small_map, preexec_fn=tighten), reason)


def test_output_folder_that_cannot_be_written_is_reported(project, phantom_file):
    (project / "file").write_text("")
    done = run("--in_3dref", phantom_file, folder="file/job/")
    assert done.returncode == 1
    assert "cannot write to this output folder (a file has its name, or that of a folder above it)" in done.stderr
    assert "expected a folder to write to; choose another" in done.stderr


@pytest.mark.parametrize("more", [(), ("--amplify", "0.5")])
def test_marker_file_that_cannot_be_written_is_reported_in_one_line(project, phantom_file, more):
    """For instance in an existing folder that belongs to another user."""
    code = (
        "import sys\nfrom relion_external import marker_files, supervisor\n"
        "def write_marker(*_):\n    raise PermissionError(13, 'Permission denied')\n"
        "marker_files.write_marker = write_marker\nsys.exit(supervisor.main(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", code, "--in_3dref", phantom_file, "--o", "job/", *more]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "so RELION does not learn how the job ended (Permission denied)" in done.stderr.splitlines()[-1]


@pytest.fixture
def slow_job(project, phantom_file):
    """A running job, with the outputs of an earlier run in its folder.

    It computes as long as the test needs.
    """
    run("--in_3dref", phantom_file, "--lowpass", "12")
    job = subprocess.Popen(
        [*ENDLESS_COMMAND, "--o", "job/", "--in_3dref", phantom_file],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: list(Path("job").glob(".occupy_staging_*/new")))  # made after the file that names the owner
    yield job
    job.kill()
    job.communicate()


def wait_for(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "the condition did not become true in time"
        time.sleep(0.02)


def children_of(process):
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def assert_outputs_of_the_first_run_remain():
    assert read_map("job/scale.mrc").data.shape == (64, 64, 64)
    assert not list(Path("job").glob(".occupy_staging*"))


def test_abort_request_stops_the_job_within_seconds(slow_job):
    Path("job/RELION_JOB_ABORT_NOW").touch()
    start = time.monotonic()
    assert slow_job.wait(timeout=10) == 1
    assert time.monotonic() - start < 3
    assert ending() == ABORTED
    assert_outputs_of_the_first_run_remain()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["TERM", "INT", "HUP", "QUIT", "USR1", "USR2", "XCPU"])
def test_signal_ends_as_failure(slow_job, name):
    (child,) = children_of(slow_job)
    number = getattr(signal, f"SIG{name}")
    os.killpg(slow_job.pid, number)
    _, errors = slow_job.communicate(timeout=10)
    assert (slow_job.returncode, ending()) == (1, FAILURE)
    assert f"ended by signal {int(number)}" in errors
    assert not Path(f"/proc/{child}").exists()
    assert_outputs_of_the_first_run_remain()


def test_killed_child_process_ends_as_failure(slow_job):
    (child,) = children_of(slow_job)
    os.kill(child, signal.SIGKILL)
    assert slow_job.wait(timeout=10) == 1
    assert ending() == FAILURE


def test_killed_parent_process_ends_as_failure(slow_job):
    (child,) = children_of(slow_job)
    slow_job.kill()
    wait_for(lambda: Path("job", FAILURE).exists())
    wait_for(lambda: not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2])
    assert ending() == FAILURE


def test_killed_process_group_ends_as_failure(slow_job):
    os.killpg(slow_job.pid, signal.SIGKILL)
    wait_for(lambda: Path("job", FAILURE).exists())
    assert_outputs_of_the_first_run_remain()


# Replaces the module threading of the standard library: loading it takes a second.
SLOW_MODULE = """
import sys, time
sys.path.remove({folder!r})
del sys.modules["threading"]
open("loading", "w").close()
time.sleep(1)
import threading
"""


def test_signal_during_the_imports_ends_as_failure(project, monkeypatch, phantom_file):
    (project / "slow").mkdir()
    (project / "slow" / "threading.py").write_text(SLOW_MODULE.format(folder=str(project / "slow")))
    monkeypatch.setenv("PYTHONPATH", f"{project / 'slow'}:{os.environ['PYTHONPATH']}")
    job = subprocess.Popen([*ENDLESS_COMMAND, "--o", "job/", "--in_3dref", phantom_file], stderr=subprocess.DEVNULL)
    wait_for(lambda: Path("loading").exists())
    job.terminate()
    assert job.wait(timeout=10) == 1
    assert ending() == FAILURE


def test_second_job_in_the_folder_is_refused_and_the_first_continues(slow_job, phantom_file):
    done = run("--in_3dref", phantom_file)
    assert done.returncode == 1 and "another job is running" in done.stderr
    assert slow_job.poll() is None
    assert list(Path("job").glob(".occupy_staging_*"))


@pytest.mark.slow
@pytest.mark.parametrize("words", [">&-", "2>&-", "<&- >&- 2>&-", "> /dev/full", "> /dev/full 2>&1"])
def test_job_succeeds_if_standard_streams_cannot_be_written(project, phantom_file, words):
    command = " ".join([*COMMAND, "--o", "job/", "--in_3dref", phantom_file, words])
    assert subprocess.run(command, shell=True, timeout=60, stderr=subprocess.DEVNULL).returncode == 0
    assert ending() == SUCCESS


def test_job_succeeds_if_the_output_encoding_is_ascii(project, phantom_file):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "LC_ALL": "POSIX"}
    assert run("--in_3dref", phantom_file, env=environment).returncode == 0
    assert ending() == SUCCESS


def test_empty_value_of_o_does_not_replace_an_earlier_one(project):
    assert run("--in_3dref", "gone.mrc", "--o=").returncode == 1
    assert ending() == FAILURE


def test_running_job_has_no_marker_file_of_the_last_run(slow_job):
    assert not list(Path("job").glob("RELION_JOB_*"))


def test_ignored_signals_stay_ignored(project, phantom_file):
    """`nohup` starts a program with SIGHUP ignored."""
    job = subprocess.Popen(
        [*ENDLESS_COMMAND, "--o", "job/", "--in_3dref", phantom_file],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    wait_for(lambda: list(Path("job").glob(".occupy_staging_*")))
    job.send_signal(signal.SIGHUP)
    time.sleep(0.6)
    assert job.poll() is None
    job.terminate()
    assert job.wait(timeout=10) == 1


def test_help_and_version_need_no_output_folder(project):
    for word, text in (("--help", "--in_3dref"), ("--version", "relion_external_occupy 0.")):
        done = subprocess.run([*COMMAND, word], capture_output=True, text=True, check=True)
        assert text in done.stdout
    assert list(project.iterdir()) == []


def test_help_names_every_setting(project):
    from occupy_core.settings.settings import descriptions

    shown = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True).stdout
    for name in descriptions():
        assert f"--{name} " in shown, name


def test_job_runs_outside_the_project_folder(project, phantom_file, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    done = run("--in_3dref", phantom_file, folder=str(project / "job"))
    assert done.returncode == 0
    assert ending(project / "job") == SUCCESS
