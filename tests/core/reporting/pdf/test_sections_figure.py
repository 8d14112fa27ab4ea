# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg

from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.reporting.pdf.sections_figure import MASK, SIGNED, SectionsFigure
from occupy_core.settings.output_names import MAP_OUTPUTS, SUBTRACTION_MASKS
from occupy_core.settings.settings import Settings
from tests.figures import title_of


def test_the_figure_shows_each_map_through_the_molecule(phantom_file, tmp_path):
    source = read_map(phantom_file)
    result = process_map(source, Settings(amplify=3.0))
    volumes = {"input": source.data, "local scale": result.scale, "amplified": result.modified["amplified"]}
    sections = SectionsFigure(volumes, title="phantom", voxel_size=3.0)
    figure = sections.figure
    pictures = [axes for axes in figure.axes if axes.images and axes.get_title()]
    assert [axes.get_title() for axes in pictures] == list(volumes)
    for axes, volume in zip(pictures, volumes.values()):
        np.testing.assert_array_equal(axes.images[0].get_array(), sections.cut.section(volume, 0))
    assert pictures[0].images[0].get_clim() == pictures[2].images[0].get_clim()
    assert pictures[1].images[0].get_clim() == (0, 1)
    figure.savefig(tmp_path / "sections.png")
    assert (tmp_path / "sections.png").stat().st_size > 10_000


def test_titles_of_maps_do_not_overlap():
    volume = np.zeros((8, 8, 8), dtype=np.float32)
    titles = ["input", "local scale", *(MAP_OUTPUTS[kind].title for kind in SUBTRACTION_MASKS.values())]
    figure = SectionsFigure(dict.fromkeys(titles, volume), title="map", planes=(0,)).figure
    FigureCanvasAgg(figure).draw()
    boxes = [axes.title.get_window_extent() for axes in figure.axes[: len(titles)]]
    assert all(left.x1 < right.x0 for left, right in zip(boxes, boxes[1:]))


def test_titles_of_all_maps_of_a_run_do_not_overlap_on_a_screen():
    volume = np.zeros((8, 8, 8), dtype=np.float32)
    titles = ["input", *(kind.title for kind in MAP_OUTPUTS.values())]
    figure = SectionsFigure(dict.fromkeys(titles, volume), title="map", planes=(0,)).figure
    figure.set_size_inches(14.25, 3)  # as wide as a window on a screen of 1500 pixels
    FigureCanvasAgg(figure).draw()
    boxes = [axes.title.get_window_extent() for axes in figure.axes[: len(titles)]]
    assert len(titles) > 8 and all(left.x1 < right.x0 for left, right in zip(boxes, boxes[1:]))


def box(*sides):
    volume = np.zeros((40, 40, 40), dtype=np.float32)
    volume[tuple(slice(*side) for side in sides)] = 1
    return volume


def test_sections_move_together_and_masks_are_outlined():
    molecule, mask = box((5, 25), (10, 30), (12, 32)), box((8, 14), (12, 20), (14, 24))
    maps = {"input": molecule * np.arange(40, dtype="f4")[:, None, None], "confidence": molecule}
    sections = SectionsFigure(maps, title="map", voxel_size=2.0, masks={"mask": mask})
    assert 8 <= sections.cut.planes[0] < 14
    sections.move(0, 20)
    (z, y, _), (z_of_confidence, *_) = (
        [axes for axes in sections.figure.axes if axes.images][column:6:2] for column in (0, 1)
    )
    assert z.images[0].get_array().max() == 20 and z.get_ylabel() == "z = 20"
    np.testing.assert_array_equal(z_of_confidence.images[0].get_array(), sections.cut.section(molecule, 0))
    assert not z.collections[0].get_segments()  # the mask ends at 14
    sections.move(0, 9)
    (outline,) = z.collections[0].get_segments()
    assert (outline.min(axis=0).tolist(), outline.max(axis=0).tolist()) == ([13.5, 11.5], [23.5, 19.5])
    assert y.images[0].get_extent() == [part - 0.5 for part in (10, 34, 3, 27)]  # in voxels of the map


def test_a_single_map_is_cut_through_its_strong_density():
    sections = SectionsFigure({"amplified map": 0.02 * box((4, 9), (20, 30), (30, 38))}, title="map")
    assert sections.cut.planes[0] in range(4, 9) and sections.cut.longest < 14
    assert SectionsFigure({"mask": np.zeros((6, 7, 8), "f4")}, title="empty").cut.planes == (3, 3, 4)


def test_a_single_scale_map_is_shown_with_its_weak_parts():
    scale = np.maximum(box((10, 20), (10, 20), (20, 30)), 0.3 * box((10, 20), (10, 20), (8, 20)))
    window = SectionsFigure({"local scale": scale}, title="map").cut.window
    assert window[2].start <= 8 and window[2].stop >= 30


def test_the_sections_of_a_single_map_are_in_a_row_with_a_colour_key():
    mask = box((10, 20), (10, 20), (20, 30))
    figure = SectionsFigure({"mask of region 1": mask}, title="region001_mask.mrc", colours=MASK).figure
    width, height = figure.get_size_inches()
    pictures = [axes for axes in figure.axes if axes.images]
    assert width > 2 * height and [axes.get_ylabel()[:4] for axes in pictures] == ["z = ", "y = ", "x = "]
    assert pictures[0].images[0].get_clim() == (0, 1) and figure.axes[-1].get_ylabel() == "mask"
    assert title_of(figure) == "mask of region 1\nregion001_mask.mrc"


def test_a_signed_difference_is_shown_with_both_signs():
    difference = 9 * box((10, 20), (10, 20), (20, 30)) - 8 * box((10, 20), (10, 20), (2, 12))
    sections = SectionsFigure({"class 1 minus class 2": difference}, title="map", colours=SIGNED)
    assert sections.cut.window[2].start <= 2 and sections.cut.window[2].stop >= 30
    assert sections.figure.axes[0].images[0].get_clim() == (-4, 4)
