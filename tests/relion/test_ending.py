# SPDX-License-Identifier: GPL-3.0-or-later
"""However the job ends, RELION must learn of it: exactly one marker, the right exit status, one line of reason."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from occupy_core.maps import read_map

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


def ending(folder="job"):
    """The one marker in the folder."""
    (marker,) = [path.name for path in Path(folder).iterdir() if path.name.startswith("RELION_JOB_")]
    return marker


def assert_failed(done, reason, folder="job"):
    assert done.returncode == 1
    assert ending(folder) == FAILURE
    assert done.stderr.count("\n") == 1 and done.stderr.startswith("relion_external_occupy: ERROR: ")
    assert reason in done.stderr


def test_success_leaves_outputs_nodes_and_marker(project, phantom_file):
    done = run("--in_3dref", phantom_file, "--amplify", "3", "--j", "2", "--pipeline_control", "job/")
    assert (done.returncode, done.stderr, ending()) == (0, "", SUCCESS)
    nodes = (project / "job" / "RELION_OUTPUT_NODES.star").read_text().splitlines()[8:-1]
    assert nodes == [
        "job/scale.mrc 6 DensityMap.mrc",
        "job/confidence.mrc 6 DensityMap.mrc",
        "job/amplified.mrc 6 DensityMap.mrc",
        "job/occupancy_maps.star 90 ProcessData.star.occupy",
    ]
    for node in nodes:
        assert (project / node.split()[0]).exists()
    assert done.stdout.splitlines()[-1] == "Done."


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--in_3dref", "gone.mrc"], "gone.mrc: no such file"),
        ([], "no map given"),
        (["--in_3dref", "gone.mrc", "--amplfy", "3"], "did you mean --amplify"),
        (["--in_3dref", "gone.mrc", "--amplify", "1"], "--amplify: got 1.0, expected > 1"),
        (["--in_3dref", "gone.mrc", "--hist_match", "yes"], "--hist_match: is not available"),
        (["--in_3dref", "gone.mrc", "--lowpass"], "expected one argument"),
        (["--in_3dref", "gone.mrc", "--help"], "compute nothing"),
        (["--version"], "compute nothing"),
    ],
)
def test_user_errors_end_as_failure(project, words, reason):
    assert_failed(run(*words), reason)


def test_nan_map_ends_as_failure(project, three_parts, write_mrc):
    bad = three_parts.volume.copy()
    bad[5, 6, 7] = np.nan
    assert_failed(run("--in_3dref", write_mrc(bad)), "found 1 of 262144 values NaN")


@pytest.mark.parametrize("broken", ["numpy", "scipy", "mrcfile", "starfile", "occupy_core"])
def test_import_error_ends_as_failure(project, phantom_file, broken, monkeypatch):
    (project / "broken" / broken).mkdir(parents=True)
    (project / "broken" / broken / "__init__.py").write_text("raise ImportError('this installation is broken')\n")
    monkeypatch.setenv("PYTHONPATH", f"{project / 'broken'}:{os.environ['PYTHONPATH']}")
    assert_failed(run("--in_3dref", phantom_file), "this installation is broken")


def test_a_crash_of_the_computation_ends_as_failure(project, phantom_file, monkeypatch):
    (project / "broken" / "scipy").mkdir(parents=True)
    (project / "broken" / "scipy" / "__init__.py").write_text("import os\nos.kill(os.getpid(), 9)\n")
    monkeypatch.setenv("PYTHONPATH", f"{project / 'broken'}:{os.environ['PYTHONPATH']}")
    assert_failed(run("--in_3dref", phantom_file), "killed by signal 9, often for lack of memory")


def test_memory_that_does_not_suffice_ends_as_failure(project, write_mrc):
    import resource

    large = write_mrc(np.random.default_rng(0).random((160, 160, 160)).astype("f4"))

    def limit():
        resource.setrlimit(resource.RLIMIT_DATA, (130_000_000, 130_000_000))

    done = run("--in_3dref", large, "--amplify", env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}, preexec_fn=limit)
    assert done.returncode == 1 and ending() == FAILURE
    assert done.stderr.strip()


def test_a_folder_that_cannot_be_written_is_said(project, phantom_file):
    (project / "file").write_text("")
    done = run("--in_3dref", phantom_file, folder="file/job/")
    assert done.returncode == 1
    assert "cannot write to this output folder" in done.stderr


@pytest.fixture
def slow_job(project, phantom_file, monkeypatch):
    """A job that is in the middle of its computation, with the outputs of an earlier run in its folder."""
    run("--in_3dref", phantom_file, "--lowpass", "12")
    (project / "slow" / "scipy").mkdir(parents=True)
    # The child pauses at its first import of scipy: as good as a large map, and as long as the test needs.
    (project / "slow" / "scipy" / "__init__.py").write_text("import time\nopen('started', 'w')\ntime.sleep(60)\n")
    monkeypatch.setenv("PYTHONPATH", f"{project / 'slow'}:{os.environ['PYTHONPATH']}")
    job = subprocess.Popen(
        [*COMMAND, "--o", "job/", "--in_3dref", phantom_file], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: Path("started").exists())
    yield job
    job.kill()
    job.communicate()


def wait_for(condition, seconds=20.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened in time"
        time.sleep(0.02)


def children_of(process):
    return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]


def assert_first_run_is_kept():
    assert read_map("job/scale.mrc").data.shape == (64, 64, 64)
    assert not Path("job/.occupy_staging").exists()


def test_a_request_to_abort_is_met_in_a_second(slow_job):
    Path("job/RELION_JOB_ABORT_NOW").touch()
    start = time.monotonic()
    assert slow_job.wait(timeout=10) == 1
    assert time.monotonic() - start < 3
    assert ending() == ABORTED
    assert_first_run_is_kept()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_end_as_failure(slow_job, number):
    (child,) = children_of(slow_job)
    slow_job.send_signal(number)
    _, errors = slow_job.communicate(timeout=10)
    assert (slow_job.returncode, ending()) == (1, FAILURE)
    assert f"ended by signal {int(number)}" in errors
    assert not Path(f"/proc/{child}").exists()
    assert_first_run_is_kept()


def test_a_killed_child_ends_as_failure(slow_job):
    (child,) = children_of(slow_job)
    os.kill(child, signal.SIGKILL)
    assert slow_job.wait(timeout=10) == 1
    assert ending() == FAILURE


def test_a_killed_parent_ends_as_failure(slow_job):
    (child,) = children_of(slow_job)
    slow_job.kill()
    wait_for(lambda: Path("job", FAILURE).exists())
    wait_for(lambda: not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2])
    assert ending() == FAILURE


def test_a_running_job_has_no_marker_of_the_last_run(slow_job):
    assert not list(Path("job").glob("RELION_JOB_*"))


def test_ignored_signals_stay_ignored(project, phantom_file):
    """What nohup does."""
    done = run("--in_3dref", phantom_file, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    assert ending() == SUCCESS and done.returncode == 0


def test_help_and_version_need_no_folder(project):
    for word, text in (("--help", "--in_3dref"), ("--version", "relion_external_occupy 0.")):
        done = subprocess.run([*COMMAND, word], capture_output=True, text=True, check=True)
        assert text in done.stdout
    assert list(project.iterdir()) == []


def test_help_tells_every_setting_that_works_and_none_that_does_not(project):
    from occupy_core.settings import descriptions, is_available

    shown = subprocess.run([*COMMAND, "--help"], capture_output=True, text=True, check=True).stdout
    for name in descriptions():
        assert (f"--{name} " in shown) == is_available(name), name


def test_it_runs_where_the_working_folder_is_not_the_project(project, phantom_file, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    done = run("--in_3dref", phantom_file, folder=str(project / "job"))
    assert done.returncode == 0
    assert ending(project / "job") == SUCCESS
