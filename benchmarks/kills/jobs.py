# SPDX-License-Identifier: GPL-3.0-or-later
"""Kill RELION jobs on several classes at random moments and while their outputs are put in place, then run them again.

Before the second run, a report or a marker file of success must lie beside all files of its own job and no others.
After the second run, the output folder must equal that of a job that nobody disturbed, to the byte.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Callable, Dict, List, Sequence

import mrcfile

from benchmarks.kills.steps import in_memory
from demo.simulate import phantom

Files = Dict[str, bytes]

# Put before Python's own start (sitecustomize.py): kills a process before the move of a file between the staging folder
# and the output folder.
_HOOK = """
import os, signal, sys
step, whom = os.environ.get("KILL_AT", "0 none").split()
moves = 0
def hook(event, arguments):
    global moves
    if event != "os.rename" or sum(".occupy_staging_" in str(path) for path in arguments[:2]) != 1:
        return
    moves += 1
    if moves == int(step):
        if whom == "both":
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
if step != "0":
    sys.addaudithook(hook)
"""
_MODEL_STAR = """# version 30001

data_model_classes

loop_
_rlnReferenceImage #1
_rlnClassDistribution #2
_rlnEstimatedResolution #3
"""
_DATA_STAR = """# version 30001

data_particles

loop_
_rlnImageName #1
_rlnClassNumber #2
"""


class KilledJob:
    """A job that is killed and run again, over the outputs of an earlier job.

    Parameters
    ----------
    project : Path
        An empty folder.
    classes : int
        Number of classes.
    """

    def __init__(self, project: Path, classes: int) -> None:
        self._project, self._folder = project, project / "job"
        (project / "hook").mkdir()
        (project / "hook" / "sitecustomize.py").write_text(_HOOK)
        _write_classes(project, classes)
        self._first = self._undisturbed("--lowpass", "30", "--figures", "no")
        shutil.copytree(self._folder, project / "first")
        for marker in (project / "first").glob("RELION_JOB_EXIT_*"):
            marker.unlink()  # as RELION does before it starts a job
        shutil.rmtree(self._folder)
        start = time.monotonic()
        self._second = self._undisturbed(*_SECOND)
        self._seconds = time.monotonic() - start

    def kill_after(self, fraction: float, whom: str) -> str:
        """Kill the job after a fraction of its time; return how it ended."""
        return self._check(lambda job: self._kill(job, fraction * self._seconds, whom), "0 none")

    def kill_at(self, move: int, whom: str) -> str:
        """Kill the job before it moves a file, from 1; return how it ended."""
        return self._check(lambda job: None, f"{move} {whom}")

    def _check(self, disturb: Callable[[subprocess.Popen], None], kill_at: str) -> str:
        shutil.rmtree(self._folder, ignore_errors=True)
        shutil.copytree(self._project / "first", self._folder)
        job = self._start(_SECOND, kill_at)
        disturb(job)
        job.communicate()
        self._wait_for_lock()
        ending = self._check_nobody_is_misled()
        assert self._start(_SECOND).wait() == 0
        assert self._markers() == ["SUCCESS"]
        _check_equal(_contents(self._folder), self._second)
        return ending

    def _check_nobody_is_misled(self) -> str:
        markers, found = self._markers(), _contents(self._folder)
        assert len(markers) <= 1, markers
        files = {name: content for name, content in found.items() if not name.startswith(".occupy_staging_")}
        if markers == ["SUCCESS"] or "report.json" in files:
            _check_equal(files, self._second if files.get("report.json") != self._first["report.json"] else self._first)
        if markers == ["SUCCESS"]:
            _check_equal(found, self._second)
        elif markers:  # the supervisor has put everything back
            _check_equal(found, self._first)
        return markers[0] if markers else "no marker"

    def _kill(self, job: subprocess.Popen, seconds: float, whom: str) -> None:
        time.sleep(seconds)
        children = Path(f"/proc/{job.pid}/task/{job.pid}/children")
        child = [int(word) for word in children.read_text().split()] if job.poll() is None else []
        for process in {"child": child, "supervisor": [job.pid], "both": [job.pid, *child]}[whom]:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    def _undisturbed(self, *words: str) -> Files:
        assert self._start(words).wait() == 0
        return _contents(self._folder)

    def _start(self, words: Sequence[str], kill_at: str = "0 none") -> subprocess.Popen:
        paths = [str(self._project / "hook"), str(Path(__file__).parents[2])]
        return subprocess.Popen(
            [sys.executable, "-m", "relion_external", "--o", "job/", "--in_parts", "run_it025_data.star", *words],
            cwd=self._project,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "KILL_AT": kill_at},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _wait_for_lock(self) -> None:
        """Wait until no process of the job is left: a child process ends the job of a supervisor that was killed."""
        import fcntl

        handle = os.open(self._folder, os.O_RDONLY)
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.close(handle)

    def _markers(self) -> List[str]:
        return sorted(path.name[len("RELION_JOB_EXIT_") :] for path in self._folder.glob("RELION_JOB_EXIT_*"))


_SECOND = ("--amplify", "--figures", "no")


def run(count: int, seed: int, *, classes: int = 10) -> Dict[str, int]:
    """Kill a job this often, half of the times at a random moment, and run it again; return how often it ended how.

    Raises
    ------
    AssertionError
        If an output folder holds what it should not.
    """
    chance = random.Random(seed)
    endings: Counter = Counter()
    with tempfile.TemporaryDirectory(dir=in_memory()) as top:
        job = KilledJob(Path(top), classes)
        moves = 4 * classes + 10
        for number in range(count):
            if number % 2:
                endings[job.kill_at(chance.randint(1, moves), chance.choice(["child", "both"]))] += 1
            else:
                endings[job.kill_after(chance.random(), chance.choice(["child", "supervisor", "both"]))] += 1
    return dict(endings)


def _write_classes(project: Path, classes: int) -> None:
    """Write class maps that differ in one part, with the STAR files of an iteration."""
    rows = []
    for number in range(1, classes + 1):
        volume = phantom(
            occupancies=(1.0, 0.6, number / classes), noise_seed=number, voxel_size=6.0, shape=(32, 32, 32)
        ).volume
        name = f"run_it025_class{number:03d}.mrc"
        with mrcfile.new(project / name) as mrc:
            mrc.set_data(volume)
            mrc.voxel_size = 6.0
        rows.append(f"{name} {1 / classes} 24.0\n")
    (project / "run_it025_model.star").write_text(_MODEL_STAR + "".join(rows))
    particles = [f"{item}@particles.mrcs {item % classes + 1}\n" for item in range(1, 100 * classes + 1)]
    (project / "run_it025_data.star").write_text(_DATA_STAR + "".join(particles))


def _contents(folder: Path) -> Files:
    """Return all files in a folder and its folders, by their paths from there, without marker files."""
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("RELION_JOB_EXIT_")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def _check_equal(found: Files, expected: Files) -> None:
    assert found.keys() == expected.keys(), sorted(found.keys() ^ expected.keys())
    different = [name for name, content in found.items() if content != expected[name]]
    assert not different, different
