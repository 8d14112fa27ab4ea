# SPDX-License-Identifier: GPL-3.0-or-later
"""Run jobs on many classes, and measure their peak memory and their open files: `python -m benchmarks.soak`.

With the word scipion, the jobs run as protocols in a Scipion project.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Iterator, List, Optional, Sequence

from benchmarks.real_data import REPOSITORY
from demo.classification import OCCUPANCIES, write_classification
from demo.simulate import Phantom, phantom

_SECONDS_BETWEEN_LOOKS = 0.02
_PARTICLES = 100  # of each class
_BOX = 32  # voxels: pairs of classes are compared, so that 200 classes of larger boxes take hours


@dataclass(frozen=True)
class Soak:
    """Figures of a job on many maps.

    Attributes
    ----------
    maps : int
        Number of maps.
    seconds : float
        Elapsed time.
    memory : float
        Peak of the resident memory, MB.
    open_files : int
        Largest number of files and folders that a process of the job had open at once; without pipes, by which a
        process waits for another one for moments that a look may miss.
    output : str
        The job's lines for the user, and its errors.
    status : int
        Exit status.
    """

    maps: int
    seconds: float
    memory: float
    open_files: int
    output: str
    status: int


def run(count: int, *, box: int = 64, options: Sequence[str] = (), most_open_files: Optional[int] = None) -> Soak:
    """Compare the simulated classes of one classification in one job of RELION's, and measure the job.

    Parameters
    ----------
    count : int
        Number of classes.
    box : int
        Side of the maps, voxels.
    options : sequence of str
        Further options of the command.
    most_open_files : int, optional
        Limit of open files for the job (ulimit -n).
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = write_classification(folder / "Class3D", _classes(count, box), [_PARTICLES] * count)
        code = "import sys\nfrom relion_external.job import run\nsys.exit(run(sys.argv[1:]))"
        words = ["--in_parts", str(data), "--o", f"{folder}/job/", "--j", "2", *options]
        return measure_command([sys.executable, "-c", code, *words], folder / "output.txt", count, most_open_files)


def run_in_scipion(count: int, *, box: int = 64) -> Soak:
    """Import simulated classes into a Scipion project, compare them there, and measure the largest of its processes.

    Parameters
    ----------
    count : int
        Number of classes.
    box : int
        Side of the maps, voxels.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_classification(folder / "Class3D", _classes(count, box), [_PARTICLES] * count)
        code = (
            "import sys\nfrom pathlib import Path\nfrom demo.scipion_project import run_in_project\n"
            "folder = Path(sys.argv[1])\nmaps = folder / 'Class3D/run_it025_class*.mrc'\n"
            "run_in_project(folder / 'scipion', folder / 'Class3D/run_it025_class001.mrc', maps, 3.0)"
        )
        return measure_command([sys.executable, "-c", code, str(folder)], folder / "output.txt", count, None)


def _classes(count: int, box: int) -> Iterator[Phantom]:
    for number in range(count):
        occupancies = OCCUPANCIES[number % len(OCCUPANCIES)]
        yield phantom((box,) * 3, occupancies=occupancies, noise=0.1, noise_seed=number)


def measure_command(command: List[str], log: Path, count: int, most_open_files: Optional[int]) -> Soak:
    """Run a command, and look again and again at the open files and the memory of it and of the processes it starts."""
    start = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        if most_open_files is not None:
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (most_open_files, most_open_files))
        open_files, memory = 0, 0.0
        while True:
            for number in _process_and_children(process.pid):
                with suppress(OSError):  # the process may just have ended
                    open_files = max(open_files, _count_open_files(number))
                    memory = max(memory, _peak(number))
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        process.returncode = os.WEXITSTATUS(status) if os.WIFEXITED(status) else -os.WTERMSIG(status)
    # A process begins with the peak of the one that starts it: that says nothing about the job.
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    seconds, memory = time.monotonic() - start, max(memory, usage.ru_maxrss / 1024 if usage.ru_maxrss > own else 0.0)
    return Soak(count, seconds, memory, open_files, log.read_text(encoding="utf-8"), process.returncode)


def _process_and_children(process: int) -> List[int]:
    """Return the numbers of a process and of all processes that it has started."""
    found = [process]
    for number in found:
        with suppress(OSError):
            children = Path(f"/proc/{number}/task/{number}/children").read_text(encoding="ascii")
            found += [int(word) for word in children.split()]
    return found


def _count_open_files(process: int) -> int:
    folder = Path(f"/proc/{process}/fd")
    return sum(os.readlink(link).startswith("/") for link in folder.iterdir())


def _peak(process: int) -> float:
    """Return the peak of the resident memory of a process so far, MB."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) / 1024


def main() -> None:
    """Print the figures of jobs on few and on many classes."""
    measure = run_in_scipion if "scipion" in sys.argv else run
    print("| classes | time (s) | peak memory (MB) | open files |\n| --- | --- | --- | --- |")
    for count in (2, 20, 200):
        done = measure(count, box=_BOX)
        if done.status:
            sys.exit(f"the job on {count} classes failed:\n{done.output[-2000:]}")
        print(f"| {done.maps} | {done.seconds:.0f} | {done.memory:.0f} | {done.open_files} |", flush=True)


if __name__ == "__main__":
    main()
