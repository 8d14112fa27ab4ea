# SPDX-License-Identifier: GPL-3.0-or-later
"""Command file for ChimeraX that opens a job's maps and colours their surfaces by the local scale.

With a fitted model, it opens the model of each map too, coloured by the occupancy of its parts. With a comparison of
classes, it opens the spread of the occupancy and a transparent surface around each region.
The commands (open, volume, color, color sample, transparency, key, 2dlabels, marker, hide, show, view) are those of the
ChimeraX user guide.
"""

from __future__ import annotations

from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple

from occupy_core.reporting.chimerax_words import comment, quoted, relative_path
from occupy_core.reporting.ensemble_chimerax import PART_COLOURS, ensemble_commands
from occupy_core.settings.output_names import DENSITIES, MAP_OUTPUTS, MODEL_ATTRIBUTES, MODEL_FILE

Report = Mapping[str, Any]
# Model number in ChimeraX of a map, and the map's report; the map's outputs have the numbers that follow.
NumberedMap = Tuple[int, Report]
# Model number in ChimeraX of a fitted model, by that of its map.
FittedModels = Dict[int, int]

# Viridis, as in logfile.pdf, at equal steps of the local scale from 0 to 1.
_COLOURS = ("#440154 #482475 #414487 #355f8d #2a788e #21918c #22a884 #44bf70 #7ad151 #bddf26 #fde725").split()
PALETTE = ":".join(f"{step / (len(_COLOURS) - 1):g},{colour}" for step, colour in enumerate(_COLOURS))
_DIFFERENCE_COLOURS = ("#b2182b", "#2166ac")  # below and above 0: dark red, dark blue, unlike regions
_REGION_TRANSPARENCY = 60  # percent
_SAME_GREY_SCALE = 1.25  # at most this factor between the common part of two maps
_LABELLED_STEPS = (0, 5, 10)
_KEY = " ".join(
    f"{colour}:{step / (len(_COLOURS) - 1):g}" if step in _LABELLED_STEPS else f"{colour}:"
    for step, colour in enumerate(_COLOURS)
)
_MARKER_MODEL = 900  # model number of the tile markers, beyond the numbers of all maps
COMMENT_PREFIX = "#    "  # before a command that ChimeraX does not run and users may copy


def session_commands(report: Report, output_dir: str, *, shown: int = 0) -> str:
    """Return the text of the command file.

    Paths in the text are relative to the output folder, since ChimeraX runs a command file in the file's own folder.
    So the file opens from any folder, also after the project was moved.

    Parameters
    ----------
    report : mapping
        Report of the job, as in report.json.
    output_dir : str
        Output folder, in which the file will be.
    shown : int
        Index in `report["maps"]` of the map that is shown, with its fitted model; the others are hidden.
    """
    lines = [
        f"# Local scale by OccuPy for Scipion and RELION {report['version']}, for ChimeraX.",
        "# Open this file from ChimeraX's File menu or with: open PATH/occupy.cxc (in a session without other models,",
        "# since the commands count models from #1). Files are named from this file's folder.",
        "# Lines that begin with # do nothing; commands in them are there to be copied.",
        "",
    ]
    ensemble = report.get("ensemble")
    if not report["maps"]:  # the volumes of an ensemble are compared only
        lines += ensemble_commands(ensemble) if ensemble else []
        return "\n".join([*lines, "view"]) + "\n"
    maps: List[NumberedMap] = []
    number = 1
    level_of_all = _level_of_all(report)
    for item in report["maps"]:
        level = item["surface_level"] if level_of_all is None else level_of_all
        # The file of an inverted map has negative density; its outputs have not.
        item = {**item, "surface_level": level, "input_level": -level if report["settings"].get("invert") else level}
        lines += _map_commands(number, item, output_dir)
        maps.append((number, item))
        number = _last_model(number, item) + 1
    fitted = _fitted_models(report.get("model"), maps, number)
    for surface, item in maps:
        if surface in fitted:
            lines += _model_commands(fitted, surface, item, report["model"])
    free, comparison = number + len(fitted), report.get("comparison") or {"outputs": ()}
    if ensemble:  # of classes, whose own maps are shown instead of the means of clusters
        lines += ensemble_commands(ensemble, free, shows_means=False)
        free += len(ensemble["clusters"]) + len(ensemble["parts"])
    hidden = [number for number, _ in maps[:shown] + maps[shown + 1 :]]
    hide = [f"hide {_models(_with_fitted(hidden, fitted))} models"] if hidden else []
    lines += [*_comparison_commands(free, comparison), *hide, *_key_commands(bool(fitted)), "view", ""]
    return "\n".join([*lines, *_commands_to_copy(maps, fitted, shown, (free, comparison))]) + "\n"


