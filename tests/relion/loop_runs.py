# SPDX-License-Identifier: GPL-3.0-or-later
"""Run relion_refine with `relion_external_occupy_reconstruct` in its loop."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
from pathlib import Path

from relion_files.star import read_star

REPOSITORY = Path(__file__).resolve().parents[2]
HOOK = f"{sys.executable} -m relion_external.loop"
_OPTIONS = (
    "--i particles.star --ref reference.mrc --ini_high 30 --dont_combine_weights_via_disc --preread_images --pool 10 "
    "--pad 2 --ctf --flatten_solvent --zero_mask --sym C1 --norm --scale --j 1 --random_seed 1 --particle_diameter 140 "
)
CLASSIFICATION = "--tau2_fudge 4 --skip_align "


@functools.lru_cache(maxsize=None)
def relion_version():
    """Return the first number of the version of the relion_refine on the PATH."""
    said = subprocess.run(["relion_refine", "--version"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return int(re.search(r"RELION version: (\d+)", said.stdout)[1])


def environment(hook=HOOK, **changes):
    """Return the environment of a run; `hook` is RELION_EXTERNAL_RECONSTRUCT_EXECUTABLE."""
    values = {
        **os.environ,
        "RELION_EXTERNAL_RECONSTRUCT_EXECUTABLE": hook,
        "PYTHONPATH": str(REPOSITORY),
        "OMP_NUM_THREADS": "1",
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    }
    return {**values, **changes}


def command(job, words="", *, ranks=0, hooked=True):
    """Return the command of a run with the files in the folder `job`."""
    program = f"mpirun --oversubscribe -n {ranks} relion_refine_mpi" if ranks else "relion_refine"
    hook = "--external_reconstruct" if hooked else ""
    return f"{program} {_OPTIONS} {hook} --o {job}/run {words}".split()


def refine(folder, job, words, *, hook=HOOK, ranks=0, hooked=True, seconds=120, **changes):
    """Run a refinement in a folder with particles, and return the completed process."""
    (folder / job).mkdir(exist_ok=True)
    return run(folder, command(job, words, ranks=ranks, hooked=hooked), hook=hook, seconds=seconds, **changes)


def run(folder, words, *, hook=HOOK, seconds=120, **changes):
    """Run a program of RELION in a folder, and return the completed process; all that it prints is in `stdout`."""
    return subprocess.run(
        words,
        cwd=folder,
        env=environment(hook, **changes),
        timeout=seconds,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )


def rows(folder, job):
    """Return the rows of the record of a run: (iteration, class, method), and the notes."""
    table = read_star(str(folder / job / "occupy_loop.star"))["occupy_loop"].columns
    keys = [
        (int(iteration), int(number), method) for iteration, number, method in zip(*(table[name] for name in _KEYS))
    ]
    return keys, table["occupyNote"]


_KEYS = ("rlnCurrentIteration", "rlnClassNumber", "occupyMethod")


def classes(folder, job, iteration):
    """Return the class of each particle, in the order of the images."""
    table = read_star(str(folder / job / f"run_it{iteration:03d}_data.star"))["particles"].columns
    return [number for _, number in sorted(zip(table["rlnImageName"], table["rlnClassNumber"]))]
