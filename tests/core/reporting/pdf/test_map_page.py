# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of each map in logfile.pdf: everything is on it, and nothing runs over."""

import copy
import re

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from occupy_core.maps.reading import read_map
from occupy_core.process import process_map
from occupy_core.reporting import sections
from occupy_core.reporting.map_summary import scale_histogram, surface_level
from occupy_core.reporting.pdf.logfile import job_pages, pages_of, write_logfile
from occupy_core.reporting.pdf.slices import region_sections
from occupy_core.reporting.pdf.text import fitted, width_of, wrapped
from occupy_core.reporting.report import finite, job_report, map_report
from occupy_core.reporting.sections import CentralSections, central_sections, map_sections, tile_of, tile_section
from occupy_core.settings.output_names import MAP_OUTPUTS
from occupy_core.settings.settings import Settings

SETTINGS = Settings(amplify=3.0, attenuate=2.0, sigmoid=4.0, tile_size=10)


@pytest.fixture(scope="module")
def made(three_parts, tmp_path_factory):
    """The report of a job on one map with all modifications, and the sections of its figures."""
    import mrcfile

    path = tmp_path_factory.mktemp("pages") / "phantom.mrc"
    with mrcfile.new(str(path)) as mrc:
        mrc.set_data(three_parts.volume)
        mrc.voxel_size = three_parts.voxel_size
    source = read_map(path)
    result = process_map(source, SETTINGS)
    report = job_report(SETTINGS, [map_report(result, {}, "", "phantom.mrc")], {})
    report.update(shared_reference=None, comparison=None, warnings=[])
    panels = {"input": source.data, "scale": result.scale, "confidence": result.confidence, **result.modified}
    return finite(report), map_sections(panels, tile_section(report["maps"][0])), panels


def words_of(figures):
    texts = [item.get_text() for figure in figures for item in figure.findobj(Text)]
    return " ".join(" ".join(texts).split())


def drawn_on(figure):
    """What has a name on a page, by it."""
    return {artist.get_label(): artist for artist in figure.artists}


@pytest.mark.parametrize("largest", [256, 30, 10])
@pytest.mark.parametrize("slabs", [(13,), (1,) * 13, (5, 1, 7)])
def test_sections_of_a_map_that_passes_by_are_those_of_the_map(monkeypatch, slabs, largest):
    monkeypatch.setattr(sections, "_LARGEST", largest)
    volume = np.random.default_rng(3).standard_normal((13, 41, 36)).astype(np.float32)
    passing, start = CentralSections(volume.shape), 0
    for length in slabs:
        passing.add_slab(slice(start, start + length), volume[start : start + length])
        start += length
    for found, expected in zip(passing.images, central_sections(volume)):
        np.testing.assert_array_equal(found, expected)


def test_a_page_has_three_slices_of_every_map_under_two_colour_keys(made):
    report, slices, panels = made
    (figure,) = pages_of(report, 0, slices)
    drawn = drawn_on(figure)
    of_input = drawn["input z"].get_clim()
    for kind, volume in panels.items():
        for number, name in enumerate("zyx"):
            picture = drawn[f"{kind} {name}"]
            np.testing.assert_array_equal(picture.get_array(), np.take(volume, 32, axis=number))
            assert picture.get_clim() == ((0, 1) if kind in ("scale", "confidence") else of_input)
        assert MAP_OUTPUTS[kind].title in words_of([figure]) if kind != "input" else True
    assert len(images_of(figure)) == 3 * len(panels) + 3  # two colour keys, and where full scale was found
    assert "density" in words_of([figure]) and "0 to 1" in words_of([figure])


def test_a_page_has_the_curves_and_the_place_of_the_tile(made):
    report, slices, panels = made
    drawn = drawn_on(pages_of(report, 0, slices)[0])
    item = report["maps"][0]
    model = drawn["solvent model"]
    assert model.get_xdata()[np.argmax(model.get_ydata())] == pytest.approx(item["solvent"]["mean"], abs=0.02)
    assert {"low-passed map", "confidence limit", "full scale", "all voxels", "confidence > 0.5"} <= set(drawn)
    curves = {kind: drawn[kind].get_ydata() for kind in ("amplified", "attenuated", "sigmoid")}
    # Over the scale limit the amplified map is its scale to the power 1 / 3, the attenuated one to the power 2.
    assert curves["amplified"][250] == pytest.approx(0.5 ** (1 / 3), rel=1e-4)
    assert curves["attenuated"][250] == pytest.approx(0.25, rel=1e-4)
    assert curves["sigmoid"][150] == pytest.approx(0.3, rel=1e-3)
    box = drawn["tile"]
    x, y, z = item["reference"]["highest_tile_first_voxel_xyz"]
    assert box.get_xy() == (x - 0.5, y - 0.5) and (box.get_width(), box.get_height()) == (10, 10)
    np.testing.assert_array_equal(drawn["where full scale was found"].get_array(), panels["input"][z + 5])


