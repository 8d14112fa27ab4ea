# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the job in a real RELION project with RELION's own pipeliner."""

import json
import os
import subprocess
import time
from pathlib import Path

import mrcfile
import numpy as np
import pytest
import starfile

from demo.relion_project import RelionProject
from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.settings.settings import Settings


@pytest.fixture
def project(relion_path, phantom_file, tmp_path, monkeypatch):
    """A new project with an imported map; RELION finds the job's command."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    project = RelionProject(folder)
    Path(phantom_file).rename("phantom.mrc")
    assert project.run(project.add_import("phantom.mrc")) == "Succeeded"
    return project


def external(project, **options):
    values = {"fn_exe": "relion_external_occupy", "in_3dref": "Import/job001/phantom.mrc", **options}
    return project.add("External", **values)


def errors(job):
    return Path(job, "run.err").read_text()


@pytest.mark.slow
def test_outputs_are_nodes_for_mask_create(project):
    job = external(project, param1_label="amplify", param1_value="3", param2_label="exclude_solvent", nr_threads="2")
    assert project.run(job) == "Succeeded", errors(job)
    mask = project.add("MaskCreate", fn_in=f"{job}amplified.mrc", inimask_threshold="0.3", lowpass_filter="15")
    assert project.run(mask) == "Succeeded", errors(mask)
    nodes = project.nodes()
    assert {name: nodes[f"{job}{name}"] for name in ("scale.mrc", "confidence.mrc", "amplified.mrc")} == {
        "scale.mrc": 6,
        "confidence.mrc": 6,
        "amplified.mrc": 6,
    }
    assert nodes[f"{job}logfile.pdf"] == 13 and nodes[f"{job}occupancy_maps.star"] == 90
    assert nodes[f"{mask}mask.mrc"] == 7
    edges = project.input_edges()
    assert ["Import/job001/phantom.mrc", job] in edges and [f"{job}amplified.mrc", mask] in edges
    with mrcfile.open(f"{mask}mask.mrc", permissive=True) as made:
        assert 0.001 < made.data.mean() < 0.5
    assert errors(job) == ""


def test_calibrated_occupancy_in_target_masks_is_right(project, three_parts, write_mrc):
    masks = [write_mrc(part.astype("float32"), f"part{number}.mrc") for number, part in enumerate(three_parts.parts)]
    job = external(
        project,
        param1_label="normalisation",
        param1_value="calibrated",
        param2_label="target_mask",
        param2_value=",".join(masks),
    )
    assert project.run(job) == "Succeeded", errors(job)
    table = starfile.read(f"{job}occupancy_maps.star", always_dict=True)["occupancy_targets"]
    np.testing.assert_allclose(table["occupyScaleMedian"], three_parts.occupancies, atol=0.06)


def test_output_voxels_equal_those_of_the_core(project):
    settings = Settings(amplify=3.0, attenuate=3.0, sigmoid=4.0)
    job = external(project, param1_label="amplify", param2_label="attenuate", param3_label="sigmoid", nr_threads="2")
    assert project.run(job) == "Succeeded", errors(job)
    result = process_map(read_map("phantom.mrc"), settings)
    for name, values in {"scale": result.scale, "confidence": result.confidence, **result.modified}.items():
        np.testing.assert_array_equal(read_map(f"{job}{name}.mrc").data, values, err_msg=name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "reason"),
    [
        # As a parameter, because RELION waits without end for a missing file in its own input field.
        ({"in_3dref": '""', "param1_label": "in_3dref", "param1_value": "gone.mrc"}, "gone.mrc: no such file"),
        ({"param1_label": "amplfy", "param1_value": "3"}, "did you mean --amplify"),
        ({"in_3dref": "nan.mrc"}, "values NaN"),
    ],
)
def test_failing_job_ends_as_failed_within_seconds(project, options, reason):
    volume = read_map("phantom.mrc").data.copy()
    volume[1, 2, 3] = np.nan
    with pytest.warns(RuntimeWarning, match="NaN"), mrcfile.new("nan.mrc") as mrc:
        mrc.set_data(volume)
        mrc.voxel_size = 3.0
    job = external(project, **options)
    assert project.run(job, seconds=20) == "Failed"
    assert reason in errors(job) and errors(job).count("\n") == 1


def test_broken_installation_ends_as_failed(project, monkeypatch):
    Path("broken/numpy").mkdir(parents=True)
    Path("broken/numpy/__init__.py").write_text("raise ImportError('numpy is broken')\n")
    monkeypatch.setenv("PYTHONPATH", f"{Path.cwd() / 'broken'}:{os.environ['PYTHONPATH']}")
    job = external(project)
    assert project.run(job, seconds=20) == "Failed"
    assert "numpy is broken" in errors(job) and errors(job).count("\n") == 1


@pytest.fixture
def running(project, monkeypatch):
    """The name of a job that runs in RELION for a minute, and the process in which RELION waits for its end."""
    Path("slow/scipy").mkdir(parents=True)
    Path("slow/scipy/__init__.py").write_text("import time\nopen('started', 'w')\ntime.sleep(60)\n")
    monkeypatch.setenv("PYTHONPATH", f"{Path.cwd() / 'slow'}:{os.environ['PYTHONPATH']}")
    job = external(project)
    waiting = subprocess.Popen(
        ["relion_pipeliner", "--RunJobs", job, "--schedule", "abort", "--sec_wait_after", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 20
        while not Path("started").exists():
            assert time.monotonic() < end
            time.sleep(0.05)
        yield job, waiting
    finally:
        waiting.kill()
        waiting.wait()


def test_aborted_job_ends_as_aborted(project, running):
    job, waiting = running
    Path(job, "RELION_JOB_ABORT_NOW").touch()  # the only effect of "Abort running" in RELION
    waiting.wait(timeout=15)
    assert project.status(job) == "Aborted"


@pytest.mark.slow
def test_a_second_job_in_the_folder_does_not_end_the_running_one(project, running):
    job, waiting = running
    words = ["relion_external_occupy", "--o", job, "--in_3dref", "phantom.mrc"]
    second = subprocess.run(words, capture_output=True, text=True)
    assert second.returncode == 1 and f"{job}: another job is running" in second.stderr
    with pytest.raises(subprocess.TimeoutExpired):
        waiting.wait(timeout=3)
    assert project.status(job) == "Running"
    Path(job, "RELION_JOB_ABORT_NOW").touch()
    waiting.wait(timeout=15)
    assert project.status(job) == "Aborted"


@pytest.mark.slow
def test_second_run_of_a_job_replaces_its_outputs(project):
    job = external(project, param1_label="amplify", param1_value="3")
    assert project.run(job) == "Succeeded"
    first = Path(job, "amplified.mrc").read_bytes()
    text = Path(job, "job.star").read_text()
    Path(job, "job.star").write_text(text.replace("param1_value          3", "param1_value          5"))
    assert Path(job, "job.star").read_text() != text
    assert project.run(job) == "Succeeded"
    assert Path(job, "amplified.mrc").read_bytes() != first


def test_what_people_type_in_the_form_is_understood(project):
    """RELION writes the values into one line for the shell, which splits them at blanks."""
    typed = {
        "lowpass": '"12,5 Å"',
        "kernel-size": '"5 voxels"',
        "Pivot": '"50 %"',
        "target_mask": "None",
        "tau": "default",
    }
    pairs = {}
    for number, (label, value) in enumerate(typed.items(), start=1):
        pairs.update({f"param{number}_label": label, f"param{number}_value": value})
    good = external(project, **pairs, param6_label="sigmoid", param7_label="figures", param7_value="off")
    assert project.run(good) == "Succeeded", errors(good)
    settings = json.loads(Path(good, "report.json").read_text())["settings"]
    assert (settings["lowpass"], settings["kernel_size"], settings["pivot"]) == (12.5, 5, 0.5)
    assert settings["target_mask"] == [] and settings["tau"] is None and settings["figures"] is False
    wrong = {"param1_label": "lowpas", "param1_value": "8", "param2_label": "pivot", "param2_value": "3"}
    bad = external(project, **wrong, param3_label="target_mask", param3_value="gone.mrc")
    assert project.run(bad) == "Failed"
    (line,) = errors(bad).splitlines()
    assert all(text in line for text in ("3 mistakes", "--lowpass?", "--pivot: got 3.0", "gone.mrc: no such file")), (
        line
    )
