# SPDX-License-Identifier: GPL-3.0-or-later
"""Send the protocol through Scipion's queue to a real Slurm with one node, started for the test."""

import subprocess
import sys

import numpy as np
import pytest

from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.settings.settings import Settings
from tests.conftest import REPOSITORY
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
