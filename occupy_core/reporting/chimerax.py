# SPDX-License-Identifier: GPL-3.0-or-later
"""A command file for ChimeraX: a job's maps, their surfaces coloured by the local scale.

Commands as the ChimeraX user guide documents them: open, volume, color sample, key, 2dlabels, marker, hide, show, view.
"""

from __future__ import annotations

import os
from typing import Any, Iterable, Iterator, List, Mapping, Sequence, Tuple

from occupy_core.settings.output_names import DENSITIES, MAP_OUTPUTS

Report = Mapping[str, Any]

# viridis, as in the report's figures, at equal steps from 0 to 1.
_COLOURS = ("#440154 #482475 #414487 #355f8d #2a788e #21918c #22a884 #44bf70 #7ad151 #bddf26 #fde725").split()
PALETTE = ":".join(f"{place / (len(_COLOURS) - 1):g},{colour}" for place, colour in enumerate(_COLOURS))
_LABELLED = (0, 5, 10)
_KEY = " ".join(
    f"{colour}:{place / (len(_COLOURS) - 1):g}" if place in _LABELLED else f"{colour}:"
    for place, colour in enumerate(_COLOURS)
)
_MARKERS = 900  # a model number beyond those of any maps
# What leads a command that is there to be copied.
COMMENTED = "#    "


def session_commands(report: Report, output_dir: str, *, shown: int = 0) -> str:
    """The text of the command file.

    Parameters
    ----------
    report : mapping
        Of the job: report.json.
    output_dir : str
        Where the file will be. Paths in it lead from there, since ChimeraX works in a command file's own folder while
        it runs it; so it opens from anywhere, and still does when the whole project is moved.
    shown : int
        Place of the map that is not hidden.
    """
    lines = [
        f"# Local scale by OccuPy for Scipion and RELION {report['version']}, for ChimeraX.",
        "# Open this file from ChimeraX's File menu or with: open PATH/occupy.cxc (in a session without other models,",
        "# since the commands count models from #1). Files are named from this file's folder.",
        "# Lines that begin with # do nothing; commands in them are there to be copied.",
        "",
    ]
    maps: List[Tuple[int, Report]] = []
    number = 1
    for item in report["maps"]:
        last = _last(number, item)
        lines += [f"# #{number}: {_comment(item['name'])}", f"open {quoted(_from(output_dir, item['input']))}"]
        lines += _placed(number, item)
        for place, (kind, name) in enumerate(item["outputs"].items(), start=number + 1):
            lines += [f"# #{place}: its {_words(kind)}", f"open {quoted(name)}"]
        lines += [_surface(number, item), _coloured(number, number + 1), f"hide #{number + 1}-{last} models", ""]
        maps.append((number, item))
        number = last + 1
    hidden = [number for number, _ in maps[:shown] + maps[shown + 1 :]]
    lines += [f"hide {_models(hidden)} models"] if hidden else []
    lines.append(f"key {_KEY} pos 0.7,0.06 size 0.25,0.035 fontSize 16")
    lines += ['2dlabels text "local scale" xpos 0.7 ypos 0.11 size 18', "view", "", *_more(maps, shown)]
    return "\n".join(lines) + "\n"


def quoted(text: str) -> str:
    """A word of a command, whatever is in it: in quotes that are not in it, and escaped as in Python."""
    escaped = "".join(letter if letter.isprintable() else _escape(letter) for letter in text.replace("\\", "\\\\"))
    if '"' not in escaped:
        return f'"{escaped}"'
    return f"'{escaped}'" if "'" not in escaped else '"{}"'.format(escaped.replace('"', "\\x22"))


def _more(maps: Sequence[Tuple[int, Report]], shown: int) -> List[str]:
    """Commands to go on with, as comments."""
    (first, item), free = maps[shown], _last(*maps[-1]) + 1
    lines = ["# More, to be copied into ChimeraX's command line:"]

    def add(text: str, *commands: str) -> None:
        lines.extend([f"# {text}", *(COMMENTED + command for command in commands)])

    for number, other in maps:
        if number != first:
            hidden = _models(place for place, _ in maps if place != number)
            add(f"{_comment(other['name'])} instead", f"hide {hidden} models", f"show #{number} models")
    for number, other in maps:
        for place, kind in enumerate(other["outputs"], start=number + 1):
            if kind in DENSITIES:
                commands = (f"hide #{number} models", f"show #{place} models", _surface(place, other))
                add(f"#{place}, {_words(kind)}, instead of #{number}", *commands, _coloured(place, number + 1))
    add("one level for all maps", f"volume {_models(_densities(maps))} level {item['surface_level']:.6g}")
    add("small pieces of noise away", f"surface dust #{first} size 10")
    add(f"the surface of another model, #{free}, in the same colours", _coloured(free, first + 1))
    add(
        f"the atoms of an atomic model, #{free}, by the scale where they are",
        f"measure mapvalues #{first + 1} atoms #{free} attribute local_scale",
        f"color byattribute a:local_scale #{free} palette {PALETTE}",
    )
    for _, other in maps:
        reference = other["reference"]
        centre = ",".join(f"{value:.2f}" for value in reference["highest_tile_centre_xyz_angstrom"])
        add(
            f"where full scale was found in {_comment(other['name'])}: a ball as wide as the tile",
            f"marker #{_MARKERS} position {centre} radius {reference['tile_edge_angstrom'] / 2:.2f} color orange",
            f"transparency #{_MARKERS} 50 target a",
        )
    return lines


def _surface(number: int, item: Report) -> str:
    # All of the grid, whatever its size, where ChimeraX would take every second voxel of a large map.
    return f"volume #{number} style surface step 1 limitVoxelCount false level {item['surface_level']:.6g}"


def _coloured(surface: int, scale: int) -> str:
    return f"color sample #{surface} map #{scale} palette {PALETTE}"


def _placed(number: int, item: Report) -> List[str]:
    """The input where its outputs lie, when its own header says another voxel size."""
    if item["header_voxel_size_angstrom"] == item["voxel_size_angstrom"]:
        return []
    origin = ",".join(f"{value:.6g}" for value in item["first_voxel_xyz_angstrom"])
    return [f"volume #{number} voxelSize {item['voxel_size_angstrom']:.8g} origin {origin}"]


def _last(number: int, item: Report) -> int:
    return number + len(item["outputs"])


def _densities(maps: Sequence[Tuple[int, Report]]) -> Iterator[int]:
    for number, item in maps:
        yield number
        yield from (place for place, kind in enumerate(item["outputs"], start=number + 1) if kind in DENSITIES)


def _models(numbers: Iterable[int]) -> str:
    return f"#{','.join(map(str, numbers))}"


def _words(kind: str) -> str:
    return MAP_OUTPUTS[kind].title if kind in MAP_OUTPUTS else kind


def _from(folder: str, path: str) -> str:
    """A path from a folder, whatever links lead to either; never one that ChimeraX would take for something else."""
    target = os.path.join(os.path.realpath(os.path.dirname(path) or "."), os.path.basename(path))
    found = os.path.relpath(target, os.path.realpath(folder))
    return found if found.startswith(os.pardir) else os.path.join(os.curdir, found)


def _comment(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _escape(letter: str) -> str:
    code = ord(letter)
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
