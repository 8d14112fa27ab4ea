# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a map shows everything, and no text leaves the page or overlaps another text."""

import copy
import dataclasses

import numpy as np
import pytest

from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.reporting.pdf.logfile import pages_of_map
from occupy_core.reporting.pdf.sheets import TINY, WIDTH
from occupy_core.reporting.pdf.text import wrapped
from occupy_core.reporting.report import finite, job_report, map_report
from occupy_core.reporting.sections import map_sections
from occupy_core.settings.output_names import MAP_OUTPUTS
from occupy_core.settings.settings import Settings, default_of, descriptions
from occupy_core.version import CITATION
from tests.core.reporting.pdf.figure_contents import artists_by_label, check_texts_fit, images_of, text_of


def test_a_page_has_three_sections_of_every_map_and_two_colour_keys(one_map_job):
    report, sections, volumes = one_map_job
    figure, *_ = pages_of_map(report, 0, sections)
    artists = artists_by_label(figure)
    input_levels = artists["input z"].get_clim()
    for kind, volume in volumes.items():
        for axis, name in enumerate("zyx"):
            picture = artists[f"{kind} {name}"]
            np.testing.assert_array_equal(picture.get_array(), sections.cut.section(volume, axis))
            assert f"{name} = {sections.cut.planes[axis]}" in text_of([figure])
            assert picture.get_clim() == ((0, 1) if kind in ("scale", "confidence") else input_levels)
        assert MAP_OUTPUTS[kind].title in text_of([figure]) if kind != "input" else True
    assert len(images_of(figure)) == 3 * len(volumes) + 6  # two colour keys, three sides, the section through the tile
    assert "density" in text_of([figure]) and "0 to 1" in text_of([figure])


def test_a_page_shows_the_surface_from_three_sides_with_a_scale_bar(one_map_job):
    report, sections, _ = one_map_job
    artists = artists_by_label(pages_of_map(report, 0, sections)[0])
    colours = {name: artists[f"surface {name}"].get_array().reshape(-1, 3) for name in "zyx"}
    for seen in colours.values():
        assert 0.1 < (seen == 255).all(axis=1).mean() < 0.8  # the background is white
    for name in "zy":  # full scale is yellow, an occupancy of 0.3 is blue
        red, _, blue = colours[name].astype(int).T
        assert ((red > 180) & (blue < 90)).any() and (blue > red + 30).any()
    bar = artists["bar of the surface"].get_segments()[0]
    picture = artists["surface z"]
    inches = picture.get_window_extent().width / picture.figure.dpi
    pixel = sections.surface.spacing * max(sections.surface.density.shape) / 260  # Å
    assert np.ptp(bar[:, 0]) == pytest.approx(20 * inches / pixel / picture.get_array().shape[1], rel=0.01)
    section = artists["input z"]
    inches = section.get_window_extent().width / section.figure.dpi
    voxels = section.get_array().shape[1]
    bar = artists["bar of the sections"].get_segments()[0]
    assert np.ptp(bar[:, 0]) == pytest.approx(50 / 3 * inches / voxels, rel=0.01)
    assert {"20 Å", "50 Å"} <= {item.get_text() for item in section.figure.texts}


def test_the_scale_bar_of_the_sections_follows_the_part_that_they_show(one_map_job):
    report, _, volumes = one_map_job
    confidence = np.zeros_like(volumes["confidence"])
    confidence[20:40, 24:36, 24:36] = 1
    sections = map_sections({**volumes, "confidence": confidence}, report["maps"][0])
    artists = artists_by_label(pages_of_map(report, 0, sections)[0])
    picture = artists["input y"]
    assert picture.get_array().shape[0] == sections.cut.longest < 30
    inches = picture.get_window_extent().height / picture.figure.dpi
    bar = artists["bar of the sections"].get_segments()[0]
    assert np.ptp(bar[:, 0]) == pytest.approx(20 / 3 * inches / sections.cut.longest, rel=0.01)