def test_a_page_tells_settings_derived_values_and_the_paper(made):
    report, slices, _ = made
    figures = pages_of(report, 0, slices)
    text = words_of(figures)
    assert "No warnings" in text and "41467-023-41478-1" in text
    for shown in (
        "Scale mode",
        "Random seed",
        "Tau",
        f"{report['maps'][0]['derived']['tau']:.4g}",
        "Variability limit",
    ):
        assert shown in text
    bold = {item.get_text() for item in figures[0].texts if item.get_fontweight() == "bold"}
    assert "10" in bold and "auto" not in bold  # the tile size is not the default, the mode is


LONG = "Runs/000123_Prot$Occupy$LocalScale/extra/" + "very_long_name_" * 20 + "of_a_map.mrc"


@pytest.mark.parametrize("count", [1, 6, 120])
def test_every_warning_is_told_however_many_and_nothing_leaves_its_page(made, count):
    report, slices, _ = copy.deepcopy(made)
    item = report["maps"][0]
    item["name"], item["input"] = LONG.rsplit("/", 1)[-1], LONG
    item["warnings"] = [f"warning number {number} of {LONG}: the confidence is unreliable" for number in range(count)]
    report["warnings"] = ["of the whole job"]
    figures = pages_of(report, 0, slices)
    text = words_of(figures)
    assert f"{count + 1} warnings" in text
    for number in range(count):
        assert f"warning number {number} of" in text
    assert "of the whole job" in text
    assert len(figures) > 1 or count < 120
    for figure in figures:
        nothing_runs_over(figure)


def nothing_runs_over(figure):
    renderer = FigureCanvasAgg(figure).get_renderer()
    width, height = figure.bbox.size
    boxes = [item.get_window_extent(renderer) for item in figure.texts if item.get_text()]
    for box in boxes:
        assert box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height
    for place, one in enumerate(boxes):
        for other in boxes[place + 1 :]:
            on_one_line = min(one.y1, other.y1) - max(one.y0, other.y0) > 0.3 * min(one.height, other.height)
            assert not on_one_line or min(one.x1, other.x1) <= max(one.x0, other.x0), "texts lie on one another"


def test_nine_maps_fit_on_a_page(made):
    report, slices, panels = made
    masks = {f"subtraction mask from the attenuation {number}": panels["scale"] for number in range(3)}
    (figure,) = pages_of(report, 0, map_sections({**panels, **masks}, 30))
    nothing_runs_over(figure)
    assert drawn_on(figure)["subtraction mask from the attenuation 2 x"].get_clim() == (0, 1)


def test_the_log_file_has_a_page_for_each_map_and_one_for_all(made, tmp_path):
    report, slices, _ = made
    write_logfile(tmp_path / "one.pdf", report, [slices])
    assert page_count(tmp_path / "one.pdf") == 1
    several = {
        **report,
        "maps": [{**report["maps"][0], "name": f"class {number}", "input": f"{number}.mrc"} for number in (1, 2)],
        "failed": [{"input": "3.mrc", "reason": "3.mrc: no such file"}],
        "shared_reference": "2.mrc",
        "warnings": ["the maps were not compared: why"],
    }
    write_logfile(tmp_path / "two.pdf", several, [slices, slices])
    assert page_count(tmp_path / "two.pdf") == 3
    text = words_of(job_pages(several, []))
    for told in ("class 1", "class 2", "3.mrc: no such file", "not compared: why", "from class 2"):
        assert told in text
    assert "taken from class 2" in words_of(pages_of(several, 0, slices))
    assert "taken from" not in words_of(pages_of(several, 1, slices))


def page_count(path):
    return len(re.findall(rb"/Type /Page\b(?!s)", path.read_bytes()))


def test_the_same_report_gives_the_same_bytes(made, tmp_path):
    report, slices, _ = made
    for name in ("one.pdf", "other.pdf"):
        write_logfile(tmp_path / name, report, [slices])
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "other.pdf").read_bytes()


@pytest.mark.parametrize("classes", [2, 3, 8])
def test_the_comparison_is_on_the_page_for_all_where_there_is_room(made, classes):
    report, _, _ = made
    names = [f"class {number}" for number in range(1, classes + 1)]
    quartiles = {"lower_quartile": 0.4, "median": 0.5, "upper_quartile": 0.6}
    region = {
        "number": 1,
        "occupancies": [{"name": name, **quartiles} for name in names],
        "occupancy_of_all_particles": 0.5,
        "volume_cubic_angstrom": 5000.0,
        "centre_xyz_angstrom": [1.0, 2.0, 3.0],
    }
    compared = {
        "maps": [{"name": name, "share": 1 / classes, "particles": 100} for name in names],
        "regions": [region],
        "lowpass_angstrom": 12.0,
        "reference": "1.mrc",
        "warnings": ["a warning of the comparison"],
    }
    several = {**report, "comparison": compared, "maps": report["maps"] * classes}
    mask = np.zeros((16, 16, 16))
    mask[6:10, 6:10, 6:10] = 1
    sections = region_sections([mask], [mask.astype("f4")] * classes)
    figures = job_pages(several, sections)
    assert len(figures) == (1 if classes <= 3 else 2)
    text = words_of(figures)
    assert "a warning of the comparison" in text and "region 1: 5,000" in text
    for figure in figures:
        FigureCanvasAgg(figure).draw()
        nothing_runs_over(figure)
    assert any(image.get_array().shape == (16, 16) for figure in figures for image in images_of(figure))


