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
from tests.relion.conftest import require_beside_pipeliner

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


# RELION 3.1 has schedules, run by relion_scheduler; RELION 4 and 5 have schemes, run by relion_schemer.
KINDS = pytest.mark.parametrize("kind", ["schedule", "scheme"])


def run_chain(project, kind, name):
    """Run a schedule or scheme on the simulated particles, with options that make it fast; return what RELION prints.

    These options are too coarse for real particles.
    """
    folder = project.folder / f"{kind.capitalize()}s" / name
    shutil.copytree(TEMPLATES / kind / name, folder)
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
    return run_again(project, kind, name)


def run_again(project, kind, name, words="--run"):
    words = [f"relion_{kind}r", f"--{kind}", name, words]
    done = subprocess.run(words, cwd=project.folder, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return done.stdout


def keep_particles_with_the_domain(project, simulated):
    path = project.folder / PARTICLES
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "@" not in line or simulated.has_domain[int(line[:6]) - 1]))


def says(printed, has_region):
    """Return whether RELION prints this value of the operator: RELION 3.1 in one way, 4 and 5 in another."""
    return f"HAS_REGION => {has_region}" in printed or f"HAS_REGION: has_region -> {has_region}" in printed


@KINDS
def test_chain_runs_from_particles_to_a_mask(kind, project):
    require_beside_pipeliner(f"relion_{kind}r")
    simulated = write_particles(project.folder)
    assert says(run_chain(project, kind, "occupy"), True)
    for job in ("Class3D/job001/", "External/job002/", "MaskCreate/job003/"):
        assert project.status(job) == "Succeeded"
    mask = read_map(project.folder / "MaskCreate/job003/mask.mrc").data > 0.5
    assert (mask & simulated.domain).sum() > 0.7 * simulated.domain.sum()


@KINDS
def test_chain_sorts_particles_within_the_region(kind, project):
    require_beside_pipeliner(f"relion_{kind}r")
    simulated = write_particles(project.folder)
    assert says(run_chain(project, kind, "focus"), True)
    for job in ("Class3D/job001/", "External/job002/", "Subtract/job003/", "Class3D/job004/"):
        assert project.status(job) == "Succeeded"
    edges = project.input_edges()
    assert ["Subtract/job003/particles_subtracted.star", "Class3D/job004/"] in edges
    assert ["External/job002/region001_mask.mrc", "Class3D/job004/"] in edges
    optimiser = starfile.read(project.folder / "Class3D/job004/run_it012_optimiser.star", always_dict=True)
    assert optimiser["optimiser_general"]["rlnSolventMaskName"] == "External/job002/region001_mask.mrc"
    assert accuracy(project.folder / "Class3D/job004/run_it012_data.star", simulated.has_domain) > 0.85
    assert (project.folder / "External/job002/region001_with.star").exists()


@KINDS
@pytest.mark.parametrize("name", ["occupy", "focus"])
def test_chain_without_a_region_ends_and_says_so(kind, name, project):
    require_beside_pipeliner(f"relion_{kind}r")
    keep_particles_with_the_domain(project, write_particles(project.folder))
    printed = run_chain(project, kind, name)
    assert says(printed, False) and "has reached an exit point" in printed
    path = project.folder / f"{kind.capitalize()}s/{name}/{kind}.star"
    general = starfile.read(path, always_dict=True)[f"{kind}_general"]
    assert general[f"rln{kind.capitalize()}CurrentNodeName"] == "NO_REGION_FOUND"
    assert [project.status(job) for job in ("Class3D/job001/", "External/job002/")] == ["Succeeded"] * 2
    assert not (project.folder / "MaskCreate").exists() and not (project.folder / "Subtract").exists()
    assert "no region where class 1, class 2 differ" in (project.folder / "External/job002/run.out").read_text()


@KINDS
def test_chain_that_has_ended_runs_again_after_a_reset(kind, project):
    require_beside_pipeliner(f"relion_{kind}r")
    keep_particles_with_the_domain(project, write_particles(project.folder))
    run_chain(project, kind, "focus")
    run_again(project, kind, "focus", "--reset")
    assert says(run_again(project, kind, "focus"), False)
    assert project.status("External/job004/") == "Succeeded"


@pytest.mark.parametrize("name", ["occupy", "focus"])
@pytest.mark.parametrize("kind", ["schedule", "scheme"])
def test_names_of_jobs_are_no_part_of_the_path_that_an_operator_looks_for(kind, name):
    """RELION 3.1 replaces each name of a job that the path contains, and stops at the second."""
    blocks = starfile.read(TEMPLATES / kind / name / f"{kind}.star", always_dict=True)
    label = f"rln{kind.capitalize()}"
    (path,) = blocks[f"{kind}_strings"][f"{label}StringVariableValue"]
    jobs = list(blocks[f"{kind}_jobs"][f"{label}JobNameOriginal"])
    assert [job for job in jobs if job in path] == ["occupy"]


def section_on_fields():
    page = (REPOSITORY / "docs/classification.md").read_text(encoding="utf-8")
    return re.search(r"#### Fields of the chains to set\n(.*?)\n## ", page, re.DOTALL)[1]


@pytest.mark.parametrize("name", ["occupy", "focus"])
@pytest.mark.parametrize("kind", ["schedule", "scheme"])
def test_the_command_of_the_documentation_sets_the_diameter_in_all_jobs_of_a_chain(kind, name, tmp_path):
    folder = tmp_path / f"{kind.capitalize()}s" / name
    shutil.copytree(TEMPLATES / kind / name, folder)

    def values(option):
        found = [options_of(path).get(option) for path in sorted(folder.glob("*/job.star"))]
        return {str(value) for value in found if value is not None}

    before = {path: path.read_text() for path in folder.rglob("*.star")}
    assert values("particle_diameter") == {"200"}
    (command,) = re.findall(r"```\n(.*?)```", section_on_fields(), re.DOTALL)
    of_threads = re.search(r"`(sed [^`]*nr_threads[^`]*)`", section_on_fields())[1]
    for line in (command, of_threads):
        line = line.replace("Schedules/focus", f"{kind.capitalize()}s/{name}")
        subprocess.run(["sh", "-e", "-c", line], cwd=tmp_path, check=True)
    assert (values("particle_diameter"), values("nr_threads")) == ({"180"}, {"8"})
    for path, text in before.items():
        set_by_hand = re.sub(r"^particle_diameter .*", "particle_diameter 180", text, flags=re.M)
        assert path.read_text() == re.sub(r"^nr_threads .*", "nr_threads 8", set_by_hand, flags=re.M)


@pytest.mark.parametrize("kind", ["schedule", "scheme"])
def test_the_documentation_names_the_fields_of_the_chains_and_their_values(kind):
    rows = re.findall(r"^\| `?([\w/.]+)`? \| `(\w+)` \| `([^`]+)` \|", section_on_fields(), flags=re.M)
    documented = {(file, field): value for file, field, value in rows}
    assert len(documented) == 10
    for (file, field), value in documented.items():
        files = [f"focus/{file}"] if file != "all" else ["focus/*/job.star", "occupy/*/job.star"]
        files += [f"occupy/{file}"] if file.startswith("classify") else []
        options = [options_of(path) for pattern in files for path in TEMPLATES.glob(f"{kind}/{pattern}")]
        assert {str(of_job[field]) for of_job in options if field in of_job} == {value}, (file, field)


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
