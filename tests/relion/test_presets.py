# SPDX-License-Identifier: GPL-3.0-or-later
"""The option --preset: what it sets, and what wins over it."""

import json

import pytest

from demo.classification import classes
from occupy_core.errors import SettingsError
from occupy_core.settings.presets import PRESETS
from occupy_core.settings.settings import Settings
from relion_external.job import run
from relion_external.options import parse

JOB = ["--o", "job/", "--in_3dref", "map.mrc"]


def settings(*words):
    return parse([*JOB, *words]).settings


@pytest.mark.parametrize("name", PRESETS)
def test_preset_sets_what_answers_its_question(name):
    assert settings("--preset", name) == Settings(preset=name, **PRESETS[name].values)


def test_without_a_preset_nothing_is_set():
    assert settings() == settings("--preset", "custom") == settings("--preset", "off") == Settings()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("occupancy --normalisation kernel", {"mode": "occupancy", "normalisation": "kernel"}),
        ("occupancy --normalisation tiled", {"mode": "occupancy", "normalisation": "tiled"}),
        ("occupancy --mode auto", {"mode": "auto", "normalisation": "calibrated"}),
        ("show_weak --amplify 5", {"amplify": 5.0}),
        ("show_weak --amplify off", {"amplify": None}),
        ("show_weak --sigmoid", {"amplify": 3.0, "sigmoid": 4.0}),
        ("only_whole --exclude_solvent no", {"attenuate": 3.0, "exclude_solvent": False}),
    ],
)
def test_setting_beside_a_preset_wins_with_the_default_value_too(words, expected):
    preset, *others = words.split()
    assert settings("--preset", preset, *others) == Settings(preset=preset, **expected)
    assert settings(*others, "--preset", preset) == Settings(preset=preset, **expected)


@pytest.mark.parametrize("word", ["default", "", "none", "off"])
def test_setting_that_is_not_given_is_left_to_the_preset(word):
    assert settings("--preset", "occupancy", "--normalisation", word).normalisation == "calibrated"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("ocupancy", "did you mean occupancy"),
        ("subtract --attenuate no", "--preset subtract sets subtraction_mask"),
        ("only_whole --omit_confidence", "--preset only_whole sets exclude_solvent"),
    ],
)
def test_contradiction_names_the_preset(words, message):
    with pytest.raises(SettingsError, match=message):
        settings("--preset", *words.split())


def test_job_says_and_records_its_question(phantom_file, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(["--o", "job/", "--in_3dref", str(phantom_file), "--preset", "occupancy", "--figures", "no"]) == 0
    shown = capsys.readouterr().out
    assert "How occupied is each part? Preset occupancy sets: mode occupancy, normalisation calibrated\n" in shown
    recorded = json.loads((tmp_path / "job/report.json").read_text())["settings"]
    assert (recorded["preset"], recorded["normalisation"]) == ("occupancy", "calibrated")
    # A new question to the same maps: what belonged to the first question is not kept.
    again = parse(["--o", "new/", "--settings", "job/report.json", "--preset", "only_whole"]).settings
    assert again == Settings(preset="only_whole", attenuate=3.0, exclude_solvent=True, figures=False)
    forced = ["--o", "job/", "--in_3dref", str(phantom_file), "--preset", "occupancy", "--normalisation", "tiled"]
    assert run([*forced, "--figures", "no"]) == 0
    assert parse(["--o", "new/", "--settings", "job/report.json"]).settings.normalisation == "tiled"


def test_question_about_classes_needs_classes(phantom_file, write_mrc, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    header = "data_\n\nloop_\n_rlnReferenceImage #1\n"
    (tmp_path / "one.star").write_text(f"{header}{phantom_file}\n")
    paths = [
        write_mrc(simulated.volume, f"map{number}.mrc", simulated.voxel_size)
        for number, simulated in enumerate(classes()[:2], start=1)
    ]
    (tmp_path / "two.star").write_text(header + "".join(f"{path}\n" for path in paths))
    words = ["--preset", "classes", "--figures", "no"]
    assert run(["--o", "job/", "--in_parts", "one.star", *words]) == 1
    assert "--preset classes: found one map" in capsys.readouterr().err
    assert run(["--o", "job/", "--in_3dref", str(phantom_file), *words]) == 1
    assert "run_itNNN_data.star" in capsys.readouterr().err
    assert run(["--o", "job/", "--in_parts", "two.star", *words]) == 0
    assert (tmp_path / "job/occupancy_regions.star").exists()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("show_weak", "amplify 3"),
        ("show_weak --amplify off", "nothing; given instead: amplify off"),
        ("occupancy --normalisation tiled", "mode occupancy; given instead: normalisation tiled"),
        ("subtract --attenuate 4", "subtraction_mask yes; given instead: attenuate 4"),
        ("weak --amplify", "the defaults of all settings"),
    ],
)
def test_log_says_what_a_preset_sets_and_what_overrules_it(words, text, phantom_file, tmp_path, capfd):
    job = ["--o", f"{tmp_path}/job/", "--in_3dref", phantom_file, "--figures", "no", "--preset", *words.split()]
    run(job)
    assert f" Preset {words.split()[0]} sets: {text}\n" in capfd.readouterr().out
