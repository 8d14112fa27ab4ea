# SPDX-License-Identifier: GPL-3.0-or-later
"""Next steps after a comparison of many volumes."""

import pytest

from occupy_core.reporting.ensemble_steps import ensemble_steps

ENSEMBLE = {
    "parts": [
        {"number": 1, "moves": False, "mask": "part001_mask.mrc"},
        {"number": 2, "moves": True, "mask": "part002_mask.mrc"},
    ]
}


def report_of(ensemble, **job):
    return {"ensemble": ensemble, "job": job}


@pytest.mark.parametrize(
    ("host", "mask", "table"),
    [
        ("relion", "External/job004/part001_mask.mrc", "External/job004/occupancy_volumes.csv"),
        ("scipion", "partMask1", "occupancy_volumes.csv"),
    ],
)
def test_the_first_part_is_sorted_by_in_subtracted_particles(host, mask, table):
    pick, sort, move = ensemble_steps(report_of(ENSEMBLE), host, "External/job004/")
    assert table in pick
    assert f"with {mask} as mask of the signal to keep and 'Do center subtracted images on mask?' No, then" in sort
    assert sort.endswith(f"without alignment, Reference mask {mask}")
    assert move.startswith("part 2 moves")


def test_parts_that_move_are_not_sorted_by():
    (_, move) = ensemble_steps(report_of({"parts": ENSEMBLE["parts"][1:]}), "relion", "")
    assert "flexible refinement" in move


@pytest.mark.parametrize("host", ["relion", "scipion"])
def test_subtomograms_are_called_so(host):
    _, sort, _ = ensemble_steps(report_of(ENSEMBLE, averages_of="subtomograms"), host, "")
    assert sort.startswith("to sort the subtomograms by part 1: ") and "particles" not in sort


@pytest.mark.parametrize(("second", "steps"), [(0.5, "to sort the particles by part 2"), (0.9, None)])
def test_particles_of_classes_are_sorted_by_parts_that_are_still_mixed(second, steps):
    parts = [{"number": number, "moves": False, "mask": f"part00{number}_mask.mrc"} for number in (1, 2)]
    readings = [[[0.9, 1.0, 1.0], [0.0, 0.1, 0.2]], [[0.0, 0.0, 0.1], [second - 0.1, second, second + 0.1]]]
    ensemble = {"parts": parts, "means_are_over": "particles", "volumes": [{"occupancies": item} for item in readings]}
    found = [text for text in ensemble_steps(report_of(ensemble), "relion", "") if text.startswith("to sort")]
    assert [text.split(":")[0] for text in found] == ([steps] if steps else [])
