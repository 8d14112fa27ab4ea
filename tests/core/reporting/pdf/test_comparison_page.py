# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
from matplotlib.image import BboxImage
from matplotlib.patches import Rectangle

from occupy_core.reporting.pdf.comparison_page import comparison_figure
from occupy_core.reporting.region_sections import region_sections
from tests.core.reporting.balls import ball


def comparison(occupancies, shares):
    """Return the report of a comparison of two classes: occupancies by region and class; shares of the particles."""
    regions = [
        {
            "number": number,
            "occupancies": [
                {"lower_quartile": 0.9 * median, "median": median, "upper_quartile": 1.1 * median} for median in medians
            ],
            "occupancy_of_all_particles": None if shares is None else float(np.dot(shares, medians)),
        }
        for number, medians in enumerate(occupancies, start=1)
    ]
    maps = [
        {"name": f"class {number}", "share": None if shares is None else shares[number - 1], "particles": None}
        for number in (1, 2)
    ]
    return {"regions": regions, "maps": maps}


def bars_of(figure):
    return [artist for artist in figure.artists if isinstance(artist, Rectangle)]


def test_the_chart_has_a_bar_for_each_region_and_class_and_for_all_particles():
    sections = region_sections([ball(8), ball(24)], [ball(16), ball(16)])
    figure = comparison_figure(comparison([(0.2, 0.8), (1.0, 0.5)], (0.25, 0.75)), sections)
    figure.canvas.draw()
    heights = sorted(round(bar.get_height(), 3) for bar in bars_of(figure))
    assert heights == [0.2, 0.5, 0.625, 0.65, 0.8, 1.0]
    texts = [item.get_text() for item in figure.texts]
    assert texts[:4] == ["class 1", "25 %", "class 2", "75 %"] and texts[-2:] == ["region 1", "region 2"]
    indices = [texts.index(name, 4) for name in ("class 1", "class 2", "all particles")]
    assert indices == sorted(indices) and "occupancy" in texts
    assert len(figure.findobj(BboxImage)) == 4  # two sections of two classes


def test_the_figure_needs_neither_shares_nor_regions():
    figure = comparison_figure(comparison([(0.2, 0.8)], None), region_sections([ball(8)], [ball(16), ball(16)]))
    assert len(bars_of(figure)) == 2
    figure = comparison_figure(comparison([], None), region_sections([], [ball(16), ball(16)]))
    assert "no region" in figure.texts[-1].get_text()
