# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines about the occupancy of a model, for logs."""

from occupy_core.modelling.describe import model_lines, region_lines, short_lines, stretch_lines
from tests.core.reporting.model_reports import model_report, stretch


def test_the_short_lines_name_the_least_occupied_parts_of_each_map_first():
    first, second, fit = short_lines(model_report({"A": [1.0, 0.9], "B": [0.4, None], "C": [0.2, 0.95]}))
    assert first == "occupancies in class 1, the least first: C 0.20, B 0.40, A 1.00"
    assert second == "occupancies in class 2, the least first: A 0.90, C 0.95"
    assert fit.startswith("model fitted to 6 Å; correlation of the fitted model with the map")
    (line, _) = short_lines(model_report({str(number): [0.5] for number in range(20)}))
    assert line.endswith(", and 12 more parts") and line.count("0.50") == 8
    (line, _) = short_lines(model_report({"A": [None]}))
    assert line == "occupancies in map.mrc, the least first: none"


def test_the_lines_say_at_which_detail_the_model_was_fitted():
    lines = model_lines({**model_report({"A": [1.0]}), "finest_angstrom": 8.5})
    assert [line for line in lines if "8.5" in line] == [lines[-1]] and lines[-1].startswith("model fitted to 8.5 Å;")


def test_at_most_five_stretches_are_listed():
    report = model_report({"A": [1.0]}, stretches=[stretch("map.mrc", 0.1 * number) for number in range(1, 8)])
    lines = stretch_lines(report)
    assert lines[0] == "B 11-60 (50 residues): occupancy 0.10 (0.00-0.20)"
    assert len(lines) == 6 and lines[5] == "and 2 more, in report.json"
    text = model_lines(report)
    assert text.index(lines[0]) == 1 + text.index(
        "least occupied stretches of 40 residues and more, with 90 % intervals:"
    )


def test_reports_of_earlier_versions_have_no_stretches_and_no_local_scale():
    report = model_report({"A": [1.0]})
    del report["least_occupied_stretches"]
    for part in report["parts"]:
        for item in part["occupancies"]:
            del item["local_scale"]
    lines = model_lines(report)
    assert lines[0] == "A (A 1-100; 11.0 kDa): occupancy 1.00 (0.90-1.00)" and "stretches" not in " ".join(lines)


def region(number, parts, sure=True):
    return {"number": number, "sure": sure, "parts": parts}


def test_one_sentence_says_on_which_parts_the_regions_lie():
    (line,) = region_lines({"regions": [region(1, ["C"]), region(2, []), region(3, ["D"], sure=False)]})
    assert line.startswith("regions are where the maps differ, found without the model, and parts are those of")
    assert line.endswith(": region 1 lies on C; region 2 lies beside the model")
    assert line in model_lines(model_report({"A": [1.0, 1.0]}), {"regions": [region(1, ["C"]), region(2, [])]})
    (line,) = region_lines({"regions": [region(number, ["A"]) for number in range(1, 31)]})
    assert line.endswith("region 12 lies on A; and 18 more in report.json")


def test_there_is_no_sentence_on_regions_without_a_comparison_or_a_sure_region():
    assert region_lines(None) == region_lines({"regions": [region(1, ["A"], sure=False)]}) == []
