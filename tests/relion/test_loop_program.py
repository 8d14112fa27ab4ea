# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of the loop with a program that copies a map in place of RELION's: success, and signals that end it."""

import os
import signal
import subprocess
import time

import mrcfile
import numpy as np
import pytest

from benchmarks.loop.cost import write_iteration
from relion_external.loop.earlier import usual_reconstruction
from relion_external.loop.request import read_request
from relion_files.iteration import Reconstruction
from tests.relion.loop_runs import HOOK, environment

_ARRAYS = ("rlnExtReconsDataReal", "rlnExtReconsDataImag", "rlnExtReconsWeight")
ROOT = "run_it002_class001"
STAR, RESULT = f"{ROOT}_external_reconstruct.star", f"{ROOT}_external_reconstruct.mrc"
# Stands for a script that sets up RELION's environment and starts RELION's program as a process of its own.
SLOW = "#!/bin/sh\nsleep 60 &\necho $! > started\nwait\n"


@pytest.fixture
def folder(tmp_path):
    """Write the files with which RELION asks for the map of one of four classes; return their folder."""
    write_iteration(tmp_path / "run", 32)
    for name in ("data_real", "data_imag", "weight"):
        os.link(tmp_path / "run/array.mrc", tmp_path / f"run/{ROOT}_external_reconstruct_{name}.mrc")
    return tmp_path / "run"


def start(folder, *options, before=""):
    """Start the program; `before` are commands of a shell that runs first."""
    words = " ".join([*HOOK.split(), *options, STAR])
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    return subprocess.Popen(
        ["sh", "-c", f"{before} exec {words}"],
        cwd=folder,
        env=environment(PATH=path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def has_ended(number):
    """Whether a process has ended; one that only waits to be counted by its parent has."""
    try:
        with open(f"/proc/{number}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("method", ["confidence", "consensus"])
def test_a_class_is_weighted(folder, method):
    process = start(folder, "--method", method, "--start", "1")
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and f"iteration 2, class 1: {method} keeps" in said, said
    weighted, raw = mrcfile.read(folder / RESULT), mrcfile.read(folder / f"{ROOT}_occupy_raw.mrc")
    assert np.isfinite(weighted).all() and 0 < np.square(weighted).sum() < np.square(raw).sum()
    assert not list(folder.glob("*partial*")) and not list(folder.glob("*_data_real.mrc"))


@pytest.mark.parametrize("to_all", [True, False])
def test_a_signal_ends_relions_program_too(folder, to_all):
    (folder / "bin/relion_external_reconstruct").write_text(SLOW)
    process = start(folder)
    wait_for(lambda: (folder / "started").exists() and (folder / "started").read_text())
    (os.killpg if to_all else os.kill)(process.pid, signal.SIGTERM)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 1 and "ERROR: was interrupted" in said and "Traceback" not in said
    wait_for(lambda: has_ended(int((folder / "started").read_text())))
    assert not (folder / RESULT).exists() and not list(folder.glob("*_occupy_[ip]*"))


def test_an_ignored_signal_stays_ignored(folder):
    """A script that puts a classification into the background makes it ignore SIGINT."""
    program = folder / "bin/relion_external_reconstruct"
    program.write_text(program.read_text().replace("#!/bin/sh\n", "#!/bin/sh\ntouch started\nsleep 1\n"))
    process = start(folder, before="trap '' INT;")
    wait_for((folder / "started").exists)
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 0 and "keeps" in said, said


@pytest.mark.parametrize("voxel_size", [None, 2.0])
@pytest.mark.parametrize("optimiser", [None, "data_optimiser_general\n\n_rlnDoAutoRefine 0\n"])
def test_without_relions_command_gridding_is_the_default_of_the_version(tmp_path, voxel_size, optimiser):
    """RELION 4 and 5, which leave gridding out, name the voxel size in the request."""
    star = tmp_path / "run_it003_class001_external_reconstruct.star"
    values = {"rlnExtReconsResult": "a.mrc", "rlnOriginalImageSize": "8", **dict.fromkeys(_ARRAYS, "array.mrc")}
    values.update({} if voxel_size is None else {"rlnPixelSize": str(voxel_size)})
    rows = "".join(f"_{label} {value}\n" for label, value in values.items())
    star.write_text(f"data_external_reconstruct_general\n\n{rows}")
    if optimiser is not None:
        (tmp_path / "run_it002_optimiser.star").write_text(optimiser)
    assert usual_reconstruction(read_request(str(star))) == Reconstruction(voxel_size is not None, 5)
