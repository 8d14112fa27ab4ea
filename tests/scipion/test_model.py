# SPDX-License-Identifier: GPL-3.0-or-later
"""Occupancy of the parts of a fitted model in a real project: outputs, attributes, masks, texts, failures."""

import json
import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import gemmi
import mrcfile
import numpy as np
import pytest
from PIL import Image
from pwem.convert.atom_struct import AtomicStructHandler
from pwem.protocols import ProtExportDataBases, ProtImportSequence
from pwem.viewers.viewer_chimera import Chimera
from pwem.viewers.viewer_localres import makeResidueValuesDic, replaceOcuppancyWithAttribute
from pyworkflow.viewer import DESKTOP_TKINTER, MessageView

from benchmarks.occupancy.bundles import write_bundles
from benchmarks.occupancy.fitted_model import write_fitted_model
from benchmarks.occupancy.simulate import Conditions, simulate
from occupy_core.settings.settings import descriptions
from occupy_scipion.protocols import ProtOccupyModel
from occupy_scipion.report import read_report
from occupy_scipion.viewers import OccupyModelViewer, OccupyVolumeViewer, viewer_model
from occupy_scipion.viewers.viewer_model import OccupancyAttributeViewer
from tests.conftest import skip_or_fail
from tests.figures import title_of
from tests.scipion import relion
from tests.scipion.conftest import write_map
from tests.star_text import write_iteration

CONDITIONS = Conditions(resolution=5.0, voxel_size=2.4, noise=0.1, seed=3, padding=20.0, in_ice=True)
OCCUPANCIES = {"A": 1.0, "B": 1.0, "C": 0.3, "D": 1.0, "E": 0.6, "F": 1.0, "G": 0.0}
WITHOUT_E = {**OCCUPANCIES, "E": 0.0}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A folder with maps of the complex, state1.mrc and state2.mrc, and the model in their frame, fitted.cif."""
    folder = tmp_path_factory.mktemp("models")
    bundles = write_bundles(folder / "bundles.cif")
    write_fitted_model(bundles, CONDITIONS, folder / "fitted.cif")
    for number, occupancies in enumerate((OCCUPANCIES, WITHOUT_E), start=1):
        volume = simulate(bundles, replace(CONDITIONS, seed=number), occupancies).volume
        write_map(folder / f"state{number}.mrc", volume, voxel_size=CONDITIONS.voxel_size)
    return folder


@pytest.fixture(scope="module")
def model(laboratory, files):
    with laboratory.inside():
        return laboratory.import_model(files / "fitted.cif")


@pytest.fixture(scope="module")
def state1(laboratory, files):
    with laboratory.inside():
        return laboratory.import_maps(files / "state1.mrc", sampling=CONDITIONS.voxel_size)


@pytest.fixture(scope="module")
def run(laboratory, state1, model):
    with laboratory.inside():
        protocol = laboratory.launch(laboratory.model_occupancy(state1, model, modelMasks=2, modelMaskParts="C, E"))
    assert protocol.isFinished(), protocol.getErrorMessage()
    return protocol


def test_model_and_masks_are_outputs(lab, state1, model, run):
    found = lab.read_back(run)
    assert list(found["outputs"]) == ["occupancyModel", "partMask1", "partMask2"]
    output = found["outputs"]["occupancyModel"]
    assert output["class"] == "AtomStruct" and output["comment"] == "occupancies of fitted.cif in import_state1.mrc"
    assert output["volume"]["file"] == state1.outputVolume.getFileName()
    assert output["volume"]["sampling"] == CONDITIONS.voxel_size
    input_origin = state1.outputVolume.getOrigin().getShifts()
    for number, part in ((1, "C"), (2, "E")):
        mask = found["outputs"][f"partMask{number}"]
        assert mask["class"] == "VolumeMask" and mask["comment"] == f"mask of {part}"
        assert mask["sampling"] == CONDITIONS.voxel_size and mask["origin"] == list(input_origin)
    for output in found["outputs"].values():
        assert output["sources"] == [[state1.getObjId(), "outputVolume"], [model.getObjId(), "outputPdb"]]


def occupancies_of(path):
    """Return the occupancies in a model's occupancy column, one by chain."""
    chains = gemmi.read_structure(str(path))[0]
    found = {chain.name: {round(atom.occ, 3) for residue in chain for atom in residue} for chain in chains}
    assert all(len(values) == 1 for values in found.values())
    return {name: values.pop() for name, values in found.items()}


