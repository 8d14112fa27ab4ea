# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import BboxImage
from matplotlib.patches import Rectangle

from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.reporting.pdf.comparison_page import comparison_figure
from occupy_core.reporting.pdf.slices import region_sections, slices_figure
from occupy_core.settings.output_names import MAP_OUTPUTS, SUBTRACTION_MASKS
from occupy_core.settings.settings import Settings


def test_slices_show_the_middle_of_each_map(phantom_file, tmp_path):

    source = read_map(phantom_file)
    result = process_map(source, Settings(amplify=3.0))
    panels = {"input": source.data, "local scale": result.scale, "amplified": result.modified["amplified"]}
    figure = slices_figure(panels, title="phantom")
    pictures = [axes for axes in figure.axes if axes.images and axes.get_title()]
    assert [axes.get_title() for axes in pictures] == list(panels)
    for axes, volume in zip(pictures, panels.values()):
        np.testing.assert_array_equal(axes.images[0].get_array(), volume[32])
    assert pictures[0].images[0].get_clim() == pictures[2].images[0].get_clim()
    assert pictures[1].images[0].get_clim() == (0, 1)
    figure.savefig(tmp_path / "slices.png")
    assert (tmp_path / "slices.png").stat().st_size > 10_000


def ball(z, radius=4, side=32):
    axes = np.indices((side,) * 3)
    return ((axes[0] - z) ** 2 + (axes[1] - 16) ** 2 + (axes[2] - 16) ** 2 <= radius**2).astype("f4")


def test_sections_pass_through_the_regions_and_near_ones_share_one():
    volumes = [np.full((32, 32, 32), number, dtype="f4") for number in (1, 2)]
    first, second = region_sections([ball(8), ball(24), ball(9)], volumes)
    assert (first.title, second.title) == ("regions 1, 3", "region 2")
    assert list(first.outlines) == [1, 3] and list(second.outlines) == [2]
    np.testing.assert_array_equal(first.outlines[1], ball(8)[8])
    assert [image[0, 0] for image in first.images] == [1, 2]
    (middle,) = region_sections([], volumes)
    assert middle.outlines == {} and middle.title == "middle"


def comparison(occupancies, shares):
    regions = [
        {
            "number": number,
            "occupancies": [{"lower_quartile": 0.9 * it, "median": it, "upper_quartile": 1.1 * it} for it in medians],
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
    places = [texts.index(name, 4) for name in ("class 1", "class 2", "all particles")]
    assert places == sorted(places) and "occupancy" in texts
    assert len(figure.findobj(BboxImage)) == 4  # two sections of two classes


def test_without_shares_or_regions_the_figure_says_what_there_is():
    figure = comparison_figure(comparison([(0.2, 0.8)], None), region_sections([ball(8)], [ball(16), ball(16)]))
    assert len(bars_of(figure)) == 2
    figure = comparison_figure(comparison([], None), region_sections([], [ball(16), ball(16)]))
    assert "no region" in figure.texts[-1].get_text()


def test_titles_of_slices_do_not_overlap():
    volume = np.zeros((8, 8, 8), dtype=np.float32)
    panels = ["input", "local scale", *(MAP_OUTPUTS[kind].title for kind in SUBTRACTION_MASKS.values())]
    figure = slices_figure(dict.fromkeys(panels, volume), title="map", planes=(0,))
    FigureCanvasAgg(figure).draw()
    boxes = [axes.title.get_window_extent() for axes in figure.axes[: len(panels)]]
    assert all(left.x1 < right.x0 for left, right in zip(boxes, boxes[1:]))
