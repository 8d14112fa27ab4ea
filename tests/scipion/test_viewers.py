# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures and programs of "Analyze results", without a display."""

import os
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pwem.emlib.image import ImageHandler
from pwem.viewers.mdviewer.viewer import MDView
from pwem.viewers.viewer_chimera import Chimera
from pyworkflow.viewer import DESKTOP_TKINTER, MessageView

from demo.simulate import phantom
from occupy_core.reporting.where_to_cut import cut_through_molecule
from occupy_scipion import report
from occupy_scipion.viewers import OccupyLocalScaleViewer
from tests.figures import title_of
from tests.scipion.conftest import write_map


def viewer_of(lab, protocol):
    viewer = OccupyLocalScaleViewer(project=lab.project, protocol=protocol)
    viewer.setProtocol(protocol)
    return viewer


def picture(view, path):
    view.getFigure().savefig(str(path))
    return np.asarray(Image.open(path).convert("RGB"), dtype=float)


@pytest.fixture(scope="module")
def run(laboratory, a_map):
    with laboratory.inside():
        return laboratory.run_local_scale(a_map, doAmplify=True)


@pytest.fixture(scope="module")
def run_of_set(laboratory, tmp_path_factory):
    folder = tmp_path_factory.mktemp("shown")
    for number in (1, 2, 3):
        values = phantom((36, 36, 36), seed=number).volume
        write_map(folder / f"shown{number}.mrc", np.full_like(values, np.nan) if number == 1 else values)
    with laboratory.inside():
        return laboratory.run_local_scale(laboratory.import_maps(folder, pattern="shown*.mrc"))


def test_slices_show_every_map(lab, run, tmp_path):
    viewer = viewer_of(lab, run)
    (view,) = viewer._slices()
    titles = [axes.get_title() for axes in view.getFigure().axes if axes.get_title()]
    assert titles == ["input", "local scale", "confidence", "amplified map"]
    shown = [axes.images[0].get_array() for axes in view.getFigure().axes if axes.images][:4]
    # The panels show the values in the files, four different maps.
    scale = ImageHandler().read(run.scaleMap.getFileName() + ":mrc").getData()
    cut = view.sections.cut
    assert np.array_equal(shown[1], cut.section(scale, 0))
    view.sections.move(0, 20)
    moved = [axes.images[0].get_array() for axes in view.getFigure().axes if axes.images][:4]
    assert np.array_equal(moved[1], view.sections.cut.section(scale, 0)) and not np.array_equal(moved[0], shown[0])
    assert all(not np.array_equal(one, other) for i, one in enumerate(shown) for other in shown[:i])
    assert picture(view, tmp_path / "slices.png").std() > 30


def test_a_surface_is_shown_from_three_sides(lab, run, run_of_set, tmp_path):
    (view,) = viewer_of(lab, run)._surface()
    labels = {artist.get_label() for artist in view.getFigure().artists}
    assert {"surface z", "surface y", "surface x", "bar of the surface", "local scale"} <= labels
    image = picture(view, tmp_path / "surface.png")
    assert (np.ptp(image, axis=2) > 60).mean() > 0.05  # colours
    viewer = viewer_of(lab, run_of_set)
    viewer.whichMap.set(1)
    (view,) = viewer._surface()
    assert any("shown3.mrc" in text.get_text() for text in view.getFigure().texts)


def test_slices_of_one_axis_can_be_shown(lab, run):
    viewer = viewer_of(lab, run)
    viewer.planes.set(2)
    (view,) = viewer._slices()
    labels = [axes.get_ylabel() for axes in view.getFigure().axes if axes.get_ylabel()]
    assert labels[0] == f"y = {view.sections.cut.planes[1]}" and not any(
        label.startswith(("z", "x")) for label in labels
    )


def test_map_of_a_set_is_chosen_by_its_id(lab, run_of_set):
    viewer = viewer_of(lab, run_of_set)
    # The first map failed and is not listed.
    assert viewer.getParam("whichMap").choices == ["2: import_shown2.mrc", "3: import_shown3.mrc"]
    viewer.whichMap.set(1)
    (view,) = viewer._slices()
    item = run_of_set.scaleMaps[3]
    scale = ImageHandler().read(item.getFileName() + ":mrc").getData()
    assert np.array_equal(view.getFigure().axes[1].images[0].get_array(), view.sections.cut.section(scale, 0))