def _map_commands(number: int, item: Report, output_dir: str) -> List[str]:
    """Return commands that open a map and its outputs, colour the map's surface and hide the outputs."""
    lines = [f"# #{number}: {comment(item['name'])}", f"open {quoted(relative_path(item['input'], output_dir))}"]
    lines += _voxel_size_commands(number, item)
    for output_number, (kind, name) in enumerate(item["outputs"].items(), start=number + 1):
        lines += [f"# #{output_number}: its {_title(kind)}", f"open {quoted(name)}"]
    hide = f"hide #{number + 1}-{_last_model(number, item)} models"
    return [*lines, _surface(number, item["input_level"]), _colour_by_scale(number, number + 1), hide, ""]


def _fitted_models(report: Optional[Report], maps: Sequence[NumberedMap], number: int) -> FittedModels:
    """Return the model number in ChimeraX, from `number` on, of the fitted model of each map that has one."""
    written = report["outputs"] if report else ()
    with_model = [surface for surface, item in maps if item["prefix"] + MODEL_FILE in written]
    return {surface: number + index for index, surface in enumerate(with_model)}


def _model_commands(fitted: FittedModels, surface: int, item: Report, report: Report) -> List[str]:
    """Return commands that open the fitted model of a map, coloured by the occupancy of its parts."""
    number = fitted[surface]
    # Without the option, the attributes of the last class would replace those of all others.
    only = f" models #{number}" if len(fitted) > 1 else ""
    return [
        f"# #{number}: the fitted model in {comment(item['name'])}, coloured by the occupancy of its parts",
        f"open {quoted(item['prefix'] + MODEL_FILE)}",
        *_moves(number, surface, report.get("move_for_viewers_xyz_angstrom")),
        f"open {quoted(item['prefix'] + MODEL_ATTRIBUTES)}{only}",
        f"hide #{number} atoms",
        f"show #{number} cartoons",
        f"show #{number} & ligand atoms",
        _colour_by_occupancy([number], "part"),
        f"transparency #{surface} 60 target s",
        "",
    ]


def _level_of_all(report: Report) -> Optional[float]:
    """Return the level of the surfaces of all maps that were compared, above the noise of each.

    None without a comparison, or if its maps are not on one grey scale.
    """
    compared = (report.get("comparison") or {}).get("maps") or (report.get("ensemble") or {}).get("volumes") or []
    factors = [item["grey_factor"] for item in compared] or [None]
    if not all(factor and 1 / _SAME_GREY_SCALE < factor < _SAME_GREY_SCALE for factor in factors):
        return None
    return float(max(item["surface_level"] for item in report["maps"]))


def _comparison_commands(number: int, comparison: Report) -> List[str]:
    """Return commands that open the spread of the occupancy, hidden, and a transparent surface around each region."""
    lines = []
    colours = {item["mask"]: PART_COLOURS[(item["number"] - 1) % 10] for item in comparison.get("regions", ())}
    for model, name in enumerate(comparison["outputs"], start=number):
        if name in colours:
            lines += [
                f"# #{model}: region in which classes differ",
                f"open {quoted(name)}",
                f"volume #{model} style surface step 1 limitVoxelCount false level 0.5",
                f"color #{model} {colours[name]} target s",
                f"transparency #{model} {_REGION_TRANSPARENCY} target s",
                "",
            ]
        elif name == (comparison.get("difference") or {}).get("map"):
            lines += _difference_commands(model, comparison["difference"])
        else:
            title = f"# #{model}: difference in occupancy between classes"
            lines += [title, f"open {quoted(name)}", f"hide #{model} models", ""]
    return lines


def _difference_commands(model: int, difference: Report) -> List[str]:
    """Return commands that open the signed difference of two classes with a surface on either side of 0."""
    (first, second), level = map(comment, difference["classes"]), difference["shown_at_sigmas"]
    levels = " ".join(f"level {side * level:g} color {colour}" for side, colour in zip((-1, 1), _DIFFERENCE_COLOURS))
    return [
        f"# #{model}: {first} minus {second}, in sigma: red where {second} has more, blue where {first} has more",
        f"open {quoted(difference['map'])}",
        f"volume #{model} style surface step 1 limitVoxelCount false {levels}",
        "",
    ]


def _with_fitted(numbers: Sequence[int], fitted: FittedModels) -> List[int]:
    """Return the numbers of maps, and those of their fitted models."""
    return [*numbers, *(fitted[number] for number in numbers if number in fitted)]


def _key_commands(has_model: bool) -> List[str]:
    """Return commands that draw the key of the colours, and say what they are."""
    labels = [("local scale", 0.11)] if not has_model else [("map: local scale", 0.15), ("model: occupancy", 0.11)]
    return [
        f"key {_KEY} pos 0.7,0.06 size 0.25,0.035 fontSize 16",
        *(f'2dlabels text "{text}" xpos 0.7 ypos {height} size 18' for text, height in labels),
    ]


def _moves(number: int, surface: int, move: Optional[Sequence[float]]) -> List[str]:
    """Return commands that move a model along x, y and z (Å) in the coordinates of a map."""
    return [
        f"move {axis} {distance:.3f} coordinateSystem #{surface} models #{number}"
        for axis, distance in zip("xyz", move or ())
    ]


