# SPDX-License-Identifier: GPL-3.0-or-later
"""A real classification of simulated particles, what differs between its classes, and on with the region's mask."""

from dataclasses import dataclass

import numpy as np
import pytest
import starfile

from demo.particles import CLASSIFICATION, PARTICLES, REFERENCE, write_particles
from demo.relion_project import RelionProject
from occupy_core.maps import read_map

LAST = "run_it012"


@dataclass
class Chain:
    """The project after the whole chain, with the names of its jobs."""

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
    """Import -> Class3D -> External -> MaskCreate and a Class3D within the region's mask."""
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


def test_all_jobs_succeed_and_leave_their_nodes(chain):
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


def test_the_top_region_is_the_domain(chain):
    region = chain.read(f"{chain.job}region001_mask.mrc")
    assert 0 <= region.min() and region.max() <= 1
    found = region > 0.5
    assert (found & chain.domain).sum() / (found | chain.domain).sum() > 0.4
    made = chain.read(f"{chain.mask}mask.mrc") > 0.5
    assert (made & chain.domain).sum() > 0.7 * chain.domain.sum()


def test_its_occupancies_order_the_classes_as_the_particles_do(chain):
    table = chain.table(f"{chain.job}occupancy_regions.star", "occupancy_of_classes")
    top = table[table["occupyRegionNumber"] == 1].set_index("rlnClassNumber")["occupyOccupancy"]
    truth = shares_with_domain(chain, chain.classes, LAST)
    assert abs(truth[1] - truth[2]) > 0.8
    assert (top[1] > top[2]) == (truth[1] > truth[2])
    for number in (1, 2):
        assert top[number] == pytest.approx(truth[number], abs=0.15)


def test_the_mask_focuses_a_further_classification(chain):
    used = chain.table(f"{chain.focused}run_it008_optimiser.star", "optimiser_general")["rlnSolventMaskName"]
    assert used == f"{chain.job}region001_mask.mrc"
    truth = shares_with_domain(chain, chain.focused, "run_it008")
    # Less sharply than before, since what lies outside the mask was not subtracted.
    assert abs(truth[1] - truth[2]) > 0.4


def shares_with_domain(chain, job, stem):
    """Of each class, the share of its particles that were simulated with the domain."""
    particles = chain.table(f"{job}{stem}_data.star", "particles")
    index = particles["rlnImageName"].str.split("@").str[0].astype(int) - 1
    whole = chain.whole[index]
    return {number: whole[particles["rlnClassNumber"] == number].mean() for number in (1, 2)}