def test_output_opens_as_slices_or_as_a_set(lab, run, run_of_set, tmp_path):
    viewer = viewer_of(lab, run)
    viewer.whichOutput.set(1)
    (view,) = viewer._output()
    assert title_of(view.getFigure()).splitlines() == ["confidence", "confidence.mrc"]
    assert picture(view, tmp_path / "confidence.png").std() > 30
    (view,) = viewer_of(lab, run_of_set)._output()
    assert isinstance(view, MDView)


def test_volume_viewer_is_offered_only_for_outputs_of_the_plugin(lab, run, a_map, tmp_path):
    """Scipion's own viewers of one map need Xmipp or ChimeraX; this one needs no other program."""
    # The first viewer opens on a double click.
    first = lab.domain.findViewers(run.scaleMap, DESKTOP_TKINTER)[0]
    assert first.__name__ == "OccupyVolumeViewer"
    viewer = first(project=lab.project, protocol=run)
    (view,) = viewer._visualize(run.scaleMap)
    assert picture(view, tmp_path / "scale.png").std() > 30
    others = [viewer.__name__ for viewer in lab.domain.findViewers(a_map.outputVolume, DESKTOP_TKINTER)]
    assert others and "OccupyVolumeViewer" not in others


def test_slices_show_an_input_that_was_converted(lab, tmp_path, three_parts):
    ImageHandler().convert(str(write_map(tmp_path / "plain.mrc", three_parts.volume)), str(tmp_path / "shown.vol"))
    protocol = lab.run_local_scale(lab.import_maps(tmp_path / "shown.vol"))
    (view,) = viewer_of(lab, protocol)._slices()
    shown = view.sections.cut.section(three_parts.volume, 0)
    assert np.array_equal(view.getFigure().axes[0].images[0].get_array(), shown)


def test_viewer_before_the_run_shows_messages(lab, a_map):
    protocol = lab.local_scale(a_map)
    lab.project.saveProtocol(protocol)
    viewer = viewer_of(lab, protocol)
    for views in (viewer._surface(), viewer._slices(), viewer._output(), viewer._report(), viewer._document()):
        assert isinstance(views[0], MessageView) and "no" in views[0].getMessage()


def test_missing_input_is_named(lab, tmp_path, three_parts):
    path = write_map(tmp_path / "leaving.mrc", three_parts.volume)
    protocol = lab.run_local_scale(lab.import_maps(path))
    path.unlink()
    (view,) = viewer_of(lab, protocol)._slices()
    assert isinstance(view, MessageView) and "leaving.mrc: " in view.getMessage()


def test_missing_chimerax_is_explained(lab, run):
    (view,) = viewer_of(lab, run)._chimera()
    assert isinstance(view, MessageView)
    assert "ChimeraX was not found" in view.getMessage() and "scipion-em-chimera" in view.getMessage()
    # The way out: where to name ChimeraX, and the file to open in it.
    assert "CHIMERA_HOME" in view.getMessage() and "config/scipion.conf" in view.getMessage()
    # Scipion shows as many lines as the text has, of 80 letters each.
    assert all(len(line) < 80 for line in view.getMessage().splitlines() if " " in line)
    assert os.path.isfile(view.getMessage().splitlines()[-1])


