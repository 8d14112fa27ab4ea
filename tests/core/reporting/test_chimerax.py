# SPDX-License-Identifier: GPL-3.0-or-later
"""occupy.cxc is read here as ChimeraX reads command files: by the grammar of its commands, from the file's folder."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex

from demo.classification import classes
from occupy_core.job.run import run_job
from occupy_core.maps.reading import read_map
from occupy_core.reporting.chimerax import COMMENT_PREFIX, quoted, session_commands
from occupy_core.settings.job_spec import ClassInfo, Job, MapInput
from occupy_core.settings.settings import Settings
from tests.core.reporting.model_reports import model_report

NUMBER = r"-?\d+(\.\d+)?(e-?\d+)?"
MODELS = r"#\d+(-\d+)?(,\d+)*"
COLOUR = r"#[0-9a-f]{6}"
PALETTE = rf"{NUMBER},{COLOUR}(:{NUMBER},{COLOUR})+"
XYZ = rf"{NUMBER},{NUMBER},{NUMBER}"
# Grammar of the commands, from the ChimeraX user guide.
COMMANDS = [
    r"open \S.*",  # what follows is checked in `word`
    rf"volume {MODELS}( style surface| step 1| limitVoxelCount false| level {NUMBER}| color {COLOUR}"
    rf"| voxelSize {NUMBER}| origin {XYZ})+",
    rf"color sample {MODELS} map #\d+ palette {PALETTE}",
    rf"color {MODELS} {COLOUR} target s",
    rf"color byattribute [ar]:\w+ {MODELS} palette {PALETTE}",
    rf"measure mapvalues #\d+ atoms {MODELS} attribute \w+",
    rf"(hide|show) {MODELS}( & ligand)? (models|atoms|cartoons)",
    rf"key( {COLOUR}:({NUMBER})?)+ pos {NUMBER},{NUMBER} size {NUMBER},{NUMBER} fontSize \d+",
    rf'2dlabels text "[^"]*" xpos {NUMBER} ypos {NUMBER} size \d+',
    rf"move [xyz] {NUMBER} coordinateSystem #\d+ models #\d+",
    rf"surface dust {MODELS} size {NUMBER}",
    rf"marker #\d+ position {XYZ} radius {NUMBER} color \w+",
    rf"transparency {MODELS} \d+ target [as]",
    r"view",
]


def word(text):
    """Return the first word of a text, read as in ChimeraX: quotes end before a space, escapes are as in Python."""
    if text[0] in "\"'":
        quoted_word = re.match(rf"{text[0]}(.*?){text[0]}(\s|$)", text)
        assert quoted_word, f"unfinished quotes: {text}"
        rest = text[quoted_word.end() :]
        assert not rest or re.fullmatch(r"models #\d+", rest), f"words after the name: {text}"
        return re.sub(
            r"\\(\\|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})",
            lambda escape: "\\" if escape[1] == "\\" else chr(int(escape[1][1:], 16)),
            quoted_word[1],
        )
    return text.split(";")[0].split()[0]


def commands(path, *, commented=False):
    """Return the commands in a command file, or those in its comments."""
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    if commented:
        return [line[len(COMMENT_PREFIX) :] for line in lines if line.startswith(COMMENT_PREFIX)]
    return [line for line in lines if line and not line.startswith("#")]


def opened_files(path):
    """Return the files that a command file opens, in order, after checking that their paths are relative."""
    here = os.getcwd()
    os.chdir(os.path.dirname(path))  # ChimeraX does so too
    try:
        names = [word(line[len("open ") :]) for line in commands(path) if line.startswith("open ")]
        assert not any(os.path.isabs(name) for name in names)
        return [os.path.realpath(name) for name in names]
    finally:
        os.chdir(here)


@pytest.fixture
def run_one_map(phantom_file, tmp_path):
    """Run a job on a map with a given file name; return the paths of the command file and of the map."""

    def run(name="phantom.mrc"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            Path(phantom_file).rename(path)
        maps = (MapInput(str(path)),)
        run_job(Job(maps, str(tmp_path / "out"), Settings(amplify=3.0, exclude_solvent=True)))
        return tmp_path / "out" / "occupy.cxc", path

    return run


def test_every_command_follows_the_grammar_of_chimerax(run_one_map):
    script, _ = run_one_map()
    lines, to_copy = commands(script), commands(script, commented=True)
    assert len(lines) >= 8 and len(to_copy) >= 8
    for line in [*lines, *to_copy]:
        assert any(re.fullmatch(pattern, line) for pattern in COMMANDS), line


def test_the_map_is_coloured_by_the_scale_at_full_sampling_and_its_outputs_are_hidden(run_one_map):
    script, path = run_one_map()
    assert opened_files(script) == [
        str(path),
        *(str(script.parent / f"{name}.mrc") for name in ("scale", "confidence", "amplified")),
    ]
    lines = commands(script)
    (surface,) = [line for line in lines if line.startswith("volume")]
    assert surface.startswith("volume #1 style surface step 1 limitVoxelCount false level ")
    (coloured,) = [line for line in lines if line.startswith("color sample")]
    assert coloured.startswith("color sample #1 map #2 palette 0,#440154:0.1,") and coloured.endswith(":1,#fde725")
    assert lines.index(surface) < lines.index(coloured) < lines.index("hide #2-4 models")


def test_the_colours_agree_with_the_figures(run_one_map):
    from matplotlib import colormaps
    from matplotlib.colors import to_rgb

    from occupy_core.reporting.pdf.colours import FRACTION_COLOURS

    script, _ = run_one_map()
    (line,) = [line for line in commands(script) if line.startswith("color sample")]
    for pair in line.split("palette ")[1].split(":"):
        value, colour = pair.split(",")
        assert to_rgb(colour) == pytest.approx(colormaps[FRACTION_COLOURS](float(value))[:3], abs=0.01)
    (key,) = [line for line in commands(script) if line.startswith("key")]
    assert [pair.split(",")[1] for pair in line.split("palette ")[1].split(":")] == re.findall(COLOUR, key)


def test_comments_have_commands_for_other_models_one_level_and_the_tile(run_one_map, tmp_path):
    script, path = run_one_map()
    to_copy = commands(script, commented=True)
    assert any(line.startswith("color sample #4 map #2") for line in to_copy)
    assert any(line.startswith("color sample #5 map #2") for line in to_copy)
    assert any(re.fullmatch(rf"volume #1,4 level {NUMBER}", line) for line in to_copy)
    (marker,) = [line for line in to_copy if line.startswith("marker")]
    x, y, z = (float(value) for value in marker.split()[3].split(","))
    volume = read_map(path).data
    # The reference tile lies in the dense part of the map.
    assert volume[round(z / 3), round(y / 3), round(x / 3)] > 0.3 * volume.max()


NAMES = [
    "two words.mrc",
    'with "quotes" in it.mrc',
    "it's one.mrc",
    """both " and ' of them.mrc""",
    """each before a blank " or ' here.mrc""",
    "a;b#1 $HOME ~.mrc",
    "back\\slash\\n.mrc",
    "línea\nbroken.mrc",
    "~home.mrc",
    "1abc.mrc",
    "in a folder; with 'blanks'/map.mrc",
]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_map_with_any_file_name_is_opened(run_one_map, name):
    script, path = run_one_map(name)
    assert opened_files(script)[0] == str(path)


