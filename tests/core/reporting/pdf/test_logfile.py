# SPDX-License-Identifier: GPL-3.0-or-later
import copy
import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from occupy_core.reporting.pdf.logfile import open_logfile, pages_of_map, summary_pages
from occupy_core.reporting.pdf.messages import LastPages
from occupy_core.reporting.pdf.sheets import Page, add_blocks
from occupy_core.reporting.region_sections import region_sections
from tests.core.comparing.reports import DOUBT, comparison_report, region_report
from tests.core.reporting.pdf.figure_contents import check_texts_fit, images_of, text_of


def write_logfile(path, report, sections):
    with open_logfile(path) as logfile:
        logfile.add_last(LastPages(report, sections=sections))


def page_count(path):
    return len(re.findall(rb"/Type /Page\b(?!s)", path.read_bytes()))


def test_the_pdf_has_a_page_for_each_map_and_for_several_maps_one_for_all(one_map_job, tmp_path):
    report, sections, _ = one_map_job
    write_logfile(tmp_path / "one.pdf", report, [sections])
    assert page_count(tmp_path / "one.pdf") == 1
    steps = {**report, "result": "found", "next_steps": ["a step"] * 12}  # with these, not all fits on one page
    write_logfile(tmp_path / "steps.pdf", steps, [sections])
    assert page_count(tmp_path / "steps.pdf") == 2
    two_maps = {
        **report,
        "maps": [{**report["maps"][0], "name": f"class {number}", "input": f"{number}.mrc"} for number in (1, 2)],
        "failed": [{"input": "3.mrc", "reason": "3.mrc: no such file"}],
        "shared_reference": "2.mrc",
        "warnings": ["the maps were not compared: why"],
    }
    write_logfile(tmp_path / "two.pdf", two_maps, [sections, sections])
    assert page_count(tmp_path / "two.pdf") == 3
    text = text_of(summary_pages(two_maps, []))
    for expected in ("class 1", "class 2", "3.mrc: no such file", "not compared: why", "from class 2"):
        assert expected in text
    assert text.count("Tile size") == 1  # the settings, which are those of all maps
    assert "taken from class 2" in text_of(pages_of_map(two_maps, 0, sections))
    assert "taken from" not in text_of(pages_of_map(two_maps, 1, sections))


def test_the_first_page_counts_all_warnings(one_map_job):
    report, _, _ = copy.deepcopy(one_map_job)
    maps = [{**report["maps"][0], "name": f"class {n}", "input": f"{n}.mrc", "warnings": ["odd"] * n} for n in (1, 2)]
    report.update(maps=maps, warnings=["about the job"])
    text = text_of(summary_pages(report, []))
    assert "Local scale of 2 maps" in text and "4 warnings: 1 at the end, 3 on the pages that follow" in text
    assert "; 1 warning – class 2" in text and "; 2 warnings" in text


def test_a_paragraph_is_not_split_between_two_pages():
    page = Page("title")
    page.top += page.free_height - 0.3  # room for a heading and a line
    first, second = add_blocks(page, [("Heading", ["a word " * 60])], title="next")
    assert "a word" not in text_of([first.figure]) and "Heading" in text_of([second.figure])


def test_one_report_gives_one_pdf_to_the_byte(one_map_job, tmp_path):
    report, sections, _ = one_map_job
    for name in ("one.pdf", "other.pdf"):
        write_logfile(tmp_path / name, report, [sections])
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "other.pdf").read_bytes()


