# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse command lines of the External job."""

import pytest

from occupy_core.errors import SettingsError
from occupy_core.settings.settings import Settings, descriptions
from relion_external.job import run
from relion_external.options import OptionError, parse

JOB = ["--o", "External/job004/", "--in_3dref", "map.mrc"]


def settings(*words):
    return parse([*JOB, *words]).settings


def test_command_line_of_relion_is_parsed():
    options = parse(
        "--o External/job020/ --in_3dref Class3D/job003/run_it010_class002.mrc --in_mask MaskCreate/job002/mask.mrc "
        "--amplify 3 --exclude_solvent --j 2 --pipeline_control External/job020/".split()
    )
    assert options.input_path == "Class3D/job003/run_it010_class002.mrc"
    assert options.output_dir == "External/job020/"
    assert options.threads == 2
    assert options.settings == Settings(amplify=3.0, exclude_solvent=True, solvent_def="MaskCreate/job002/mask.mrc")
    assert options.warnings == ()


def test_command_line_of_ccpem_pipeliner_is_parsed():
    options = parse(["--in_3Dref", "map.mrc", "--o", "External/job017/", "--mode", "occupancy"])
    assert options.input_path == "map.mrc"
    assert options.threads == 1


@pytest.mark.parametrize("name", [name for name, item in descriptions().items() if item.kind == "flag"])
def test_flag_accepts_every_spelling_of_yes_and_no(name):
    for words in ([], ["yes"], ["Yes"], ["TRUE"], ["1"], ["on"]):
        assert getattr(settings("--attenuate", f"--{name}", *words), name) is True
    for words in (["no"], ["No"], ["FALSE"], ["0"]):
        assert getattr(settings(f"--{name}", *words), name) is False
    with pytest.raises(SettingsError, match="expected yes or no"):
        settings(f"--{name}", "perhaps")


@pytest.mark.parametrize(("name", "value_when_on"), [("amplify", 3), ("attenuate", 3), ("sigmoid", 4)])
def test_power_without_a_value_has_its_usual_value(name, value_when_on):
    assert getattr(settings(), name) is None
    assert getattr(settings(f"--{name}"), name) == value_when_on
    assert getattr(settings(f"--{name}", "Yes"), name) == value_when_on
    assert getattr(settings(f"--{name}", "2.5"), name) == 2.5
    assert getattr(settings(f"--{name}", "No"), name) is None
    with pytest.raises(SettingsError, match="expected > 1"):
        settings(f"--{name}", "1")


def test_threshold_without_a_value_has_its_usual_value():
    assert settings("--solvent_threshold").solvent_threshold == 0.15
    assert settings("--solvent_threshold", "0").solvent_threshold == 0
    assert settings("--solvent_threshold", "no").solvent_threshold is None
    with pytest.raises(SettingsError, match="expected 0..1"):
        settings("--solvent_threshold", "2")


def test_every_setting_has_an_option_of_the_same_name():
    given = {
        "mode": ("Occupancy", "occupancy"),
        "amplify": ("2", 2.0),
        "attenuate": ("2", 2.0),
        "sigmoid": ("2", 2.0),
        "pivot": ("0.5", 0.5),
        "exclude_solvent": ("yes", True),
        "lowpass": ("12", 12.0),
        "kernel_size": ("5", 5),
        "kernel_radius": ("2.5", 2.5),
        "tau": ("0.9", 0.9),
        "normalisation": ("kernel", "kernel"),
        "tile_size": ("8", 8),
        "nlrc": ("1", True),
        "hedge_confidence": ("2", 2.0),
        "omit_confidence": ("true", True),
        "scale_limit": ("0", 0.0),
        "lowpass_output": ("6", 6.0),
        "hist_match": ("yes", True),
        "subtraction_mask": ("1", True),
        "solvent_threshold": ("0.25", 0.25),
        "max_box": ("0", 0),
        "solvent_def": ("solvent.mrc", "solvent.mrc"),
        "target_mask": ("head.mrc, tail.mrc", ("head.mrc", "tail.mrc")),
        "classes": ("3, 1", "3,1"),
        "reference": ("Shared", "shared"),
        "seed": ("3", 3),
        "figures": ("No", False),
        "model": ("model.cif", "model.cif"),
        "model_groups": ("entity", "entity"),
        "model_window": ("20", 20),
        "model_whole": ("A,B", "A,B"),
        "model_masks": ("A", "A"),
    }
    assert set(given) == set(descriptions())
    for name, (word, value) in given.items():
        assert getattr(settings("--attenuate", f"--{name}", word), name) == value


