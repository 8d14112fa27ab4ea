# SPDX-License-Identifier: GPL-3.0-or-later
"""The question on the form of "local scale": what it sets, what wins over it, and what the form hides."""

import json
import subprocess
import sys

import pytest

from demo.classification import classes
from occupy_core.settings.presets import PRESETS
from occupy_core.settings.settings import Settings
from occupy_scipion.form import settings_of
from occupy_scipion.report import read_report
from tests.scipion.conftest import write_map

WEAK, OCCUPANCY, CLASSES, SUBTRACT, SHOW_WEAK, ONLY_WHOLE, CUSTOM = range(7)

READ_BACK = """
import json, sys
import pyworkflow
from pyworkflow.project import Manager
pyworkflow.Config.getDomain().getProtocols()
project = Manager().loadProject(sys.argv[1])
(protocol,) = (run for run in project.getRuns() if run.strId() == sys.argv[2])
from occupy_scipion.form import settings_of
print("FOUND" + json.dumps(settings_of(protocol).to_dict()))
"""


@pytest.fixture(scope="module")
def class_maps(laboratory, tmp_path_factory):
    """A protocol with two maps as its output."""
    folder = tmp_path_factory.mktemp("class_maps")
    for number, simulated in enumerate(classes()[:2], start=1):
        write_map(folder / f"state{number}.mrc", simulated.volume, voxel_size=simulated.voxel_size)
    with laboratory.inside():
        return laboratory.import_maps(folder, pattern="state*.mrc", sampling=simulated.voxel_size)


def test_question_is_the_first_choice_of_the_form(lab):
    sections = {section.getLabel(): section for section in lab.local_scale().getDefinition().iterSections()}
    name, parameter = next(sections["Input"].iterParams())
    assert name == "preset" and parameter.getLabel() == "What do you want to know?"
    assert parameter.choices == [preset.question for preset in PRESETS.values()]


@pytest.mark.parametrize("number", range(7))
def test_question_sets_what_answers_it(lab, number):
    name = list(PRESETS)[number]
    assert settings_of(lab.local_scale(preset=number)) == Settings(preset=name, **PRESETS[name].values)


@pytest.mark.parametrize(
    ("number", "form", "expected"),
    [
        (OCCUPANCY, {"normalisation": 0}, {"mode": "occupancy", "normalisation": "tiled"}),
        (OCCUPANCY, {"scaleMode": 0}, {"mode": "auto", "normalisation": "calibrated"}),
        (
            OCCUPANCY,
            {"doAmplify": True, "amplifyPower": 2.0},
            {"mode": "occupancy", "normalisation": "calibrated", "amplify": 2.0},
        ),
        (SHOW_WEAK, {"amplifyPower": 5.0}, {"amplify": 5.0}),
        (SHOW_WEAK, {"doAmplify": False}, {}),
        (ONLY_WHOLE, {"excludeSolvent": False}, {"attenuate": 3.0}),
        (SUBTRACT, {"makeSubtractionMask": False}, {"attenuate": 3.0}),
        (WEAK, {"normalisation": 2}, {"normalisation": "calibrated"}),
    ],
)
def test_what_is_set_on_the_form_wins_with_the_default_value_too(lab, number, form, expected):
    expected = Settings(preset=list(PRESETS)[number], **expected)
    assert settings_of(lab.local_scale(preset=number, **form)) == expected
    protocol = lab.local_scale(preset=number)
    for name, value in form.items():
        getattr(protocol, name).set(value)
    assert settings_of(protocol) == expected


def test_form_survives_the_project_and_a_workflow_file(lab, a_map, tmp_path):
    protocol = lab.local_scale(a_map, preset=ONLY_WHOLE, excludeSolvent=False, normalisation=0)
    lab.project.saveProtocol(protocol)
    command = [sys.executable, "-W", "ignore", "-c", READ_BACK, lab.name, protocol.strId()]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = next(line for line in done.stdout.splitlines() if line.startswith("FOUND"))
    assert Settings.from_dict(json.loads(found[len("FOUND") :])) == settings_of(protocol)
    lab.project.getRunsGraph(refresh=True)
    lab.project.exportProtocols([protocol], str(tmp_path / "workflow.json"))
    (loaded,) = lab.project.loadProtocols(str(tmp_path / "workflow.json")).values()
    assert settings_of(loaded) == settings_of(protocol) == Settings(preset="only_whole", attenuate=3.0)