def test_quoted_names_are_read_back_unchanged():
    assert quoted("a b") == '"a b"' and quoted('a"b') == "'a\"b'" and quoted("a\\b") == '"a\\\\b"'
    for name in NAMES:
        assert word(quoted(name)) == name


def test_maps_are_opened_through_links_to_the_output_folder_and_to_the_map(phantom_file, tmp_path):
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "job").symlink_to(tmp_path / "elsewhere" / "deep")
    (tmp_path / "project" / "map.mrc").symlink_to(phantom_file)
    maps = (MapInput(str(tmp_path / "project" / "map.mrc")),)
    run_job(Job(maps, str(tmp_path / "project" / "job"), Settings()))
    script = tmp_path / "project" / "job" / "occupy.cxc"
    assert opened_files(str(script))[0] == phantom_file
    assert '"../../project/map.mrc"' in script.read_text()


def test_a_voxel_size_other_than_in_the_header_is_set(write_mrc, three_parts, tmp_path):
    path = write_mrc(three_parts.volume, "wrong.mrc", 1.0, nxstart=-32, nystart=-30, nzstart=-20)
    run_job(Job((MapInput(path, voxel_size=3.0),), str(tmp_path / "out"), Settings()))
    assert "volume #1 voxelSize 3 origin -96,-90,-60" in commands(tmp_path / "out" / "occupy.cxc")