def test_target_masks_are_outlined_and_named(one_map_job):
    report, _, volumes = one_map_job
    masks = {f"mask{number}.mrc": np.zeros_like(volumes["input"]) for number in range(6)}
    for number, mask in enumerate(masks.values()):
        mask[10 + number : 16, 28:36, 12:20] = 1
    sections = map_sections(volumes, report["maps"][0], masks=masks)
    figure = pages_of_map(report, 0, sections)[0]
    # Cut through the masks, where they are largest, and not through the molecule's middle.
    assert 10 <= sections.cut.planes[0] < 16 and 12 <= sections.cut.planes[2] < 20
    outlines = [artist for artist in figure.artists if artist.get_label() == "target mask 1"]
    assert len(outlines) == 2 * 3  # on the input and on the scale
    (path,) = outlines[0].get_paths()
    corner = [part.start for part in sections.cut.window]
    assert path.get_extents().bounds == pytest.approx((11.5 - corner[2], 27.5 - corner[1], 8, 8))
    assert "target mask mask0.mrc" in text_of([figure]) and "mask3.mrc, and 2 more" in text_of([figure])
    check_texts_fit(figure)


def test_a_map_without_a_surface_has_its_report_on_one_page(one_map_job):
    report, sections, _ = one_map_job
    (figure,) = pages_of_map(report, 0, dataclasses.replace(sections, surface=None))
    assert "surface z" not in artists_by_label(figure) and "Variability limit" in text_of([figure])


def test_a_page_shows_the_curves_and_the_reference_tile(one_map_job):
    report, sections, volumes = one_map_job
    artists = artists_by_label(pages_of_map(report, 0, sections)[0])
    item = report["maps"][0]
    model = artists["solvent model"]
    assert model.get_xdata()[np.argmax(model.get_ydata())] == pytest.approx(item["solvent"]["mean"], abs=0.02)
    assert {"low-passed map", "confidence limit", "full scale", "all voxels", "confidence > 0.5"} <= set(artists)
    curves = {kind: artists[kind].get_ydata() for kind in ("amplified", "attenuated", "sigmoid")}
    # Above the scale limit, amplification with power 3 gives scale^(1/3), attenuation with power 2 gives scale^2.
    assert curves["amplified"][250] == pytest.approx(0.5 ** (1 / 3), rel=1e-4)
    assert curves["attenuated"][250] == pytest.approx(0.25, rel=1e-4)
    assert curves["sigmoid"][150] == pytest.approx(0.3, rel=1e-3)
    tile = artists["tile"]
    x, y, z = item["reference"]["highest_tile_first_voxel_xyz"]
    assert tile.get_xy() == (x - 0.5, y - 0.5) and (tile.get_width(), tile.get_height()) == (10, 10)
    np.testing.assert_array_equal(artists["where full scale was found"].get_array(), volumes["input"][z + 5])


def test_a_page_shows_the_solvent_near_the_molecule_where_the_confidence_is_made_for_it(one_map_job):
    report, sections, _ = copy.deepcopy(one_map_job)
    solvent = report["maps"][0]["solvent"]
    for near_sigma in (None, 2.5 * solvent["sigma"]):
        solvent["sigma_near_molecule"] = near_sigma
        figures = pages_of_map(report, 0, sections)
        artists, text = artists_by_label(figures[0]), text_of(figures)
        assert ("as near the molecule" in artists) == ("Sigma near the molecule" in text) == (near_sigma is not None)
    near, model = artists["as near the molecule"].get_ydata(), artists["solvent model"].get_ydata()
    assert near.max() == pytest.approx(model.max() - np.log10(2.5), abs=0.02)  # 2.5 times as wide, on a log scale


def test_pages_list_the_changed_settings_derived_values_and_the_citation(one_map_job):
    report, sections, _ = one_map_job
    figures = pages_of_map(report, 0, sections)
    text = text_of(figures)
    assert "No warnings" in text and "41467-023-41478-1" in text
    for expected in (
        "Settings that are not the default",
        "Tile size (voxels)",
        "Tau",
        f"{report['maps'][0]['derived']['tau']:.4g}",
        "Variability limit",
    ):
        assert expected in text
    assert "Random seed" not in text and "all settings are in report.json" in text
    defaults = {**report, "settings": Settings().to_dict()}
    assert "all have their default values" in text_of(pages_of_map(defaults, 0, sections))


