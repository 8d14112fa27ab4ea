# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the job on 40 maps as a Slurm array, with the script of docs/queue.md and a real Slurm with one node."""

import subprocess
import sys
import time
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from demo.simulate import phantom
from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.settings.settings import Settings
from tests.slurm import allocations, from_page, started_slurm

pytestmark = pytest.mark.slow

COUNT, DAMAGED = 40, 7


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A folder in which the array has run on 40 maps, of which one is damaged, and how many jobs Slurm has begun."""
    folder = tmp_path_factory.mktemp("array")
    (folder / "maps").mkdir()
    names = [f"maps/state{number}.mrc" for number in range(1, COUNT + 1)]
    for number, name in enumerate(names, start=1):
        with mrcfile.new(folder / name) as file:
            file.set_data(phantom((32, 32, 32), seed=number).volume)
            file.voxel_size = 3.0
    (folder / names[DAMAGED - 1]).write_bytes(b"no map")
    (folder / "maps.txt").write_text("\n".join(names))  # the last line has no end
    (folder / "array.sh").write_text(from_page("sh"))
    (folder / "slurm").mkdir()
    with started_slurm(folder / "slurm") as environment:
        environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
        subprocess.run(["sbatch", "array.sh"], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        end = time.monotonic() + 300
        while subprocess.run(["squeue", "-h"], env=environment, capture_output=True, check=True).stdout.strip():
            assert time.monotonic() < end, "the array has not ended"
            time.sleep(0.5)
        # A job leaves squeue before its last files are written.
        time.sleep(1)
        return folder, names, allocations(environment)


def test_four_jobs_process_all_maps(ended):
    folder, names, jobs = ended
    assert jobs == 4
    for number, name in enumerate(names, start=1):
        assert (folder / "Occupy" / Path(name).stem / "scale.mrc").is_file() == (number != DAMAGED), name
    logs = [(folder / f"occupy_{number}.out").read_text() for number in range(1, 5)]
    assert [text.count("Done") for text in logs] == [10, 10, 9, 10]


def test_results_are_those_of_one_job(ended):
    folder, names, _ = ended
    for name in (names[0], names[20], names[-1]):
        direct = process_map(read_map(folder / name), Settings())
        found = read_map(folder / "Occupy" / Path(name).stem / "scale.mrc").data
        np.testing.assert_array_equal(found, direct.scale)


def test_a_map_that_fails_is_named_and_the_others_go_on(ended):
    folder, names, _ = ended
    failed = [path.parent.name for path in (folder / "Occupy").glob("*/RELION_JOB_EXIT_FAILURE")]
    assert failed == [Path(names[DAMAGED - 1]).stem]
    assert f"{names[DAMAGED - 1]}: " in (folder / "occupy_3.out").read_text()
