# SPDX-License-Identifier: GPL-3.0-or-later
"""A real RELION project without its window: jobs are added and run by relion_pipeliner."""

from __future__ import annotations

import linecache
import subprocess
from pathlib import Path
from typing import Dict

import starfile

EMPTY_PIPELINE = "\n# version 30001\n\ndata_pipeline_general\n\n_rlnPipeLineJobCounter 1\n\n"
STATUS = {0: "Running", 1: "Scheduled", 2: "Succeeded", 3: "Failed", 4: "Aborted"}
_JOB_TYPES = {"Import": 0, "Class3D": 9, "MaskCreate": 12, "Subtract": 14, "External": 99}


class RelionProject:
    """A new project in a folder, whose jobs are written for RELION 3.1 and read by later ones too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "default_pipeline.star").write_text(EMPTY_PIPELINE)
        (folder / ".gui_projectdir").touch()
        self._jobs = 0

    def add(self, kind: str, **options: str) -> str:
        """Schedule a job with these options and return its name, such as External/job002/."""
        rows = "".join(f"{name} {value}\n" for name, value in options.items())
        (self.folder / "next_job.star").write_text(
            f"data_job\n\n_rlnJobType {_JOB_TYPES[kind]}\n_rlnJobIsContinue 0\n\ndata_joboptions_values\n\nloop_\n"
            f"_rlnJobOptionVariable #1\n_rlnJobOptionValue #2\n{rows}\n"
        )
        self._pipeliner("--addJobFromStar", "next_job.star", seconds=60)
        self._jobs += 1
        return f"{kind}/job{self._jobs:03d}/"

    def add_import(self, map_path: str) -> str:
        """Schedule the import of a map as a 3D reference."""
        return self._add_import(map_path, "3D reference (.mrc)")

    def add_import_of_particles(self, star_path: str) -> str:
        """Schedule the import of a particles STAR file."""
        return self._add_import(star_path, "Particles STAR file (.star)")

    def _add_import(self, path: str, kind: str) -> str:
        return self.add("Import", do_raw="No", do_other="Yes", fn_in_other=path, node_type=f'"{kind}"')

    def run(self, job: str, *, seconds: float = 120) -> str:
        """Run a scheduled job to its end, as RELION sees it, and return its status."""
        self._pipeliner("--RunJobs", job, "--schedule", "demo", "--sec_wait_after", "1", seconds=seconds)
        return self.status(job)

    def status(self, job: str) -> str:
        """The status of a job in default_pipeline.star."""
        rows = self._table("pipeline_processes").set_index("rlnPipeLineProcessName")
        return STATUS[int(rows.loc[job, "rlnPipeLineProcessStatus"])]

    def nodes(self) -> Dict[str, int]:
        """The type of every node in default_pipeline.star."""
        rows = self._table("pipeline_nodes")
        return dict(zip(rows["rlnPipeLineNodeName"], rows["rlnPipeLineNodeType"]))

    def input_edges(self) -> list:
        """Pairs of a node and the job that takes it."""
        return self._table("pipeline_input_edges").values.tolist()

    def _table(self, name: str):
        linecache.clearcache()  # starfile reads through it and would see the file of the first call
        return starfile.read(self.folder / "default_pipeline.star", always_dict=True)[name]

    def _pipeliner(self, *words: str, seconds: float) -> None:
        subprocess.run(["relion_pipeliner", *words], cwd=self.folder, check=True, capture_output=True, timeout=seconds)
