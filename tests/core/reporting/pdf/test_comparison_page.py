# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.image import BboxImage
from matplotlib.patches import Rectangle

from occupy_core.reporting.pdf.comparison_page import comparison_figure
from occupy_core.reporting.region_sections import region_sections
from occupy_core.reporting.surface.region_surface import region_surface
from tests.core.comparing.reports import DOUBT, comparison_report, region_report
from tests.core.reporting.balls import ball
from tests.core.reporting.pdf.figure_contents import artists_by_label, check_texts_fit


def comparison(occupancies, shares):
    """Return the report of a comparison of two classes: occupancies by region and class; shares of the particles."""
    regions = [
        region_report(number, values, of_all=None if shares is None else float(np.dot(shares, values)))
        for number, values in enumerate(occupancies, start=1)
    ]
    return comparison_report(regions, shares=shares)


def bars_of(figure):
    return [artist for artist in figure.artists if isinstance(artist, Rectangle)]


def test_the_chart_has_a_bar_for_each_region_and_class_and_for_all_particles():
    sections = region_sections([ball(8), ball(24)], [ball(16), ball(16)])
    figure = comparison_figure(comparison([(0.2, 0.8), (1.0, 0.5)], (0.25, 0.75)), sections)
    figure.canvas.draw()
    heights = sorted(round(bar.get_height(), 3) for bar in bars_of(figure))
    assert heights == [0.2, 0.5, 0.625, 0.65, 0.8, 1.0]
    texts = [item.get_text() for item in figure.texts]
    assert texts[:4] == ["class 1", "25 %", "class 2", "75 %"] and texts[-3:-1] == ["region 1", "region 2"]
    indices = [texts.index(name, 4) for name in ("class 1", "class 2", "all particles")]
    assert indices == sorted(indices) and "occupancy, 90 % interval" in texts
    assert len(figure.findobj(BboxImage)) == 4  # two sections of two classes


def test_the_chart_of_a_focused_classification_says_that_its_occupancies_are_relative():
    report = {**comparison([(0.2, 0.8)], None), "focused": True}
    figure = comparison_figure(report, region_sections([ball(8)], [ball(16), ball(16)]))
    assert "relative occupancy, 90 % interval" in [item.get_text() for item in figure.texts]


def test_bars_have_their_numbers_where_these_fit():
    sections = region_sections([ball(8)], [ball(16), ball(16)])
    texts = [item.get_text() for item in comparison_figure(comparison([(0.2, 0.8)], None), sections).texts]
    assert {"0.20", "0.80"} <= set(texts)
    many = comparison([(0.2, 0.8)] * 12, None)
    figure = comparison_figure(many, region_sections([ball(8)] * 12, [ball(16), ball(16)]))
    assert "0.20" not in {item.get_text() for item in figure.texts}
    check_texts_fit(figure)


def test_the_mean_of_the_classes_is_shown_from_three_sides_above_the_sections():
    report = comparison([(0.2, 0.8)], None)
    maps = [ball(16, radius=7), ball(16, radius=7) + ball(8)]
    surface = region_surface(maps, {1: ball(8)}, spacing=2.0)
    sections = region_sections([ball(8)], maps, window=surface.window)
    without, figure = comparison_figure(report, sections), comparison_figure(report, sections, surface=surface)
    artists = artists_by_label(figure)
    bounds = [artists[f"surface {name}"].get_window_extent().bounds for name in "zyx"]
    assert figure.get_figheight() > without.get_figheight() + 2
    highest = max(picture.get_window_extent().y1 for picture in without.findobj(BboxImage))
    assert min(bottom for _, bottom, _, _ in bounds) > highest
    red, green, blue = artists["surface y"].get_array().reshape(-1, 3).astype(int).T
    assert (blue > red + 60).any()  # region 1, in the chart's first colour
    check_texts_fit(figure)


def test_the_figure_needs_neither_shares_nor_regions():
    figure = comparison_figure(comparison([(0.2, 0.8)], None), region_sections([ball(8)], [ball(16), ball(16)]))
    assert len(bars_of(figure)) == 2
    figure = comparison_figure(comparison([], None), region_sections([], [ball(16), ball(16)]))
    assert "no region" in figure.texts[-1].get_text()


def lines_of(figure, *, dashed):
    """Return the line collections of a figure whose lines are dashed, or solid."""
    found = [artist for artist in figure.artists if isinstance(artist, LineCollection)]
    return [item for item in found if (item.get_linestyle()[0][1] is not None) == dashed]


def test_unsure_regions_are_dashed_and_pale_and_listed_with_the_reason():
    sections = region_sections([ball(8), ball(24)], [ball(16), ball(16)])
    regions = [region_report(1, (0.2, 0.8)), region_report(2, (0.9, 0.5), doubt=DOUBT)]
    figure = comparison_figure(comparison_report(regions), sections)
    opacities = {round(bar.get_height(), 3): bar.get_alpha() for bar in bars_of(figure)}
    assert opacities[0.2] == opacities[0.8] == 1 and opacities[0.9] == opacities[0.5] < 0.5
    dashed = lines_of(figure, dashed=True)
    assert len(dashed) == 3  # region 2 in both classes, and the edges of its bars
    (solid,) = {item.get_linewidths()[0] for item in lines_of(figure, dashed=False) if item.get_linewidths()[0] > 1}
    assert all(item.get_linewidths()[0] < solid for item in dashed)
    texts = [item.get_text() for item in figure.texts]
    assert "region 1" in texts and "region 2 (unsure)" in texts and "unsure, without a mask:" in texts
    notes = " ".join(texts[texts.index("unsure, without a mask:") :])
    assert notes.endswith(DOUBT)
    check_texts_fit(figure)


def test_error_bars_are_the_intervals():
    figure = comparison_figure(comparison([(0.2, 0.8)], (0.25, 0.75)), region_sections([ball(8)], [ball(16), ball(16)]))
    segments = [segment for item in lines_of(figure, dashed=False) for segment in item.get_segments()]
    ends = {tuple(np.round(line[:, 1], 3)) for line in segments if len(line) == 2 and line[0, 0] == line[1, 0]}
    assert {(0.15, 0.25), (0.75, 0.85), (0.6, 0.7)} <= ends


def test_moved_and_flexible_parts_are_named_below_the_chart():
    regions = [
        region_report(1, (0.9, 0.1), moved_with=2),
        region_report(2, (0.1, 0.9), moved_with=1, flexible=True),
    ]
    figure = comparison_figure(comparison_report(regions), region_sections([ball(8), ball(24)], [ball(16)] * 2))
    texts = [item.get_text() for item in figure.texts]
    assert texts[-3:] == [
        "1 is the density of class 2",
        "regions 1 and 2: one part that moved",
        "region 2: flexible rather than missing in class 1",
    ]


def test_the_chart_shows_the_first_regions_and_counts_the_others():
    regions = [region_report(number, (0.2, 0.8), doubt=DOUBT) for number in range(1, 16)]
    figure = comparison_figure(comparison_report(regions), region_sections([ball(8)] * 15, [ball(16)] * 2))
    texts = [item.get_text() for item in figure.texts]
    assert "region 12 (unsure)" in texts and "region 13 (unsure)" not in texts and "and 3 more" in texts
    assert any("no sure region where class 1, class 2 differ" in text for text in texts)
    check_texts_fit(figure)
