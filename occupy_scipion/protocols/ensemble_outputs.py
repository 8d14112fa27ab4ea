# SPDX-License-Identifier: GPL-3.0-or-later
"""Scipion objects for a comparison of many volumes: the volumes by composition, mean maps, masks of the parts."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Sequence

from pwem.objects import EMObject, SetOfVolumes, Volume, VolumeMask
from pyworkflow.object import Float, Integer
from pyworkflow.protocol import Protocol

from occupy_core.reporting import scipion_names
from occupy_scipion.protocols.outputs import CLASS_SIZE, set_file_and_grid
from occupy_scipion.sources import SourceMap, is_classification

# Attributes of a compared volume: number of its cluster, grey scale relative to the others, occupancies of the parts.
CLUSTER, GREY_FACTOR, OCCUPANCY = "_occupyCluster", "_occupyGreyFactor", "_occupyPart{}"


def ensemble_outputs(
    protocol: Protocol, ensemble: Mapping[str, Any], chosen: EMObject, sources: Sequence[SourceMap]
) -> Dict[str, EMObject]:
    """Return the outputs by name.

    Parameters
    ----------
    protocol : Protocol
        The protocol, whose extra folder has the files.
    ensemble : mapping
        The ensemble's part of report.json.
    chosen : EMSet
        The set of volumes, or the 3D classes, that were compared.
    sources : sequence of SourceMap
        Its maps.
    """
    first, voxel_size = sources[0], ensemble["voxel_size_angstrom"]

    def with_file(volume: Volume, name: str, title: str) -> Volume:
        return set_file_and_grid(volume, first, protocol._getExtraPath(name), title, voxel_size=voxel_size)

    created: Dict[str, EMObject] = {
        scipion_names.COMPARED_VOLUMES: _compared_volumes(protocol, ensemble, chosen),
        scipion_names.CLUSTER_MAPS: protocol._createSetOfVolumes(suffix="_clusters"),
    }
    clusters = created[scipion_names.CLUSTER_MAPS]
    clusters.setSamplingRate(voxel_size)
    for cluster in ensemble["clusters"]:
        title = f"mean of cluster {cluster['number']}, {cluster['volumes']} volumes"
        volume = with_file(Volume(), cluster["mean"], title)
        volume.setObjId(cluster["number"])
        setattr(volume, CLASS_SIZE, Integer(cluster["volumes"]))
        _set_occupancies(volume, cluster["occupancies"])
        clusters.append(volume)
    for part in ensemble["parts"]:
        kind = "moves" if part["moves"] else "comes and goes"
        title = f"mask of part {part['number']}, which {kind}"
        created[scipion_names.PART_MASK.format(part["number"])] = with_file(VolumeMask(), part["mask"], title)
    return created


def _compared_volumes(protocol: Protocol, ensemble: Mapping[str, Any], chosen: EMObject) -> SetOfVolumes:
    """Return the volumes that were compared, with their ids, their clusters and the occupancies of the parts."""
    found = {item["number"]: item for item in ensemble["volumes"]}
    volumes = _set_type(chosen).create(protocol._getPath(), prefix="volumes", suffix="compared")
    volumes.setSamplingRate(chosen.getSamplingRate())
    for item in chosen.iterItems():
        row = found.get(item.getObjId())
        if row is None:
            continue  # left out of the comparison
        volume = (item.getRepresentative() if is_classification(chosen) else item).clone()
        volume.setObjId(item.getObjId())
        volume.setSamplingRate(chosen.getSamplingRate())
        setattr(volume, CLUSTER, Integer(row["cluster"]))
        setattr(volume, GREY_FACTOR, Float(row["grey_factor"]))
        _set_occupancies(volume, [value for _, value, _ in row["occupancies"]])
        volumes.append(volume)
    return volumes


def _set_type(chosen: EMObject) -> type:
    """Return the class of a set for the items of a set of volumes, or for the representatives of classes."""
    # Averages of subtomograms have a class of sets of their own, which classes of subtomograms name.
    return getattr(chosen, "REP_SET_TYPE", SetOfVolumes) if is_classification(chosen) else type(chosen)


def _set_occupancies(volume: Volume, values: Sequence[float]) -> None:
    for number, value in enumerate(values, start=1):
        setattr(volume, OCCUPANCY.format(number), Float(value))
