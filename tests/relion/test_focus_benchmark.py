# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark of classifications within a region: its table and its measure."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.focus.__main__ import table
from benchmarks.focus.chain import Outcome, accuracy
from benchmarks.occupancy.suite import Complex
from benchmarks.runs.particles import Part, ParticleSet


def outcome(accuracies, regions, inside):
    particles = ParticleSet(Complex("a", Path("a")), (Part(("D", "G"), 0.5),), 1500, 3.5, (2.0, 1.5), 1)
    return Outcome(particles, 35.6, accuracies, regions, inside)


def test_table_has_all_repeats_and_their_median_and_a_dash_without_a_region():
    first = dict.fromkeys(("plain", "masked", "first"), 0.6)
    found = [outcome({**first, "chain": value, "without": 0.8}, 1, 0.7) for value in (0.9, 0.7, 0.8)]
    lines = table([[*found], [found[0], outcome(first, 0, None)]]).splitlines()
    assert lines[0] == "| | 36 kDa (D+G), 1500 particles, noise 3.5 | 36 kDa (D+G), 1500 particles, noise 3.5 |"
    (chain,) = [line for line in lines if "subtracted" in line]
    assert chain.endswith("| 0.90, 0.70, 0.80 (median 0.80) | 0.90, - |")
    assert lines[-2].endswith("| 1, 1, 1 | 1, 0 |") and lines[-1].endswith("| 0.70, 0.70, 0.70 | 0.70, - |")


@pytest.mark.parametrize("label", ["rlnImageName", "rlnImageOriginalName"])
def test_accuracy_counts_the_majority_of_each_class(label, tmp_path):
    path = tmp_path / "data.star"
    rows = "".join(
        f"{image}@a.mrcs x{image}@b.mrcs {number}\n" for image, number in ((3, 1), (1, 1), (2, 2), (4, 2), (5, 2))
    )
    head = "data_particles\nloop_\n_rlnImageOriginalName\n_other\n_rlnClassNumber\n"
    path.write_text(head.replace("rlnImageOriginalName", label) + rows)
    has = np.array([True, True, False, False, False])  # class 1 has one of two, class 2 one of three
    assert accuracy(path, has) == pytest.approx((1 + 2) / 5)
