# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the plugin's outputs in Scipion, which its protocols declare and the next steps name."""

from __future__ import annotations

from typing import Dict, Tuple

# For each kind of map that the core writes: the name for one input map, and for a set.
MAP_NAMES: Dict[str, Tuple[str, str]] = {
    "scale": ("scaleMap", "scaleMaps"),
    "confidence": ("confidenceMap", "confidenceMaps"),
    "amplified": ("amplifiedMap", "amplifiedMaps"),
    "attenuated": ("attenuatedMap", "attenuatedMaps"),
    "sigmoid": ("sigmoidMap", "sigmoidMaps"),
    "solvent_excluded": ("solventExcludedMap", "solventExcludedMaps"),
    "subtraction_mask_attenuated": ("subtractionMaskAttenuated", "subtractionMasksAttenuated"),
    "subtraction_mask_sigmoid": ("subtractionMaskSigmoid", "subtractionMasksSigmoid"),
    # Not solventDefinition, the name of an input parameter: in Scipion, parameters and outputs share one namespace.
    "solvent_definition": ("solventDefinitionMask", "solventDefinitionMasks"),
}
REGION_MASK = "regionMask{}"  # with the number of a region of a comparison
DIFFERENCE = "differenceMap"  # signed difference of two classes
REGION_PARTICLES = {"with": "particlesWithRegion{}", "without": "particlesWithoutRegion{}"}
PART_MASK = "partMask{}"  # with the number of a mask of a part: of a fitted model, or of an ensemble
PART_PARTICLES = {"with": "particlesWithPart{}", "without": "particlesWithoutPart{}"}  # for an ensemble of classes
# For an ensemble: the volumes with their clusters and the occupancies of the parts, and the mean map of each cluster.
COMPARED_VOLUMES, CLUSTER_MAPS = "comparedVolumes", "clusterMaps"
