# SPDX-License-Identifier: GPL-3.0-or-later
"""Start a Slurm with one node for tests, and read the files for it from docs/queue.md."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

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
_SOCKET = Path("/run/munge/munge.socket.2")


@contextlib.contextmanager
def started_slurm(folder: Path):
    """Start Slurm with its files in a folder; yield the environment of its commands; stop it at the end."""
    for program in ("munged", "slurmctld", "slurmd", "sbatch"):
        if shutil.which(program) is None:
            skip_or_fail(f"no {program} on the path; on Debian or Ubuntu: apt-get install slurm-wlm munge")
    if os.geteuid() != 0:
        skip_or_fail("only root can start a Slurm of its own for the test; run it as root")
    with open("/run/occupy_slurm.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # one at a time: all would have the same ports
        with _daemons(folder) as environment:
            yield environment


@contextlib.contextmanager
def _daemons(folder: Path):
    for name in ("state", "spool"):
        (folder / name).mkdir()
    host = socket.gethostname().split(".")[0]
    configuration = folder / "slurm.conf"
    configuration.write_text(SLURM_CONF.format(host=host, folder=folder))
    munged = not _SOCKET.exists()
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
                process = int((folder / name).read_text())
                os.kill(process, 15)
                _wait_until(lambda process=process: not Path(f"/proc/{process}").exists())
        if munged:
            subprocess.run(["pkill", "-u", "munge", "munged"], check=False)
            _wait_until(lambda: not _SOCKET.exists())


def _wait_until(is_done):
    """Wait, for at most 20 seconds, until a daemon has ended: the next one has its ports or its socket."""
    end = time.monotonic() + 20
    while not is_done() and time.monotonic() < end:
        time.sleep(0.1)


def allocations(environment) -> int:
    """Return how many jobs Slurm has begun."""
    log = Path(environment["SLURM_CONF"]).with_name("slurmctld.log").read_text()
    return len(re.findall("(Allocate|Started) JobId=", log))  # by the scheduler, or by the one that fills gaps


def from_page(language: str) -> str:
    """Return the block of docs/queue.md in a language: RELION's script (bash), an array (sh), or hosts.conf (ini)."""
    page = (REPOSITORY / "docs/queue.md").read_text(encoding="utf-8")
    return re.search(rf"```{language}\n(.*?)```", page, re.DOTALL)[1]
