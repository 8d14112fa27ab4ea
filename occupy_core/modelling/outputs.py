# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the model with its occupancies and masks of its parts, and make the model's part of the report."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Dict, List, Optional, Sequence, Tuple

import gemmi
import numpy as np

from occupy_core.arrays.rigid_motion import RigidMotion
from occupy_core.comparing.occupancies import Interval
from occupy_core.comparing.outputs import mean_over_particles
from occupy_core.errors import ModelError
from occupy_core.files import write_text
from occupy_core.maps.writing import write_map
from occupy_core.modelling.atoms.atomic_model import (
    AtomicModel,
    Residue,
    find_entities,
    is_alternative,
    number_of,
    read_structure,
)
from occupy_core.modelling.atoms.groups import Group, file_name_of
from occupy_core.modelling.describe import one_means
from occupy_core.modelling.fit.frame import possible_frames
from occupy_core.modelling.model_occupancy import ModelOccupancy, PartOccupancy
from occupy_core.modelling.part_masks import mask_of_part
from occupy_core.modelling.refinement_groups import phenix_parameters, refmac_keywords
from occupy_core.modelling.stretches import Stretch, low_stretches
from occupy_core.settings.job_spec import MapInput
from occupy_core.settings.output_names import GROUP_MASK, MODEL_ATTRIBUTES, MODEL_FILE, MODEL_PHENIX, MODEL_REFMAC

Report = Dict[str, Any]
# Chain, number, insertion code and name.
ResidueKey = Tuple[str, int, str, str]


def write_model_outputs(
    result: ModelOccupancy, maps: Sequence[MapInput], folder: Path, *, kind: str, masks: str
) -> Report:
    """Write a model and its attributes for each map, and the masks of parts.

    Parameters
    ----------
    result : ModelOccupancy
    maps : sequence of MapInput
        The maps, in the order of the result.
    folder : Path
        Where to write.
    kind : str
        What a part is: the setting `model_groups`.
    masks : str
        The setting `model_masks`: "yes", "no", or names of parts behind commas.

    Returns
    -------
    dict
        The model's part of report.json; "outputs" names the files.

    Raises
    ------
    ModelError
        If `masks` names no part.
    """
    names: List[str] = []
    for item, occupancies, traces in zip(maps, result.occupancies, result.traces):
        names += [item.prefix + MODEL_FILE, item.prefix + MODEL_ATTRIBUTES]
        _write_model(folder / names[-2], result, occupancies)
        _write_attributes(folder / names[-1], result, occupancies, traces)
    for name, text in ((MODEL_REFMAC, refmac_keywords), (MODEL_PHENIX, phenix_parameters)):
        write_text(folder / name, text(result.model, result.groups))
        names.append(name)
    mask_names: Dict[str, str] = {}
    for group in masked_groups(result.groups, masks):
        mask_names[group.name] = GROUP_MASK.format(_unique(file_name_of(group.name), mask_names))
        mask = mask_of_part(result, group)
        write_map(folder / mask_names[group.name], mask, result.grid, label=f"mask of {group.name}"[:60])
        del mask  # frees its memory before the next mask is made
    frame = _frame_report(result)
    return {
        "model": result.model.path,
        "parts_are": kind,
        **frame,
        "finest_angstrom": result.finest,
        "whole": list(result.whole),
        "one_means": one_means(result.whole, result.is_whole_given),
        "maps": [_map_report(*values) for values in zip(maps, result.correlations, result.motions)],
        "parts": [
            {
                "name": group.name,
                "residues": group.residues,
                "atoms": len(group.atoms),
                "mass_kilodalton": group.mass,
                "mask": mask_names.get(group.name),
                "occupancies": [
                    {
                        **_part_report(item, of_map[index]),
                        "chains_differ": (number, index) in result.uneven,
                        "local_scale": None,  # filled once the scale is known
                    }
                    for number, (item, of_map) in enumerate(zip(maps, result.occupancies))
                ],
                **_of_all_particles([of_map[index] for of_map in result.occupancies], maps),
            }
            for index, group in enumerate(result.groups)
        ],
        "windows": _windows_report(result, maps),
        "least_occupied_stretches": [_stretch_report(item, maps) for item in low_stretches(result)],
        "differences": [
            {
                "part": result.groups[item.group].name,
                "lowest": maps[item.lowest].name,
                "highest": maps[item.highest].name,
                "low": item.low,
                "difference": item.value,
                "high": item.high,
            }
            for item in result.differences
        ],
        "outputs": [*names, *mask_names.values()],
        "warnings": [*result.warnings, *filter(None, [frame["frame_warning"]])],
    }


