# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles with and without a region: written by the External job, taken by further jobs of RELION."""

import gzip
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import starfile

from demo.particles import CLASSIFICATION, PARTICLES, REFERENCE, write_particles
from demo.relion_project import RelionProject
from occupy_core.comparing.particle_groups import add_particle_groups
from occupy_core.job.outputs import JobOutputs
from relion_external.output_nodes import particles_label, write_output_nodes
from relion_external.supervisor import main
from tests.core.comparing.reports import comparison_report, region_report
from tests.many_classes import CLASSES, OF_CLASS, write_classes
from tests.relion.loop_runs import relion_version

LAST = "Class3D/job003/run_it012"
WITH, WITHOUT = "External/job004/region001_with.star", "External/job004/region001_without.star"


@dataclass
class Divided:
    """A project whose External job has divided the particles of a Class3D, and which particles have the domain."""

    project: RelionProject
    options: dict
    has_domain: np.ndarray

    def particles(self, name):
        return starfile.read(self.project.folder / name, always_dict=True)["particles"]

    def truth(self, name):
        """Return which particles in a file have the domain."""
        return self.has_domain[self.particles(name)["rlnImageName"].str.split("@").str[0].astype(int) - 1]

    def run(self, kind, seconds=120, **options):
        job = self.project.add(kind, **options)
        assert self.project.run(job, seconds=seconds) == "Succeeded", (
            self.project.folder / job / "run.err"
        ).read_text()
        return job


@pytest.fixture(scope="module")
def divided(relion_path, tmp_path_factory):
    """Run Import, Class3D, and External with the parameter particles."""
    project = RelionProject(tmp_path_factory.mktemp("particles") / "project")
    simulated = write_particles(project.folder)
    for job in (project.add_import_of_particles(PARTICLES), project.add_import(REFERENCE)):
        assert project.run(job) == "Succeeded"
    options = {"fn_img": "Import/job001/particles.star", "fn_ref": "Import/job002/reference.mrc", **CLASSIFICATION}
    made = Divided(project, options, simulated.has_domain)
    made.run("Class3D", **options)
    external = {"in_part": f"{LAST}_data.star", "param1_label": "particles", "param1_value": "yes", "nr_threads": "2"}
    made.run("External", fn_exe="relion_external_occupy", **external)
    return made


@pytest.mark.slow
def test_truth_is_purer_in_the_files_than_in_the_input(divided):
    before = divided.truth(f"{LAST}_data.star").mean()
    assert 0.4 < before < 0.6
    assert divided.truth(WITH).mean() > 0.9
    assert divided.truth(WITHOUT).mean() < 0.1


def test_both_files_together_have_all_particles_with_all_columns_and_tables(divided):
    folder = divided.project.folder
    before = starfile.read(folder / f"{LAST}_data.star", always_dict=True)
    parts = [starfile.read(folder / name, always_dict=True) for name in (WITH, WITHOUT)]
    for part in parts:
        assert list(part) == list(before) and part["optics"].equals(before["optics"])
        assert list(part["particles"]) == list(before["particles"])
    rows = [line for name in (WITH, WITHOUT) for line in (folder / name).read_text().splitlines() if "@" in line]
    text = (folder / f"{LAST}_data.star").read_text()
    assert sorted(rows) == sorted(line for line in text.splitlines() if "@" in line)


def test_relion_registers_them_as_particles_and_the_log_and_report_name_them(divided):
    assert divided.project.nodes()[WITH] == divided.project.nodes()[WITHOUT] == 3
    label = {4: "ParticlesData.star.relion", 5: "ParticleGroupMetadata.star.relion"}.get(relion_version())
    if label:
        assert divided.project.node_labels()[WITH] == divided.project.node_labels()[WITHOUT] == label
    log = (divided.project.folder / "External/job004/run.out").read_text()
    assert f"wrote {WITH}" in log and f"3D auto-refine of {WITH}" in log
    count = len(divided.particles(WITH))
    assert f"particles with region 1: {count} of class " in log
    report = json.loads((divided.project.folder / "External/job004/report.json").read_text())
    assert report["comparison"]["regions"][0]["particles"]["with"]["particles"] == count
    assert f"{LAST}_data.star" in report["job"]["sha256"]


def test_class3d_takes_them(divided):
    job = divided.run("Class3D", **{**divided.options, "fn_img": WITH, "nr_iter": "2"})
    assert len(divided.particles(f"{job}run_it002_data.star")) == len(divided.particles(WITH))
    assert [WITH, job] in divided.project.input_edges()


