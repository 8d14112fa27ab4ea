# SPDX-License-Identifier: GPL-3.0-or-later
import fcntl
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from occupy_core.errors import JobError
from occupy_core.job import owner
from occupy_core.job.output_folder import OutputFolder
from occupy_core.job.placing import make_staging


def test_a_second_job_is_refused_until_the_first_has_ended(tmp_path):
    refused = pytest.raises(JobError, match="another job is running in this output folder; wait, or choose another")
    with OutputFolder(str(tmp_path)), refused:
        OutputFolder(f"{tmp_path}/").lock()
    with OutputFolder(str(tmp_path)):
        pass


def test_a_second_job_in_a_thread_of_the_same_program_is_refused_too(tmp_path):
    reasons = []

    def second():
        try:
            OutputFolder(str(tmp_path)).lock()
        except JobError as error:
            reasons.append(str(error))

    with OutputFolder(str(tmp_path)):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert len(reasons) == 1


def test_a_folder_that_was_removed_is_made_and_locked_again(tmp_path):
    folder = OutputFolder(str(tmp_path / "job"))
    folder.lock()
    os.rmdir(tmp_path / "job")
    folder.lock()
    with pytest.raises(JobError, match="another job"):
        OutputFolder(str(tmp_path / "job")).lock()
    folder.unlock()


def test_a_folder_that_another_job_has_made_in_place_is_left_alone(tmp_path):
    folder = OutputFolder(str(tmp_path / "job"))
    folder.lock()
    (tmp_path / "job").rename(tmp_path / "away")
    with OutputFolder(str(tmp_path / "job")), pytest.raises(JobError, match="another job"):
        folder.lock()


def test_staging_folders_of_killed_jobs_are_removed_at_the_start(tmp_path):
    (tmp_path / ".occupy_staging_1" / "new").mkdir(parents=True)
    with OutputFolder(str(tmp_path)):
        assert list(tmp_path.iterdir()) == []


def test_an_output_folder_that_cannot_be_made_names_the_way_out(tmp_path):
    (tmp_path / "file").write_text("")
    refused = pytest.raises(JobError, match=r"cannot write to this output folder \(a file has .*\); choose another")
    with refused, OutputFolder(str(tmp_path / "file" / "job")):
        pass


@pytest.fixture
def without_locks(monkeypatch):
    def unable(*_):
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", unable)


def test_without_locks_a_second_job_is_refused_until_the_first_has_ended(tmp_path, without_locks):
    with OutputFolder(str(tmp_path)), pytest.raises(JobError, match="another job is running"):
        OutputFolder(str(tmp_path)).lock()
    with OutputFolder(str(tmp_path)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_without_locks_the_claim_of_a_killed_job_is_removed(tmp_path, without_locks, monkeypatch):
    with subprocess.Popen([sys.executable, "-c", LOCK, str(tmp_path), "0"], stdout=subprocess.PIPE, text=True) as job:
        assert job.stdout.readline() == "locked\n"
        job.kill()
    assert len(list(tmp_path.glob(".occupy_running_*"))) == 1
    with OutputFolder(str(tmp_path)):
        assert len(list(tmp_path.glob(".occupy_running_*"))) == 1
    assert list(tmp_path.iterdir()) == []


LOCK = """
import fcntl, sys, time
from occupy_core.errors import JobError
from occupy_core.job.output_folder import OutputFolder

def unable(*_):
    raise OSError(37, "No locks available")

fcntl.flock = unable
time.sleep(max(0, float(sys.argv[2]) - time.time()))
try:
    OutputFolder(sys.argv[1]).lock()
    print("locked", flush=True)
except JobError:
    print("refused", flush=True)
sys.stdin.readline()
"""


@pytest.mark.slow
def test_without_locks_one_of_the_jobs_that_start_at_once_goes_on(tmp_path):
    for number in range(3):
        words = [sys.executable, "-c", LOCK, str(tmp_path / f"job{number}"), str(time.time() + 3)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        jobs = [subprocess.Popen(words, **pipes) for _ in range(4)]
        ends = [job.stdout.readline().strip() for job in jobs]
        for job in jobs:
            job.communicate("\n")
        assert sorted(ends) == ["locked", "refused", "refused", "refused"]


STAGE = """
import sys, time
from pathlib import Path
from occupy_core.job.placing import make_staging
print(make_staging(Path(sys.argv[1])), flush=True)
time.sleep(60)
"""


def test_without_locks_a_running_job_keeps_its_staging_folder(tmp_path, without_locks):
    with subprocess.Popen([sys.executable, "-c", STAGE, str(tmp_path)], stdout=subprocess.PIPE, text=True) as job:
        new = Path(job.stdout.readline().strip())
        with pytest.raises(JobError, match="another job is running"):
            OutputFolder(str(tmp_path)).lock()
        assert new.is_dir()
        job.kill()
        job.wait()
        with OutputFolder(str(tmp_path)):
            assert not new.exists()


def test_without_locks_a_job_of_another_machine_is_known_by_its_signs(tmp_path, without_locks):
    make_staging(tmp_path)
    (staging,) = tmp_path.iterdir()
    staging = staging.rename(tmp_path / ".occupy_staging_1")
    (staging / "owner").write_text("elsewhere 1 1")
    with pytest.raises(JobError, match="another job is running"):
        OutputFolder(str(tmp_path)).lock()
    os.utime(staging / "owner", (0, 0))
    with OutputFolder(str(tmp_path)):
        assert not staging.exists()


def test_signs_of_life_are_given(tmp_path, monkeypatch):
    monkeypatch.setattr(owner, "_SECONDS_BETWEEN_SIGNS", 0.01)
    staging = make_staging(tmp_path).parent
    os.utime(staging / "owner", (0, 0))
    with owner.signs_of_life(staging / "owner"):
        end = time.monotonic() + 10
        while os.stat(staging / "owner").st_mtime == 0 and time.monotonic() < end:
            time.sleep(0.01)
    assert os.stat(staging / "owner").st_mtime > 0
