# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the tutorial's jobs in a real RELION project: from simulated particles to the particles that have a domain."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Dict

from demo.particles import CLASSIFICATION, PARTICLES, REFERENCE, write_particles
from demo.relion_project import RelionProject

FIRST, FOCUSED = 12, 8  # iterations


def run_tutorial(folder: Path) -> Dict[str, str]:
    """Run the jobs of docs/tutorial.md in a new project, which replaces the folder; takes about a minute.

    Parameters
    ----------
    folder : Path
        The project. `relion_external_occupy` and RELION's commands must be on the PATH.

    Returns
    -------
    dict of str to str
        Names of the jobs: "classes", "regions", "subtract", "focused", "result".

    Raises
    ------
    RuntimeError
        If a job does not succeed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    project = RelionProject(folder)
    write_particles(folder)

    def run(job: str) -> str:
        if project.run(job, seconds=600) != "Succeeded":
            raise RuntimeError(f"{job} has not succeeded; see {folder / job / 'run.err'}")
        return job

    run(project.add_import_of_particles(PARTICLES))
    run(project.add_import(REFERENCE))
    start = {"fn_img": "Import/job001/particles.star", "fn_ref": "Import/job002/reference.mrc"}
    occupy = {"fn_exe": "relion_external_occupy", "param1_label": "particles", "param1_value": "yes", "nr_threads": "2"}
    classes = run(project.add("Class3D", **{**CLASSIFICATION, **start, "nr_iter": str(FIRST)}))
    last = f"{classes}run_it{FIRST:03d}"
    regions = run(project.add("External", in_part=f"{last}_data.star", **occupy))
    mask = f"{regions}region001_mask.mrc"
    subtract = run(project.add("Subtract", fn_opt=f"{last}_optimiser.star", fn_mask=mask, do_center_mask="No"))
    within = {"fn_img": f"{subtract}particles_subtracted.star", "fn_mask": mask, "nr_iter": str(FOCUSED)}
    # The mask lies in the pose of this class.
    reference = json.loads((folder / regions / "report.json").read_text(encoding="utf-8"))["comparison"]["reference"]
    focused = run(project.add("Class3D", **{**CLASSIFICATION, **within, "fn_ref": reference}))
    result = run(project.add("External", in_part=f"{focused}run_it{FOCUSED:03d}_data.star", **occupy))
    return {"classes": classes, "regions": regions, "subtract": subtract, "focused": focused, "result": result}


def main() -> int:
    """Run the tutorial's jobs in the folder that the command line names, and say where to look."""
    if len(sys.argv) != 2 or Path(sys.argv[1]).exists():
        print("usage: python -m demo.tutorial FOLDER, the name of a new folder", file=sys.stderr)
        return 1
    # The command of this environment, whatever else is installed.
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    folder = Path(sys.argv[1])
    jobs = run_tutorial(folder)
    print(f"A RELION project: {folder}. To look: {folder / jobs['regions']}/logfile.pdf and {folder / jobs['result']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