@pytest.fixture
def called(tmp_path):
    """Two functions: write a program that records its argument; show a view and return the recorded file name."""

    def make(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/called\n')
        path.chmod(0o755)
        return str(path)

    def shown(view):
        view.show()
        for _ in range(100):
            if (tmp_path / "called").exists() and (tmp_path / "called").read_text():
                break
            time.sleep(0.05)
        return Path((tmp_path / "called").read_text().strip())

    return make, shown


def test_chimerax_opens_the_commands_of_the_run(lab, run, called, tmp_path, monkeypatch):
    make, shown = called
    monkeypatch.setattr(Chimera, "_program", make(tmp_path / "ChimeraX"))
    (view,) = viewer_of(lab, run)._chimera()
    script = shown(view)
    assert script == Path(run._getExtraPath("occupy.cxc")).absolute()
    lines = script.read_text().splitlines()
    files = [line.split('"')[1] for line in lines if line.startswith("open")]
    assert files[0].endswith("phantom.mrc") and files[1:] == ["scale.mrc", "confidence.mrc", "amplified.mrc"]
    for name in files:
        assert not os.path.isabs(name) and (script.parent / name).exists()
    assert any(line.startswith("color sample #1 map #2 palette 0,#440154") for line in lines)


def test_chimerax_on_the_path_is_used(lab, run, called, tmp_path, monkeypatch):
    make, shown = called
    make(tmp_path / "programs" / "ChimeraX")
    monkeypatch.setenv("PATH", f"{tmp_path / 'programs'}{os.pathsep}{os.environ['PATH']}")
    (view,) = viewer_of(lab, run)._chimera()
    assert shown(view) == Path(run._getExtraPath("occupy.cxc")).resolve()


def test_chimerax_shows_the_chosen_map(lab, run_of_set, called, tmp_path, monkeypatch):
    make, shown = called
    monkeypatch.setattr(Chimera, "_program", make(tmp_path / "ChimeraX"))
    viewer = viewer_of(lab, run_of_set)
    viewer.whichMap.set(1)
    (view,) = viewer._chimera()
    script = shown(view)
    lines = script.read_text().splitlines()
    assert "hide #1 models" in lines
    assert sum(line.startswith("open") for line in lines) == 6
    assert all((script.parent / line.split('"')[1]).exists() for line in lines if line.startswith("open"))


def test_report_page_shows_the_output_maps(lab, run, run_of_set, tmp_path):
    view, table = viewer_of(lab, run)._report()
    assert picture(view, tmp_path / "page.png").std() > 30
    assert any("Variability limit" in text.get_text() for text in table.getFigure().texts)
    scale = ImageHandler().read(run.scaleMap.getFileName() + ":mrc").getData()
    drawn = {found.get_label(): found for found in view.getFigure().artists}
    cut = cut_through_molecule(ImageHandler().read(run.confidenceMap.getFileName() + ":mrc").getData())
    assert np.array_equal(drawn["scale z"].get_array(), cut.section(scale, 0))
    assert {"input x", "amplified y"} <= set(drawn)
    plots = {found.get_label() for found in table.getFigure().artists}
    assert {"solvent model", "all voxels", "amplified", "tile"} <= plots
    viewer = viewer_of(lab, run_of_set)
    viewer.whichMap.set(1)
    view, *_ = viewer._report()
    assert any("shown3.mrc" in text.get_text() for text in view.getFigure().texts)


def test_pdf_opens_in_another_program(lab, run, called, tmp_path, monkeypatch):
    make, shown = called
    viewer = viewer_of(lab, run)
    with monkeypatch.context() as patch:
        patch.setenv("PATH", str(tmp_path / "bin"))
        (view,) = viewer._document()
    assert isinstance(view, MessageView) and "logfile.pdf" in view.getMessage()
    make(tmp_path / "bin" / "xdg-open")
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    (view,) = viewer._document()
    path = shown(view)
    assert path.name == "logfile.pdf" and path.read_bytes().startswith(b"%PDF")


def test_report_of_an_earlier_version_asks_to_run_again(lab, run, monkeypatch):
    found = report.read_report(run._getExtraPath())
    for item in found["maps"]:
        del item["scale_histogram"]
    monkeypatch.setattr(report, "read_report", lambda folder: found)
    (view,) = viewer_of(lab, run)._report()
    assert isinstance(view, MessageView) and "run the protocol again" in view.getMessage()


def test_inverted_map_is_shown_with_positive_density(lab, tmp_path, three_parts):
    path = write_map(tmp_path / "negative.mrc", -three_parts.volume)
    protocol = lab.run_local_scale(lab.import_maps(path), invertContrast=True)
    viewer = viewer_of(lab, protocol)
    (view,) = viewer._slices()
    shown = view.sections.cut.section(three_parts.volume, 0)
    assert np.array_equal(view.getFigure().axes[0].images[0].get_array(), shown)
    (view,) = viewer._surface()
    assert not isinstance(view, MessageView)
    assert not isinstance(viewer._report()[0], MessageView)
