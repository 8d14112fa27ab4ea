# SPDX-License-Identifier: GPL-3.0-or-later
"""Classes that have a region, that have not, and that are in between."""

from occupy_core.comparing.describe import comparison_lines
from occupy_core.comparing.particle_groups import (
    Member,
    add_particle_groups,
    add_particle_groups_of_parts,
    particle_lines,
    particle_names,
)
from tests.core.comparing.reports import DOUBT, comparison_report, region_report


def divided(regions, counts, others=()):
    report = comparison_report(regions, classes=len(counts))
    for item, count in zip(report["maps"], counts):
        item["particles"] = count
    add_particle_groups(report, lambda side, number: f"{side}{number}", others)
    return report


def test_classes_of_half_and_more_have_the_region():
    report = divided([region_report(1, (0.5, 0.1, 0.49, 1.0))], (10, 2000, 30, 4))
    groups = report["regions"][0]["particles"]
    assert groups["with"] == {
        "classes": ["class 1", "class 4"],
        "numbers": [1, 4],
        "particles": 14,
        "name": "with1",
    }
    assert groups["without"]["numbers"] == [2, 3] and groups["without"]["particles"] == 2030
    assert groups["mixed"] == ["class 1", "class 3"]
    assert particle_names(report) == ["with1", "without1"]
    (line,) = particle_lines(report)
    assert line == (
        "particles with region 1: 14 of class 1 and class 4 (with1); without it: 2,030 of class 2 and class 3 "
        "(without1); class 1 (0.50) and class 3 (0.49) are in between: only a part of their particles has the region"
    )
    assert line in comparison_lines(report)


def test_0_2_and_0_8_are_not_in_between():
    report = divided([region_report(1, (0.2, 0.8, 0.79))], (1, 1, 1))
    assert report["regions"][0]["particles"]["mixed"] == ["class 3"]
    assert particle_lines(report)[0].endswith(
        "class 3 (0.79) is in between: only a part of its particles has the region"
    )


def test_a_side_without_particles_has_no_name():
    report = divided([region_report(1, (0.6, 0.9)), region_report(2, (0.6, 0.1))], (5, 0))
    assert particle_names(report) == ["with1", "with2"]
    lines = particle_lines(report)
    assert "without it: no class;" in lines[0] and "without it: no class;" in lines[1]
    assert divided([region_report(1, (0.6, 0.1))], (None, None))["regions"][0]["particles"]["with"]["particles"] is None


def test_unsure_regions_have_no_particles_and_classes_left_out_are_named():
    report = divided([region_report(1, (0, 1)), region_report(2, (0, 1), doubt=DOUBT)], (5, 6), ["class 3"])
    assert "particles" not in report["regions"][1] and particle_names(report) == ["with1", "without1"]
    assert particle_lines(report)[-1] == "the particles of class 3 are in none of these: it was not compared"
    assert particle_lines(comparison_report([region_report(1, (0, 1))])) == []


def test_parts_of_many_classes_are_divided_alike_and_classes_are_counted():
    count = 30
    values = [[0.0, 0.5 if number < 12 else 0.0, 1.0] for number in range(count)]
    moving, present = {"number": 1, "moves": True}, {"number": 2, "moves": False}
    volumes = [{"number": number + 1, "occupancies": [value]} for number, value in enumerate(values)]
    report = {"parts": [moving, present], "volumes": volumes}
    members = [Member(f"class {number + 1}", number + 1, 10) for number in range(count)]
    add_particle_groups_of_parts(report, members, lambda side, number: f"{side}{number}", ["class 31"])
    assert particle_names(report) == ["with2", "without2"] and "particles" not in moving
    assert particle_lines(report) == [
        "particles with part 2: 120 of 12 classes (with2); without it: 180 of 18 classes (without2); 12 classes are in "
        "between: only a part of their particles has the part",
        "the particles of class 31 are in none of these: it was not compared",
    ]
