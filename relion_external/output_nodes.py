# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the node file, in which RELION finds the outputs of a job with their types."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import List, Tuple

from occupy_core.files import read_text
from occupy_core.job.outputs import JobOutputs
from occupy_core.settings.output_names import (
    FIGURE,
    MAP_OUTPUTS,
    MAPS_TABLE,
    MODEL_TABLE,
    NODE_FILE,
    PARTS_TABLE,
    REGIONS_TABLE,
    SPREAD_MAP,
    is_difference_map,
)
from relion_files.star_writer import write_star

# Node types as RELION 3.1 reads them (number) and as RELION 4 and 5 read them (label): both columns are always written.
_MAP_NODE = ("6", "DensityMap.mrc")
_MASK_NODE = ("7", "Mask3D.mrc")
_LOG_NODE = ("13", "LogFile.pdf.relion")
_TABLE_NODE = ("90", "ProcessData.star.occupy")
_NODE_COLUMNS = ("rlnPipeLineNodeName", "rlnPipeLineNodeType", "rlnPipeLineNodeTypeLabel")
# Particles are 3 in RELION 3.1, and have another label in RELION 4 than in RELION 5, which begins its files so.
_PARTICLES, _PARTICLES_5 = "ParticlesData.star.relion", "ParticleGroupMetadata.star.relion"
_HEAD_OF_5, _HEAD = "# version 50", 1024


def write_output_nodes(outputs: JobOutputs, folder: Path, job_dir: str) -> None:
    """Write the node file RELION_OUTPUT_NODES.star, in which RELION finds the outputs.

    Parameters
    ----------
    outputs : JobOutputs
        The outputs of the job.
    folder : Path
        The staging folder, to which the file is written.
    job_dir : str
        The output folder as RELION names it, relative to the project.
    """
    nodes: List[Tuple[str, Tuple[str, str]]] = [
        (name, _MASK_NODE if MAP_OUTPUTS[kind].is_mask else _MAP_NODE)
        for item in outputs.maps
        for kind, name in item.files.items()
    ]
    nodes += [(name, _LOG_NODE) for name in outputs.files if name == FIGURE]
    nodes.append((MAPS_TABLE, _TABLE_NODE))
    if outputs.comparison is not None:
        nodes += [(name, _comparison_node(name)) for name in outputs.comparison["outputs"]]
        nodes.append((REGIONS_TABLE, _TABLE_NODE))
    if outputs.ensemble is not None:
        nodes += [(item["mean"], _MAP_NODE) for item in outputs.ensemble["clusters"]]
        nodes += [(part["mask"], _MASK_NODE) for part in outputs.ensemble["parts"]]
        nodes.append((PARTS_TABLE, _TABLE_NODE))
    if outputs.compared is not None:
        from occupy_core.comparing.particle_groups import particle_names  # a job on one map does not load it

        nodes += [(name, ("3", particles_label(job_dir))) for name in particle_names(outputs.compared)]
    if outputs.model is not None:
        nodes += [(part["mask"], _MASK_NODE) for part in outputs.model["parts"] if part["mask"]]
        nodes.append((MODEL_TABLE, _TABLE_NODE))
    rows = [(os.path.join(job_dir, name), *node_type) for name, node_type in nodes]
    write_star(folder / NODE_FILE, {"output_nodes": (_NODE_COLUMNS, rows)})


def _comparison_node(name: str) -> Tuple[str, str]:
    return _MAP_NODE if name == SPREAD_MAP or is_difference_map(name) else _MASK_NODE


def particles_label(job_dir: str) -> str:
    """Return the label that particles have in the version of RELION that runs the job.

    Parameters
    ----------
    job_dir : str
        The output folder, in which RELION has written the job.star just before. Without one, the default_pipeline.star
        of the working folder tells the version.
    """
    for path in (os.path.join(job_dir, "job.star"), "default_pipeline.star"):
        with suppress(OSError, ValueError):
            return _PARTICLES_5 if _HEAD_OF_5 in read_text(path)[:_HEAD] else _PARTICLES
    return _PARTICLES
