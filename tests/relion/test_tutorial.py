# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of the tutorial, in a real RELION project: what its page says of their results."""

import json
import re
from pathlib import Path

import pytest
import starfile

from demo.particles import write_particles
from demo.tutorial import run_tutorial
from tests.conftest import REPOSITORY

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def jobs(relion_path, tmp_path_factory):
    """Folders of the jobs, by their names in the tutorial."""
    folder = tmp_path_factory.mktemp("tutorial") / "project"
    return {name: folder / job for name, job in run_tutorial(folder).items()}


def share_with_domain(path, has):
    names = starfile.read(path, always_dict=True)["particles"]["rlnImageName"]
    return sum(has[int(name.split("@")[0]) - 1] for name in names) / len(names)


def test_the_regions_particles_are_nearly_pure(jobs, tmp_path):
    has = write_particles(tmp_path / "same").has_domain
    (region,) = json.loads((jobs["regions"] / "report.json").read_text())["comparison"]["regions"]
    assert region["sure"]
    assert share_with_domain(jobs["regions"] / "region001_with.star", has) > 0.95
    assert share_with_domain(jobs["regions"] / "region001_without.star", has) < 0.05
    assert "3D auto-refine of" in (jobs["regions"] / "run.out").read_text()


def test_the_focused_classification_says_how_to_get_back_to_the_particles(jobs):
    said = (jobs["result"] / "run.out").read_text()
    assert "the maps differ in 1 region" in said and "OR revert to original particles?" in said


def options_of(job):
    rows = starfile.read(job / "job.star", always_dict=True)["joboptions_values"]
    return dict(zip(rows["rlnJobOptionVariable"], rows["rlnJobOptionValue"].astype(str)))


def test_the_page_names_the_fields_of_the_classifications_as_they_are(jobs):
    page = " ".join((REPOSITORY / "docs/tutorial.md").read_text(encoding="utf-8").split())
    first, second = (re.search(rf"{number}\. (\*\*3D cl.*?) \d\. \*\*", page)[1] for number in (2, 5))
    options = options_of(jobs["classes"])
    assert f"*Ref. map is on absolute greyscale?* {options['ref_correct_greyscale']}," in first
    assert f"*Initial low-pass filter*: {options['ini_high']} Å" in first
    assert f"*Has reference been CTF-corrected?* {options['ctf_corrected_ref']}," in first
    assert f"*Number of classes*: {options['nr_classes']}," in first
    assert f"*Number of iterations*: {options['nr_iter']}," in first
    assert f"*Mask diameter*: {options['particle_diameter']} Å" in first
    seed = options["other_args"].strip('"')
    assert f"*Additional arguments*: `{seed}`" in first
    focused = options_of(jobs["focused"])
    for text, values in ((first, options), (second, focused)):
        assert f"*Perform image alignment?* {values['dont_skip_align']}" in text
    assert f"{focused['nr_iter']} iterations" in second and f"`{focused['fn_ref']}`" in second
    different = {"fn_img", "fn_ref", "fn_mask", "nr_iter"}
    assert {name for name in options if options[name] != focused[name]} == different


def test_the_reference_within_the_mask_is_the_class_in_whose_pose_it_lies(jobs):
    comparison = json.loads((jobs["regions"] / "report.json").read_text())["comparison"]
    assert options_of(jobs["focused"])["fn_ref"] == comparison["reference"]
    assert (
        f"1 is the density of {comparison['one_means'].split('of ')[1].split(' where')[0]}"
        in (jobs["regions"] / "run.out").read_text()
    )


def test_the_page_names_the_jobs_as_they_are(jobs):
    page = (REPOSITORY / "docs/tutorial.md").read_text(encoding="utf-8")
    numbers = {name: int(re.search(r"job(\d+)$", str(folder))[1]) for name, folder in jobs.items()}
    assert numbers == {"classes": 3, "regions": 4, "subtract": 5, "focused": 6, "result": 7}
    assert "External/job004/region001_mask.mrc" in page
    for name in re.findall(r"images/tutorial/\w+.png", page):
        assert (Path(REPOSITORY, "docs", name)).is_file()
