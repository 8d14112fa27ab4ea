# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the files that a job writes, and the kinds of map that follow from the settings."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict, List

if TYPE_CHECKING:  # the names alone need no settings
    from occupy_core.settings.settings import Settings

REPORT = "report.json"
MAPS_TABLE = "occupancy_maps.star"
REGIONS_TABLE = "occupancy_regions.star"
REGION_MASK = "region{:03d}_mask.mrc"
REGION_PARTICLES = {"with": "region{:03d}_with.star", "without": "region{:03d}_without.star"}
MODEL_TABLE = "model_occupancy.star"
MODEL_FILE = "model_occupancy.cif"
MODEL_ATTRIBUTES = "model_occupancy.defattr"
MODEL_REFMAC = "model_groups_refmac.txt"
MODEL_PHENIX = "model_groups_phenix.eff"
GROUP_MASK = "group_{}_mask.mrc"
VOLUMES_TABLE = "occupancy_volumes.csv"
PARTS_TABLE = "occupancy_parts.star"
PART_MASK = "part{:03d}_mask.mrc"
PART_PARTICLES = {"with": "part{:03d}_with.star", "without": "part{:03d}_without.star"}
CLUSTER_MEAN = "cluster{:03d}_mean.mrc"
SPREAD_MAP = "occupancy_spread.mrc"
DIFFERENCE_MAP = "difference{:03d}_{:03d}.mrc"
FIGURE = "logfile.pdf"
CHIMERAX = "occupy.cxc"
NODE_FILE = "RELION_OUTPUT_NODES.star"
PROGRAM = "scipion-em-occupy"


@dataclass(frozen=True)
class OutputKind:
    """One kind of map that a job writes.

    Attributes
    ----------
    file_name : str
        File name, without the prefix of the map.
    title : str
        Name of the kind in words: on pages, and as a label in the map's header.
    is_mask : bool
    """

    file_name: str
    title: str
    is_mask: bool = False


MAP_OUTPUTS: Dict[str, OutputKind] = {
    "scale": OutputKind("scale.mrc", "local scale"),
    "confidence": OutputKind("confidence.mrc", "confidence"),
    "amplified": OutputKind("amplified.mrc", "amplified map"),
    "attenuated": OutputKind("attenuated.mrc", "attenuated map"),
    "sigmoid": OutputKind("sigmoid.mrc", "sigmoid map"),
    "solvent_excluded": OutputKind("solvent_excluded.mrc", "map without solvent"),
    "subtraction_mask_attenuated": OutputKind(
        "subtraction_mask_attenuated.mrc", "subtraction mask from the attenuation", is_mask=True
    ),
    "subtraction_mask_sigmoid": OutputKind(
        "subtraction_mask_sigmoid.mrc", "subtraction mask from the sigmoid", is_mask=True
    ),
    "solvent_definition": OutputKind("solvent_definition.mrc", "solvent definition from the scale", is_mask=True),
}

# Kind of modified map by the setting that asks for it.
MODIFIED = {"amplify": "amplified", "attenuate": "attenuated", "sigmoid": "sigmoid"}
# Kinds of map with density values; the values of all other kinds lie within 0..1.
DENSITIES = ("input", *MODIFIED.values(), "solvent_excluded")
# Kind of subtraction mask by the setting of the modification that the mask is made from.
SUBTRACTION_MASKS = {"attenuate": "subtraction_mask_attenuated", "sigmoid": "subtraction_mask_sigmoid"}


def output_kinds(settings: Settings) -> List[str]:
    """Return the kinds of map (keys of `MAP_OUTPUTS`) that a job with these settings writes for each input map."""
    return ["scale", "confidence", *modified_kinds(settings), *mask_kinds(settings)]


def modified_kinds(settings: Settings) -> List[str]:
    """Return the kinds of modified map that these settings ask for."""
    if settings.exclude_solvent and not settings.modifications:
        return ["solvent_excluded"]
    return [MODIFIED[name] for name in settings.modifications]


def mask_kinds(settings: Settings) -> List[str]:
    """Return the kinds of mask that these settings ask for."""
    subtraction = [mask for name, mask in SUBTRACTION_MASKS.items() if name in settings.modifications]
    definition = [] if settings.solvent_threshold is None else ["solvent_definition"]
    return [*(subtraction if settings.subtraction_mask else []), *definition]


def is_region_mask(name: str) -> bool:
    """Return whether a file has the name of a region's mask."""
    return re.fullmatch(_REGION_MASK_PATTERN, name) is not None


def is_part_mask(name: str) -> bool:
    """Return whether a file has the name of the mask of a part: of an ensemble, or of a fitted model."""
    return re.fullmatch(f"{_PART_MASK_PATTERN}|{_GROUP_MASK_PATTERN}", name) is not None


def is_cluster_mean(name: str) -> bool:
    """Return whether a file has the name of the mean map of a cluster of volumes."""
    return re.fullmatch(_CLUSTER_MEAN_PATTERN, name) is not None


def is_difference_map(name: str) -> bool:
    """Return whether a file has the name of a signed difference of two classes."""
    return re.fullmatch(_DIFFERENCE_PATTERN, name) is not None


def is_particle_file(name: str) -> bool:
    """Return whether a file has the name of the particles with or without a region, or a part of an ensemble."""
    return re.fullmatch(_PARTICLES_PATTERN, name) is not None


def is_output_name(name: str) -> bool:
    """Return whether a job can write a file of this name. Files of other names are never replaced or removed."""
    return re.fullmatch(_OUTPUT_PATTERN, name) is not None


# Prefix of output names: lower-case letters, a number, an underscore; or empty.
_PREFIX_PATTERN = r"([a-z]*\d+_)?"
_REGION_MASK_PATTERN, _DIFFERENCE_PATTERN, *_NUMBERED_PATTERNS = (
    re.escape(name).replace(re.escape("{:03d}"), r"\d{3,}")
    for name in (
        *(REGION_MASK, DIFFERENCE_MAP, PART_MASK, CLUSTER_MEAN),
        *REGION_PARTICLES.values(),
        *PART_PARTICLES.values(),
    )
)
_PART_MASK_PATTERN, _CLUSTER_MEAN_PATTERN = _NUMBERED_PATTERNS[:2]
_PARTICLES_PATTERN = "|".join(_NUMBERED_PATTERNS[2:])
_GROUP_MASK_PATTERN = re.escape(GROUP_MASK).replace(re.escape("{}"), "[A-Za-z0-9_-]+")
_FILES_OF_JOB = (
    *(REPORT, MAPS_TABLE, REGIONS_TABLE, VOLUMES_TABLE, PARTS_TABLE, MODEL_TABLE, MODEL_REFMAC, MODEL_PHENIX),
    *(SPREAD_MAP, FIGURE, CHIMERAX, NODE_FILE),
)
_FILES_OF_MAP = (MODEL_FILE, MODEL_ATTRIBUTES, *(kind.file_name for kind in MAP_OUTPUTS.values()))
_OUTPUT_PATTERN = "|".join(
    (
        *map(re.escape, _FILES_OF_JOB),
        *(_PREFIX_PATTERN + re.escape(name) for name in _FILES_OF_MAP),
        _REGION_MASK_PATTERN,
        _DIFFERENCE_PATTERN,
        *_NUMBERED_PATTERNS,
        _GROUP_MASK_PATTERN,
    )
)