def test_occupancies_are_those_of_the_map_and_the_atoms_stay_in_place(lab, files, run):
    path = run.occupancyModel.getFileName()
    assert occupancies_of(path) == pytest.approx(OCCUPANCIES, abs=0.06)
    before, after = (
        [(atom.pos.tolist(), atom.b_iso) for chain in gemmi.read_structure(str(name))[0] for r in chain for atom in r]
        for name in (files / "fitted.cif", path)
    )
    np.testing.assert_allclose([xyz for xyz, _ in before], [xyz for xyz, _ in after], atol=0.002)
    assert [b for _, b in before] == [b for _, b in after]


def test_masks_lie_around_their_parts(lab, files, run):
    mask = mrcfile.read(run.partMask1.getFileName())
    structure = gemmi.read_structure(str(files / "fitted.cif"))
    for chain, inside in (("C", True), ("F", False)):
        xyz = np.array([atom.pos.tolist() for residue in structure[0][chain] for atom in residue])
        z, y, x = np.round(xyz / CONDITIONS.voxel_size).astype(int).T[::-1]
        assert (np.median(mask[z, y, x]) > 0.9) == inside
    assert mask.min() >= 0 and mask.max() <= 1


# --------------------------- attributes and other protocols ---------------------------


def test_scipions_viewer_of_attributes_reads_the_occupancies(lab, run, tmp_path):
    viewer = OccupancyAttributeViewer(project=lab.project, protocol=run)
    viewer.setProtocol(run)
    assert viewer.highest.get() == 1.0
    assert sorted(viewer._getStructureAttributes()) == ["part_occupancy", "window_occupancy"]
    assert [type(view).__name__ for view in viewer_of(lab, run)._attributes()] == ["_ViewerView"]
    viewer.attrName.set(viewer._getAttributeIndex("part_occupancy"))
    assert viewer.getEnumText("attrName") == "part_occupancy"
    viewer.lowest.set(0.0)
    viewer.highest.set(0.0)
    assert viewer.getValuesRange() == pytest.approx((0.0, 1.0), abs=0.06)
    content = AtomicStructHandler().readLowLevel(run.occupancyModel.getFileName())
    values = makeResidueValuesDic(content, "part_occupancy")
    assert float(values["C:5"]) == pytest.approx(0.3, abs=0.06) and len(values) > 1500
    windows = [
        float(value) for name, value in makeResidueValuesDic(content, "window_occupancy").items() if name[0] == "E"
    ]
    assert np.median(windows) == pytest.approx(0.6, abs=0.1) and len(set(windows)) > 5
    coloured = replaceOcuppancyWithAttribute(
        run.occupancyModel.getFileName(), "window_occupancy", str(tmp_path / "windows.cif")
    )
    assert len(gemmi.read_structure(coloured)[0]) == len(OCCUPANCIES)


def test_attributes_are_there_once_after_the_outputs_are_made_again(lab, run):
    path = run.occupancyModel.getFileName()
    before = Path(path).read_bytes()
    run._create_outputs(run._sources())
    assert Path(path).read_bytes() == before