def images_of(figure):
    from matplotlib.image import AxesImage, BboxImage

    return [*figure.findobj(AxesImage), *figure.findobj(BboxImage)]


def test_text_is_wrapped_and_shortened_to_its_room():
    text = "a few words and " + "x" * 300 + " \udcff\x07 end"
    lines = wrapped(text, 2.0, 7.0)
    assert all(width_of(line, 7.0) <= 2.0 for line in lines)
    assert "".join(lines).count("x") == 300 and lines[0] == "a few words and"
    short = fitted("/long/" * 50 + "name.mrc", 2.0, 7.0)
    assert width_of(short, 7.0) <= 2.0 and short.startswith("/lo") and short.endswith("name.mrc") and "…" in short
    assert fitted("short", 2.0, 7.0) == "short"


def test_large_maps_are_thinned_out():
    volume = np.arange(300, dtype="f4")[:, None, None] * np.ones((1, 300, 4), dtype="f4")
    slices = map_sections({"input": volume}, 7)
    assert slices.step == 2 and slices.panels["input"][1].shape == (150, 2) and slices.tile[0, 0] == 7
    np.testing.assert_array_equal(slices.panels["input"][1][:, 0], np.arange(0, 300, 2))


def test_histograms_count_every_voxel(three_parts, phantom_file):
    result = process_map(read_map(phantom_file), Settings())
    found = scale_histogram(result.scale, result.confidence)
    assert sum(found["voxels"]) == result.scale.size
    confident = result.scale[result.confidence > 0.5]
    assert found["confident_voxels"] == np.histogram(confident, 50, (0, 1))[0].tolist()
    assert found["voxels"] == np.histogram(result.scale, 50, (0, 1))[0].tolist()


def test_of_many_sections_some_are_counted():
    rng = np.random.default_rng(0)
    scale, confidence = rng.random((2, 130, 8, 9), dtype=np.float32)
    found = scale_histogram(scale, confidence, threads=2)
    assert found["every_section"] == 3
    assert found["voxels"] == np.histogram(scale[::3], 50, (0, 1))[0].tolist()
    assert found["confident_voxels"] == np.histogram(scale[::3][confidence[::3] > 0.5], 50, (0, 1))[0].tolist()


def test_the_level_of_the_surface_is_above_the_noise_and_below_the_molecule(three_parts, phantom_file):
    result = process_map(read_map(phantom_file), Settings())
    level = surface_level(result.source, result.confidence, result.solvent.limit)
    assert (three_parts.volume[result.confidence <= 0.5] > level).mean() <= 2e-3
    assert (three_parts.volume[result.confidence <= 0.5] > 0.5 * level).mean() > 2e-3
    assert (three_parts.volume[three_parts.parts[0]] > level).mean() > 0.95


def test_a_single_voxel_is_ringed_to_be_found(three_parts, phantom_file):
    settings = Settings(normalisation="kernel")
    source = read_map(phantom_file)
    result = process_map(source, settings)
    report = finite(job_report(settings, [map_report(result, {}, "", "phantom.mrc")], {}))
    report.update(shared_reference=None, comparison=None, warnings=[])
    panels = {"input": source.data, "scale": result.scale, "confidence": result.confidence}
    (figure,) = pages_of(report, 0, map_sections(panels, tile_section(report["maps"][0])))
    ring = drawn_on(figure)["ring"]
    z, y, x = np.unravel_index(source.data.argmax(), source.data.shape)
    assert (ring.get_xdata()[0], ring.get_ydata()[0]) == (x, y)
    assert f"z = {z}" in words_of([figure]) and "Highest voxel" in words_of([figure])
    assert "modified" not in {item.get_text() for item in figure.texts}


def test_a_tile_of_a_smaller_box_is_marked_where_it_lies_in_the_map():
    reference = {"highest_tile_first_voxel_xyz": [4, 0, 10], "tile_size_voxels": 3}
    report = {"reference": reference, "box_voxels": [64, 64, 64], "derived": {"box_voxels": [32, 32, 32]}}
    # Voxels 4, 5, 6 of the smaller box are 8, 10, 12 of the map, and reach from 7 to 13.
    assert tile_of(report) == ((19, -1, 7), (6, 6, 6)) and tile_section(report) == 22