def test_labels_of_settings_are_not_cut(one_map_job):
    report, sections, _ = one_map_job
    settings = Settings(
        **{**vars(Settings.from_dict(report["settings"])), "scale_limit": 0.1, "model_window": 21, "nlrc": True}
    )
    shown = {
        item.get_text()
        for figure in pages_of_map({**report, "settings": settings.to_dict()}, 0, sections)
        for item in figure.texts
    }
    labels = {item.label for name, item in descriptions().items() if getattr(settings, name) != default_of(name)}
    assert len(labels) == 7 and labels <= shown


def test_values_are_not_cut(one_map_job):
    report, sections, _ = one_map_job
    name = "a_model_with_quite_a_long_name_of_the_fitted_molecule_refined_008.cif"
    report = {**report, "settings": {**report["settings"], "model": f"models/{name}"}}
    lines = [item.get_text() for figure in pages_of_map(report, 0, sections) for item in figure.texts]
    assert name in "".join(lines) and not any("…" in line for line in lines)
    assert f"{report['maps'][0]['solvent']['sigma']:.3g}" in lines


def test_plots_move_to_the_next_page_where_long_next_steps_leave_no_room(one_map_job):
    report, sections, _ = copy.deepcopy(one_map_job)
    report.update(result="a result " * 60, next_steps=["a step of several lines " * 12] * 4)
    figures = pages_of_map(report, 0, sections)
    citation = wrapped(f"Please cite: {CITATION}", WIDTH, TINY)
    heights = {item.get_text(): item.get_position()[1] for item in figures[0].texts}
    assert max(height for text, height in heights.items() if text not in citation) < heights[citation[0]]
    assert "solvent model" in artists_by_label(figures[1])
    for figure in figures:
        check_texts_fit(figure)


LONG_PATH = "Runs/000123_Prot$Occupy$LocalScale/extra/" + "very_long_name_" * 20 + "of_a_map.mrc"


@pytest.mark.parametrize("count", [1, 6, 120])
def test_any_number_of_warnings_is_shown_and_texts_stay_on_the_page(one_map_job, count):
    report, sections, _ = copy.deepcopy(one_map_job)
    item = report["maps"][0]
    item["name"], item["input"] = LONG_PATH.rsplit("/", 1)[-1], LONG_PATH
    item["warnings"] = [
        f"warning number {number} of {LONG_PATH}: the confidence is unreliable" for number in range(count)
    ]
    report["warnings"] = ["about the job"]
    figures = pages_of_map(report, 0, sections)
    text = text_of(figures)
    assert f"{count + 1} warnings" in text
    for number in range(count):
        assert f"warning number {number} of" in text
    assert "about the job" in text
    assert len(figures) > 1 or count < 120
    for figure in figures:
        check_texts_fit(figure)


def test_nine_maps_fit_on_a_page(one_map_job):
    report, _, volumes = one_map_job
    masks = {f"subtraction mask from the attenuation {number}": volumes["scale"] for number in range(3)}
    figure, *_ = pages_of_map(report, 0, map_sections({**volumes, **masks}, report["maps"][0]))
    check_texts_fit(figure)
    assert artists_by_label(figure)["subtraction mask from the attenuation 2 x"].get_clim() == (0, 1)


def test_a_single_reference_voxel_has_a_ring_around_it(three_parts, phantom_file):
    settings = Settings(normalisation="kernel")
    source = read_map(phantom_file)
    result = process_map(source, settings)
    report = finite(job_report(settings, [map_report(result, {}, "", "phantom.mrc")], {}))
    report.update(shared_reference=None, comparison=None, warnings=[])
    volumes = {"input": source.data, "scale": result.scale, "confidence": result.confidence}
    figure, *_ = figures = pages_of_map(report, 0, map_sections(volumes, report["maps"][0]))
    ring = artists_by_label(figure)["ring"]
    z, y, x = np.unravel_index(source.data.argmax(), source.data.shape)
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (x, y)
    assert f"z = {z}" in text_of([figure]) and "Highest voxel" in text_of(figures)
    assert "modified" not in {item.get_text() for item in figure.texts}
