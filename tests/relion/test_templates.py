# SPDX-License-Identifier: GPL-3.0-or-later
"""The templates of a job, a schedule and a scheme, copied into a project as a user does."""

import re
import shutil
import subprocess

import pytest
import starfile

from demo.particles import CLASSIFICATION, write_particles
from demo.relion_project import RelionProject
from occupy_core.maps.reading import read_map
from tests.conftest import REPOSITORY

TEMPLATES = REPOSITORY / "relion_external" / "templates"


@pytest.fixture
def project(relion_path, tmp_path):
    return RelionProject(tmp_path / "project")


def options_of(path):
    rows = starfile.read(path, always_dict=True)["joboptions_values"]
    return dict(zip(rows["rlnJobOptionVariable"], rows["rlnJobOptionValue"]))


def test_relion_accepts_the_job(project):
    words = ["relion_pipeliner", "--addJobFromStar", str(TEMPLATES / "job.star")]
    subprocess.run(words, cwd=project.folder, check=True, capture_output=True, timeout=30)
    assert project.status("External/job001/") == "Scheduled"
    kept = options_of(project.folder / "External/job001/job.star")
    assert options_of(TEMPLATES / "job.star").items() <= kept.items()


def test_schedule_runs_from_particles_to_a_mask(project):
    simulated = write_particles(project.folder)
    folder = project.folder / "Schedules" / "occupy"
    shutil.copytree(TEMPLATES / "schedule" / "occupy", folder)
    # Options that make the test fast; they are too coarse for real particles.
    path = folder / "classify" / "job.star"
    text = path.read_text()
    for name, value in CLASSIFICATION.items():
        text, count = re.subn(rf"^{name} .*$", f"{name} {value}", text, flags=re.M)
        text = text if count else f"{text.rstrip()}\n{name} {value}\n\n"
    path.write_text(text)
    for path in (folder / "occupy" / "job.star", folder / "schedule_pipeline.star"):
        path.write_text(path.read_text().replace("run_it025", "run_it012"))
    words = ["relion_scheduler", "--schedule", "occupy", "--run"]
    done = subprocess.run(words, cwd=project.folder, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr
    for job in ("Class3D/job001/", "External/job002/", "MaskCreate/job003/"):
        assert project.status(job) == "Succeeded"
    mask = read_map(project.folder / "MaskCreate/job003/mask.mrc").data > 0.5
    assert (mask & simulated.domain).sum() > 0.7 * simulated.domain.sum()


@pytest.mark.parametrize("version", ["4.0.2", "5.0.1"])
def test_scheme_uses_options_of_relion_4_and_5(version, shared_data):
    folder = TEMPLATES / "scheme" / "occupy"
    ours = options_of(folder / "classify" / "job.star")
    theirs = options_of(shared_data / "relion_projects" / version / "Class3D" / "job003" / "job.star")
    assert set(ours) <= set(theirs)
    kind = starfile.read(folder / "classify" / "job.star", always_dict=True)["job"]
    assert kind["rlnJobTypeLabel"] == "relion.class3d"


def test_scheme_runs_all_jobs_and_ends():
    folder = TEMPLATES / "scheme" / "occupy"
    blocks = starfile.read(folder / "scheme.star", always_dict=True)
    jobs = list(blocks["scheme_jobs"]["rlnSchemeJobNameOriginal"])
    assert all((folder / name / "job.star").exists() for name in jobs)
    edges = blocks["scheme_edges"]
    onward = dict(zip(edges["rlnSchemeEdgeInputNodeName"], edges["rlnSchemeEdgeOutputNodeName"]))
    way = [blocks["scheme_general"]["rlnSchemeCurrentNodeName"]]
    while way[-1] in onward:
        way.append(onward[way[-1]])
    assert way == [*jobs, "EXIT"]
    assert options_of(folder / "occupy" / "job.star")["in_part"].startswith("Schemes/occupy/classify/")
