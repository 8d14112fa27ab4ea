# SPDX-License-Identifier: GPL-3.0-or-later
"""Submit the job from a real RELION project to a real Slurm with one node, with the script of docs/queue.md."""

import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tests.relion.test_project import external, project
from tests.slurm import allocations, from_page, started_slurm

__all__ = ["project"]


@pytest.fixture
def queue(tmp_path, monkeypatch):
    """Start Slurm for RELION's commands; return its environment, and the options of a job that is submitted to it."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    with started_slurm(folder) as environment:
        monkeypatch.setenv("SLURM_CONF", environment["SLURM_CONF"])
        script = tmp_path / "queue.sh"
        script.write_text(from_page("bash"))
        yield environment, {"do_queue": "Yes", "qsub": "sbatch", "queuename": "debug", "qsubscript": str(script)}


@pytest.mark.slow
def test_slurm_runs_the_job(project, queue):
    environment, options = queue
    before = allocations(environment)
    job = external(project, param1_label="amplify", param1_value="3", **options)
    assert project.run(job) == "Succeeded", Path(job, "run.err").read_text()
    assert allocations(environment) == before + 1
    assert Path(job, "amplified.mrc").is_file() and "Done" in Path(job, "run.out").read_text()
    assert project.nodes()[f"{job}scale.mrc"] == 6


@pytest.mark.slow
def test_a_job_that_fails_in_the_queue_says_why(project, queue):
    _, options = queue
    job = external(project, param1_label="lowpass", param1_value="7e99", **options)
    assert project.run(job) == "Failed"
    assert "--lowpass" in Path(job, "run.err").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(("how", "status"), [("queue", "Failed"), ("user", "Aborted")])
def test_the_queue_or_the_user_ends_a_job(project, queue, write_mrc, how, status):
    environment, options = queue
    values = np.random.default_rng(0).normal(0, 1, (320, 320, 320)).astype("f4")
    values[100:200, 100:200, 100:200] += 5
    Path(write_mrc(values, "large.mrc", 1.0)).rename("large.mrc")
    modified = {"param1_label": "max_box", "param1_value": "0", "param2_label": "attenuate"}
    job = external(project, in_3dref="large.mrc", **modified, **options)

    def end():
        while "Map 1 of 1" not in (Path(job, "run.out").read_text() if Path(job, "run.out").exists() else ""):
            time.sleep(0.1)
        if how == "queue":
            subprocess.run(["scancel", "--me"], env=environment, check=True)
        else:
            Path(job, "RELION_JOB_ABORT_NOW").touch()

    thread = threading.Thread(target=end, daemon=True)
    thread.start()
    assert project.run(job) == status, Path(job, "run.out").read_text()
    thread.join()
    assert not Path(job, "scale.mrc").exists()
