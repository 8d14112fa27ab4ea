# SPDX-License-Identifier: GPL-3.0-or-later
"""The job in himena-relion, run by its own program in a folder as RELION 5 makes it, without a display."""

import os
import shutil
import signal
import subprocess
import time

import mrcfile
import numpy as np
import pytest

from relion_files.star import read_star

FORM = "relion_external.forms.himena_relion:OccupyLocalScale"
QT = {"QT_QPA_PLATFORM": "offscreen"}
PIPELINE = """# version 50001

data_pipeline_general

_rlnPipeLineJobCounter 2

data_pipeline_processes

loop_
_rlnPipeLineProcessName #1
_rlnPipeLineProcessAlias #2
_rlnPipeLineProcessTypeLabel #3
_rlnPipeLineProcessStatusLabel #4
External/job001/ None relion.external Running

data_pipeline_nodes

loop_
_rlnPipeLineNodeName #1
_rlnPipeLineNodeTypeLabel #2
_rlnPipeLineNodeTypeLabelDepth #3
map.mrc DensityMap.mrc 1

data_pipeline_input_edges

loop_
_rlnPipeLineEdgeFromNode #1
_rlnPipeLineEdgeProcess #2
map.mrc External/job001/
"""
# Writes the job.star of the form, and prints which class himena-relion opens it with.
WRITE = """
import sys
from pathlib import Path
from himena_relion.testing import ExternalJobTester
from himena_relion._job_dir import ExternalJobDirectory
from relion_external.forms.himena_relion import OccupyLocalScale

folder = Path("External/job001").absolute()
ExternalJobTester(OccupyLocalScale).prep_job_star(folder, in_3dref="map.mrc", preset="occupancy", amplify=3.0)
print(ExternalJobDirectory(folder).job_title())
"""
# Prints what the form shows as the question, and the values with which a new job would be run.
FORM_VALUES = """
from qtpy.QtWidgets import QApplication, QComboBox
application = QApplication([])
from himena_relion._widgets._job_edit import QJobParameter
from relion_external.forms.himena_relion import OccupyLocalScale

form = QJobParameter()
form.update_by_job(OccupyLocalScale)
print(*[box.currentText() for box in form.findChildren(QComboBox)], sep="\\n")
print(form.get_parameters()["preset"], form.get_parameters()["j"], sep="\\n")
"""


@pytest.fixture
def job(run, tmp_path, phantom_file):
    """The folder of a job that the form has made, in a project with a map."""
    folder = tmp_path / "External/job001"
    folder.mkdir(parents=True)
    shutil.move(phantom_file, tmp_path / "map.mrc")
    (tmp_path / "default_pipeline.star").write_text(PIPELINE)
    (folder / "job_pipeline.star").write_text(PIPELINE)
    assert run("python", "-c", WRITE, **QT).strip().splitlines()[-1] == "OccuPy: local scale and occupancy"
    return folder


def words_of(job):
    """Return the command line that RELION makes of the job.star."""
    columns = read_star(str(job / "job.star"))["joboptions_values"].columns
    values = dict(zip(columns["rlnJobOptionVariable"], columns["rlnJobOptionValue"]))
    words = [*values["fn_exe"].split(), "--in_3dref", values["in_3dref"], "--o", "External/job001/"]
    for number in range(1, 11):
        if values[f"param{number}_label"]:
            words += [f"--{values[f'param{number}_label']}", values[f"param{number}_value"]]
    return [*words, "--j", values["nr_threads"]]


def test_a_job_has_outputs_that_further_jobs_take(run, job):
    said = run(*words_of(job), **QT)
    assert "Question: How occupied is each part?" in said
    assert (job / "RELION_JOB_EXIT_SUCCESS").exists() and not (job / "RELION_JOB_EXIT_FAILURE").exists()
    tables = read_star(str(job / "job_pipeline.star"))
    nodes = tables["pipeline_nodes"].columns
    found = dict(zip(nodes["rlnPipeLineNodeName"], nodes["rlnPipeLineNodeTypeLabel"]))
    assert found["External/job001/amplified.mrc"] == "DensityMap.mrc"
    assert found["External/job001/logfile.pdf"] == "LogFile.pdf.relion"
    assert "External/job001/scale.mrc" in tables["pipeline_output_edges"].columns["rlnPipeLineEdgeToNode"]


def test_the_form_asks_the_question_and_gives_the_name_of_its_preset(run):
    shown, name, threads = run("python", "-c", FORM_VALUES, **QT).strip().splitlines()[-3:]
    assert (shown, name, threads) == ("Which parts are weak?", "weak", "1")


def test_a_job_that_fails_says_why(run, job):
    (job.parents[1] / "map.mrc").write_text("no map")
    said = run(*words_of(job), status=1, **QT)
    assert "relion_external_occupy: ERROR: map.mrc" in said
    assert (job / "RELION_JOB_EXIT_FAILURE").exists() and not (job / "RELION_JOB_EXIT_SUCCESS").exists()


def test_a_job_is_aborted(job, programs):
    values = np.random.default_rng(0).normal(0, 1, (320, 320, 320)).astype("f4")
    values[100:200, 100:200, 100:200] += 5
    with mrcfile.new(str(job.parents[1] / "map.mrc"), overwrite=True) as mrc:
        mrc.set_data(values)
        mrc.voxel_size = 1.0
    environment = {**os.environ, **QT, "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    words = [*words_of(job), "--more", "max_box=0,tau=0.8"]
    process = subprocess.Popen(words, cwd=job.parents[1], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        for line in process.stdout:
            if line.startswith("Map 1 of 1"):
                break
        (job / "RELION_JOB_ABORT_NOW").touch()
        began = time.monotonic()
        assert process.wait(30) == 1 and time.monotonic() - began < 15
    finally:
        process.send_signal(signal.SIGKILL)
        process.stdout.close()
    assert (job / "RELION_JOB_EXIT_ABORTED").exists() and not (job / "RELION_JOB_EXIT_SUCCESS").exists()
    assert not (job / "RELION_JOB_EXIT_FAILURE").exists()
    assert not (job / "RELION_JOB_ABORT_NOW").exists() and not (job / "scale.mrc").exists()