@pytest.mark.parametrize("classes", [2, 3, 8])
def test_the_comparison_is_on_the_summary_page_unless_it_is_too_wide(one_map_job, classes):
    report, _, _ = one_map_job
    sure = region_report(1, [0.5] * classes, of_all=0.5, volume_cubic_angstrom=5000.0)
    unsure = region_report(2, [0.5] * classes, of_all=0.5, doubt=DOUBT)
    comparison = comparison_report([sure, unsure], classes=classes, shares=[1 / classes] * classes)
    comparison["warnings"] = ["a warning of the comparison"]
    several_maps = {**report, "comparison": comparison, "maps": report["maps"] * classes}
    mask = np.zeros((16, 16, 16))
    mask[6:10, 6:10, 6:10] = 1
    figures = summary_pages(several_maps, region_sections([mask, mask], [mask.astype("f4")] * classes))
    assert len(figures) == (1 if classes <= 3 else 2)
    text = text_of(figures)
    assert f"Comparison of {classes} classes" in text and "Local scale of" not in text
    assert "a warning of the comparison" in text and "region 1: 5,000" in text
    assert "1 is the density of class 2" in text and "unsure, without a mask:" in text
    for figure in figures:
        FigureCanvasAgg(figure).draw()
        check_texts_fit(figure)
    assert any(image.get_array().shape == (16, 16) for figure in figures for image in images_of(figure))


@pytest.mark.parametrize("lines", [0, 12, 45])
def test_a_comparison_below_a_long_text_ends_above_the_citation(one_map_job, lines):
    report, _, _ = one_map_job
    regions = [region_report(number, [0.5] * 3, of_all=0.5) for number in (1, 2)]
    comparison = comparison_report(regions, classes=3, shares=[1 / 3] * 3)
    steps = [f"step {number}" for number in range(lines)]
    long = {**report, "comparison": comparison, "maps": report["maps"] * 3, "result": "found", "next_steps": steps}
    mask = np.zeros((16, 16, 16))
    mask[6:10, 6:10, 6:10] = 1
    figures = summary_pages(long, region_sections([mask, mask], [mask.astype("f4")] * 3))
    (page,) = (figure for figure in figures if any("Please cite" in item.get_text() for item in figure.texts))
    renderer = FigureCanvasAgg(page).get_renderer()
    heights = {item.get_text(): item.get_window_extent(renderer).y0 for item in page.findobj(Text) if item.get_text()}
    (cited,) = (height for text, height in heights.items() if text.startswith("Please cite"))
    lowest = sorted(heights, key=heights.get)[:2]  # the lines of the citation
    assert heights[lowest[1]] == cited
    assert len(figures) == (1 if lines < 45 else 2)


@pytest.mark.parametrize("lines", range(0, 40, 4))
def test_the_list_of_regions_is_on_one_page(one_map_job, lines):
    report, _, _ = one_map_job
    regions = [region_report(number, [0.5] * 2, of_all=0.5) for number in range(1, 6)]
    comparison = comparison_report(regions, classes=2, shares=[1 / 2] * 2)
    steps = [f"step {number}" for number in range(lines)]
    long = {**report, "comparison": comparison, "maps": report["maps"] * 2, "result": "found", "next_steps": steps}
    mask = np.zeros((16, 16, 16))
    mask[6:10, 6:10, 6:10] = 1
    pages = [text_of([page]) for page in summary_pages(long, region_sections([mask], [mask.astype("f4")] * 2))]
    (page,) = (text for text in pages if "Compared at" in text)
    assert "region 1: 54,250" in page and "region 5: 54,250" in page and "pages on each follow" in page
    for figure in summary_pages(long, region_sections([mask], [mask.astype("f4")] * 2)):
        FigureCanvasAgg(figure).draw()
        check_texts_fit(figure)


def test_many_classes_are_divided_among_pages_that_viewers_can_show(one_map_job):
    report, _, _ = one_map_job
    classes = 60
    regions = [region_report(1, [number / 100 for number in range(classes)], of_all=0.5)]
    comparison = comparison_report(regions, classes=classes, shares=[1 / classes] * classes)
    several_maps = {**report, "comparison": comparison, "maps": report["maps"] * classes}
    mask = np.zeros((16, 16, 16))
    mask[6:10, 6:10, 6:10] = 1
    figures = summary_pages(several_maps, region_sections([mask], [mask.astype("f4")] * classes))
    wide = [figure for figure in figures if figure.get_size_inches()[0] > 20]
    assert len(wide) == 3 and max(figure.get_size_inches()[0] for figure in wide) < 200
    shown = [text_of([figure]) for figure in wide]
    assert "class 24" in shown[0] and "class 25" not in shown[0] and "class 25" in shown[1] and "class 60" in shown[2]
    assert sum(len(list(images_of(figure))) for figure in wide) == classes
