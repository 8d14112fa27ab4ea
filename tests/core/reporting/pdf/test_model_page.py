# SPDX-License-Identifier: GPL-3.0-or-later

import numpy as np
import pytest
from matplotlib.image import BboxImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from occupy_core.reporting.pdf.model_page import model_pages
from occupy_core.reporting.surface.map_surface import MapSurface
from tests.core.reporting.model_reports import model_report, stretch
from tests.core.reporting.pdf.figure_contents import artists_by_label, check_texts_fit


def texts_of(figures):
    return [item.get_text() for figure in figures for item in figure.texts]


def test_one_map_has_a_bar_for_each_part_that_it_shows():
    (figure,) = model_pages(model_report({"A": [1.0], "B": [0.4], "C": [None]}), version="1")
    check_texts_fit(figure)
    bars = [item for item in figure.artists if isinstance(item, Rectangle) and item.get_alpha() is None]
    assert sorted(round(bar.get_height(), 3) for bar in bars) == [0.4, 1.0]
    joined = "\n".join(texts_of([figure]))
    assert "B (B 1-100; 11.0 kDa): occupancy 0.40 (0.30-0.50); local scale 0.20\n" in joined and "not shown" in joined
    assert (
        "model fitted to 6 Å; correlation" in joined
        and ": 0.87; frame of the model" in joined
        and "best occupied parts" in joined
    )


def test_surfaces_are_shown_from_three_sides_for_one_map_and_from_one_side_for_several():
    bar = np.zeros((12, 10, 20), "f4")
    bar[3:9, 3:7, 2:18] = 2
    surface = MapSurface(bar, np.full_like(bar, 0.5), 2.0)
    one = model_report({"A": [1.0], "B": [0.4]})
    (figure,) = model_pages(one, version="1", surfaces={"map.mrc": surface})
    check_texts_fit(figure)
    assert {"surface z", "surface y", "surface x", "bar of the surface"} <= set(artists_by_label(figure))
    assert {"1.00", "0.40"} <= set(texts_of([figure]))  # on the bars
    several = model_report({"A": [1.0, 1.0], "B": [0.9, 0.2]})
    shorter = MapSurface(bar[:, :, :14], np.full_like(bar[:, :, :14], 0.5), 2.0)
    (figure,) = model_pages(several, version="1", surfaces={"class 1": surface, "class 2": shorter})
    check_texts_fit(figure)
    pictures = [artist.get_array().shape for artist in figure.artists if "surface" in str(artist.get_label())[:7]]
    assert len(pictures) == 2 and pictures[0][0] == pictures[1][0] > 100  # in one scale
    assert texts_of([figure]).count("class 2") == 3 and any("seen along y" in text for text in texts_of([figure]))


def test_several_maps_have_a_table_with_a_cell_for_each_part_and_map():
    difference = {
        "part": "B", "lowest": "class 2", "highest": "class 1", "low": 0.4, "difference": 0.5, "high": 0.6
    }  # fmt: skip
    report = model_report({"A": [1.0, 1.0], "B": [0.9, None]}, differences=[difference])
    (figure,) = model_pages(report, version="1")
    check_texts_fit(figure)
    (picture,) = figure.findobj(BboxImage)
    image = np.asarray(picture.get_array(), dtype=float)
    assert image.shape == (2, 2) and image[1].tolist() == [1.0, 1.0]  # rows count from below
    texts = texts_of([figure])
    assert "0.90 (0.80-1.00)" in texts and "–" in texts
    assert any("0.90 (0.80-1.00) in class 1, not shown in class 2; local scale 0.45, –" in text for text in texts)
    assert any("B differs by 0.50 (0.40-0.60): least occupied in class 2" in text for text in texts)


def test_each_chain_has_a_trace_for_each_map():
    (figure,) = model_pages(model_report({"A": [1.0, 0.2], "B": [0.4, 0.3]}, windows=3), version="1")
    lines = [item for item in figure.artists if isinstance(item, Line2D)]
    assert [len(line.get_ydata()) for line in lines] == [2] * 2 + [3] * 4  # the legend, and the traces
    assert {"chain A", "chain B"} <= set(texts_of([figure]))


