# SPDX-License-Identifier: GPL-3.0-or-later
"""The job in CCP-EM Pipeliner, in real projects of it: outputs, further jobs, failures, abort, templates."""

import shutil
import time
from pathlib import Path

import mrcfile
import numpy as np
import pytest

from occupy_core.settings.settings import descriptions
from relion_files.star import read_star

JOB = "occupy.map_analysis.local_scale"
ENDS = {"finished": "SUCCESS", "failed": "FAILED", "aborted": "ABORTED"}


@pytest.fixture
def project(run, tmp_path, phantom_file):
    """The folder of a new project with a map."""
    run("pipeliner", "--new_project")
    shutil.move(phantom_file, tmp_path / "map.mrc")
    return tmp_path


def job_file(run, project, **values):
    """Write the file of a job with the values that are given, all others as the form opens; return its name."""
    run("pipeliner", "--default_jobstar", JOB)
    path = project / f"{JOB.replace('.', '_')}_job.star"
    lines = []
    for line in path.read_text().splitlines():
        name = line.split()[0] if line.split() else ""
        lines.append(f"{name} {values.pop(name)}" if name in values else line)
    assert not values, f"not on the form: {values}"
    path.write_text("\n".join(lines) + "\n")
    return path.name


def start(run, project, name, number):
    """Start a job and return its folder."""
    run("pipeliner", "--run_job", name)
    (folder,) = project.glob(f"*/job{number:03d}")
    return folder


def end_of(folder, seconds=120):
    """Wait for the end of a job; return how it has ended."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        for how, marker in ENDS.items():
            if (folder / f"PIPELINER_JOB_EXIT_{marker}").exists():
                return how
        time.sleep(0.1)
    raise AssertionError("the job has not ended: " + (folder / "run.out").read_text())


def outputs_of(folder):
    """Return the outputs of a job with their types."""
    nodes = read_star(str(folder / "job_pipeline.star"))["pipeline_nodes"].columns
    found = dict(zip(nodes["rlnPipeLineNodeName"], nodes["rlnPipeLineNodeTypeLabel"]))
    return {Path(name).name: kind for name, kind in found.items() if folder.name in name}


def test_the_form_has_a_field_for_each_setting(run, project):
    options = read_star(str(project / job_file(run, project)))["joboptions_values"].columns["rlnJobOptionVariable"]
    assert set(descriptions()) - {"solvent_def"} <= set(options)
    assert {"in_3dref", "in_parts", "in_mask", "angpix", "nr_threads", "other_args"} <= set(options)


def test_a_job_has_outputs_that_a_further_job_takes(run, project):
    name = job_file(run, project, in_3dref="map.mrc", attenuate="3", subtraction_mask="Yes", preset="custom")
    first = start(run, project, name, 1)
    assert end_of(first) == "finished", (first / "run.err").read_text()
    assert outputs_of(first) == {
        "scale.mrc": "DensityMap.mrc",
        "confidence.mrc": "DensityMap.mrc",
        "attenuated.mrc": "DensityMap.mrc",
        "subtraction_mask_attenuated.mrc": "Mask3D.mrc",
        "logfile.pdf": "LogFile.pdf.relion",
        "occupancy_maps.star": "ProcessData.star.occupy",
    }
    mask = f"{first.parent.name}/{first.name}/subtraction_mask_attenuated.mrc"
    second = start(run, project, job_file(run, project, in_3dref="map.mrc", in_mask=mask), 2)
    assert end_of(second) == "finished", (second / "run.err").read_text()
    inputs = read_star(str(second / "job_pipeline.star"))["pipeline_input_edges"].columns["rlnPipeLineEdgeFromNode"]
    assert sorted(inputs) == sorted(["map.mrc", mask])
    assert "Question: Which parts are weak?" in (second / "run.out").read_text()


def test_mistakes_are_told_before_the_job_starts(run, project):
    name = job_file(run, project, in_3dref="map.mrc", lowpass="sharp", pivot="3")
    said = run("pipeliner", "--run_job", name, status=1)
    assert (
        """job option "Low-pass (Å)": got 'sharp', expected a number in Å""" in said
        and 'job option "Sigmoid: pivot": ' in said
    )
    said = run("pipeliner", "--run_job", job_file(run, project), status=1)
    assert "give Input map, or Classes of a 3D classification" in said
    assert not list(project.glob("OccuPy/job*"))


def test_a_job_that_fails_says_why(run, project):
    (project / "map.mrc").write_text("no map")
    folder = start(run, project, job_file(run, project, in_3dref="map.mrc"), 1)
    assert end_of(folder) == "failed"
    assert "map.mrc" in (folder / "run.err").read_text()


def test_a_job_that_is_aborted_ends_soon_and_without_outputs(run, project):
    # Pipeliner looks for a request to abort every five seconds: the job takes longer.
    values = np.random.default_rng(0).normal(0, 1, (420, 420, 420)).astype("f4")
    values[100:300, 100:300, 100:300] += 5
    with mrcfile.new(str(project / "large.mrc")) as mrc:
        mrc.set_data(values)
        mrc.voxel_size = 1.0
    options = {"max_box": "0", "amplify": "3", "attenuate": "3", "sigmoid": "4", "preset": "custom"}
    folder = start(run, project, job_file(run, project, in_3dref="large.mrc", **options), 1)
    run("pipeliner", "--abort_job", f"{folder.parent.name}/{folder.name}/")
    assert end_of(folder, 30) == "aborted"
    assert not (folder / "scale.mrc").exists() and not (folder / "report.json").exists()
