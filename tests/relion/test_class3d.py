# SPDX-License-Identifier: GPL-3.0-or-later
"""Classify simulated particles with RELION, compare the classes, and use the outputs in further RELION jobs."""

import subprocess
from dataclasses import dataclass

import mrcfile
import numpy as np
import pytest
import starfile

from demo.particles import CLASSIFICATION, PARTICLES, REFERENCE, write_particles
from demo.relion_project import RelionProject
from occupy_core.maps.reading import read_map
from relion_external.classification import read_classification

pytestmark = pytest.mark.slow

LAST = "run_it012"


@dataclass
class Chain:
    """The project after all jobs of the chain, with the names of the jobs and the simulated truth."""

    project: RelionProject
    classes: str
    job: str
    mask: str
    focused: str
    statuses: dict
    domain: np.ndarray
    whole: np.ndarray

    def read(self, name):
        return read_map(self.project.folder / name).data

    def table(self, name, block):
        return starfile.read(self.project.folder / name, always_dict=True)[block]


@pytest.fixture(scope="module")
def chain(relion_path, tmp_path_factory):
    """Run Import, Class3D, External, MaskCreate, and a Class3D within the region's mask."""
    project = RelionProject(tmp_path_factory.mktemp("class3d") / "project")
    simulated = write_particles(project.folder)
    statuses = {}

    def run(job):
        statuses[job] = project.run(job)
        assert statuses[job] == "Succeeded", (project.folder / job / "run.err").read_text()
        return job

    run(project.add_import_of_particles(PARTICLES))
    run(project.add_import(REFERENCE))
    options = {"fn_img": "Import/job001/particles.star", "fn_ref": "Import/job002/reference.mrc", **CLASSIFICATION}
    classes = run(project.add("Class3D", **options))
    external = {"fn_exe": "relion_external_occupy", "in_part": f"{classes}{LAST}_data.star", "nr_threads": "2"}
    job = run(project.add("External", **external))
    region = f"{job}region001_mask.mrc"
    mask = run(project.add("MaskCreate", fn_in=region, inimask_threshold="0.5", lowpass_filter="-1"))
    focus = {**options, "fn_img": f"{classes}{LAST}_data.star", "fn_mask": region, "nr_iter": "8"}
    focused = run(project.add("Class3D", **focus))
    return Chain(project, classes, job, mask, focused, statuses, simulated.domain, simulated.has_domain)


def test_all_jobs_succeed_and_register_their_nodes(chain):
    assert len(chain.statuses) == 6 and set(chain.statuses.values()) == {"Succeeded"}
    nodes = chain.project.nodes()
    for name in ("class001_scale.mrc", "class002_scale.mrc"):
        assert nodes[chain.job + name] == 6
    assert nodes[f"{chain.job}region001_mask.mrc"] == nodes[f"{chain.mask}mask.mrc"] == 7
    assert nodes[f"{chain.job}occupancy_regions.star"] == 90
    edges = chain.project.input_edges()
    assert [f"{chain.classes}{LAST}_data.star", chain.job] in edges
    assert [f"{chain.job}region001_mask.mrc", chain.mask] in edges
    assert [f"{chain.job}region001_mask.mrc", chain.focused] in edges


def test_largest_region_is_the_domain(chain):
    region = chain.read(f"{chain.job}region001_mask.mrc")
    assert 0 <= region.min() and region.max() <= 1
    found = region > 0.5
    assert (found & chain.domain).sum() / (found | chain.domain).sum() > 0.4
    made = chain.read(f"{chain.mask}mask.mrc") > 0.5
    assert (made & chain.domain).sum() > 0.7 * chain.domain.sum()


def test_occupancies_of_the_region_agree_with_the_particles(chain):
    table = chain.table(f"{chain.job}occupancy_regions.star", "occupancy_of_classes")
    top = table[table["occupyRegionNumber"] == 1].set_index("rlnClassNumber")["occupyOccupancy"]
    truth = shares_with_domain(chain, chain.classes, LAST)
    assert abs(truth[1] - truth[2]) > 0.8
    assert (top[1] > top[2]) == (truth[1] > truth[2])
    for number in (1, 2):
        assert top[number] == pytest.approx(truth[number], abs=0.15)


def test_region_mask_focuses_another_classification(chain, monkeypatch):
    used = chain.table(f"{chain.focused}run_it008_optimiser.star", "optimiser_general")["rlnSolventMaskName"]
    assert used == f"{chain.job}region001_mask.mrc"
    monkeypatch.chdir(chain.project.folder)
    found = read_classification(f"{chain.focused}run_it008_data.star")
    assert (found.solvent_mask, found.warnings) == (used, ())
    assert all(item.resolution and len(item.ssnr) == 21 for item in found.classes)
    truth = shares_with_domain(chain, chain.focused, "run_it008")
    # The classes separate less well than before: the signal outside the mask was not subtracted.
    assert abs(truth[1] - truth[2]) > 0.4