# What each form shows of the parameters that have an effect only beside others.
DEPENDENT = (
    *("amplifyPower", "attenuatePower", "sigmoidPower", "makeSubtractionMask"),
    *("scaleLimit", "omitConfidence", "randomSeed", "histogramMatch", "lowpassOutput"),
)
AFTER_ANY = {"scaleLimit", "omitConfidence", "histogramMatch", "lowpassOutput"}
AFTER_ATTENUATION = {*AFTER_ANY, "attenuatePower", "makeSubtractionMask", "randomSeed"}


@pytest.mark.parametrize(
    ("form", "shown"),
    [
        ({}, set()),
        ({"preset": OCCUPANCY}, set()),
        ({"preset": CUSTOM}, set()),
        ({"preset": SHOW_WEAK}, {*AFTER_ANY, "amplifyPower"}),
        ({"preset": SHOW_WEAK, "doAmplify": False}, set()),
        ({"doAmplify": True}, {*AFTER_ANY, "amplifyPower"}),
        ({"preset": SUBTRACT}, AFTER_ATTENUATION),
        ({"preset": ONLY_WHOLE}, AFTER_ATTENUATION),
        ({"preset": ONLY_WHOLE, "doAttenuate": False}, {"histogramMatch", "lowpassOutput"}),
        ({"excludeSolvent": True}, {"histogramMatch", "lowpassOutput"}),
        ({"doSigmoid": True}, (AFTER_ATTENUATION - {"attenuatePower"}) | {"sigmoidPower"}),
        # Asked for without a modification, which is refused: it must be there to be taken back.
        ({"makeSubtractionMask": True}, {"makeSubtractionMask"}),
    ],
)
def test_form_hides_what_has_no_effect(lab, form, shown):
    protocol = lab.local_scale(**form)
    assert {name for name in DEPENDENT if protocol.evalParamCondition(name)} == shown


@pytest.mark.parametrize("number", range(7))
def test_form_says_what_the_question_sets(lab, number):
    protocol = lab.local_scale(preset=number)
    lines = [
        parameter.getLabel()
        for name, parameter in protocol.getDefinition().iterParams()
        if name.startswith("presetSets") and protocol.evalParamCondition(name)
    ]
    assert len(lines) == bool(list(PRESETS.values())[number].values)
    if number == SUBTRACT:
        assert lines == ["This sets: Attenuate: power 3, Subtraction masks yes."]


def test_reference_is_for_several_maps(lab, a_map, class_maps):
    assert not lab.local_scale(a_map).evalParamCondition("scaleReference")
    assert not lab.local_scale().evalParamCondition("scaleReference")
    assert lab.local_scale((class_maps, "outputVolumes")).evalParamCondition("scaleReference")


def test_sections_of_the_form(lab):
    sections = {
        section.getLabel(): [name for name, _ in section.iterParams()]
        for section in lab.local_scale().getDefinition().iterSections()
    }
    assert "maxBox" in sections["Input"] and "solventThreshold" in sections["Solvent"]
    expert = {name for name, parameter in lab.local_scale().getDefinition().iterParams() if parameter.isExpert()}
    assert {"scaleMode", "normalisation", "scaleReference", "maxBox"} <= expert


def test_question_is_answered(lab, a_map):
    protocol = lab.run_local_scale(a_map, preset=OCCUPANCY)
    settings = read_report(protocol._getExtraPath())["settings"]
    assert (settings["preset"], settings["mode"], settings["normalisation"]) == ("occupancy", "occupancy", "calibrated")
    # Outputs that are no density are no input.
    for name, kind in (("scaleMap", "local scale"), ("confidenceMap", "confidence")):
        (problem,) = lab.local_scale((protocol, name)).validate()
        assert problem.startswith("*Input map(s)*: ") and f"is the {kind} of import_" in problem
    modified = lab.run_local_scale(a_map, preset=ONLY_WHOLE)
    assert lab.local_scale((modified, "attenuatedMap")).validate() == []


def test_mask_is_no_input(lab, a_map):
    protocol = lab.run_local_scale(a_map, preset=SUBTRACT)
    (problem,) = lab.local_scale((protocol, "subtractionMaskAttenuated")).validate()
    assert "subtraction_mask_attenuated.mrc is a mask, expected a density map" in problem


def test_question_about_classes_needs_several_maps(lab, a_map, class_maps):
    (problem,) = lab.local_scale(a_map, preset=CLASSES).validate()
    assert problem.startswith("*What do you want to know?*: ") and "found one map" in problem
    assert lab.local_scale((class_maps, "outputVolumes"), preset=CLASSES).validate() == []


def test_comparison_does_not_offer_what_it_refuses(lab, class_maps):
    protocol = lab.compare(class_maps, "outputVolumes")
    assert "own" not in protocol.getParam("scaleReference").getHelp()
    assert protocol.validate() == []
