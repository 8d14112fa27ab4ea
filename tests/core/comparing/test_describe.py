# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts about a comparison: sure regions with intervals, unsure ones apart with their reasons."""

from occupy_core.comparing.describe import comparison_lines, one_means, region_note
from occupy_core.comparing.particle_groups import add_particle_groups
from tests.core.comparing.reports import DOUBT, comparison_report, region_report


def test_a_sure_region_has_its_occupancies_with_intervals_in_one_line():
    lines = comparison_lines(comparison_report([region_report(1, (0.41, 0.63), of_all=0.55)]))
    assert lines == [
        "region 1: 54,250 Å^3; occupancy 0.41 (0.36-0.46) in class 1, 0.63 (0.58-0.68) in class 2; "
        "0.55 (0.50-0.60) of all particles",
        "1 is the density of class 2",
    ]


def test_unsure_regions_are_apart_with_place_and_reason_and_only_the_first_are_listed():
    unsure = [region_report(number, (0.2, 0.5), doubt=DOUBT) for number in range(2, 13)]
    lines = comparison_lines(comparison_report([region_report(1, (0.41, 0.63)), *unsure]))
    heading = lines.index("unsure, without a mask:")
    assert [line.split(":")[0] for line in lines[:heading]] == ["region 1", "1 is the density of class 2"]
    assert lines[heading + 1] == (
        f"region 2: 54,250 Å^3 at (10, 20, 30) Å, occupancies differ by 0.30 (0.25-0.35); {DOUBT}"
    )
    assert len(lines) == heading + 10 and lines[-1] == "and 3 more"


def test_without_a_sure_region_the_lines_say_so_and_list_the_unsure_ones():
    lines = comparison_lines(comparison_report([region_report(1, (0.2, 0.5), doubt=DOUBT)]))
    assert lines[0] == "no sure region where class 1, class 2 differ by more than noise explains"
    assert lines[2] == "unsure, without a mask:" and lines[3].startswith("region 1: ") and DOUBT in lines[3]
    assert comparison_lines(comparison_report([])) == [lines[0].replace("sure ", "")]


def test_parts_that_moved_and_flexible_parts_are_named():
    regions = [
        region_report(1, (0.9, 0.1), moved_with=2),
        region_report(2, (0.1, 0.9), moved_with=1),
        region_report(3, (0.9, 0.4), flexible=True),
        region_report(4, (0.9, 0.4), flexible=True, doubt=DOUBT),
    ]
    lines = comparison_lines(comparison_report(regions))
    assert lines.count("regions 1 and 2: one part that moved") == 1
    assert "region 3: flexible rather than missing in class 2" in lines
    assert not any(line.startswith("region 4: flexible") for line in lines)
    assert [region_note(region) for region in regions] == [
        "one part that moved, with region 2",
        "one part that moved, with region 1",
        "flexible rather than missing in class 2",
        f"unsure: {DOUBT}; flexible rather than missing in class 2",
    ]
    assert region_note(region_report(1, (0.9, 0.1))) == ""


def test_regions_of_earlier_reports_have_no_intervals():
    region = region_report(1, (0.41, 0.63), of_all=0.55)
    region.update(occupancy_of_all_particles_low=None, occupancy_of_all_particles_high=None)
    for item in region["occupancies"]:
        item.update(low=None, high=None)
    (line,) = comparison_lines({**comparison_report([region]), "one_means": ""})
    assert line.endswith("occupancy 0.41 in class 1, 0.63 in class 2; 0.55 of all particles")


def test_what_one_stands_for_names_the_class_and_the_limit():
    text = one_means("class 2")
    assert text.startswith("1 is the density of class 2 where it is most complete") and "one common factor" in text


def test_after_a_focused_classification_the_occupancies_are_relative_to_the_reference_class():
    """Sorted particles of a simulation: 1 stood for a class of which 0.62 had the part, and 0.78 for a half of all."""
    report = {**comparison_report([region_report(1, (0.09, 1.0), of_all=0.78)]), "focused": True}
    report["one_means"] = one_means("class 2", focused=True)
    add_particle_groups(report, lambda side, number: f"{side}{number}")
    region, meaning, particles = comparison_lines(report)
    assert region == (
        "region 1: 54,250 Å^3; relative to class 2, occupancy 0.09 (0.04-0.14) in class 1, 1.00 (0.95-1.05) in "
        "class 2; mean over all particles 0.78 (0.73-0.83)"
    )
    assert "relative to class 2, which may itself hold particles without a region" in meaning
    assert particles.startswith(
        "particles with region 1, by occupancies relative to class 2, which may be mixed itself: those of class 2"
    )