@dataclass
class Modified:
    """Names of an External job with modified class maps, and of a Subtract and a Class3D job that use its outputs."""

    job: str
    subtracted: str
    again: str


@pytest.fixture(scope="module")
def modified(chain):
    """Run External, Subtract with its subtraction mask, and Class3D with its amplified map as the reference."""
    project, data = chain.project, f"{chain.classes}{LAST}"

    def run(job):
        assert project.run(job) == "Succeeded", (project.folder / job / "run.err").read_text()
        return job

    words = {"attenuate": "3", "subtraction_mask": "yes", "amplify": "3"}
    parameters = {}
    for number, (name, value) in enumerate(words.items(), 1):
        parameters.update({f"param{number}_label": name, f"param{number}_value": value})
    job = run(project.add("External", fn_exe="relion_external_occupy", in_part=f"{data}_data.star", **parameters))
    whole = class_with_domain(chain)
    mask = f"{job}class{whole:03d}_subtraction_mask_attenuated.mrc"
    subtracted = run(project.add("Subtract", fn_opt=f"{data}_optimiser.star", fn_mask=mask, do_center_mask="No"))
    reference = {"fn_img": f"{data}_data.star", "fn_ref": f"{job}class{whole:03d}_amplified.mrc"}
    again = run(project.add("Class3D", **{**CLASSIFICATION, **reference, "nr_classes": "1", "nr_iter": "2"}))
    return Modified(job, subtracted, again)


def test_subtract_accepts_the_mask_and_class3d_the_amplified_map(chain, modified):
    nodes, edges = chain.project.nodes(), chain.project.input_edges()
    name = f"class{class_with_domain(chain):03d}"
    mask, amplified = (f"{modified.job}{name}_{kind}.mrc" for kind in ("subtraction_mask_attenuated", "amplified"))
    assert (nodes[mask], nodes[amplified]) == (7, 6)
    assert [mask, modified.subtracted] in edges and [amplified, modified.again] in edges
    values = chain.read(mask)
    assert 0 <= values.min() < 0.01 and 0.9 < values.max() <= 1
    refined = chain.read(f"{modified.again}run_it002_class001.mrc")
    assert np.corrcoef(refined.ravel(), chain.read(amplified).ravel())[0, 1] > 0.8


def test_subtracted_signal_is_the_reference_outside_the_mask(chain, modified):
    """The particles of the mask's class lose the projections of (1 - mask) times their reference, nothing else."""
    folder, whole = chain.project.folder, class_with_domain(chain)
    particles = chain.table(f"{modified.subtracted}particles_subtracted.star", "particles")
    assert len(particles) == len(chain.whole)
    chosen = particles["rlnClassNumber"] == whole
    lost = images_of(chain, particles["rlnImageOriginalName"]) - images_of(chain, particles["rlnImageName"])
    mask = chain.read(f"{modified.job}class{whole:03d}_subtraction_mask_attenuated.mrc")
    with mrcfile.open(folder / f"{chain.classes}{LAST}_class{whole:03d}.mrc", permissive=True) as mrc:
        reference, voxel_size = mrc.data, mrc.voxel_size
    with mrcfile.new(folder / "taken.mrc") as mrc:
        mrc.set_data((1 - mask) * reference)
        mrc.voxel_size = voxel_size
    words = ["--i", "taken.mrc", "--o", "taken", "--ang", f"{modified.subtracted}particles_subtracted.star", "--ctf"]
    subprocess.run(["relion_project", *words], cwd=folder, check=True, capture_output=True, timeout=60)
    expected = mrcfile.read(folder / "taken.mrcs")
    assert np.corrcoef(lost[chosen].ravel(), expected[chosen].ravel())[0, 1] > 0.95


def images_of(chain, names):
    """Return the images with these names (number@stack), as in a table of particles."""
    places = [name.split("@") for name in names]
    stacks = {path: mrcfile.read(chain.project.folder / path) for path in {path for _, path in places}}
    return np.array([stacks[path][int(number) - 1] for number, path in places])


def class_with_domain(chain):
    """Return the number of the class with the most particles that were simulated with the domain."""
    shares = shares_with_domain(chain, chain.classes, LAST)
    return max(shares, key=shares.get)


def shares_with_domain(chain, job, stem):
    """Return, by class number, the share of the particles that were simulated with the domain."""
    particles = chain.table(f"{job}{stem}_data.star", "particles")
    index = particles["rlnImageName"].str.split("@").str[0].astype(int) - 1
    whole = chain.whole[index]
    return {number: whole[particles["rlnClassNumber"] == number].mean() for number in (1, 2)}
