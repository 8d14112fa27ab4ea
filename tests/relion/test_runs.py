# SPDX-License-Identifier: GPL-3.0-or-later
"""RELION classifies simulated particles: a part that is missing in half gives a sure region."""

import shutil

import pytest

from benchmarks.occupancy import suite
from benchmarks.runs.__main__ import PROGRAMS
from benchmarks.runs.classify import Run, classify
from benchmarks.runs.measure import measure
from benchmarks.runs.particles import Part, ParticleSet
from benchmarks.runs.tables import is_compared
from benchmarks.runs.truth import read_truth
from tests.conftest import skip_or_fail


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    for name in PROGRAMS:
        if shutil.which(name) is None:
            skip_or_fail(f"no {name} on the path; on Debian or Ubuntu: apt-get install relion")
    return suite.bundles(tmp_path_factory.mktemp("models"))


def outcome_of(run, folder):
    data_star = classify(run, folder)
    return measure(run, data_star, read_truth(folder, data_star))


@pytest.mark.slow
def test_identical_particles_give_no_sure_region(bundles, tmp_path):
    particles = ParticleSet(bundles, (), 600, 3.5, (2.0, 1.0), 3)
    outcome = outcome_of(Run("identical", particles, 2, iterations=6), tmp_path)
    assert is_compared(outcome)
    assert (outcome.parts, outcome.false_sure) == ((), 0)


@pytest.mark.slow
def test_a_part_that_is_missing_in_half_of_the_particles_is_found(bundles, tmp_path):
    particles = ParticleSet(bundles, (Part(("C", "D"), 0.5),), 700, 2.0, (0.0, 0.0), 4)
    run = Run("differing", particles, 2, masked=True, iterations=8)
    outcome = outcome_of(run, tmp_path)
    assert outcome.false_sure == 0
    (part,) = outcome.parts
    assert part.is_judged and part.sure is not None
    for interval, fraction in zip(part.sure.occupancies, part.sure.fractions):
        assert interval.value == pytest.approx(fraction, abs=0.1)
    written = (tmp_path / "particles.star").stat().st_mtime_ns
    classify(run, tmp_path)
    assert (tmp_path / "particles.star").stat().st_mtime_ns == written  # a run that is there is not repeated
