# SPDX-License-Identifier: GPL-3.0-or-later
"""occupy.cxc, read as ChimeraX reads a command file: its grammar, its quotes, its folder."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from occupy_core.job.run import run_job
from occupy_core.maps.reading import read_map
from occupy_core.reporting.chimerax import COMMENTED, quoted, session_commands
from occupy_core.settings.job_spec import ClassInfo, Job, MapInput
from occupy_core.settings.settings import Settings

NUMBER = r"-?\d+(\.\d+)?(e-?\d+)?"
MODELS = r"#\d+(-\d+)?(,\d+)*"
COLOUR = r"#[0-9a-f]{6}"
PALETTE = rf"{NUMBER},{COLOUR}(:{NUMBER},{COLOUR})+"
XYZ = rf"{NUMBER},{NUMBER},{NUMBER}"
# As the ChimeraX user guide has them.
COMMANDS = [
    r"open \S.*",
    rf"volume {MODELS}( style surface| step 1| limitVoxelCount false| level {NUMBER}| voxelSize {NUMBER}"
    rf"| origin {XYZ})+",
    rf"color sample {MODELS} map #\d+ palette {PALETTE}",
    rf"color byattribute a:\w+ {MODELS} palette {PALETTE}",
    rf"measure mapvalues #\d+ atoms {MODELS} attribute \w+",
    rf"(hide|show) {MODELS} models",
    rf"key( {COLOUR}:({NUMBER})?)+ pos {NUMBER},{NUMBER} size {NUMBER},{NUMBER} fontSize \d+",
    rf'2dlabels text "[^"]*" xpos {NUMBER} ypos {NUMBER} size \d+',
    rf"surface dust {MODELS} size {NUMBER}",
    rf"marker #\d+ position {XYZ} radius {NUMBER} color \w+",
    rf"transparency {MODELS} \d+ target a",
    r"view",
]


def word(text):
    """The first word of a text, as ChimeraX takes it: quotes end before a blank, escapes are Python's."""
    if text[0] in "\"'":
        found = re.match(rf"{text[0]}(.*?){text[0]}(\s|$)", text)
        assert found, f"unfinished quotes: {text}"
        assert found.end() == len(text), f"words after the name: {text}"
        return re.sub(
            r"\\(\\|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8})",
            lambda it: "\\" if it[1] == "\\" else chr(int(it[1][1:], 16)),
            found[1],
        )
    return text.split(";")[0].split()[0]


def commands(path, *, commented=False):
    lines = Path(path).read_text(encoding="utf-8").splitlines()
    if commented:
        return [line[len(COMMENTED) :] for line in lines if line.startswith(COMMENTED)]
    return [line for line in lines if line and not line.startswith("#")]


def opened(path):
    """The files that the command file opens, in order, as found from its own folder."""
    here = os.getcwd()
    os.chdir(os.path.dirname(path))  # as ChimeraX does
    try:
        names = [word(line[len("open ") :]) for line in commands(path) if line.startswith("open ")]
        assert not any(os.path.isabs(name) for name in names)
        return [os.path.realpath(name) for name in names]
    finally:
        os.chdir(here)


@pytest.fixture
def job(phantom_file, tmp_path):
    def run(name="phantom.mrc", settings=None, **more):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            Path(phantom_file).rename(path)
        maps = (MapInput(str(path), **more),)
        run_job(Job(maps, str(tmp_path / "out"), settings or Settings(amplify=3.0, exclude_solvent=True)))
        return tmp_path / "out" / "occupy.cxc", path

    return run


def test_every_command_is_one_that_chimerax_has(job):
    script, _ = job()
    lines, copied = commands(script), commands(script, commented=True)
    assert len(lines) >= 8 and len(copied) >= 8
    for line in [*lines, *copied]:
        assert any(re.fullmatch(pattern, line) for pattern in COMMANDS), line


def test_the_map_is_coloured_by_the_scale_at_full_sampling_and_the_rest_hidden(job):
    script, path = job()
    assert opened(script) == [
        str(path),
        *(str(script.parent / f"{name}.mrc") for name in ("scale", "confidence", "amplified")),
    ]
    lines = commands(script)
    (surface,) = [line for line in lines if line.startswith("volume")]
    assert surface.startswith("volume #1 style surface step 1 limitVoxelCount false level ")
    (coloured,) = [line for line in lines if line.startswith("color sample")]
    assert coloured.startswith("color sample #1 map #2 palette 0,#440154:0.1,") and coloured.endswith(":1,#fde725")
    assert lines.index(surface) < lines.index(coloured) < lines.index("hide #2-4 models")


