# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of settings as people type them."""

import pytest

from occupy_core.errors import SettingsError
from occupy_core.settings.settings import Settings, default_of, descriptions
from occupy_core.settings.typed_values import NOT_GIVEN, parse_number, parse_value


def parse(name, text):
    value = parse_value(name, text, descriptions()[name], default_of(name))
    Settings(**{"attenuate": 3.0, name: value})  # its range is allowed
    return value


@pytest.mark.parametrize("word", [*NOT_GIVEN, "Off ", "NONE", '"auto"', "Default"])
@pytest.mark.parametrize("name", [name for name in descriptions() if name != "target_mask"])
def test_words_that_mean_not_given_are_taken_for_every_setting(name, word):
    value = parse(name, word)
    description = descriptions()[name]
    if word.strip().lower() in ("off", "none") and description.when_off is not None:
        assert value == description.when_off
    elif word.strip().lower() in ("off", "none") and description.kind == "flag":
        assert value is False
    else:
        assert value == default_of(name)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        *(
            ("lowpass", text, 8.0)
            for text in ("8", "8A", "8 Å", "8\u212b", "8 a", "8 ang", "8.0 Angstrom", "+8", "8e0")
        ),
        *(("lowpass", text, 12.5) for text in ("12.5", "12,5", " 12,5 Å ", '"12.5"', "'12,5 A'", "12.5 ångström")),
        *(("lowpass", text, 20.0) for text in ("2 nm", "2nm", "2.0 NM", "2 nanometers", "2,0 nm.")),
        ("lowpass", "1.062 nm", 10.62),
        ("lowpass_output", "0,125", 0.125),
        *(("pivot", text, 0.5) for text in ("0.5", ".5", "0,5", "50 %", "50%", "5e-1")),
        ("tau", "90 %", 0.9),
        ("scale_limit", "5%", 0.05),
        ("solvent_threshold", "15 %", 0.15),
        *(("kernel_size", text, 5) for text in ("5", "5.0", "5 voxels", "5 px", "5 pixels", "5,0")),
        ("kernel_radius", "2.5 vox", 2.5),
        ("model_window", "15 residues", 15),
        ("max_box", "0", 0),
        ("max_box", "none", 0),
        ("max_box", "256 px", 256),
        ("amplify", "3,5", 3.5),
        *(
            ("classes", text, "1,2,3")
            for text in ("1-3", "1 - 3", "1,2,3", "1, 2, 3", "1 2 3", "1;2;3", "001-003", "1–3")
        ),
        *(("classes", text, "1,3,4") for text in ("1,3-4", "class 1, class 3, 4", "classes 1, 3, 4", "1,,3,4,")),
        *(("classes", text, "all") for text in ("ALL", " all ", "")),
        *(("reference", text, "2") for text in ("2", "002", "class 2", "Class002", "class_2")),
        ("reference", " Shared ", "shared"),
        ("mode", " Occupancy ", "occupancy"),
        ("model_masks", "A,B", "A,B"),
        *(("model_masks", text, "yes") for text in ("Yes", "true", "ON")),
        ("figures", "none", False),
    ],
)
def test_clear_forms_are_taken(name, text, value):
    assert parse(name, text) == value


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("lowpass", "fine", "got 'fine', expected a number in Å"),
        ("lowpass", "8 mm", "write 8 without 'mm', if it is meant so"),
        ("lowpass", "8 px", "expected a number in Å: at least 2 voxels"),
        ("lowpass", "2,125", "write 2.125 or 2125"),
        ("lowpass", "1.2.3", "expected a number in Å"),
        ("lowpass", "nan", "expected a number in Å"),
        ("lowpass", "inf", "expected a number in Å"),
        ("lowpass", "1e999", "expected a number in Å"),
        ("lowpass", "9" * 5000, "(5002 characters), expected"),
        ("kernel_size", "5 Å", "expected a whole number of voxels: odd, 3..31"),
        ("kernel_size", "5.5", "got '5.5', expected a whole number of voxels"),
        ("kernel_size", "50 %", "expected a whole number of voxels"),
        ("amplify", "300 %", "write 300 without '%'"),
        ("mode", "ocupancy", "did you mean occupancy?"),
        ("normalisation", "calibrate", "did you mean calibrated?"),
        ("nlrc", "perhaps", "expected yes or no"),
        ("classes", "3-1", "expected all, or numbers such as 1,3,4, or 1-3"),
        ("classes", "1-1000000000", "expected all"),
        ("classes", "one", "expected all"),
        ("classes", "0", "expected all"),
    ],
)
def test_unclear_forms_are_refused_with_the_unit_and_the_form(name, text, message):
    with pytest.raises(SettingsError) as caught:
        parse(name, text)
    assert message in str(caught.value) and len(str(caught.value)) < 300
    assert caught.value.setting == name


def test_numbers_have_their_unit_or_none():
    assert parse_number("1,06 Å", unit="Å") == 1.06
    assert parse_number("1.06 Å") is None and parse_number("50 %") is None
    assert parse_number("50 %", is_fraction=True) == 0.5
    assert parse_number("8 \udcc3\udc85", unit="Å") == 8, "Å under a locale without UTF-8"
    assert parse_number("") is None and parse_number("8 \udcff", unit="Å") is None


def test_all_wrong_settings_are_found():
    with pytest.raises(SettingsError) as caught:
        Settings(amplify=0.5, kernel_size="5", pivot=3.0, exclude_solvent=True, omit_confidence=True)
    assert [error.setting for error in caught.value.all] == ["kernel_size", "amplify", "pivot", "exclude_solvent"]
    assert all(f"{error.setting}: {error.problem}" in str(caught.value) for error in caught.value.all)