def legend_of(figures, names):
    """Colour and dashes of the short line beside each name of a map."""
    found = {}
    for figure in figures:
        height = figure.bbox.height / figure.dpi
        lines = [item for item in figure.artists if isinstance(item, Line2D) and len(item.get_xdata()) == 2]
        for text in figure.texts:
            if text.get_text() in names:
                left, foot = text.get_position()
                for line in lines:
                    box = line.get_transform().transform(line.get_xydata()) / figure.dpi
                    if 0 < left - box[1, 0] < 0.1 and 0 < foot - (height - box[0, 1]) < 0.1:
                        found[text.get_text()] = line.get_color(), line.get_linestyle()
    return found


@pytest.mark.parametrize("maps", [1, 2, 12, 25])
def test_the_traces_have_a_legend_where_there_are_several_maps(maps):
    figures = model_pages(model_report({"A": [0.5] * maps}, windows=3), version="1")
    for figure in figures:
        check_texts_fit(figure)
    names = [f"class {number}" for number in range(1, maps + 1)]
    legend = legend_of(figures, names)
    lines = [item for figure in figures for item in figure.artists if isinstance(item, Line2D)]
    traces = [(line.get_color(), line.get_linestyle()) for line in lines if len(line.get_xdata()) == 3]
    assert len(traces) == maps and len(set(traces)) == maps
    assert [legend.get(name) for name in names] == (traces if maps > 1 else [None])


def test_stretches_regions_and_files_are_named():
    regions = [{"number": number, "sure": True, "parts": parts} for number, parts in ((1, ["B", "A"]), (2, []))]
    report = model_report({"A": [1.0, 1.0], "B": [0.9, 0.4]}, stretches=[stretch("class 2", 0.4)])
    texts = " ".join(texts_of(model_pages(report, {"regions": regions}, version="1")))
    assert "Least occupied stretches of 40 residues and more" in texts
    assert "B 11-60 (50 residues) in class 2: occupancy 0.40 (0.30-0.50)" in texts
    assert "region 1 lies on B, A; region 2 lies beside the model" in texts
    assert "model_occupancy.cif, model_occupancy.defattr" in texts
    without = " ".join(texts_of(model_pages(model_report({"A": [1.0, 1.0]}), version="1")))
    assert "stretches" not in without and "region" not in without


@pytest.mark.parametrize("maps", [1, 12])
def test_many_parts_and_maps_fit_on_pages(maps):
    parts = {f"chain {number} of many": [0.5] * maps for number in range(120)}
    figures = model_pages(model_report(parts, warnings=["a warning " * 30]), version="1")
    assert len(figures) > 1
    for figure in figures:
        check_texts_fit(figure)
    assert any("1 warning: see the end" in text for text in texts_of(figures))
    cells = [text for text in texts_of(figures) if text.startswith("0.50")]
    assert set(cells) == {"0.50"}  # narrow cells have no intervals; one map has its numbers on the bars


@pytest.mark.parametrize("maps", [1, 3])
def test_every_page_with_traces_has_their_heading_and_legend(maps):
    """Also where many parts leave room for few traces on the first page."""
    for chains in (3, 9, 12, 16):
        parts = {f"chain {number}": [0.5] * maps for number in range(chains)}
        figures = model_pages(model_report(parts, windows=3), version="1")
        with_traces = [
            figure for figure in figures if any(text.startswith("chain chain") for text in texts_of([figure]))
        ]
        for figure in with_traces:
            check_texts_fit(figure)
            assert any(text.startswith("Occupancy along the chains") for text in texts_of([figure]))
            names = [f"class {number}" for number in range(1, maps + 1)]
            assert maps == 1 or set(legend_of([figure], names)) == set(names)
        assert len(with_traces) == 1


def test_the_page_names_the_map():
    (figure,) = model_pages(model_report({"A": [0.5]}, windows=3), version="1")
    assert any(text.endswith(" in map.mrc") for text in texts_of([figure]))
    (figure,) = model_pages(model_report({"A": [0.5, 0.4]}, windows=3), version="1")
    assert any(text.endswith(" in 2 maps") for text in texts_of([figure]))