@pytest.mark.parametrize(("word", "value"), [("Entity", "entity"), (" CHAIN ", "chain"), ("Parts.txt", "Parts.txt")])
def test_kinds_of_parts_may_have_capitals(word, value):
    assert settings("--model", "fitted.cif", "--model_groups", word).model_groups == value


def test_warns_of_a_map_as_in_parts():
    words = ["--o", "out/", "--in_parts", "run_it025_class001.mrc"]
    (warning,) = parse(words).warnings
    assert "no classes are compared" in warning and "run_itNNN_data.star" in warning
    assert parse([*words, "--classes", "all"]).warnings == ()


def test_target_masks_may_be_separate_options_or_words():
    words = ["--target_mask", "a.mrc", "--target_mask", "b.mrc,c.mrc", "d.mrc"]
    assert settings(*words).target_mask == ("a.mrc", "b.mrc", "c.mrc", "d.mrc")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--amplfy", "3"], "did you mean --amplify"),
        (["--tile-size", "12"], "did you mean --tile_size"),
        (["--Sigmoid"], "did you mean --sigmoid"),
        (["--modle", "fitted.cif"], "did you mean --model?"),
        (["--moed", "occupancy"], "did you mean --mode?"),
        (["--models", "fitted.cif"], "did you mean --model?"),
        (["--model-group", "entity"], "did you mean --model_groups?"),
        (["--xyzzy"], "expected one of --o, --in_3dref"),
        (["stray"], "'stray' where an option was expected"),
        (["--lowpass"], "expected one argument"),
        (["--angpix", "0"], "above 0"),
        (["--angpix", "wide"], "above 0"),
        (["--j", "0"], "whole number above 0"),
        (["--j", "-2"], "whole number above 0"),
        (["--in_mask", "a.mrc", "--solvent_def", "b.mrc"], "give only one of the two"),
        (["--kernel_size", "5.5"], "whole number"),
        (["--lowpass", "fine"], "'fine', expected"),
    ],
)
def test_error_names_the_wrong_option(words, message):
    with pytest.raises((OptionError, SettingsError)) as caught:
        parse([*JOB, *words])
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--o", "x/"], "no map given, expected --in_3dref"),
        (["--in_3dref", "map.mrc"], "no output folder"),
    ],
)
def test_input_map_and_output_folder_are_required(words, message):
    with pytest.raises(OptionError, match=message):
        parse(words)


def test_warns_of_unused_inputs():
    options = parse([*JOB, "--in_movies", "m.star", "--in_coords", "c.star"])
    assert options.warnings == ("--in_movies is not used by this job", "--in_coords is not used by this job")


def test_blank_parameter_name_is_ignored():
    assert settings("--", "--pivot", "0.4").pivot == 0.4


@pytest.mark.parametrize("words", [["1,3"], ["1, 3"], ["1", "3"], ["1,", "3"], ["1 3"]])
def test_class_numbers_may_be_separated_by_blanks(words):
    assert settings("--classes", *words).classes == "1,3"


@pytest.mark.parametrize("words", [["A,B/HEM 501"], ["A,B/HEM", "501"]])
def test_names_of_parts_may_have_blanks(words):
    assert settings("--model_whole", *words).model_whole == "A,B/HEM 501"
    assert settings("--model_masks", *words).model_masks == "A,B/HEM 501"
    assert settings("--model_masks").model_masks == "yes"
    assert settings("--model_whole", "").model_whole == ""


def test_the_middle_of_endless_values_is_left_out(capsys):
    assert run(["--o", "job/", "--in_3dref", "a.mrc", "--attenuate", "x" * 3000]) == 1
    line = capsys.readouterr().err
    assert "got 'xxx" in line and "(3003 characters)" in line and len(line) < 300