def masked_groups(groups: Sequence[Group], masks: str) -> List[Group]:
    """Return the groups whose masks the setting `model_masks` asks for.

    Raises
    ------
    ModelError
        If it names no group.
    """
    known = {group.name: group for group in groups}
    word = masks.strip().lower()
    if word not in known:  # a chain may be called 0 or 1
        if word in ("no", "false", "off", "0"):
            return []
        if word in ("yes", "true", "on", "1"):
            return list(groups)
    chosen = [name.strip() for name in masks.split(",") if name.strip()]
    for name in chosen:
        if name not in known:
            raise ModelError(f"model_masks: found {name!r}, expected yes, no, or names of parts: {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(chosen)]


def _unique(name: str, taken: Dict[str, str]) -> str:
    """Return a name, with a number where another part has the same in a file name.

    Small and capital letters count as the same, as they do on the disks of macOS and Windows.
    """
    others = {item.lower() for item in taken.values()}
    number, result = 1, name
    while GROUP_MASK.format(result).lower() in others:
        number += 1
        result = f"{name}_{number}"
    return result


def _write_model(path: Path, result: ModelOccupancy, occupancies: Sequence[PartOccupancy]) -> None:
    """Write the whole model of the file, with the occupancies of the parts in place of its own."""
    structure = read_structure(result.model.path)
    find_entities(structure)
    structure.assign_label_seq_id()  # viewers connect residues by these numbers, which PDB files do not have
    values: Dict[ResidueKey, float] = {}
    for group, occupancy in zip(result.groups, occupancies):
        if not np.isnan(occupancy.value):
            residues = np.unique(result.model.residue_of_atom[group.atoms])
            values.update((_key_of(result.model.residues[index]), occupancy.value) for index in residues)
    for chain in structure[0]:
        for residues in _by_place(chain):
            found = [values[key] for key in ((chain.name, *number_of(r), r.name) for r in residues) if key in values]
            weights = _weights(residues)
            for atom in (atom for residue in residues for atom in residue if found):
                atom.occ = round(found[0] * weights.get(atom.altloc, 1.0), 3)
    write_text(path, structure.make_mmcif_document().as_string())  # gemmi itself would write through a link


def _key_of(residue: Residue) -> ResidueKey:
    return residue.chain, residue.number, residue.insertion, residue.name


def _by_place(chain: gemmi.Chain) -> List[List[gemmi.Residue]]:
    """Return the residues of a chain, those that are alternatives at one place together."""
    places: List[List[gemmi.Residue]] = []
    alternatives: Dict[Tuple[int, str], List[gemmi.Residue]] = {}
    for residue in chain:
        if not is_alternative(residue):
            places.append([residue])
        elif number_of(residue) in alternatives:
            alternatives[number_of(residue)].append(residue)
        else:
            places.append(alternatives.setdefault(number_of(residue), [residue]))
    return places


def _weights(residues: Sequence[gemmi.Residue]) -> Dict[str, float]:
    """Return the share of each alternative location at a place; atoms that have one location are not in it."""
    highest: Dict[str, float] = {}
    for atom in (atom for residue in residues for atom in residue if atom.has_altloc()):
        highest[atom.altloc] = max(highest.get(atom.altloc, 0.0), atom.occ)
    total = sum(highest.values())
    return {name: value / total if total > 0 else 1 / len(highest) for name, value in highest.items()}


def _write_attributes(
    path: Path, result: ModelOccupancy, occupancies: Sequence[PartOccupancy], traces: Sequence[PartOccupancy]
) -> None:
    """Write the occupancies of the parts and of the windows as attributes of the residues, for ChimeraX."""
    model = result.model
    lines = ["# Occupancy of each residue's part, and of the window along the chain that it lies in."]
    lines += ["attribute: part_occupancy", "match mode: any", "recipient: residues"]
    for group, occupancy in zip(result.groups, occupancies):
        lines += _attribute_lines(model, group.atoms, occupancy)
    lines += ["attribute: window_occupancy", "match mode: any", "recipient: residues"]
    for window, occupancy in zip(result.windows, traces):
        lines += _attribute_lines(model, window.atoms, occupancy)
    write_text(path, "\n".join(lines) + "\n")


def _attribute_lines(model: AtomicModel, atoms: Any, occupancy: PartOccupancy) -> List[str]:
    if np.isnan(occupancy.value):
        return []
    residues = [model.residues[index] for index in np.unique(model.residue_of_atom[atoms])]
    places = dict.fromkeys(f"/{item.chain}:{item.number}{item.insertion}" for item in residues)
    return [f"\t{place}\t{occupancy.value:.3f}" for place in places]


def _map_report(item: MapInput, correlation: float, motion: RigidMotion) -> Report:
    info = asdict(item.class_info) if item.class_info else {"number": None, "share": None, "particles": None}
    info.pop("ssnr", None)
    moved = {"rotation_degrees": motion.angle, "shift_angstrom": motion.shift}
    return {"name": item.name, "input": item.path, **info, "correlation": correlation, **moved}


def _part_report(item: MapInput, occupancy: PartOccupancy) -> Report:
    values = {"low": occupancy.low, "occupancy": occupancy.value, "high": occupancy.high, "noise": occupancy.noise}
    return {"name": item.name, **{name: None if np.isnan(value) else value for name, value in values.items()}}


def _windows_report(result: ModelOccupancy, maps: Sequence[MapInput]) -> List[Report]:
    return [
        {
            "chain": window.chain,
            "first": window.first,
            "last": window.last,
            "atoms": len(window.atoms),
            "occupancies": [_part_report(item, of_map[index]) for item, of_map in zip(maps, result.traces)],
        }
        for index, window in enumerate(result.windows)
    ]


def _stretch_report(item: Stretch, maps: Sequence[MapInput]) -> Report:
    values = asdict(item)
    return {"name": maps[values.pop("map")].name, "occupancy": values.pop("value"), **values}


def _of_all_particles(occupancies: Sequence[PartOccupancy], maps: Sequence[MapInput]) -> Report:
    """Return the mean over all particles of a classification; None where a class is missing or hides the part."""
    mean: Optional[Interval] = None
    if len(maps) > 1 and not any(np.isnan(item.value) for item in occupancies):
        mean = mean_over_particles([Interval(item.low, item.value, item.high) for item in occupancies], maps)
    low, value, high = mean or (None, None, None)
    name = "occupancy_of_all_particles"
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _frame_report(result: ModelOccupancy) -> Report:
    """Return where the model lies, and how viewers must move it to show it in the map: None where they need not."""
    shown = possible_frames(result.grid)[0]
    move = None
    if result.frame != shown:
        move = [value - other for value, other in zip(shown.first_voxel, result.frame.first_voxel)]
    return {
        "frame": result.frame.name,
        "first_voxel_xyz_angstrom": list(result.frame.first_voxel),
        "move_for_viewers_xyz_angstrom": move,
        "frame_warning": move and _frame_warning(result.frame.name, move),
    }


def _frame_warning(name: str, move: Sequence[float]) -> str:
    by = ", ".join(f"{value:.2f}" for value in move)
    return (
        f"the model lies in the frame of {name}, so viewers do not show it in the map; occupy.cxc moves it there, by "
        f"({by}) Å"
    )
