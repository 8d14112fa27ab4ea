# SPDX-License-Identifier: GPL-3.0-or-later
"""The form has the core's settings, all and no other, and returns their values."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from pwem.objects import VolumeMask
from pyworkflow.protocol import params
from pyworkflow.utils import parseHyperText

from occupy_core.settings.settings import Settings, descriptions
from occupy_scipion.form import FIELDS, form_settings, settings_of
from occupy_scipion.protocols import ProtOccupyCompareClasses, ProtOccupyLocalScale, ProtOccupyModel
from tests.conftest import REPOSITORY

# Settings without a field: in Scipion the classes are chosen as the input.
NOT_ON_THE_FORM = {"classes", *(name for name in descriptions() if name.startswith("model"))}

CHANGED = {
    "preset": 6,
    "invertContrast": True,
    "scaleMode": 2,
    "doAmplify": True,
    "amplifyPower": 2.5,
    "doAttenuate": True,
    "attenuatePower": 4.0,
    "doSigmoid": True,
    "sigmoidPower": 5.0,
    "sigmoidPivot": 0.4,
    "lowpass": 12.0,
    "kernelSize": 7,
    "kernelRadius": 2.5,
    "tau": 0.9,
    "normalisation": 1,
    "tileSize": 10,
    "noiseLevelRecalibration": True,
    "hedgeConfidence": 2.0,
    "omitConfidence": True,
    "scaleLimit": 0.1,
    "lowpassOutput": 9.0,
    "histogramMatch": True,
    "makeSubtractionMask": True,
    "solventFromScale": True,
    "solventThreshold": 0.25,
    "maxBox": 64,
    "scaleReference": " Shared",
    "randomSeed": 7,
    "drawFigures": False,
}
EXPECTED = {
    "preset": "custom",
    "invert": True,
    "mode": "occupancy",
    "amplify": 2.5,
    "attenuate": 4.0,
    "sigmoid": 5.0,
    "pivot": 0.4,
    "lowpass": 12.0,
    "kernel_size": 7,
    "kernel_radius": 2.5,
    "tau": 0.9,
    "normalisation": "kernel",
    "tile_size": 10,
    "nlrc": True,
    "hedge_confidence": 2.0,
    "omit_confidence": True,
    "scale_limit": 0.1,
    "lowpass_output": 9.0,
    "hist_match": True,
    "subtraction_mask": True,
    "solvent_threshold": 0.25,
    "max_box": 64,
    "reference": "shared",
    "seed": 7,
    "figures": False,
}
# Settings of the form of "compare classes" only.
OF_COMPARISON = {"particles", "difference"}


def parameters(lab):
    return dict(lab.local_scale().getDefinition().iterParams())


def test_form_has_every_setting_and_no_other(lab):
    shown = parameters(lab)
    assert set(FIELDS) | NOT_ON_THE_FORM == set(descriptions())
    compared = dict(lab.compare().getDefinition().iterParams())
    for name, field in FIELDS.items():
        assert field.parameter in (compared if name in OF_COMPARISON else shown), name
        assert name not in OF_COMPARISON or field.parameter not in shown


def test_labels_help_and_levels_come_from_the_core(lab):
    shown = {**dict(lab.compare().getDefinition().iterParams()), **parameters(lab)}
    for name, field in FIELDS.items():
        parameter, description = shown[field.parameter], descriptions()[name]
        assert parameter.getLabel() == description.label
        assert description.help in parameter.getHelp() and description.values in parameter.getHelp()
        assert parameter.isExpert() == description.expert


# What an unchanged form gives, which asks the first question.
UNCHANGED = Settings(preset="weak")


def test_unchanged_form_gives_the_defaults(lab):
    assert settings_of(lab.local_scale()) == UNCHANGED


def test_form_gives_every_setting(lab):
    apart = {"exclude_solvent", "solvent_def", "target_mask"} | OF_COMPARISON
    assert set(EXPECTED) | apart == set(form_settings())
    assert settings_of(lab.local_scale(excludeSolvent=True)) == replace(UNCHANGED, exclude_solvent=True)
    given = settings_of(lab.local_scale(**CHANGED), solvent_definition="mask.mrc", target_masks=["a.mrc", "b.mrc"])
    assert given == Settings(**EXPECTED, solvent_def="mask.mrc", target_mask=("a.mrc", "b.mrc"))
    for name in EXPECTED:
        assert getattr(given, name) != getattr(UNCHANGED, name), name


@pytest.mark.parametrize(
    "switch, fields",
    [
        ("doAmplify", ["amplifyPower"]),
        ("doAttenuate", ["attenuatePower"]),
        ("doSigmoid", ["sigmoidPower", "sigmoidPivot"]),
        ("solventFromScale", ["solventThreshold"]),
    ],
)
def test_values_are_shown_and_used_only_if_switched_on(lab, switch, fields):
    off, on = lab.local_scale(), lab.local_scale(**{switch: True})
    for name in fields:
        assert not off.evalParamCondition(name)
        assert on.evalParamCondition(name)
    # Values in hidden fields have no effect.
    assert settings_of(lab.local_scale(**dict.fromkeys(fields, 0.5))) == UNCHANGED
    (name,) = (name for name, field in FIELDS.items() if field.parameter == fields[0])
    assert settings_of(on) == replace(UNCHANGED, **{name: descriptions()[name].when_on})


def test_optional_numbers_may_be_empty(lab):
    protocol = lab.local_scale()
    for name in ("lowpass", "kernelSize", "kernelRadius", "tau", "lowpassOutput"):
        assert getattr(protocol, name).get() is None
        assert parameters(lab)[name].validate(None) == []
    for name in ("tileSize", "scaleLimit", "maxBox"):
        assert parameters(lab)[name].validate(None) != []


def test_every_section_has_a_parameter_that_is_not_for_experts(lab):
    for section in lab.local_scale().getDefinition().iterSections():
        assert not all(parameter.isExpert() for _, parameter in section.iterParams()), section.getLabel()


@pytest.mark.parametrize(
    "name, values, label",
    [
        ("amplify", {"doAmplify": True, "amplifyPower": 1.0}, "Amplify: power"),
        ("pivot", {"doSigmoid": True, "sigmoidPivot": 1.5}, "Sigmoid: pivot"),
        ("lowpass", {"lowpass": -3.0}, "Low-pass (Å)"),
        ("kernel_size", {"kernelSize": 4}, "Kernel size (voxels)"),
        ("max_box", {"maxBox": 31}, "Maximum box (voxels)"),
        ("mode", {"scaleMode": 4}, "Scale mode"),
        ("preset", {"preset": 7}, "What do you want to know?"),
        ("amplify", {"doAmplify": 3}, "Amplify: power"),
    ],
)
def test_wrong_value_is_reported_with_its_label(lab, a_map, name, values, label):
    (problem,) = lab.local_scale(a_map, **values).validate()
    assert descriptions()[name].label == label
    assert problem.startswith(f"*{label}*: got ") and "expected" in problem


def test_every_setting_that_changes_the_result_is_a_step_argument(lab, a_map):
    """On Continue, Scipion compares the arguments of the steps. The number of threads does not change the result."""

    def arguments(**values):
        protocol = lab.local_scale(a_map, **values)
        protocol._insertAllSteps()
        return [step.argsStr.get() for step in protocol._steps]

    plain = arguments()
    assert arguments() == plain == arguments(numberOfThreads=2)
    assert arguments(excludeSolvent=True) != plain
    for name, value in CHANGED.items():
        switches = {
            "sigmoidPivot": "doSigmoid",
            "makeSubtractionMask": "doAttenuate",
            "solventThreshold": "solventFromScale",
        }
        switch = switches.get(name, f"do{name[0].upper()}{name[1:-5]}" if name.endswith("Power") else "")
        before = arguments(**{switch: True}) if switch else plain
        assert arguments(**{name: value}, **({switch: True} if switch else {})) != before, name


def test_parameters_have_the_right_classes(lab):
    shown = parameters(lab)
    assert type(shown["solventDefinition"]) is params.PointerParam
    assert type(shown["targetMasks"]) is params.MultiPointerParam
    assert isinstance(shown["scaleMode"], params.EnumParam)
    assert shown["scaleMode"].choices == [*descriptions()["mode"].choices, "as the question needs"]
    assert isinstance(shown["tileSize"], params.IntParam) and isinstance(shown["tau"], params.FloatParam)


def test_scipion_window_suggests_a_map_but_no_mask(lab, a_map):
    """On a new form, the window fills in the output of the selected protocol."""
    import pyworkflow.gui.project  # noqa: F401  before the form: a circular import
    from pyworkflow.gui.form import FormWindow
    from pyworkflow.object import Pointer

    protocol = lab.project.newProtocol(ProtOccupyLocalScale)
    window = SimpleNamespace(getPreviousProtOutput=a_map.iterOutputAttributes, previousProt=a_map)
    suggested = {
        name: FormWindow.suggestValueFromPreviousProt(window, protocol.getParam(name), Pointer()).hasValue()
        for name in ("inputVolumes", "solventDefinition", "targetMasks")
    }
    assert suggested == {"inputVolumes": True, "solventDefinition": False, "targetMasks": False}
    # The list to choose from has volumes and masks.
    for mask in ("solventDefinition", "targetMasks"):
        (name,) = protocol.getParam(mask).pointerClass.get().split(",")
        assert issubclass(VolumeMask, lab.domain.findClass(name.strip()))


def test_the_documentation_lists_the_parameters_of_all_settings():
    text = (REPOSITORY / "docs/scipion.md").read_text(encoding="utf-8")
    for name, field in FIELDS.items():
        switch = f", switched on by `{field.switch}`" if field.switch else ""
        assert f"| `{name}` | `{field.parameter}`{switch} |" in text


def test_all_wrong_values_are_reported_at_once(lab, a_map):
    problems = lab.local_scale(a_map, doAmplify=True, amplifyPower=1.0, lowpass=-3.0, kernelSize=4).validate()
    assert [problem.split("*")[1] for problem in problems] == ["Amplify: power", "Low-pass (Å)", "Kernel size (voxels)"]


@pytest.mark.parametrize(
    ("text", "reference"),
    [("", "auto"), (" Off ", "auto"), ("none", "auto"), ("default", "auto"), ("class 2", "2"), ('"Own"', "own")],
)
def test_texts_are_understood_as_on_the_command_line(lab, text, reference):
    assert settings_of(lab.local_scale(scaleReference=text)).reference == reference


@pytest.mark.parametrize("kind", [ProtOccupyLocalScale, ProtOccupyCompareClasses, ProtOccupyModel])
def test_help_is_shown_as_it_is_meant(lab, kind):
    """No line breaks within a sentence, and no stars: those around bold words vanish when Scipion finds the words."""
    protocol = lab.project.newProtocol(kind)
    texts = [protocol.getHelpText()]
    for section in protocol.getDefinition().iterSections():
        if section.getLabel() in ("Input", "Modified maps", "Solvent", "Target masks", "Solvent and target masks"):
            texts += [parameter.getHelp() for _, parameter in section.iterParams()]
    assert len(texts) > 8
    tags = []
    for text in texts:
        shown = parseHyperText(text, lambda match, tag: tags.append(tag) or " bold ")
        assert "*" not in shown and set(tags) <= {"bold"}, text
        for line in text.splitlines():
            assert not line or (line == line.strip() and line[-1] in ".?:"), line
