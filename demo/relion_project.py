# SPDX-License-Identifier: GPL-3.0-or-later
"""Run jobs in a real RELION project, with relion_pipeliner and without RELION's window."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Dict

from relion_files.star import Table, read_star

EMPTY_PIPELINE = "\n# version 30001\n\ndata_pipeline_general\n\n_rlnPipeLineJobCounter 1\n\n"
STATUS = {0: "Running", 1: "Scheduled", 2: "Succeeded", 3: "Failed", 4: "Aborted"}
# The numbers of RELION 3.1 for types of nodes, by the first two parts of the labels of RELION 4 and 5.
_NODE_TYPES = {
    "ParticlesData.star": 3,
    "ParticleGroupMetadata.star": 3,
    "DensityMap.mrc": 6,
    "Mask3D.mrc": 7,
    "LogFile.pdf": 13,
    "ProcessData.star": 90,
}
_JOB_TYPES = {"Import": 0, "Class3D": 9, "Refine3D": 10, "MaskCreate": 12, "Subtract": 14, "External": 99}


class RelionProject:
    """A new RELION project in a folder.

    Its job files have the format of RELION 3.1, which later versions read too. It works with RELION 3.1, 4 and 5.

    Parameters
    ----------
    folder : Path
        Folder of the project; created if it does not exist.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "default_pipeline.star").write_text(EMPTY_PIPELINE)
        (folder / ".gui_projectdir").touch()
        self._jobs = 0

    def add(self, kind: str, **options: str) -> str:
        """Schedule a job with these job options, and return its name, such as External/job002/."""
        rows = "".join(f"{name} {value}\n" for name, value in options.items())
        (self.folder / "next_job.star").write_text(
            f"data_job\n\n_rlnJobType {_JOB_TYPES[kind]}\n_rlnJobIsContinue 0\n\ndata_joboptions_values\n\nloop_\n"
            f"_rlnJobOptionVariable #1\n_rlnJobOptionValue #2\n{rows}\n"
        )
        self._pipeliner("--addJobFromStar", "next_job.star", seconds=60)
        self._jobs += 1
        return f"{kind}/job{self._jobs:03d}/"

    def add_import(self, map_path: str) -> str:
        """Schedule the import of a map as a 3D reference, and return the name of the job."""
        return self._add_import(map_path, "3D reference (.mrc)")

    def add_import_of_particles(self, star_path: str) -> str:
        """Schedule the import of a particles STAR file, and return the name of the job."""
        return self._add_import(star_path, "Particles STAR file (.star)")

    def run(self, job: str, *, seconds: float = 120) -> str:
        """Run a scheduled job until RELION sees its end, at most some seconds, and return its status."""
        self._pipeliner("--RunJobs", job, "--schedule", "demo", "--sec_wait_after", "1", seconds=seconds)
        return self.status(job)

    def status(self, job: str) -> str:
        """Return the status of a job in default_pipeline.star."""
        rows = self._table("pipeline_processes").columns
        if "rlnPipeLineProcessStatusLabel" in rows:  # RELION 4 and 5
            return dict(zip(rows["rlnPipeLineProcessName"], rows["rlnPipeLineProcessStatusLabel"]))[job]
        return STATUS[int(dict(zip(rows["rlnPipeLineProcessName"], rows["rlnPipeLineProcessStatus"]))[job])]

    def nodes(self) -> Dict[str, int]:
        """Return the names of all nodes in default_pipeline.star, and their types as RELION 3.1 numbers them."""
        rows = self._table("pipeline_nodes").columns
        if "rlnPipeLineNodeTypeLabel" in rows:  # RELION 4 and 5
            return {name: _node_type(label) for name, label in self.node_labels().items()}
        return dict(zip(rows["rlnPipeLineNodeName"], map(int, rows["rlnPipeLineNodeType"])))

    def node_labels(self) -> Dict[str, str]:
        """Return the names of all nodes in default_pipeline.star, and their types as RELION 4 and 5 write them."""
        rows = self._table("pipeline_nodes").columns
        return dict(zip(rows["rlnPipeLineNodeName"], rows["rlnPipeLineNodeTypeLabel"]))

    def input_edges(self) -> list:
        """Return a pair of node and job for each input in default_pipeline.star."""
        return [list(row) for row in zip(*self._table("pipeline_input_edges").columns.values())]

    def _add_import(self, path: str, kind: str) -> str:
        return self.add("Import", do_raw="No", do_other="Yes", fn_in_other=path, node_type=f'"{kind}"')

    def _table(self, name: str) -> Table:
        return read_star(str(self.folder / "default_pipeline.star"))[name]

    def _pipeliner(self, *arguments: str, seconds: float) -> None:
        command = ["relion_pipeliner", *arguments]
        subprocess.run(command, cwd=self.folder, check=True, capture_output=True, timeout=seconds)


def _node_type(label: str) -> int:
    """Return the number that RELION 3.1 has for a label; 0 for types that it does not have."""
    return _NODE_TYPES.get(".".join(label.split(".")[:2]), 0)
