# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic structures of a Scipion project: the model that a job wrote, with attributes that Scipion's viewers show."""

from __future__ import annotations

import os
from typing import Any, Dict, Optional, Sequence

from pwem.objects import AtomStruct, SetOfAtomStructs, SetOfVolumes, Volume
from pyworkflow.object import Integer

from occupy_core.files import write_text
from occupy_scipion.sources import SourceMap, is_classification

# The attributes of residues in the core's file for ChimeraX, and their names in Scipion.
ATTRIBUTES = ("part_occupancy", "window_occupancy")
# Category of an mmCIF file, and its columns, from which Scipion's viewers read attributes of atoms or residues.
_CATEGORY = "_scipion_attributes."
_RECIPIENT = "residues"


def read_attributes(path: str) -> Dict[str, Dict[str, str]]:
    """Return the values in a file of attributes for ChimeraX (.defattr), by attribute and by residue.

    Residues are named as in Scipion's attributes: "A:12" for residue 12 of chain A.
    """
    attributes: Dict[str, Dict[str, str]] = {}
    name = ""
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("attribute: "):
                name = line.split(": ", 1)[1].strip()
                attributes.setdefault(name, {})
            elif line.startswith("\t/"):
                residue, value = line[2:].rstrip("\n").split("\t")
                attributes[name][residue] = value
    return attributes


def add_attributes(model: str, attributes: Dict[str, Dict[str, str]]) -> None:
    """Write attributes of residues into an mmCIF file, where Scipion's viewers find them.

    Parameters
    ----------
    model : str
        Path of the file. The same attributes of an earlier run are replaced.
    attributes : dict
        As `read_attributes` returns them.
    """
    # Imported here: without gemmi, the plugin's other protocols must still be found.
    from gemmi import cif

    rows = [(name, residue, value) for name, values in attributes.items() for residue, value in values.items()]
    document = cif.read(model)
    block = document.sole_block()
    for item in block:
        # Scipion's viewers write the file again with Biopython, which fails at empty values, such as gemmi writes for
        # the space group of a model that has none.
        if item.pair is not None and cif.as_string(item.pair[1]) == "" and not cif.is_null(item.pair[1]):
            block.set_pair(item.pair[0], "?")
    block.set_mmcif_category(
        _CATEGORY,
        {
            "name": [name for name, _, _ in rows],
            "recipient": [_RECIPIENT] * len(rows),
            "specifier": [residue for _, residue, _ in rows],
            "value": [value for _, _, value in rows],
        },
    )
    write_text(f"{model}.part", document.as_string())
    os.replace(f"{model}.part", model)


def output_model(source: SourceMap, path: str, comment: str, *, volume: Optional[Volume] = None) -> AtomStruct:
    """Return an AtomStruct for a model that the core wrote.

    Parameters
    ----------
    source : SourceMap
        The map that the occupancies were read in.
    path : str
        Path of the model.
    comment : str
        What the model is.
    volume : Volume, optional
        The input map, which Scipion's viewers open with the model.
    """
    model = AtomStruct(filename=path)
    model.setObjComment(comment)
    if volume is not None:
        model.setVolume(volume)
    if source.particles is not None:
        model._classSize = Integer(source.particles)
    return model


def fill_set(models: SetOfAtomStructs, sources: Sequence[SourceMap], items: Sequence[AtomStruct]) -> None:
    """Add models to a set, with the ids of their maps."""
    for source, item in zip(sources, items):
        item.setObjId(source.item_id)
        models.append(item)


def volumes_by_id(input_object: Any) -> Dict[int, Volume]:
    """Return copies of the maps of a Volume, a SetOfVolumes or 3D classes, by the ids of `SourceMap`."""
    # Both iterators use one object for all items.
    if is_classification(input_object):
        found = {
            item.getObjId(): item.getRepresentative().clone()
            for item in input_object.iterItems()
            if item.hasRepresentative()
        }
    elif isinstance(input_object, SetOfVolumes):
        found = {item.getObjId(): item.clone() for item in input_object.iterItems()}
    else:
        return {0: input_object.clone()}
    for volume in found.values():
        # The representative of a class has no sampling rate of its own.
        volume.setSamplingRate(volume.getSamplingRate() or input_object.getSamplingRate())
    return found