def test_the_colours_are_those_of_the_figures(job):
    from matplotlib import colormaps
    from matplotlib.colors import to_rgb

    from occupy_core.reporting.pdf.slices import FRACTION_COLOURS

    script, _ = job()
    (line,) = [line for line in commands(script) if line.startswith("color sample")]
    for pair in line.split("palette ")[1].split(":"):
        value, colour = pair.split(",")
        assert to_rgb(colour) == pytest.approx(colormaps[FRACTION_COLOURS](float(value))[:3], abs=0.01)
    (key,) = [line for line in commands(script) if line.startswith("key")]
    assert [pair.split(",")[1] for pair in line.split("palette ")[1].split(":")] == re.findall(COLOUR, key)


def test_there_are_commands_for_other_models_one_level_and_the_tile(job, tmp_path):
    script, path = job()
    copied = commands(script, commented=True)
    assert any(line.startswith("color sample #4 map #2") for line in copied)
    assert any(line.startswith("color sample #5 map #2") for line in copied)
    assert any(re.fullmatch(rf"volume #1,4 level {NUMBER}", line) for line in copied)
    (marker,) = [line for line in copied if line.startswith("marker")]
    x, y, z = (float(value) for value in marker.split()[3].split(","))
    volume = read_map(path).data
    # Full scale is found where the map is dense.
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


@pytest.mark.parametrize("name", NAMES)
def test_any_name_of_a_file_is_found(job, name):
    script, path = job(name)
    assert opened(script)[0] == str(path)


def test_names_are_quoted():
    assert quoted("a b") == '"a b"' and quoted('a"b') == "'a\"b'" and quoted("a\\b") == '"a\\\\b"'
    for name in NAMES:
        assert word(quoted(name)) == name


def test_links_to_the_folder_or_the_map_do_not_mislead(phantom_file, tmp_path):
    (tmp_path / "elsewhere" / "deep").mkdir(parents=True)
    (tmp_path / "project").mkdir()
    (tmp_path / "project" / "job").symlink_to(tmp_path / "elsewhere" / "deep")
    (tmp_path / "project" / "map.mrc").symlink_to(phantom_file)
    maps = (MapInput(str(tmp_path / "project" / "map.mrc")),)
    run_job(Job(maps, str(tmp_path / "project" / "job"), Settings()))
    script = tmp_path / "project" / "job" / "occupy.cxc"
    assert opened(str(script))[0] == phantom_file
    assert '"../../project/map.mrc"' in script.read_text()


def test_a_wrong_header_is_put_right(write_mrc, three_parts, tmp_path):
    path = write_mrc(three_parts.volume, "wrong.mrc", 1.0, nxstart=-32, nystart=-30, nzstart=-20)
    run_job(Job((MapInput(path, voxel_size=3.0),), str(tmp_path / "out"), Settings()))
    assert "volume #1 voxelSize 3 origin -96,-90,-60" in commands(tmp_path / "out" / "occupy.cxc")


def test_classes_have_a_surface_each_and_one_is_shown(three_parts, write_mrc, tmp_path):
    maps = tuple(
        MapInput(write_mrc(three_parts.volume, f"c{number}.mrc"), f"class00{number}_", None, ClassInfo(number, 0.3))
        for number in (1, 2, 3)
    )
    outputs = run_job(Job(maps, str(tmp_path / "out"), Settings()))
    script = tmp_path / "out" / "occupy.cxc"
    assert opened(script) == [
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


def test_the_tile_lies_where_viewers_show_it(write_mrc, three_parts, tmp_path):
    """With another axis order, start indices, and a box that was cropped for the computation."""
    volume = np.ascontiguousarray(three_parts.volume.transpose(2, 1, 0))
    path = write_mrc(volume, "turned.mrc", 3.0, mapc=3, mapr=2, maps=1, nxstart=5, nystart=-7, nzstart=11)
    run_job(Job((MapInput(path),), str(tmp_path / "out"), Settings(max_box=32)))
    item = json.loads((tmp_path / "out" / "report.json").read_text())["maps"][0]
    assert item["first_voxel_xyz_angstrom"] == [33, -21, 15]  # x runs along sections, z along columns
    x, y, z = item["reference"]["highest_tile_centre_xyz_angstrom"]
    voxel = [round(value / 3) for value in (x - 33, y + 21, z - 15)]
    assert volume[tuple(voxel)] > 0.3 * volume.max()
