# SPDX-License-Identifier: GPL-3.0-or-later
"""Class3D, the occupancy of a fitted model, and a Class3D within the mask of one of its parts, in a real project."""

import json
import shutil
from dataclasses import dataclass

import numpy as np
import pytest
import starfile

from benchmarks.occupancy import suite
from benchmarks.occupancy.fitted_model import write_fitted_model
from benchmarks.occupancy.simulate import Conditions
from benchmarks.runs.particles import PADDING, VOXEL_SIZE, Part, ParticleSet, write_particles
from demo.relion_project import RelionProject
from occupy_core.maps.reading import read_map

pytestmark = pytest.mark.slow

# The first classification sorts by B, C and D, which are three of the seven chains. Chain F, which is missing
# independently of them, is left in half of the particles of both classes.
PARTS = (Part(("B", "C", "D"), 0.5), Part(("F",), 0.5))
STEM, MIDDLE = "run_it006", "run_it003"
MODEL = "fitted.cif"
CLASSIFICATION = {
    "fn_ref": "Import/job002/reference.mrc",
    "ref_correct_greyscale": "No",
    "ini_high": "30",
    "do_ctf_correction": "Yes",
    "nr_classes": "2",
    "nr_iter": "6",
    "tau_fudge": "4",
    "particle_diameter": "150",
    "dont_skip_align": "No",
    "nr_pool": "30",
    "nr_threads": "2",
    "do_preread_images": "Yes",
    "other_args": '"--random_seed 1"',
}


@dataclass
class Chain:
    """The project after all jobs of the chain, the names and ends of the jobs, and which particle has which part."""

    project: RelionProject
    classes: str
    job: str
    focused: str
    subtracted: str
    sorted: str
    statuses: dict
    has: np.ndarray

    def table(self, name, block):
        return starfile.read(self.project.folder / name, always_dict=True)[block]

    def fractions(self, job, part):
        """Return, by class number, the fraction of the particles of the last iteration that have a part of PARTS."""
        particles = self.table(f"{job}{STEM}_data.star", "particles")
        images = particles.get("rlnImageOriginalName", particles["rlnImageName"])  # subtraction renames the images
        has = self.has[images.str.split("@").str[0].astype(int) - 1, part]
        return {number: has[particles["rlnClassNumber"] == number].mean() for number in (1, 2)}

    def separation(self, job, part):
        """Return the difference between the two classes' fractions: 1 if all particles are sorted by the part."""
        fractions = self.fractions(job, part)
        return abs(fractions[1] - fractions[2])


def external(project, data, **parameters):
    """Add an External job on the classes of an iteration, with these parameters, and return its name."""
    options = {"fn_exe": "relion_external_occupy", "in_part": data, "nr_threads": "2"}
    for number, (name, value) in enumerate(parameters.items(), start=1):
        options.update({f"param{number}_label": name, f"param{number}_value": value})
    return project.add("External", **options)


@pytest.fixture(scope="module")
def chain(relion_path, tmp_path_factory):
    """Run Import, Class3D, External, and Class3D within the mask of chain F, without and with subtraction."""
    project = RelionProject(tmp_path_factory.mktemp("chain") / "project")
    particles = ParticleSet(suite.bundles(project.folder), PARTS, 500, 2.0, (0.0, 0.0), 6)
    has = write_particles(particles, project.folder)
    conditions = Conditions(2 * VOXEL_SIZE, VOXEL_SIZE, padding=PADDING, seed=particles.seed)
    write_fitted_model(particles.model.path, conditions, project.folder / MODEL)
    statuses = {}

    def run(job):
        statuses[job] = project.run(job)
        assert statuses[job] == "Succeeded", (project.folder / job / "run.err").read_text()
        return job

    run(project.add_import_of_particles("particles.star"))
    run(project.add_import("reference.mrc"))
    classes = run(project.add("Class3D", fn_img="Import/job001/particles.star", **CLASSIFICATION))
    job = run(external(project, f"{classes}{STEM}_data.star", model=MODEL, model_masks="yes"))
    focus = {**CLASSIFICATION, "fn_mask": f"{job}group_F_mask.mrc"}
    focused = run(project.add("Class3D", fn_img=f"{classes}{STEM}_data.star", **focus))
    poses = json.loads((project.folder / job / "report.json").read_text())["model"]["maps"]
    nearest = min(poses, key=lambda item: item["shift_angstrom"] + item["rotation_degrees"])
    within = {**focus, "fn_ref": nearest["input"]}  # the mask lies in the pose of the model
    subtraction = {"fn_opt": f"{classes}{STEM}_optimiser.star", "fn_mask": f"{job}group_F_mask.mrc"}
    subtracted = run(project.add("Subtract", do_center_mask="No", **subtraction))
    sorted_ = run(project.add("Class3D", fn_img=f"{subtracted}particles_subtracted.star", **within))
    return Chain(project, classes, job, focused, subtracted, sorted_, statuses, has)