def test_each_class_has_a_coloured_surface_and_one_class_is_shown(three_parts, write_mrc, tmp_path):
    maps = tuple(
        MapInput(write_mrc(three_parts.volume, f"c{number}.mrc"), f"class00{number}_", None, ClassInfo(number, 0.3))
        for number in (1, 2, 3)
    )
    outputs = run_job(Job(maps, str(tmp_path / "out"), Settings()))
    script = tmp_path / "out" / "occupy.cxc"
    assert opened_files(script) == [
        name
        for number, item in enumerate(maps, start=1)
        for name in (
            item.path,
            *(str(script.parent / f"class00{number}_{kind}.mrc") for kind in ("scale", "confidence")),
        )
    ]
    lines = commands(script)
    coloured = [" ".join(line.split()[:5]) for line in lines if line.startswith("color")]
    assert coloured == ["color sample #1 map #2", "color sample #4 map #5", "color sample #7 map #8"]
    assert "hide #4,7 models" in lines
    assert "hide #1,7 models" in commands(script, commented=True)
    assert "occupy.cxc" in outputs.files
    report = json.loads((script.parent / "report.json").read_text())
    assert "hide #1,7 models\nkey" in session_commands(report, str(script.parent), shown=1)


@pytest.fixture
def compared(write_mrc, tmp_path):
    """The folder and the report of a job that compared three classes."""
    maps = tuple(
        MapInput(write_mrc(made.volume, f"c{number}.mrc", 3.0), f"class00{number}_", None, ClassInfo(number, 0.3))
        for number, made in enumerate(classes(), start=1)
    )
    run_job(Job(maps, str(tmp_path / "out"), Settings(figures=False, difference="1,3"), compare=True))
    return tmp_path / "out", json.loads((tmp_path / "out" / "report.json").read_text())


def test_classes_have_their_regions_and_the_spread(compared):
    folder, report = compared
    script = folder / "occupy.cxc"
    lines, to_copy = commands(script), commands(script, commented=True)
    for line in [*lines, *to_copy]:
        assert any(re.fullmatch(pattern, line) for pattern in COMMANDS), line
    # Three maps with two outputs each have the numbers 1 to 9.
    names = ("occupancy_spread.mrc", "region001_mask.mrc", "region002_mask.mrc", "difference001_003.mrc")
    assert opened_files(script)[9:] == [str(folder / name) for name in names]
    assert "hide #10 models" in lines and "hide #4,7 models" in lines
    for number, colour in ((11, "C0"), (12, "C1")):  # as in the chart of logfile.pdf
        assert f"color #{number} {to_hex(colour)} target s" in lines
        assert f"transparency #{number} 60 target s" in lines
        assert f"volume #{number} style surface step 1 limitVoxelCount false level 0.5" in lines
    assert any(line.startswith("color sample #1 map #10 ") for line in to_copy) and "hide #10-12 models" in to_copy
    assert any("#14" in line for line in to_copy)  # the number of a model that the user opens


