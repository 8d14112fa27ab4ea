# SPDX-License-Identifier: GPL-3.0-or-later
"""Particles with and without a region as sets of particles, which further protocols take."""

import numpy as np
import pytest

from demo.particles import VOXEL_SIZE
from occupy_scipion.report import read_report
from occupy_scipion.texts import outcome_lines

NAMES = ["particlesWithRegion1", "particlesWithoutRegion1"]


@pytest.fixture(scope="module")
def run(laboratory, class3d):
    with laboratory.inside():
        protocol = laboratory.launch(laboratory.compare(class3d[0], makeParticleSets=True))
    assert protocol.isFinished(), protocol.getErrorMessage()
    return protocol


def rows(particles):
    """By id: place of the image, class, and the matrix of angles and shifts of each particle of a set."""
    return {
        item.getObjId(): (item.getLocation(), item.getClassId(), item.getTransform().getMatrix().round(5).tolist())
        for item in particles.iterItems()
    }


def test_sets_have_the_particles_of_their_classes_with_angles_and_ids(lab, class3d, run):
    classification, simulated = class3d
    sides = [rows(getattr(run, name)) for name in NAMES]
    assert sum(map(len, sides)) == len(simulated.has_domain) and not set(sides[0]) & set(sides[1])
    by_class = {item.getObjId(): rows(item) for item in classification.outputClasses.iterItems()}
    assert all(side in by_class.values() for side in sides)
    truth = [np.mean([simulated.has_domain[place[0] - 1] for place, _, _ in side.values()]) for side in sides]
    assert truth[0] > 0.9 > 0.1 > truth[1]


def test_sets_are_outputs_that_a_new_process_reads(lab, class3d, run):
    found = lab.read_back(run)
    assert list(found["outputs"])[-2:] == NAMES
    for name in NAMES:
        output = getattr(run, name)
        assert output.getSamplingRate() == VOXEL_SIZE and output.hasAlignmentProj()
        assert found["outputs"][name]["sources"] == [[class3d[0].getObjId(), "outputClasses"]]
    text = "\n".join(found["summary"])
    assert "3D auto-refine of particlesWithRegion1" in text
    count = run.particlesWithRegion1.getSize()
    assert f"Particles with region 1: {count} of class " in text and "(particlesWithRegion1)" in text
    assert text.count("\n") and outcome_lines(read_report(run._getExtraPath()))


def test_relion_classifies_the_particles_with_the_region(lab, class3d, run):
    protocol = lab.classification_of(run, "particlesWithRegion1", class3d[0])
    assert protocol.outputClasses.getImages().getSize() == run.particlesWithRegion1.getSize()
    assert sum(item.getSize() for item in protocol.outputClasses) == run.particlesWithRegion1.getSize()


def test_continue_without_particles_removes_the_sets(lab, class3d):
    protocol = lab.launch(lab.compare(class3d[0], makeParticleSets=True, drawFigures=False))
    assert protocol.isFinished() and protocol.particlesWithRegion1.getSize()
    protocol.makeParticleSets.set(False)
    lab.launch(protocol)
    assert protocol.isFinished(), protocol.getErrorMessage()
    assert not set(NAMES) & set(lab.read_back(protocol)["outputs"])


def test_a_set_of_volumes_has_no_particles(lab, class3d):
    (problem,) = lab.compare(class3d[0], "outputVolumes", makeParticleSets=True).validate()
    assert "*Particles of regions*: found a set of volumes" in problem and "classes of a 3D classification" in problem