def test_other_protocols_take_the_model(lab, run, tmp_path):
    export = lab.project.newProtocol(ProtExportDataBases, filesPath=str(tmp_path / "exported"))
    export.exportAtomStruct.set(run)
    export.exportAtomStruct.setExtended("occupancyModel")
    lab.launch(export)
    assert export.isFinished(), export.getErrorMessage()
    exported = gemmi.read_structure(str(tmp_path / "exported" / "symplified_atom_structure.cif"))
    assert {chain.name for chain in exported[0]} == set(OCCUPANCIES)
    sequence = lab.project.newProtocol(
        ProtImportSequence,
        inputSequenceName="chain C",
        inputProteinSequence=ProtImportSequence.IMPORT_FROM_STRUCTURE,
        inputStructureSequence=ProtImportSequence.IMPORT_STRUCTURE_FROM_AS,
        inputStructureChain=json.dumps({"model": 0, "chain": "C", "residues": 290}),
    )
    sequence.inputAS.set(run)
    sequence.inputAS.setExtended("occupancyModel")
    lab.launch(sequence)
    assert sequence.isFinished(), sequence.getErrorMessage()
    assert set(sequence.outputSequence.getSequence()) == {"A"}


# --------------------------- texts ---------------------------


def test_summary_has_a_line_for_each_part_and_what_1_means(lab, run):
    found = lab.read_back(run)
    lines = found["summary"]
    assert lines[0] == "*Result:*" and "3 of 7 parts of the model" in lines[1] and lines[2] == "*Next steps:*"
    assert any("partMask2 as mask of the signal to keep" in line for line in lines)
    lines = lines[lines.index("") + 1 :]
    assert lines[0] == "*Occupancy of the chains of fitted.cif, with 90 % intervals:*"
    pattern = r"C \(C 1-290; 19\.2 kDa\): occupancy 0\.\d\d \(0\.\d\d-0\.\d\d\); local scale 0\.\d\d$"
    assert any(re.match(pattern, line) for line in lines)
    assert any(line.startswith("1 is the density of the best occupied parts (A, B, D, F).") for line in lines)
    assert "Masks (partMask): 1: C, 2: E." in lines
    assert any(line.startswith("Warning: ") and "no B-factors" in line for line in lines)
    methods = found["methods"][0]
    assert "the 7 parts (chains) of the atomic model fitted.cif in the map were estimated" in methods
    assert "10.1038/s41467-023-41478-1" in methods


def test_plan_before_the_run(lab, state1, model):
    protocol = lab.model_occupancy(state1, model, modelGroups=1, modelWhole="A")
    assert protocol.summary() == [
        "Occupancy of the parts of a model (entities); 1 is the density of A.",
        "No results yet.",
    ]
    assert protocol.methods()[0] == "Run the protocol to get this text."


# --------------------------- several maps ---------------------------


@pytest.fixture(scope="module")
def run_of_set(laboratory, files, model):
    with laboratory.inside():
        maps = laboratory.import_maps(files, pattern="state*.mrc", sampling=CONDITIONS.voxel_size)
        protocol = laboratory.launch(laboratory.model_occupancy(maps, model, modelWindow=30))
    assert protocol.isFinished(), protocol.getErrorMessage()
    return protocol


def test_each_map_of_a_set_has_a_model(lab, run_of_set):
    found = lab.read_back(run_of_set)
    assert list(found["outputs"]) == ["occupancyModels"]
    items = found["outputs"]["occupancyModels"]["items"]
    assert found["outputs"]["occupancyModels"]["class"] == "SetOfAtomStructs"
    assert [item["id"] for item in items] == [1, 2]
    assert [Path(item["volume"]["file"]).name for item in items] == ["import_state1.mrc", "import_state2.mrc"]
    assert all(item["volume"]["sampling"] == CONDITIONS.voxel_size for item in items)
    for item, truth in zip(items, (OCCUPANCIES, WITHOUT_E)):
        assert occupancies_of(item["file"]) == pytest.approx(truth, abs=0.08)
    text = "\n".join(found["summary"])
    assert re.search(
        r"\nE \(.*\) in import_state1.mrc, .*\) in import_state2.mrc; local scale 0\.\d\d, 0\.\d\d\n", text
    )
    assert re.search(r"\nE differs by 0\.\d\d .*: least occupied in import_state2.mrc, most in import_state1.mrc", text)
    assert "Between the maps, E differed by more than noise explains." in found["methods"][0]