def _commands_to_copy(
    maps: Sequence[NumberedMap], fitted: FittedModels, shown: int, compared: NumberedMap
) -> List[str]:
    """Return comments with further commands, for users to copy into ChimeraX.

    `compared` has the first model number of the outputs of the comparison, and its report.
    """
    first, item = maps[shown]
    free = compared[0] + len(compared[1]["outputs"])
    lines = ["# More, to be copied into ChimeraX's command line:"]

    def add(text: str, *commands: str) -> None:
        lines.extend([f"# {text}", *(COMMENT_PREFIX + command for command in commands)])

    for number, other in maps:
        if number != first:
            hidden = _with_fitted([model for model, _ in maps if model != number], fitted)
            shows = f"show {_models(_with_fitted([number], fitted))} models"
            add(f"{comment(other['name'])} instead", f"hide {_models(hidden)} models", shows)
    for number, other in maps:
        for model, kind in enumerate(other["outputs"], start=number + 1):
            if kind in DENSITIES:
                commands = (f"hide #{number} models", f"show #{model} models", _surface(model, other["surface_level"]))
                add(f"#{model}, {_title(kind)}, instead of #{number}", *commands, _colour_by_scale(model, number + 1))
    if fitted:
        windows = "the fitted model by the occupancy of the windows along its chains, instead of its parts"
        add(windows, _colour_by_occupancy(fitted.values(), "window"))
        add("the fitted model by the occupancy of its parts again", _colour_by_occupancy(fitted.values(), "part"))
    if compared[1]["outputs"]:
        add(f"#{first} by how much the occupancy differs between classes", _colour_by_scale(first, compared[0]))
        add(f"#{first} by the local scale again", _colour_by_scale(first, first + 1))
        has_difference = bool(compared[1].get("difference"))
        add("no regions", f"hide #{compared[0]}-{free - 1 - has_difference} models")
        if has_difference:
            add("no difference of classes", f"hide #{free - 1} models")
    add("one level for all maps", *_common_levels(maps, item))
    add("small pieces of noise away", f"surface dust #{first} size 10")
    add(f"the surface of another model, #{free}, in the same colours", _colour_by_scale(free, first + 1))
    add(
        f"the atoms of an atomic model, #{free}, by the scale where they are",
        f"measure mapvalues #{first + 1} atoms #{free} attribute local_scale",
        f"color byattribute a:local_scale #{free} palette {PALETTE}",
    )
    for _, other in maps:
        add(f"where full scale was found in {comment(other['name'])}: a ball as wide as the tile", *_tile_marker(other))
    return lines


def _tile_marker(item: Report) -> List[str]:
    """Return commands that draw a transparent ball at the reference tile of a map."""
    reference = item["reference"]
    centre = ",".join(f"{value:.2f}" for value in reference["highest_tile_centre_xyz_angstrom"])
    radius = reference["tile_edge_angstrom"] / 2
    return [
        f"marker #{_MARKER_MODEL} position {centre} radius {radius:.2f} color orange",
        f"transparency #{_MARKER_MODEL} 50 target a",
    ]


def _surface(number: int, level: float) -> str:
    # Show every voxel: by default, ChimeraX shows every second voxel of a large map.
    return f"volume #{number} style surface step 1 limitVoxelCount false level {level:.6g}"


def _colour_by_scale(surface: int, scale: int) -> str:
    return f"color sample #{surface} map #{scale} palette {PALETTE}"


def _colour_by_occupancy(models: Iterable[int], of: str) -> str:
    """Return the command that colours fitted models by the occupancy of the "part" or the "window" of each residue."""
    return f"color byattribute r:{of}_occupancy {_models(models)} palette {PALETTE}"


def _voxel_size_commands(number: int, item: Report) -> List[str]:
    """Return the command that overlays the input on its outputs when its header has another voxel size."""
    if item["header_voxel_size_angstrom"] == item["voxel_size_angstrom"]:
        return []
    origin = ",".join(f"{value:.6g}" for value in item["first_voxel_xyz_angstrom"])
    return [f"volume #{number} voxelSize {item['voxel_size_angstrom']:.8g} origin {origin}"]


def _last_model(number: int, item: Report) -> int:
    """Return the model number of the last output of a map."""
    return number + len(item["outputs"])


def _common_levels(maps: Sequence[NumberedMap], item: Report) -> Iterator[str]:
    """Yield the commands that show the surfaces of all inputs and modified maps at the level of one map."""
    inputs = [number for number, _ in maps]
    modified = [
        model
        for number, other in maps
        for model, kind in enumerate(other["outputs"], start=number + 1)
        if kind in DENSITIES
    ]
    if item["input_level"] == item["surface_level"]:
        inputs, modified = sorted(inputs + modified), []
    yield f"volume {_models(inputs)} level {item['input_level']:.6g}"
    if modified:
        yield f"volume {_models(modified)} level {item['surface_level']:.6g}"


def _models(numbers: Iterable[int]) -> str:
    return f"#{','.join(map(str, numbers))}"


def _title(kind: str) -> str:
    return MAP_OUTPUTS[kind].title if kind in MAP_OUTPUTS else kind
