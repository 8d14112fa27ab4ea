# SPDX-License-Identifier: GPL-3.0-or-later
"""Send the protocol through Scipion's queue to a real Slurm with one node, started for the test."""

import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.settings.settings import Settings
from tests.conftest import REPOSITORY, skip_or_fail

SLURM_CONF = """ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
ReturnToService=2
SlurmctldPort=16817
SlurmdPort=16818
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs=1 RealMemory=500
PartitionName=debug Nodes={host} Default=YES
"""
HOSTS = """[localhost]
PARALLEL_COMMAND = mpirun -np %_(JOB_NODES)d %_(COMMAND)s
NAME = SLURM
MANDATORY = False
SUBMIT_PREFIX = scipion
SUBMIT_COMMAND = sbatch %_(JOB_SCRIPT)s
SUBMIT_TEMPLATE = #!/bin/bash
    #SBATCH --job-name=%_(JOB_NAME)s
    #SBATCH --partition=%_(JOB_QUEUE)s
    #SBATCH --cpus-per-task=%_(JOB_THREADS)d
    #SBATCH --output=%_(JOB_LOGS)s.out
    #SBATCH --error=%_(JOB_LOGS)s.err
    %_(JOB_COMMAND)s
CANCEL_COMMAND = scancel %_(JOB_ID)s
CHECK_COMMAND = squeue -h -j %_(JOB_ID)s
JOB_DONE_REGEX = (\\bCD\\b|\\bCG\\b)
QUEUES = { "debug": [["QUEUE_FOR_JOBS", "N", "Use queue for jobs", "Send each job on its own"]] }
QUEUES_DEFAULT = {}
"""
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
scale.setQueueParams(("debug", {"QUEUE_FOR_JOBS": jobs}))
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
    for program in ("munged", "slurmctld", "slurmd", "sbatch"):
        if shutil.which(program) is None:
            skip_or_fail(f"no {program} on the path; on Debian or Ubuntu: apt-get install slurm-wlm munge")
    if os.geteuid() != 0:
        skip_or_fail("only root can start a Slurm of its own for the test; run it as root")
    folder = tmp_path_factory.mktemp("slurm")
    host = socket.gethostname().split(".")[0]
    for name in ("state", "spool"):
        (folder / name).mkdir()
    configuration = folder / "slurm.conf"
    configuration.write_text(SLURM_CONF.format(host=host, folder=folder))
    munged = not Path("/run/munge/munge.socket.2").exists()
    if munged:
        subprocess.run(["install", "-d", "-o", "munge", "-g", "munge", "/run/munge"], check=True)
        subprocess.run(["su", "-s", "/bin/bash", "munge", "-c", "munged"], check=True)
    subprocess.run(["slurmctld", "-f", str(configuration)], check=True)
    subprocess.run(["slurmd", "-f", str(configuration), "-N", host], check=True)
    environment = {**os.environ, "SLURM_CONF": str(configuration), "PYTHONPATH": str(REPOSITORY)}
    try:
        end = time.monotonic() + 30
        while "idle" not in subprocess.run(["sinfo"], env=environment, capture_output=True, text=True).stdout:
            assert time.monotonic() < end, (folder / "slurmctld.log").read_text()[-2000:]
            time.sleep(0.5)
        yield environment
    finally:
        for name in ("slurmd.pid", "slurmctld.pid"):
            if (folder / name).exists():
                os.kill(int((folder / name).read_text()), 15)
        if munged:
            subprocess.run(["pkill", "-u", "munge", "munged"], check=False)


@pytest.mark.parametrize("jobs", ["N", "Y"])
def test_slurm_runs_the_protocol_or_its_job(slurm, map_file, tmp_path, jobs):
    (tmp_path / "hosts.conf").write_text(HOSTS)
    log = Path(slurm["SLURM_CONF"]).with_name("slurmctld.log")
    before = log.read_text().count("Allocate JobId")
    words = [str(tmp_path / "home"), str(map_file), jobs, str(tmp_path / "hosts.conf")]
    done = subprocess.run(
        [sys.executable, "-c", RUN, *words], env=slurm, cwd=REPOSITORY, capture_output=True, text=True, timeout=170
    )
    assert "STATUS finished" in done.stdout, done.stdout[-3000:] + done.stderr[-3000:]
    path = done.stdout.split("SCALE ")[1].split()[0]
    scale = process_map(read_map(map_file), Settings(amplify=3.0)).scale
    np.testing.assert_array_equal(read_map(path).data, scale)
    assert log.read_text().count("Allocate JobId") == before + 1
