# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse command lines of the External job."""

import pytest

from occupy_core.errors import SettingsError
from occupy_core.settings.settings import Settings, descriptions
from relion_external.job import run
from relion_external.option_values import OptionError
from relion_external.options import parse
from relion_external.output_folder import find_output_folder

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
        "preset": ("Weak", "weak"),
        "invert": ("yes", True),
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
        "particles": ("Yes", True),
        "difference": ("class 3, 1", "3,1"),
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
        (["--modle", "fitted.cif"], "did you mean --model?"),
        (["--moed", "occupancy"], "did you mean --mode?"),
        (["--models", "fitted.cif"], "did you mean --model?"),
        (["--model-group", "entity"], "did you mean --model_groups?"),
        (["--xyzzy"], "expected one that --help lists"),
        (["--threads", "4"], "did you mean --j?"),
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


def test_a_name_that_begins_with_a_dash_is_told_how_to_be_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "-x.mrc").touch()
    with pytest.raises(OptionError, match=r"'-x.mrc' .* expected; for the file of this name write ./-x.mrc"):
        parse(["--o", "job/", "--in_3dref", "-x.mrc"])
    assert parse(["--o", "job/", "--in_3dref", "./-x.mrc"]).input_path == "./-x.mrc"


def test_warns_of_options_that_are_given_twice():
    options = parse([*JOB, "--amplify", "3", "--Amplify=4", "--target_mask", "a.mrc", "--target_mask", "b.mrc"])
    assert options.settings.amplify == 4
    assert options.warnings == ("--amplify is given more than once; the last one counts",)


@pytest.mark.parametrize("word", ["—amplify", "–-amplify", "−amplify=3"])
def test_dashes_of_word_processors_are_dashes(word):
    words = [word] if "=" in word else [word, "3"]
    assert parse([*JOB, *words]).settings.amplify == 3


@pytest.mark.parametrize("word", ["8 Å/px", "8 A/pix", "8/pixel", "0.8 nm/voxel"])
def test_voxel_size_may_be_a_length_per_voxel(word):
    assert parse([*JOB, "--angpix", *word.split()]).voxel_size == 8


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


@pytest.mark.parametrize("label", ["--tile_size", "--tile-size", "--Tile_Size", "-tile-size", "----tile-size"])
def test_labels_may_have_dashes_and_capitals(label):
    assert settings(label, "8").tile_size == 8
    assert settings(f"{label}=8").tile_size == 8


@pytest.mark.parametrize("words", [["8", "Å"], ["8Å"], ["8", "A"], ["8,0"], ["8 Å"]])
def test_units_may_be_words_of_their_own(words):
    assert settings("--lowpass", *words).lowpass == 8
    assert parse([*JOB, "--angpix", *words]).voxel_size == 8


@pytest.mark.parametrize("word", ["None", "none", "off", "auto", "default", ""])
def test_options_that_are_no_settings_may_be_not_given_in_words(word):
    options = parse([*JOB, "--in_parts", word, "--in_mask", word, "--angpix", word, "--j", word, "--settings", word])
    assert (options.input_path, options.voxel_size, options.threads) == ("map.mrc", None, 1)
    assert settings("--target_mask", word, "--solvent_def", word, "--model", word) == Settings()
    assert parse([*JOB, "--classes", word]).expand_class_map is False


def test_files_are_found_however_their_names_are_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("map.mrc", "two words.mrc", "a.mrc", "b.mrc", "none"):
        (tmp_path / name).touch()
    for words in (["map.mrc:mrc"], ['"map.mrc"'], [f"file://{tmp_path}/map.mrc"], ["map.*"]):
        assert parse(["--o", "x/", "--in_3dref", *words]).input_path.endswith("map.mrc")
    assert parse(["--o", "x/", "--in_3dref", "two", "words.mrc"]).input_path == "two words.mrc"
    assert settings("--target_mask", "[ab].mrc").target_mask == ("a.mrc", "b.mrc")
    assert settings("--target_mask", "two", "words.mrc").target_mask == ("two words.mrc",)
    assert settings("--solvent_def", "none").solvent_def == "none", "a file of this name is there"
    with pytest.raises(OptionError, match="got 2 files, a.mrc to b.mrc, expected one; .* give --in_parts"):
        parse(["--o", "x/", "--in_3dref", "a.mrc", "b.mrc"])


def test_all_mistakes_are_reported_in_one_go(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    words = "--o x/ --in_3dref gone.mrc --lowpass fine --pivot 3 --modle fitted.cif --j none --kernel_size 4 stray"
    assert run([*words.split(), "--target_mask", "lost.mrc"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    for text in (
        "6 mistakes: (1) unknown option --modle, expected one that --help lists; did you mean --model?; (2)",
        "--lowpass: got 'fine', expected a number in Å: at least 2 voxels, at most half of the box; leave it out "
        "for the default (max(8 Å, 3 voxels))",
        "--pivot: got 3.0, expected 0.01..0.99; leave it out for the default (0.3)",
        "--kernel_size: got '4 stray', expected a whole number of voxels",
        "--in_3dref: gone.mrc: no such file, expected a map",
        "--target_mask: lost.mrc: no such file",
    ):
        assert text in line, line
    assert not (tmp_path / "x").exists()


def test_a_wrong_value_gives_no_second_mistake(tmp_path):
    with pytest.raises(SettingsError) as caught:
        settings("--attenuate", "much", "--subtraction_mask")
    assert [error.setting for error in caught.value.all] == ["attenuate"]


def test_warns_of_an_output_folder_whose_name_relion_changes():
    (warning,) = parse(["--o", "External/None_1/", "--in_3dref", "map.mrc"]).warnings
    assert "External/None_1/ has None in its name" in warning


@pytest.mark.parametrize("folder", ["new\nline/", "bell\a/", "\udcfc/"])
def test_output_folders_with_unusable_names_are_refused(folder):
    with pytest.raises(OptionError, match="^--o: .*rename"):
        parse(["--o", folder, "--in_3dref", "map.mrc"])


@pytest.mark.parametrize(
    "words", [["--o", "x/"], ["-o", "x/"], ["--O", "x/"], ["--o=x/"], ["-o=x/"], ["--o", "y/", "-o", "x/"]]
)
def test_output_folder_is_found_before_the_options_are_checked(words):
    assert find_output_folder(["--wrong", *words]) == "x/"
    assert parse([*words, "--in_3dref", "map.mrc"]).output_dir == "x/"
