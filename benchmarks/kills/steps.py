# SPDX-License-Identifier: GPL-3.0-or-later
"""Kill a small job before each of its changes to the disk, and the next job before each of its own.

Each case runs in a forked process. It ends, by SIGKILL or with an error of the disk, before its n-th operation on
files. After each end the output folder must mislead nobody: a report lies beside its own files only. When the next job
has opened the folder, it holds all files of one of the two jobs.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Callable, Dict, Optional

from occupy_core.errors import JobError
from occupy_core.job.output_folder import OutputFolder
from occupy_core.job.staging import staged_outputs
from occupy_core.settings.output_names import PROGRAM
from occupy_core.version import MAP_LABEL

Files = Dict[str, bytes]
# Events of Python that come before an operation on files (`sys.audit`).
_OPERATIONS = ("open", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate", "os.link", "os.symlink")


def _files(*names: str) -> Files:
    """Return the files of a job: maps of these names and a report that names them. The job's number is in each."""
    content = names[0].encode().ljust(300) + MAP_LABEL.encode()  # where the header of a map has its labels
    report = {"program": PROGRAM, "maps": [{"outputs": dict(zip(names, names))}], "job": names[0]}
    return {**dict.fromkeys(names, content), "report.json": json.dumps(report).encode()}


FIRST = _files("scale.mrc", "amplified.mrc", "class001_scale.mrc")
SECOND = _files("attenuated.mrc", "scale.mrc", "RELION_OUTPUT_NODES.star")
OTHERS = {"job.star": b"of RELION", "notes_scale.mrc": b"of the user"}


def write_job(folder: Path, files: Files) -> None:
    """Run a job that writes these files."""
    with OutputFolder(str(folder)) as locked, staged_outputs(locked, sorted(files), ()) as new:
        for name, content in files.items():
            (new / name).write_bytes(content)


def open_folder(folder: Path) -> None:
    """Do what each job does first."""
    with OutputFolder(str(folder)):
        pass


def stop_before(step: int, act: Callable[[], None], error: Optional[OSError] = None) -> bool:
    """Run `act` in a process that ends before its operation number `step`; return whether it came so far.

    With an error, the operation fails with it, and the process goes on.
    """
    child = os.fork()
    if child == 0:
        shutil.rmtree = _remove_tree
        _fail_at(step, error)
        status = 0
        try:
            act()
        except JobError:
            status = 1
        finally:
            os._exit(status)
    status = os.waitpid(child, 0)[1]
    return status != 0


def _remove_tree(path: Path, ignore_errors: bool = False) -> None:
    """Remove a folder, in the order in which most can go wrong: the job's files first, what tells of them last."""
    for item in sorted(path.iterdir(), key=lambda item: (not item.is_dir(), item.name)):
        with suppress(OSError):
            _remove_tree(item) if item.is_dir() else item.unlink()
    with suppress(OSError):
        path.rmdir()


def _fail_at(step: int, error: Optional[OSError]) -> None:
    """Let the operation number `step` of this process, from 1, kill it or fail."""
    done = 0

    def count(event: str, _arguments: tuple) -> None:
        nonlocal done
        if event in _OPERATIONS:
            done += 1
            if done == step and error is not None:
                raise error
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def contents(folder: Path) -> Files:
    """Return the files in a folder, without staging folders."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".occupy_staging_")}


def check_nobody_is_misled(folder: Path, first: Files) -> None:
    """Fail unless a report in the folder, if there is one, lies beside all files of its own job and no others."""
    found = contents(folder)
    if "report.json" in found:
        assert found in ({**first, **OTHERS}, {**SECOND, **OTHERS}), sorted(found)
    assert OTHERS.items() <= found.items()


def check_kills(folder: Path, first: Files) -> int:
    """Kill the second job before each step, then the repair before each step; return the number of cases."""
    cases, step, again = 0, 0, True
    while again:
        step += 1
        _reset(folder, first)
        again = stop_before(step, lambda: write_job(folder, SECOND))
        check_nobody_is_misled(folder, first)
        shutil.copytree(folder, folder.with_name("killed"), dirs_exist_ok=False)
        step_of_repair, repair_again = 0, True
        while repair_again:
            cases, step_of_repair = cases + 1, step_of_repair + 1
            _copy(folder.with_name("killed"), folder)
            repair_again = stop_before(step_of_repair, lambda: open_folder(folder))
            check_nobody_is_misled(folder, first)
            open_folder(folder)
            assert contents(folder) in ({**first, **OTHERS}, {**SECOND, **OTHERS}), (step, step_of_repair)
        write_job(folder, SECOND)
        _check_same(folder, SECOND)
        shutil.rmtree(folder.with_name("killed"))
    return cases


def check_errors(folder: Path, first: Files, error: OSError) -> int:
    """Let each step of the second job fail; return the number of cases."""
    step, again = 0, True
    while again:
        step += 1
        _reset(folder, first)
        failed = stop_before(step, lambda: write_job(folder, SECOND), error)
        open_folder(folder)
        # An error in removing the staging folder fails no job.
        _check_same(folder, first if failed else SECOND)
        write_job(folder, SECOND)
        _check_same(folder, SECOND)
        again = failed or step < 60
    return step


def _check_same(folder: Path, files: Files) -> None:
    assert contents(folder) == {**files, **OTHERS}, sorted(contents(folder))
    assert not list(folder.glob(".occupy_staging_*"))


def _reset(folder: Path, first: Files) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in OTHERS.items():
        (folder / name).write_bytes(content)
    if first:
        write_job(folder, first)


def _copy(source: Path, folder: Path) -> None:
    shutil.rmtree(folder)
    shutil.copytree(source, folder)


def in_memory() -> Optional[str]:
    """Return a folder in memory, where files are synced in no time; None where the system has none."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def run() -> int:
    """Check all steps, in a new folder and over the files of a job; return the number of cases.

    Raises
    ------
    AssertionError
        If a folder holds what it should not.
    """
    cases = 0
    with tempfile.TemporaryDirectory(dir=in_memory()) as top:
        folder = Path(top) / "job"
        for first in (FIRST, {}):
            cases += check_kills(folder, first)
            cases += check_errors(folder, first, OSError(28, "No space left on device"))
    return cases


if __name__ == "__main__":
    print(f"{run()} cases")
