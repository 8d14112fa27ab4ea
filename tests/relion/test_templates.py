# SPDX-License-Identifier: GPL-3.0-or-later
"""The templates of a job, a schedule and a scheme, copied into a project as a user does."""

import re
import shutil
import subprocess

import pytest
import starfile

from benchmarks.focus.chain import accuracy
from demo.particles import CLASSIFICATION, PARTICLES, write_particles
from demo.relion_project import RelionProject
from occupy_core.maps.reading import read_map
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.slow

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


def run_schedule(project, name):
    """Run a schedule on the simulated particles, with options that make it fast; return what RELION prints.

    These options are too coarse for real particles.
    """
    folder = project.folder / "Schedules" / name
    shutil.copytree(TEMPLATES / "schedule" / name, folder)
    for path in folder.glob("*/job.star"):
        text = path.read_text()
        if "nr_classes" not in text:
            continue
        for option, value in CLASSIFICATION.items():
            if option == "nr_iter" and name == "focus":
                continue  # the names of files in other jobs have the number of iterations
            text, count = re.subn(rf"^{option} .*$", f"{option} {value}", text, flags=re.M)
            text = text if count else f"{text.rstrip()}\n{option} {value}\n\n"
        path.write_text(text)
    for path in folder.rglob("*.star"):
        path.write_text(path.read_text().replace("run_it025", "run_it012"))
    words = ["relion_scheduler", "--schedule", name, "--run"]
    done = subprocess.run(words, cwd=project.folder, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


def keep_particles_with_the_domain(project, simulated):
    path = project.folder / PARTICLES
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "@" not in line or simulated.has_domain[int(line[:6]) - 1]))


def test_schedule_runs_from_particles_to_a_mask(project):
    simulated = write_particles(project.folder)
    assert "HAS_REGION => True" in run_schedule(project, "occupy")
    for job in ("Class3D/job001/", "External/job002/", "MaskCreate/job003/"):
        assert project.status(job) == "Succeeded"
    mask = read_map(project.folder / "MaskCreate/job003/mask.mrc").data > 0.5
    assert (mask & simulated.domain).sum() > 0.7 * simulated.domain.sum()


def test_schedule_sorts_particles_within_the_region(project):
    simulated = write_particles(project.folder)
    assert "HAS_REGION => True" in run_schedule(project, "focus")
    for job in ("Class3D/job001/", "External/job002/", "Subtract/job003/", "Class3D/job004/"):
        assert project.status(job) == "Succeeded"
    edges = project.input_edges()
    assert ["Subtract/job003/particles_subtracted.star", "Class3D/job004/"] in edges
    assert ["External/job002/region001_mask.mrc", "Class3D/job004/"] in edges
    optimiser = starfile.read(project.folder / "Class3D/job004/run_it012_optimiser.star", always_dict=True)
    assert optimiser["optimiser_general"]["rlnSolventMaskName"] == "External/job002/region001_mask.mrc"
    assert accuracy(project.folder / "Class3D/job004/run_it012_data.star", simulated.has_domain) > 0.85
    assert (project.folder / "External/job002/region001_with.star").exists()


@pytest.mark.parametrize("name, jobs", [("occupy", 2), ("focus", 2)])
def test_schedule_without_a_region_ends_and_says_so(name, jobs, project):
    keep_particles_with_the_domain(project, write_particles(project.folder))
    printed = run_schedule(project, name)
    assert "HAS_REGION => False" in printed and "has reached an exit point" in printed
    general = starfile.read(project.folder / f"Schedules/{name}/schedule.star", always_dict=True)["schedule_general"]
    assert general["rlnScheduleCurrentNodeName"] == "NO_REGION_FOUND"
    assert [project.status(job) for job in ("Class3D/job001/", "External/job002/")] == ["Succeeded"] * jobs
    assert not (project.folder / "MaskCreate").exists() and not (project.folder / "Subtract").exists()
    assert "no region where class 1, class 2 differ" in (project.folder / "External/job002/run.out").read_text()


@pytest.mark.parametrize("name", ["occupy", "focus"])
@pytest.mark.parametrize("kind", ["schedule", "scheme"])
def test_names_of_jobs_are_no_part_of_the_path_that_an_operator_looks_for(kind, name):
    """RELION 3.1 replaces each name of a job that the path contains, and stops at the second."""
    blocks = starfile.read(TEMPLATES / kind / name / f"{kind}.star", always_dict=True)
    label = f"rln{kind.capitalize()}"
    (path,) = blocks[f"{kind}_strings"][f"{label}StringVariableValue"]
    jobs = list(blocks[f"{kind}_jobs"][f"{label}JobNameOriginal"])
    assert [job for job in jobs if job in path] == ["occupy"]


@pytest.mark.parametrize("version", ["4.0.2", "5.0.1"])
def test_scheme_uses_options_of_relion_4_and_5(version, shared_data):
    theirs = options_of(shared_data / "relion_projects" / version / "Class3D" / "job003" / "job.star")
    for path in sorted(TEMPLATES.glob("scheme/*/*/job.star")):
        kind = starfile.read(path, always_dict=True)["job"]["rlnJobTypeLabel"]
        if kind == "relion.class3d":
            assert set(options_of(path)) <= set(theirs), path


@pytest.mark.parametrize("name, last", [("occupy", "widen"), ("focus", "sort")])
def test_scheme_runs_all_jobs_and_ends(name, last):
    folder = TEMPLATES / "scheme" / name
    blocks = starfile.read(folder / "scheme.star", always_dict=True)
    jobs = list(blocks["scheme_jobs"]["rlnSchemeJobNameOriginal"])
    assert jobs[-1] == last and all((folder / name / "job.star").exists() for name in jobs)
    edges = blocks["scheme_edges"].set_index("rlnSchemeEdgeInputNodeName")
    way = [blocks["scheme_general"]["rlnSchemeCurrentNodeName"]]
    while way[-1] in edges.index:
        edge = edges.loc[way[-1]]
        fork = bool(edge["rlnSchemeEdgeIsFork"])
        way.append(edge["rlnSchemeEdgeOutputNodeNameIfTrue" if fork else "rlnSchemeEdgeOutputNodeName"])
    assert way == [*jobs[:2], "HAS_REGION", *jobs[2:], "EXIT"]
    assert edges.loc["HAS_REGION"]["rlnSchemeEdgeOutputNodeName"] == "NO_REGION_FOUND"
    operators = blocks["scheme_operators"].set_index("rlnSchemeOperatorName")["rlnSchemeOperatorType"]
    assert operators.to_dict() == {"HAS_REGION": "bool=file_exists", "NO_REGION_FOUND": "exit", "EXIT": "exit"}
    assert options_of(folder / "occupy" / "job.star")["in_part"].startswith(f"Schemes/{name}/classify/")