def test_difference_of_classes_is_shown_on_either_side_of_zero(compared):
    folder, _ = compared
    lines = (folder / "occupy.cxc").read_text().splitlines()
    (place,) = (number for number, line in enumerate(lines) if line == 'open "difference001_003.mrc"')
    title = "# #13: class 1 minus class 3, in sigma: red where class 3 has more, blue where class 1 has more"
    assert lines[place - 1] == title
    surfaces = "level -4 color #b2182b level 4 color #2166ac"  # unlike the colours of the regions
    assert lines[place + 1] == f"volume #13 style surface step 1 limitVoxelCount false {surfaces}"
    to_copy = commands(folder / "occupy.cxc", commented=True)
    assert "hide #10-12 models" in to_copy and "hide #13 models" in to_copy


def test_classes_have_one_level(compared):
    folder, report = compared

    def levels(of_report):
        lines = session_commands(of_report, str(folder)).splitlines()
        return [line.split(" level ")[1] for line in lines if re.match("volume #[147] ", line)]

    own = [item["surface_level"] for item in report["maps"]]
    assert len(set(own)) == 3 and levels(report) == [f"{max(own):.6g}"] * 3
    # Not of maps on several grey scales, nor without a comparison.
    report["comparison"]["maps"][1]["grey_factor"] = 2.0
    assert levels(report) == [f"{level:.6g}" for level in own]
    assert levels({**report, "comparison": None}) == [f"{level:.6g}" for level in own]
    # Modified maps have the level of the inputs.
    report["comparison"]["maps"][1]["grey_factor"] = 1.0
    for item in report["maps"]:
        item["outputs"]["amplified"] = f"{item['prefix']}amplified.mrc"
    of_volumes = re.findall(r"volume #4 style .* level (\S+)", session_commands(report, str(folder)))
    assert of_volumes == [f"{max(own):.6g}"]


def test_a_fitted_model_is_opened_with_its_attributes_and_coloured(run_one_map, tmp_path):
    script, _ = run_one_map()
    report = json.loads((script.parent / "report.json").read_text())
    report["model"] = {**model_report({"A": [1.0]}), "move_for_viewers_xyz_angstrom": [0.0, -12.5, 30.0]}
    script.write_text(session_commands(report, str(script.parent)), encoding="utf-8")
    for line in [*commands(script), *commands(script, commented=True)]:
        assert any(re.fullmatch(pattern, line) for pattern in COMMANDS), line
    assert [os.path.basename(name) for name in opened_files(script)][-2:] == report["model"]["outputs"]
    assert any(line.startswith("color byattribute r:part_occupancy #5 palette") for line in commands(script))
    shown = [line for line in commands(script) if re.match("(hide|show) #5 ", line)]
    assert shown == ["hide #5 atoms", "show #5 cartoons", "show #5 & ligand atoms"]
    (attributes,) = [line for line in commands(script) if ".defattr" in line]
    assert attributes == 'open "model_occupancy.defattr"'
    assert any(line.startswith("color sample #6 map #2") for line in commands(script, commented=True))
    assert [line for line in commands(script) if line.startswith("move")] == [
        f"move {axis} {distance} coordinateSystem #1 models #5"
        for axis, distance in (("x", "0.000"), ("y", "-12.500"), ("z", "30.000"))
    ]


@pytest.fixture
def classes_with_a_model(three_parts, write_mrc, tmp_path):
    """A function that returns the command file of three classes, of which the last has no model, as an empty class."""

    def make(shown=0, without=(3,)):
        maps = tuple(
            MapInput(write_mrc(three_parts.volume, f"c{number}.mrc"), f"class00{number}_", None, ClassInfo(number, 0.3))
            for number in (1, 2, 3)
        )
        run_job(Job(maps, str(tmp_path / "out"), Settings(figures=False)))
        script = tmp_path / "out" / "occupy.cxc"
        report = json.loads((script.parent / "report.json").read_text())
        files = [
            f"class00{n}_model_occupancy.{end}" for n in (1, 2, 3) if n not in without for end in ("cif", "defattr")
        ]
        moved = {"outputs": files, "move_for_viewers_xyz_angstrom": [1.0, 2.0, 3.0]}
        report["model"] = {**model_report({"A": [1.0] * 3}), **moved}
        script.write_text(session_commands(report, str(script.parent), shown=shown), encoding="utf-8")
        return script

    return make


