# SPDX-License-Identifier: GPL-3.0-or-later
"""Send the protocol through Scipion's queue to a real Slurm with one node, started for the test."""

import json
import subprocess
import sys

import numpy as np
import pytest

from demo.simulate import phantom
from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.settings.settings import Settings
from tests.conftest import REPOSITORY
from tests.scipion.conftest import write_map
from tests.slurm import allocations, from_page, started_slurm

# As in Scipion's window: "Use a queue engine? Yes", for the complete protocol (N) or for each of its jobs (Y).
RUN = """
import os, sys, time
from pathlib import Path
from demo.scipion_project import prepare_environment
home, map_path, jobs = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
prepare_environment(home, hosts=Path(sys.argv[4]).read_text())
import pyworkflow
from pyworkflow.project import Manager
domain = pyworkflow.Config.getDomain()
domain.getProtocols()
manager = Manager()
manager.createProject("queue" + jobs)
project = manager.loadProject("queue" + jobs)
imported = project.newProtocol(domain.findClass("ProtImportVolumes"), filesPath=map_path, samplingRate=3.0)
project.launchProtocol(imported, wait=True)
scale = project.newProtocol(domain.findClass("ProtOccupyLocalScale"), doAmplify=True, numberOfThreads=1)
scale.inputVolumes.set(imported)
scale.inputVolumes.setExtended("outputVolume")
scale._useQueue.set(True)
scale.setQueueParams(("debug", {"JOB_MEMORY": "400", "JOB_TIME": "1", "QUEUE_FOR_JOBS": jobs}))
project.launchProtocol(scale)
end = time.monotonic() + 120
while scale.getStatus() not in ("finished", "failed", "aborted") and time.monotonic() < end:
    time.sleep(0.5)
    project._updateProtocol(scale)
print("STATUS", scale.getStatus(), scale.getErrorMessage())
print("SCALE", os.path.abspath(scale.scaleMap.getFileName()))
"""


# Divide a set of maps into four, run "local scale" on each part in the queue, and join the results.
DIVIDED = """
import json, os, sys, time
from pathlib import Path
from demo.scipion_project import prepare_environment
home, folder = Path(sys.argv[1]), sys.argv[2]
prepare_environment(home, hosts=Path(sys.argv[3]).read_text())
import pyworkflow
from pyworkflow.object import Pointer
from pyworkflow.project import Manager
domain = pyworkflow.Config.getDomain()
domain.getProtocols()
manager = Manager()
manager.createProject("divided")
project = manager.loadProject("divided")
def made(name, **values):
    return project.newProtocol(domain.findClass(name), **values)
imported = made("ProtImportVolumes", filesPath=folder, filesPattern="map*.mrc", samplingRate=3.0)
project.launchProtocol(imported, wait=True)
split = made("ProtSplitSet", numberOfSets=4)
split.inputSet.set(imported)
split.inputSet.setExtended("outputVolumes")
project.launchProtocol(split, wait=True)
scales = []
for number in range(1, 5):
    scale = made("ProtOccupyLocalScale", drawFigures=False, numberOfThreads=1)
    scale.inputVolumes.set(split)
    scale.inputVolumes.setExtended(f"outputVolumes{number:02d}")
    scale._useQueue.set(True)
    scale.setQueueParams(("debug", {"JOB_MEMORY": "400", "JOB_TIME": "1", "QUEUE_FOR_JOBS": "N"}))
    project.launchProtocol(scale)
    scales.append(scale)
end = time.monotonic() + 300
while any(scale.isActive() for scale in scales) and time.monotonic() < end:
    time.sleep(0.5)
    for scale in scales:
        project._updateProtocol(scale)
print("STATUS", *(scale.getStatus() for scale in scales))
joined = made("ProtUnionSet")
for scale in scales:
    pointer = Pointer()
    pointer.set(scale)
    pointer.setExtended("scaleMaps")
    joined.inputSets.append(pointer)
project.launchProtocol(joined, wait=True)
(output,) = (output for _, output in joined.iterOutputAttributes())
print("JOINED", json.dumps({item.getObjId(): os.path.abspath(item.getFileName()) for item in output.iterItems()}))
"""


@pytest.fixture(scope="module")
def slurm(tmp_path_factory):
    with started_slurm(tmp_path_factory.mktemp("slurm")) as environment:
        yield environment


@pytest.mark.parametrize("jobs", ["N", "Y"])
def test_slurm_runs_the_protocol_or_its_job(slurm, map_file, tmp_path, jobs):
    (tmp_path / "hosts.conf").write_text(from_page("ini"))
    before = allocations(slurm)
    words = [str(tmp_path / "home"), str(map_file), jobs, str(tmp_path / "hosts.conf")]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words], env=slurm, cwd=REPOSITORY, capture_output=True, text=True, timeout=170
    )
    assert "STATUS finished" in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]
    path = done.stdout.split("SCALE ")[1].split()[0]
    scale = process_map(read_map(map_file), Settings(amplify=3.0)).scale
    np.testing.assert_array_equal(read_map(path).data, scale)
    assert allocations(slurm) == before + 1


def test_slurm_runs_a_set_in_four_protocols(slurm, tmp_path):
    (tmp_path / "hosts.conf").write_text(from_page("ini"))
    maps = tmp_path / "maps"
    maps.mkdir()
    for number in range(1, 41):
        write_map(maps / f"map{number:02d}.mrc", phantom((32, 32, 32), seed=number).volume)
    before = allocations(slurm)
    words = [str(tmp_path / "home"), str(maps), str(tmp_path / "hosts.conf")]
    done = subprocess.run(
        [sys.executable, "-c", DIVIDED, *words], env=slurm, cwd=REPOSITORY, capture_output=True, text=True, timeout=400
    )
    assert "STATUS" + 4 * " finished" in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]
    assert allocations(slurm) == before + 4
    joined = json.loads(done.stdout.split("JOINED ")[1].splitlines()[0])
    assert sorted(map(int, joined)) == list(range(1, 41))
    for number in (1, 10, 11, 40):
        direct = process_map(read_map(maps / f"map{number:02d}.mrc", voxel_size=3.0), Settings(preset="weak"))
        np.testing.assert_array_equal(read_map(joined[str(number)]).data, direct.scale)