@pytest.mark.slow
def test_refine3d_takes_them(divided, monkeypatch):
    for name, value in {
        "OMPI_ALLOW_RUN_AS_ROOT": "1",
        "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
        "RELION_MPIRUN": "mpirun --oversubscribe",
    }.items():
        monkeypatch.setenv(name, value)
    unused = ("nr_classes", "nr_iter", "tau_fudge", "dont_skip_align")
    options = {name: value for name, value in divided.options.items() if name not in unused}
    coarse = {"sampling": '"30 degrees"', "auto_local_sampling": '"15 degrees"', "nr_mpi": "3", "nr_threads": "1"}
    job = divided.run("Refine3D", seconds=400, **{**options, **coarse, "fn_img": WITH})
    assert len(divided.particles(f"{job}run_data.star")) == len(divided.particles(WITH))


def test_star_handler_takes_them(divided):
    folder = divided.project.folder
    os.makedirs(folder / "joined", exist_ok=True)
    words = ["relion_star_handler", "--combine", "--i", f"{WITH} {WITHOUT}", "--o", "joined/all.star"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=60)
    names = set(divided.particles("joined/all.star")["rlnImageName"])
    assert names == set(divided.particles(f"{LAST}_data.star")["rlnImageName"])


def test_subset_selection_of_an_empty_optics_group(divided):
    """An optics group without particles stays in the file: RELION takes it."""
    folder = divided.project.folder
    text = (folder / WITH).read_text()
    row = next(line for line in text.splitlines() if line.split()[:1] == ["simulated"])
    (folder / "two.star").write_text(text.replace(row, f"{row}\nother 2 300 2.7 0.1 4.0 40 2"))
    job = divided.run("Class3D", **{**divided.options, "fn_img": "two.star", "nr_iter": "1", "nr_classes": "1"})
    assert len(divided.particles(f"{job}run_it001_data.star")) == len(divided.particles(WITH))


def test_a_job_without_particles_removes_those_of_the_last_job_but_no_other_file(divided, monkeypatch):
    monkeypatch.chdir(divided.project.folder)
    words = ["--o", "out/", "--in_parts", f"{LAST}_data.star", "--figures", "no"]
    assert main([*words, "--particles"]) == 0
    assert Path("out/region001_with.star").read_bytes().split(b"\n", 1)[1] == Path(WITH).read_bytes().split(b"\n", 1)[1]
    Path("out/region001_without.star").write_text("data_mine\n")
    assert main(words) == 0
    assert not Path("out/region001_with.star").exists()
    assert Path("out/region001_without.star").read_text() == "data_mine\n"
    assert main([*words, "--particles"]) == 1  # it would replace a file of others
    assert Path("out/region001_without.star").read_text() == "data_mine\n"


def test_a_repeated_job_writes_the_same_particles(divided, monkeypatch, capfd):
    monkeypatch.chdir(divided.project.folder)
    assert main(["--o", "again/", "--settings", "External/job004/report.json"]) == 0
    assert Path("again/region001_with.star").read_bytes() == Path(WITH).read_bytes()
    assert (
        main(["--o", "again/", "--settings", "External/job004/report.json", "--in_3dref", f"{LAST}_class001.mrc"]) == 1
    )
    assert f"--particles: found one map, {LAST}_class001.mrc, expected the classes" in capfd.readouterr().err


def test_inputs_without_particles_are_refused_before_the_work(divided, monkeypatch, capfd):
    monkeypatch.chdir(divided.project.folder)
    maps = "\n".join(f"{LAST}_class00{number}.mrc" for number in (1, 2))
    Path("maps.star").write_text(f"data_\nloop_\n_rlnReferenceImage\n{maps}\n")
    assert main(["--o", "none/", "--in_parts", "maps.star", "--particles"]) == 1
    assert "--particles: found no class of any particle beside" in capfd.readouterr().err
    assert not Path("none/report.json").exists()