def test_each_class_has_its_model_and_the_first_is_shown(classes_with_a_model):
    script = classes_with_a_model()
    lines = commands(script)
    for line in [*lines, *commands(script, commented=True)]:
        assert any(re.fullmatch(pattern, line) for pattern in COMMANDS), line
    # Maps are #1, #4 and #7, each with scale and confidence; models follow.
    opened = [os.path.basename(name) for name in opened_files(script)]
    assert opened[9:] == [
        *("class001_model_occupancy.cif", "class001_model_occupancy.defattr"),
        *("class002_model_occupancy.cif", "class002_model_occupancy.defattr"),
    ]
    # Attributes of a class are those of its own model only.
    assert [line.split(" models ")[1] for line in lines if ".defattr" in line] == ["#10", "#11"]
    coloured = [" ".join(line.split()[:4]) for line in lines if line.startswith("color byattribute")]
    assert coloured == ["color byattribute r:part_occupancy #10", "color byattribute r:part_occupancy #11"]
    assert [line for line in lines if line.startswith("move z")] == [
        f"move z 3.000 coordinateSystem #{surface} models #{model}" for surface, model in ((1, 10), (4, 11))
    ]
    assert lines.index("hide #4,7,11 models") > lines.index("show #11 cartoons")
    assert not any(line.startswith("show") and line.endswith("models") for line in lines)


def test_maps_and_models_are_switched_together(classes_with_a_model):
    script = classes_with_a_model()
    text = script.read_text().splitlines()
    for name, hidden, shown in (("class 2", "#1,7,10", "#4,11"), ("class 3", "#1,4,10,11", "#7")):
        start = text.index(f"# {name} instead")
        assert text[start + 1 : start + 3] == [f"#    hide {hidden} models", f"#    show {shown} models"]
    to_copy = commands(script, commented=True)
    for of in ("window", "part"):
        assert any(line.startswith(f"color byattribute r:{of}_occupancy #10,11 palette") for line in to_copy)
    assert any(line.startswith("color sample #12 map #2") for line in to_copy)  # the next free number
    assert "hide #1,7,10 models" in commands(classes_with_a_model(shown=1))


def test_the_key_says_what_is_coloured(classes_with_a_model, run_one_map):
    def labels(script):
        return [re.search('"(.*)"', line)[1] for line in commands(script) if line.startswith("2dlabels")]

    assert labels(classes_with_a_model()) == ["map: local scale", "model: occupancy"]
    assert labels(classes_with_a_model(without=(1, 2, 3))) == ["local scale"]
    script, _ = run_one_map()
    assert labels(script) == ["local scale"]


def test_the_tile_is_placed_by_axis_order_and_start_in_the_header(write_mrc, three_parts, tmp_path):
    """The map has another axis order, start indices, and a cropped working box."""
    volume = np.ascontiguousarray(three_parts.volume.transpose(2, 1, 0))
    path = write_mrc(volume, "turned.mrc", 3.0, mapc=3, mapr=2, maps=1, nxstart=5, nystart=-7, nzstart=11)
    run_job(Job((MapInput(path),), str(tmp_path / "out"), Settings(max_box=32)))
    item = json.loads((tmp_path / "out" / "report.json").read_text())["maps"][0]
    assert item["first_voxel_xyz_angstrom"] == [33, -21, 15]  # x runs along sections, z along columns
    x, y, z = item["reference"]["highest_tile_centre_xyz_angstrom"]
    voxel = [round(value / 3) for value in (x - 33, y + 21, z - 15)]
    assert volume[tuple(voxel)] > 0.3 * volume.max()