def test_classes_keep_their_numbers_and_sizes(lab, files, model, tmp_path, monkeypatch):
    if relion.reason_missing():
        skip_or_fail(relion.reason_missing())
    with monkeypatch.context() as patch:
        patch.chdir(tmp_path)
        write_iteration("Class3D/run_it001", np.random.default_rng(1))
        for number in (1, 2):
            shutil.copy(files / f"state{number}.mrc", f"Class3D/run_it001_class00{number}.mrc")
        star = Path("Class3D/run_it001_model.star")
        star.write_text(re.sub(r"[24]0\.000000$", "6.0", star.read_text(), flags=re.MULTILINE))
    classes = lab.imported_classes(f"{tmp_path}/Class3D/run_it001_data.star", sampling=CONDITIONS.voxel_size)
    protocol = lab.launch(lab.model_occupancy((classes, "outputClasses"), model, modelMasks=1))
    assert protocol.isFinished(), protocol.getErrorMessage()
    found = lab.read_back(protocol)
    assert list(found["outputs"]) == ["occupancyModels", *(f"partMask{number}" for number in range(1, 8))]
    items = found["outputs"]["occupancyModels"]["items"]
    assert [(item["id"], item["particles"]) for item in items] == [(1, 1), (2, 3)]
    assert all(item["volume"]["sampling"] == CONDITIONS.voxel_size for item in items)
    for item, truth in zip(items, (OCCUPANCIES, WITHOUT_E)):
        assert occupancies_of(item["file"]) == pytest.approx(truth, abs=0.08)
    text = "\n".join(found["summary"])
    of_all = r"0\.1\d \(0\.\d\d-0\.\d\d\) of all particles"  # a quarter of 0.6
    assert re.search(rf"\nE \(.*\) in class 1, .*\) in class 2; {of_all}; local scale 0\.\d\d, 0\.\d\d\n", text)


# --------------------------- frames ---------------------------


def moved_model(files, path, shift):
    """Write the model with its atoms moved by x, y, z in Å."""
    structure = gemmi.read_structure(str(files / "fitted.cif"))
    for chain in structure[0]:
        for residue in chain:
            for atom in residue:
                atom.pos += gemmi.Position(*shift)
    structure.make_mmcif_document().write_file(str(path))
    return path


def test_model_in_the_frame_that_only_scipion_knows(lab, files, state1, tmp_path):
    """The map's origin was changed in Scipion, which does not write it into the file."""
    origin = (31.0, -17.0, 40.0)
    moved = lab.import_model(moved_model(files, tmp_path / "moved.cif", origin))
    protocol = lab.launch(lab.model_occupancy(lab.moved(state1, *origin), moved))
    assert protocol.isFinished(), protocol.getErrorMessage()
    assert occupancies_of(protocol.occupancyModel.getFileName()) == pytest.approx(OCCUPANCIES, abs=0.06)
    assert tuple(protocol.occupancyModel.getVolume().getOrigin().getShifts()) == origin


@pytest.fixture(scope="module")
def centred(laboratory, files, state1, tmp_path_factory):
    """A run on a model in Scipion's usual frame, with the centre of the box at 0, which is not the header's."""
    path = tmp_path_factory.mktemp("centred") / "centred.cif"
    with laboratory.inside():
        moved = laboratory.import_model(moved_model(files, path, state1.outputVolume.getOrigin().getShifts()))
        protocol = laboratory.launch(laboratory.model_occupancy(state1, moved, drawFigures=False))
    assert protocol.isFinished(), protocol.getErrorMessage()
    return protocol