@pytest.mark.slow
@pytest.mark.parametrize("run, region", [("r5_box64_A0", 0), ("r5_box64_B7", 0), ("r5_box64_B7", 1)])
def test_truth_is_purer_in_runs_of_relion_5(run, region, shared_data, tmp_path, monkeypatch):
    """RELION 5 hardly separates A0, whose classes are all in between: the job says so and does not call them sorted."""
    monkeypatch.chdir(tmp_path)
    for path in (shared_data / "relion_runs" / run).glob("run_it*"):
        data = path.read_bytes()
        Path(path.name.replace(".gz", "")).write_bytes(gzip.decompress(data) if path.suffix == ".gz" else data)
    (data_star,) = tmp_path.glob("run_it*_data.star")
    assert main(["--o", "out/", "--in_parts", data_star.name, "--particles", "--figures", "no", "--j", "2"]) == 0
    with np.load(shared_data / "relion_runs" / run / "has.npz") as file:
        has = np.atleast_2d(next(iter(file.values())))
    has = has if len(has) < len(has.T) else has.T

    def fractions(name):
        names = starfile.read(name, always_dict=True)["particles"]["rlnImageName"]
        return has[:, names.str.split("@").str[0].astype(int) - 1].mean(axis=1)

    before = fractions(data_star.name)
    sides = [fractions(f"out/region{region + 1:03d}_{side}.star") for side in ("with", "without")]
    part = int(np.argmax(sides[0] - sides[1]))
    assert sides[0][part] > before[part] > sides[1][part]
    report = json.loads(Path("out/report.json").read_text())
    names_file = any(f"region{region + 1:03d}_with.star" in text for text in report["next_steps"])
    assert names_file == (sides[0][part] > 0.9)


@pytest.fixture
def many_classes(tmp_path, monkeypatch):
    """Write twelve classes in the working folder, and return which class has which part."""
    monkeypatch.chdir(tmp_path)
    return write_classes(tmp_path)


def test_particles_of_more_than_ten_classes_are_divided_by_part(many_classes, capfd):
    words = ["--o", "out/", "--in_parts", "run_it025_data.star", "--figures", "no", "--j", "2"]
    assert main([*words, "--particles"]) == 0
    report = json.loads(Path("out/report.json").read_text())["ensemble"]
    assert len(report["parts"]) == 3
    log = capfd.readouterr().out
    assert "Writing particles with and without each part, from run_it025_data.star" in log
    nodes = starfile.read("out/RELION_OUTPUT_NODES.star", always_dict=True)["output_nodes"].values.tolist()
    for part in range(1, 4):
        sides = []
        for side in ("with", "without"):
            name = f"out/part{part:03d}_{side}.star"
            sides.append(starfile.read(name, always_dict=True)["particles"]["rlnClassNumber"])
            assert [name, 3, "ParticlesData.star.relion"] in nodes and f"wrote {name}" in log
        assert len(sides[0]) + len(sides[1]) == CLASSES * OF_CLASS
        has = np.isin(np.arange(1, CLASSES + 1), sides[0])
        assert any(np.array_equal(has, column > 0.5) for column in many_classes.T)
        assert f"particles with part {part}: {len(sides[0])} of " in log
        assert f"to refine the particles that have part {part}: 3D auto-refine of out/part{part:03d}_with.star" in log
    lines = Path("out/occupy.cxc").read_text().splitlines()
    assert sum("part00" in line for line in lines if line.startswith("open ")) == 3
    levels = {line.split(" level ")[1] for line in lines if line.startswith("volume #") and "level 0.5" not in line}
    assert len(levels) == 2  # one for the classes, one for the means of clusters
    assert main(words) == 0  # without particles: the files of the last job are removed
    assert not list(Path("out").glob("part*.star"))
    Path("out/part001_with.star").write_text("data_mine\n")
    assert main([*words, "--particles"]) == 1  # it would replace a file of others
    assert Path("out/part001_with.star").read_text() == "data_mine\n"


@pytest.mark.parametrize(
    "head, label",
    [
        ("# version 30001", "ParticlesData.star.relion"),
        ("# version 50001", "ParticleGroupMetadata.star.relion"),
        (None, "ParticlesData.star.relion"),
    ],
)
def test_node_type_follows_the_version_of_relion(head, label, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("job").mkdir()
    if head:
        Path("job/job.star").write_text(f"\n{head}\n\ndata_job\n\n_rlnJobTypeLabel relion.external\n")
    assert particles_label("job/") == label
    Path("default_pipeline.star").write_text("\n# version 50001\n\ndata_pipeline_general\n")
    assert particles_label("job/") == (label if head else "ParticleGroupMetadata.star.relion")
    report = comparison_report([region_report(1, (0.1, 0.9))])
    add_particle_groups(report, lambda side, number: f"region{number:03d}_{side}.star")
    write_output_nodes(JobOutputs([], report, [], []), tmp_path, "job/")
    rows = starfile.read("RELION_OUTPUT_NODES.star", always_dict=True)["output_nodes"].values.tolist()
    assert ["job/region001_with.star", 3, particles_label("job/")] in rows
