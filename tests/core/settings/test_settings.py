# SPDX-License-Identifier: GPL-3.0-or-later
import dataclasses
import json

import pytest

from occupy_core.errors import SettingsError
from occupy_core.settings.settings import Settings, descriptions


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("mode", "loud"),
        ("mode", 3),
        ("amplify", 1.0),
        ("amplify", float("nan")),
        ("attenuate", 0.5),
        ("sigmoid", "4"),
        ("sigmoid", True),
        ("pivot", 1.0),
        ("pivot", 0.0),
        ("exclude_solvent", "yes"),
        ("lowpass", 0.0),
        ("lowpass", float("inf")),
        ("kernel_size", 4),
        ("kernel_size", 33),
        ("kernel_radius", -1.0),
        ("tau", 1.0),
        ("normalisation", "other"),
        ("tile_size", 2),
        ("tile_size", 12.5),
        ("hedge_confidence", 0.9),
        ("scale_limit", 1.1),
        ("max_box", 255),
        ("max_box", 16),
        ("max_box", None),
        ("solvent_def", " "),
        ("solvent_threshold", 1.5),
        ("solvent_threshold", -0.1),
        ("hist_match", 1),
        ("reference", "best"),
        ("reference", "0"),
        ("seed", -1),
        ("model_window", 4),
        ("model_window", 101),
        ("model_window", -15),
        ("model_window", 15.5),
        ("model_groups", " "),
        ("model_masks", ""),
    ],
)
def test_an_error_about_a_bad_value_names_the_setting(name, bad):
    with pytest.raises(SettingsError) as caught:
        Settings(**{name: bad})
    assert caught.value.setting == name
    assert str(bad) in str(caught.value)
    assert descriptions()[name].values in str(caught.value)


@pytest.mark.parametrize("others", [{}, {"amplify": 3.0}, {"exclude_solvent": True}])
def test_subtraction_masks_need_attenuate_or_sigmoid(others):
    with pytest.raises(SettingsError, match="^subtraction_mask: .* add attenuate, or sigmoid, or both"):
        Settings(subtraction_mask=True, **others)


def test_solvent_cannot_be_excluded_without_confidence():
    with pytest.raises(SettingsError, match="contradicts the setting omit_confidence"):
        Settings(exclude_solvent=True, omit_confidence=True)


def test_defaults_have_the_documented_values():
    settings = Settings()
    assert settings.modifications == ()
    assert (settings.tile_size, settings.max_box, settings.scale_limit, settings.seed) == (12, 256, 0.05, 0)
    assert (settings.normalisation, settings.pivot, settings.hedge_confidence) == ("tiled", 0.3, 1.0)
    assert [descriptions()[name].when_on for name in ("amplify", "attenuate", "sigmoid")] == [3, 3, 4]
    assert (settings.hist_match, settings.subtraction_mask, settings.solvent_threshold) == (False, False, None)


@pytest.mark.parametrize(
    ("values", "mode"),
    [
        ({}, "resolution"),
        ({"amplify": 2.0}, "occupancy"),
        ({"exclude_solvent": True}, "occupancy"),
        ({"amplify": 2.0, "mode": "resolution"}, "resolution"),
        ({"mode": "occupancy"}, "occupancy"),
        ({"sigmoid": 4.0, "subtraction_mask": True}, "occupancy"),
        ({"solvent_threshold": 0.2}, "resolution"),
    ],
)
def test_mode_auto_is_occupancy_when_a_map_is_modified_or_masked(values, mode):
    assert Settings(**values).resolved_mode == mode


def test_settings_survive_a_round_trip_through_json():
    settings = Settings(sigmoid=5.0, pivot=0.4, lowpass=12.0, solvent_def="s.mrc", max_box=0)
    assert Settings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


def test_an_unknown_setting_is_refused():
    with pytest.raises(SettingsError, match="not a setting"):
        Settings.from_dict({"loudness": 11})


def test_every_setting_has_a_complete_description():
    for name, description in descriptions().items():
        assert description.label and description.values, name
        assert description.help.endswith("."), name
    assert len(descriptions()) == len(dataclasses.fields(Settings))


@pytest.mark.parametrize("name", ["attenuate", "amplify", "sigmoid", "kernel_radius", "lowpass", "lowpass_output"])
def test_numbers_beyond_single_precision_are_refused(name):
    with pytest.raises(SettingsError, match=rf"^{name}: got 1e\+300, expected at most 1e\+30$"):
        Settings(**{name: 1e300})


def test_preset_is_replaced_by_given_settings():
    assert Settings.with_preset("occupancy") == Settings(
        preset="occupancy", mode="occupancy", normalisation="calibrated"
    )
    assert Settings.with_preset("occupancy", normalisation="tiled").normalisation == "tiled"
    assert Settings.with_preset("only_whole", attenuate=None).attenuate is None
    with pytest.raises(SettingsError, match="^preset: got 'loud', expected weak, occupancy"):
        Settings.with_preset("loud")
