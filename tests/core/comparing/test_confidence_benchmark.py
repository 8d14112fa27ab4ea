# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark of the confidence of unmasked class maps, on made-up data."""

from dataclasses import replace

import mrcfile
import numpy as np
import pytest

from benchmarks.occupancy import suite
from benchmarks.occupancy.suite import Complex
from benchmarks.page_sections import with_section
from benchmarks.runs import confidence, scenarios
from benchmarks.runs.classify import WIDE_DIAMETER, Run
from benchmarks.runs.confidence import ClassConfidence, Shares
from benchmarks.runs.particles import Part, ParticleSet
from benchmarks.runs.truth import Truth

PARTICLES = ParticleSet(Complex("made up, 3 chains", None), (Part(("A",), 0.5),), 1000, 2.0, (0.0, 0.0), 1)
RUN = Run("made_up", PARTICLES, 2, diameter=0.7)
SIDE = 48


def ball(radius):
    return sum((axis - SIDE // 2) ** 2 for axis in np.ogrid[:SIDE, :SIDE, :SIDE]) <= radius**2


def truth():
    part = ball(8) & (np.arange(SIDE) > 26)
    return Truth(part[None], ball(8), (30.0,), np.ones((100, 1), bool), np.ones(100, int))


GOOD = ClassConfidence(RUN, 1, Shares(0.5, 0.3, 0.98), Shares(0.02, 0.004, 0.95), True, False)


def test_shares_count_voxels_by_their_distance_from_the_molecule():
    below = np.broadcast_to(np.arange(SIDE)[:, None, None], (SIDE,) * 3)  # z, in voxels of 5 Å
    part = (below < 10) & (np.arange(SIDE) > 26)
    slab = Truth(part[None], below < 10, (30.0,), np.ones((100, 1), bool), np.ones(100, int))
    # Of the sections 0 to 19, those from 12 lie 15 Å and more from section 9, and those from 15 lie 30 Å and more.
    assert confidence.shares(below < 20, slab) == Shares(8 / 20, 5 / 20, 1)
    assert confidence.shares(below < 5, slab) == Shares(0, 0, 0.5)
    assert confidence.shares(part, slab) == Shares(0, 0, 0)
    assert confidence.shares(below < 0, slab) == Shares(0, 0, 0)


@pytest.mark.parametrize("near", [1.0, 6.0])
def test_a_class_is_measured_by_the_solvent_model_alone_and_by_a_job(near, tmp_path):
    distance = np.sqrt(sum((axis - SIDE // 2) ** 2 for axis in np.ogrid[:SIDE, :SIDE, :SIDE])) - 8
    noise = 0.05 * (1 + (near - 1) * np.exp(-(np.maximum(distance, 0) ** 2) / (2 * 4.0**2)))
    volume = np.random.default_rng(1).normal(0, 1, (SIDE,) * 3) * noise + ball(8)
    with mrcfile.new(tmp_path / "run_it010_class001.mrc") as file:
        file.set_data(volume.astype(np.float32))
        file.voxel_size = 5.0
    (item,) = confidence.measure(RUN, tmp_path / "run_it010_data.star", truth())
    assert item.number == 1
    assert item.is_suited == (near > 2)
    if item.is_suited:
        assert item.alone.near > 0.1 > 0.06 > item.job.near
    else:
        assert item.alone == item.job


def test_runs_without_a_mask_have_three_diameters(tmp_path):
    runs = scenarios.unmasked([suite.bundles(tmp_path)], 1, 12)
    assert not any(run.masked for run in runs)
    assert {run.diameter for run in runs} == {0.7, 0.75, WIDE_DIAMETER}
    assert [len(run.particles.parts) for run in runs] == [0, 1] * 6
    assert len({run.name for run in runs}) == 12


def test_the_description_of_a_run_names_a_diameter_that_is_not_the_usual_one():
    assert RUN.description.endswith("10 iterations; diameter 0.7")
    assert replace(RUN, diameter=WIDE_DIAMETER).description.endswith("10 iterations")


def test_bounds_are_told_apart():
    assert confidence.bounds_missed([GOOD]) == []
    for job, words in (
        (Shares(0.2, 0.004, 0.95), "0.200 of a class's confident voxels lie beyond 10 Å"),
        (Shares(0.02, 0.1, 0.95), "beyond 25 Å"),
        (Shares(0.02, 0.004, 0.5), "0.500 of the molecule"),
    ):
        (missed,) = confidence.bounds_missed([replace(GOOD, job=job)])
        assert words in missed
        assert confidence.bounds_missed([replace(GOOD, job=job, is_suited=False)]) == [missed]
    assert confidence.bounds_missed([]) == []


def test_the_section_has_the_shares_of_each_diameter_and_class():
    wide = replace(GOOD, run=replace(RUN, diameter=0.95), is_suited=False, job=GOOD.alone)
    section = confidence.text([GOOD, replace(GOOD, number=2, job=Shares(0.04, 0.002, 0.93)), wide], 2, 9)
    assert "| 0.7 of the box | 2 | 2 | 0.500 (0.500) | 0.030 (0.040) | 0.300 (0.300) | 0.003 (0.004) |" in section
    assert "| 0.980 (0.980) | 0.940 (0.930) |" in section
    assert "| any, made for the noise near the molecule | 2 | 2 | 0.500 (0.500) | 0.030 (0.040) |" in section
    assert "Bounds missed: 0.500 of a class's confident voxels lie beyond 10 Å" in section
    assert "All bounds hold." in confidence.text([GOOD], 2, 9)
    assert "| 0.95 of the box | 1 | 0 | 0.500 (0.500) | 0.500 (0.500) |" in section
    assert "| made up | 0.7 | 2 | 2 | 0.500 → 0.040 | 0.300 → 0.002 | 0.980 → 0.930 | no |" in section
    assert "2 classifications" in section and "seed 9" in section
    page = confidence._PAGE.read_text(encoding="utf-8")
    assert section.strip() in with_section(page, confidence._SECTION, section)