def test_all_jobs_succeed_and_the_mask_is_an_input_of_the_focused_classification(chain):
    assert len(chain.statuses) == 7
    assert {chain.project.status(job) for job in chain.statuses} == {"Succeeded"}
    edges, nodes = chain.project.input_edges(), chain.project.nodes()
    mask = f"{chain.job}group_F_mask.mrc"
    assert nodes[mask] == 7
    assert [f"{chain.classes}{STEM}_data.star", chain.job] in edges
    for job in (chain.focused, chain.subtracted, chain.sorted):
        assert [mask, job] in edges
    for job in (chain.focused, chain.sorted):
        optimiser = chain.table(f"{job}{STEM}_optimiser.star", "optimiser_general")
        assert optimiser["rlnSolventMaskName"] == mask
    assert (chain.project.folder / chain.job / "run.err").read_text() == ""


def test_occupancies_of_the_chains_agree_with_the_particles_of_each_class(chain):
    assert chain.separation(chain.classes, 0) > 0.9  # the classes differ by B, C and D
    rows = chain.table(f"{chain.job}model_occupancy.star", "occupancy_groups")
    assert len(rows) == 7 * 2
    for row in rows.itertuples():
        part = next((index for index, part in enumerate(PARTS) if row.occupyGroup in part.chains), None)
        truth = 1.0 if part is None else chain.fractions(chain.classes, part)[row.rlnClassNumber]
        assert row.occupyOccupancy == pytest.approx(truth, abs=0.1), (row.occupyGroup, row.rlnClassNumber)


def test_the_mask_of_a_part_sorts_the_particles_by_that_part(chain):
    assert chain.separation(chain.classes, 1) < 0.2
    assert chain.separation(chain.focused, 1) > 0.7
    assert chain.separation(chain.sorted, 1) > 0.9


@pytest.mark.parametrize("quote", ["'", '"'])
def test_one_mask_from_an_earlier_iteration_and_a_model_elsewhere(chain, tmp_path, quote):
    """The path of the model is absolute and has blanks: it needs quotes, because RELION runs jobs in a shell."""
    model = tmp_path / "a folder" / "a model.cif"
    model.parent.mkdir()
    shutil.copy(chain.project.folder / MODEL, model)
    other = {"'": '"', '"': "'"}[quote]
    words = {"model": f"{other}{quote}{model}{quote}{other}", "model_masks": "F", "figures": "no"}
    job = external(chain.project, f"{chain.classes}{MIDDLE}_data.star", **words)
    assert chain.project.run(job) == "Succeeded", (chain.project.folder / job / "run.err").read_text()
    assert [f"{chain.classes}{MIDDLE}_data.star", job] in chain.project.input_edges()
    masks = {name: kind for name, kind in chain.project.nodes().items() if name.startswith(f"{job}group_")}
    assert masks == {f"{job}group_F_mask.mrc": 7}
    rows = chain.table(f"{job}RELION_OUTPUT_NODES.star", "output_nodes").set_index("rlnPipeLineNodeName")
    assert rows.loc[f"{job}group_F_mask.mrc"].tolist() == [7, "Mask3D.mrc"]
    mask, first = (read_map(chain.project.folder / name / "group_F_mask.mrc").data for name in (job, chain.job))
    np.testing.assert_array_equal(mask, first)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ({"model": "gone.cif"}, "gone.cif: no such file, expected an atomic model"),
        ({"model": "a folder/model.cif"}, "quote values with blanks"),
        ({"model": MODEL, "model_masks": "Z"}, "found 'Z', expected yes, no, or names of parts: A, B, C"),
    ],
)
def test_a_job_that_cannot_read_model_or_parts_ends_as_failed(chain, words, reason):
    values = {name: f'"{value}"' for name, value in {"model_masks": "yes", **words}.items()}
    job = external(chain.project, f"{chain.classes}{STEM}_data.star", **values)
    assert chain.project.run(job, seconds=60) == "Failed"
    errors = (chain.project.folder / job / "run.err").read_text()
    assert reason in errors and errors.count("\n") == 1
    assert not list((chain.project.folder / job).glob("*.mrc"))