def test_model_in_the_usual_frame_of_scipion(lab, run, centred, state1):
    assert occupancies_of(centred.occupancyModel.getFileName()) == pytest.approx(OCCUPANCIES, abs=0.06)
    # The core warns that the model is not in the frame of the header; Scipion's viewers do not go by the header.
    (warning,) = (text for text in read_report(centred._getExtraPath())["model"]["warnings"] if "frame of" in text)
    assert warning.startswith("the model lies in the frame of")
    assert not any("frame" in line for line in lab.read_back(centred)["summary"])
    (line,) = (line for line in lab.read_back(run)["summary"] if "frame" in line)
    assert line.startswith("Note: the input model lies in the map by the map's file (frame: ")
    assert "origin (0.00, 0.00, 0.00) Å with the protocol 'assign Orig & Sampling'" in line
    # Scipion's viewers open the output model with its map, which they place by its origin: now where the model lies.
    shifts = run.occupancyModel.getVolume().getOrigin().getShifts()
    assert shifts == (0, 0, 0) != state1.outputVolume.getOrigin().getShifts()


def test_model_that_does_not_lie_in_the_map_leaves_no_output(lab, files, state1, tmp_path):
    moved = lab.import_model(moved_model(files, tmp_path / "elsewhere.cif", (25.0, 0.0, 0.0)))
    protocol = lab.launch(lab.model_occupancy(state1, moved))
    assert protocol.isFailed() and not list(protocol.iterOutputAttributes())
    (line,) = protocol.getErrorMessage().splitlines()
    assert "elsewhere.cif: the model does not lie in the map: it fits best" in line and "fitmap" in line
    assert not os.path.exists(protocol._getExtraPath("model_occupancy.cif"))


# --------------------------- checks before a run ---------------------------


def test_input_is_checked(lab, files, state1, model, tmp_path):
    assert lab.model_occupancy(state1, model, modelWhole="A,B", modelMasks=2, modelMaskParts="G").validate() == []
    missing = lab.project.newProtocol(ProtOccupyModel).validate()
    assert [text.split("*")[1] for text in missing] == ["Input map(s)", "Atomic model"]
    groups = tmp_path / "parts.txt"
    groups.write_text("core: //A,B\nrest: //X\n")
    for values, problem in (
        ({"modelWhole": "A,X"}, "*Fully occupied parts*: found 'X', expected names of parts: A, B, C, D, E, F, G"),
        ({"modelMasks": 2, "modelMaskParts": "a"}, "*Masks of parts*: found 'a', expected names of parts: A, B, C, D"),
        ({"modelMasks": 2}, "*Masks of parts*: got no names of parts"),
        ({"modelGroups": 2}, "*Parts of the model*: got no file"),
        ({"modelGroups": 2, "modelGroupsFile": "gone.txt"}, "*Parts of the model*: gone.txt: no such file"),
        (
            {"modelGroups": 2, "modelGroupsFile": str(groups)},
            f"*Parts of the model*: {groups}, line 2: '//X' selects no",
        ),
        ({"modelWindow": 3}, "*Window along chains (residues)*: got 3, expected a whole number of residues: 5..100"),
    ):
        (found,) = lab.model_occupancy(state1, model, **values).validate()
        assert found.startswith(problem), found
    wrong = lab.import_model(files / "state1.mrc")
    (found,) = lab.model_occupancy(state1, wrong).validate()
    assert found.startswith("*Atomic model*: ") and "state1.mrc" in found
    model_path = wrong.outputPdb.getFileName()
    os.remove(model_path)
    (found,) = lab.model_occupancy(state1, wrong).validate()
    assert found == f"*Atomic model*: {model_path}: no such file; run its protocol again"


