# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines on a comparison of many volumes name the motions that it may miss, also where it finds nothing."""

import pytest

from occupy_core.ensembles.describe import ensemble_lines, found_text, part_text


def report(lowpass):
    return {
        "lowpass_angstrom": lowpass,
        "parts": [],
        "clusters": [],
        "rules": [],
        "volumes": [{"grey_factor": 1.0}] * 12,
    }


@pytest.mark.parametrize(("lowpass", "motion"), [(8.0, "3 Å"), (12.0, "4.5 Å")])
def test_small_motions_are_said_to_be_missed_where_nothing_is_found(lowpass, motion):
    lines = ensemble_lines(report(lowpass))
    assert found_text(report(lowpass)).startswith("no part comes and goes, and none moves")
    expected = f"motions of less than about {motion} (root mean square displacement) may be missed"
    assert any(line.startswith(expected) and line.endswith(f"low-pass of {lowpass:.3g} Å") for line in lines)


def test_line_of_a_part_says_that_its_pieces_differ():
    part = {"number": 1, "volume_cubic_angstrom": 5000.0, "moves": False, "volumes_with_it": 12, "mean_occupancy": 0.4}
    assert "pieces" not in part_text({**part, "uneven_volumes": 0}, {"volumes": [{}] * 30})
    assert "its pieces differ in occupancy in 2 volumes" in part_text(
        {**part, "uneven_volumes": 2}, {"volumes": [{}] * 30}
    )


def test_the_result_is_not_among_the_lines_on_the_parts():
    """Logs, pages and summaries show both."""
    assert found_text(report(8.0)) not in ensemble_lines(report(8.0))
