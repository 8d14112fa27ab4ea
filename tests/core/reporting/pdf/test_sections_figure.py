# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.reporting.pdf.sections_figure import sections_figure
from occupy_core.settings.output_names import MAP_OUTPUTS, SUBTRACTION_MASKS
from occupy_core.settings.settings import Settings


def test_the_figure_shows_the_middle_of_each_map(phantom_file, tmp_path):
    source = read_map(phantom_file)
    result = process_map(source, Settings(amplify=3.0))
    volumes = {"input": source.data, "local scale": result.scale, "amplified": result.modified["amplified"]}
    figure = sections_figure(volumes, title="phantom")
    pictures = [axes for axes in figure.axes if axes.images and axes.get_title()]
    assert [axes.get_title() for axes in pictures] == list(volumes)
    for axes, volume in zip(pictures, volumes.values()):
        np.testing.assert_array_equal(axes.images[0].get_array(), volume[32])
    assert pictures[0].images[0].get_clim() == pictures[2].images[0].get_clim()
    assert pictures[1].images[0].get_clim() == (0, 1)
    figure.savefig(tmp_path / "sections.png")
    assert (tmp_path / "sections.png").stat().st_size > 10_000


def test_titles_of_maps_do_not_overlap():
    volume = np.zeros((8, 8, 8), dtype=np.float32)
    titles = ["input", "local scale", *(MAP_OUTPUTS[kind].title for kind in SUBTRACTION_MASKS.values())]
    figure = sections_figure(dict.fromkeys(titles, volume), title="map", planes=(0,))
    FigureCanvasAgg(figure).draw()
    boxes = [axes.title.get_window_extent() for axes in figure.axes[: len(titles)]]
    assert all(left.x1 < right.x0 for left, right in zip(boxes, boxes[1:]))