def test_parts_of_a_file_are_read(lab, state1, model, tmp_path):
    groups = tmp_path / "parts.txt"
    groups.write_text("core: //A,B\nsmall: //C\n")
    protocol = lab.model_occupancy(state1, model, modelGroups=2, modelGroupsFile=str(groups), modelWhole="core")
    assert protocol.validate() == []

    def arguments():
        protocol._steps = []
        protocol._insertAllSteps()
        return protocol._steps[0].argsStr.get()

    before = arguments()
    assert arguments() == before
    groups.write_text("core: //A,B,D\nsmall: //C\n")
    assert arguments() != before  # a changed file makes the step run again on Continue
    lab.launch(protocol)
    assert protocol.isFinished(), protocol.getErrorMessage()
    parts = read_report(protocol._getExtraPath())["model"]["parts"]
    assert [part["name"] for part in parts] == ["core", "small", "other"]
    assert "Occupancy of the parts in parts.txt of fitted.cif" in "\n".join(protocol.summary())


def test_form_has_the_settings_of_the_model_with_their_texts(lab):
    shown = dict(lab.project.newProtocol(ProtOccupyModel).getDefinition().iterParams())
    for setting, parameter in {
        "model": "inputModel",
        "model_groups": "modelGroups",
        "model_window": "modelWindow",
        "model_whole": "modelWhole",
        "model_masks": "modelMasks",
    }.items():
        assert shown[parameter].getLabel() == descriptions()[setting].label
        assert descriptions()[setting].help in shown[parameter].getHelp()
    protocol = lab.project.newProtocol(ProtOccupyModel)
    assert not protocol.evalParamCondition("modelGroupsFile") and not protocol.evalParamCondition("modelMaskParts")
    protocol.modelGroups.set(2)
    protocol.modelMasks.set(2)
    assert protocol.evalParamCondition("modelGroupsFile") and protocol.evalParamCondition("modelMaskParts")


# --------------------------- viewer ---------------------------


def viewer_of(lab, protocol):
    viewer = OccupyModelViewer(project=lab.project, protocol=protocol)
    viewer.setProtocol(protocol)
    return viewer


def picture(view, path):
    view.getFigure().savefig(str(path))
    return np.asarray(Image.open(path).convert("RGB"), dtype=float)


def test_scipion_offers_the_viewer(lab, run):
    names = [viewer.__name__ for viewer in lab.domain.findViewers(run, DESKTOP_TKINTER)]
    assert names == ["OccupyModelViewer"]


def test_bars_show_parts_with_intervals(lab, run, tmp_path):
    (view,) = viewer_of(lab, run)._parts()
    (axes,) = view.getFigure().axes
    widths = [bar.get_width() for bar in axes.patches]
    assert dict(zip(OCCUPANCIES, widths)) == pytest.approx(OCCUPANCIES, abs=0.06)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(OCCUPANCIES)
    assert picture(view, tmp_path / "parts.png").std() > 30


def test_traces_show_the_chosen_chains(lab, run, run_of_set, tmp_path, monkeypatch):
    viewer = viewer_of(lab, run)
    (view,) = viewer._traces()
    titles = [axes.get_title() for axes in view.getFigure().axes if axes.get_visible()]
    assert titles == [f"chain {name}" for name in OCCUPANCIES]
    assert picture(view, tmp_path / "traces.png").std() > 10
    viewer.whichChains.set("E, Z")
    (view,) = viewer._traces()
    assert isinstance(view, MessageView) and "found 'Z', expected A, B, C, D, E, F, G" in view.getMessage()
    viewer = viewer_of(lab, run_of_set)
    viewer.whichChains.set("E")
    (view,) = viewer._traces()
    (axes,) = view.getFigure().axes
    medians = [np.nanmedian(line.get_ydata()) for line in axes.lines[:2]]
    assert medians == pytest.approx([0.6, 0.0], abs=0.1)
    picture(view, tmp_path / "traces_of_set.png")
    monkeypatch.setattr(viewer_model, "_MAX_LINES", 1)
    viewer.whichMap.set(1)
    (view,) = viewer._traces()
    assert "import_state2.mrc" in title_of(view.getFigure())
    assert np.nanmedian(view.getFigure().axes[0].lines[0].get_ydata()) == pytest.approx(0.0, abs=0.1)


def test_output_opens_on_a_double_click_without_chimerax(lab, run, run_of_set, tmp_path, monkeypatch):
    monkeypatch.setattr(Chimera, "_program", str(tmp_path / "missing"))
    second = [item.clone() for item in run_of_set.occupancyModels.iterItems()][1]
    for output, occupancy in ((run.occupancyModel, 0.6), (second, 0.0)):
        first = lab.domain.findViewers(output, DESKTOP_TKINTER)[0]
        assert first.__name__ == "OccupyModelOutputViewer"
        (view,) = first(project=lab.project)._visualize(output)
        assert view.getFigure().axes[0].patches[4].get_width() == pytest.approx(occupancy, abs=0.08)
    (tmp_path / "ChimeraX").touch()
    monkeypatch.setattr(Chimera, "_program", str(tmp_path / "ChimeraX"))
    assert lab.domain.findViewers(run.occupancyModel, DESKTOP_TKINTER)[0].__name__ == "ChimeraViewer"


def test_heat_map_shows_parts_in_all_maps(lab, run_of_set, tmp_path):
    viewer = viewer_of(lab, run_of_set)
    (view,) = viewer._heat_map()
    axes = view.getFigure().axes[0]
    values = axes.images[0].get_array()
    assert values.shape == (7, 2) and list(values[4]) == pytest.approx([0.6, 0.0], abs=0.08)
    bold = [label.get_text() for label in axes.get_yticklabels() if label.get_fontweight() == "bold"]
    assert bold == ["E"]
    assert picture(view, tmp_path / "heat_map.png").std() > 30
    viewer.whichMap.set(1)
    (view,) = viewer._parts()
    assert view.getFigure().axes[0].patches[4].get_width() == pytest.approx(0.0, abs=0.06)


def test_masks_open_as_slices(lab, run):
    viewer = viewer_of(lab, run)
    assert viewer.getParam("whichOutput").choices == ["partMask1", "partMask2"]
    (view,) = viewer._output()
    assert title_of(view.getFigure()).splitlines() == ["mask of C", "group_C_mask.mrc"]
    assert OccupyVolumeViewer.can_handle_this_instance(run.partMask1)


def test_chimerax_shows_the_model_in_the_map(lab, run, run_of_set, centred, tmp_path, monkeypatch):
    program = tmp_path / "ChimeraX"
    program.touch()
    monkeypatch.setattr(Chimera, "_program", str(program))
    texts = []
    for protocol, chosen in ((run, None), (run_of_set, 1), (centred, None)):
        viewer = viewer_of(lab, protocol)
        if chosen:
            viewer.whichMap.set(chosen)
        viewer._chimera()
        texts.append(Path(protocol._getExtraPath("occupy_other_map.cxc" if chosen else "occupy.cxc")).read_text())
    assert 'open "model_occupancy.cif"' in texts[0] and "\nmove " not in texts[0]
    assert 'open "map002_model_occupancy.cif"' in texts[1]
    # The centre of the box is at 0 in the model's frame, and the corner in the map's.
    shift = -centred.inputVolumes.get().getOrigin().getShifts()[0]
    moves = re.findall(r"^move ([xyz]) ([-0-9.]+) coordinateSystem #1 models #4$", texts[2], re.MULTILINE)
    assert moves == [(axis, f"{shift:.3f}") for axis in "xyz"]
    assert texts[2].index('open "model_occupancy.cif"') < texts[2].index("move x") < texts[2].index("color byattribute")


def test_viewer_before_the_run_shows_messages(lab, state1, model):
    protocol = lab.model_occupancy(state1, model)
    lab.project.saveProtocol(protocol)
    viewer = viewer_of(lab, protocol)
    for views in (viewer._parts(), viewer._heat_map(), viewer._traces(), viewer._attributes()):
        assert isinstance(views[0], MessageView) and "no results yet" in views[0].getMessage()
